"""A run's life as spans, derived from what is written down of it: nothing has to be remembered while it runs.

All runs of a unit share a trace, wherever and however often it was started.  Ids are hashes of what they stand for, so
whoever exports a run again after a crash gives the same spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from situs.store.events import Event
from situs.store.runs import Run
from situs.store.steps import Entry

STAGES = {"start": "staged"}
"""What a step is called in a trace, where that is not its own name"""


@dataclass(frozen=True)
class Span:
    """Something that took a while."""

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    began: datetime
    ended: datetime
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    """why it failed; None: it did not"""


@dataclass(frozen=True)
class Life:
    """All that is written down of one run."""

    run: Run
    decided_at: datetime | None
    """when its plan came into force, or the run before it ended, whichever was later; None: it was found at a site"""
    entries: Sequence[Entry]
    events: Sequence[Event]


def spans(life: Life, salt: str) -> Iterator[Span]:
    """A run that has ended, from the decision to its end. ``salt`` tells databases apart."""
    run = life.run
    assert run.ended_at is not None
    began = min(life.decided_at or run.placed_at, run.placed_at)
    failed = None if run.outcome in ("succeeded", "stopped") else (run.cause or run.outcome)
    known = {
        "situs.workload": run.workload, "situs.unit": run.unit, "situs.generation": run.generation,
        "situs.site": run.site, "situs.pool": run.pool, "situs.plan": run.plan, "situs.outcome": run.outcome,
        "situs.exit_code": run.exit_code, "situs.reason": run.reason,
    }  # fmt: skip
    trace, root = _trace(run, salt), _root(run, salt)
    attributes = {name: value for name, value in known.items() if value is not None}
    yield Span(trace, root, None, f"run {run.workload}", began, run.ended_at, attributes, failed)

    def part(name: str, since: datetime, until: datetime) -> Span:
        return Span(trace, _id(salt, "part", _key(run), name), root, name, since, max(since, until))

    yield part("planned", began, run.placed_at)
    for step in life.entries:
        if step.state != "begun" and step.kind != "release":
            yield step_span(run, step, _begun(life.entries, step), salt)
    if run.started_at is not None:
        turn = next((event.at for event in life.events if event.kind == "turn"), None)
        if turn is not None:
            yield part("queued", run.started_at, turn)
        yield part("running", turn or run.started_at, run.ended_at)


def step_span(run: Run, step: Entry, began: datetime, salt: str) -> Span:
    """A step that has come to its end."""
    attributes = {"situs.step": step.step, "situs.site": step.site, "situs.lease_token": step.token}
    error = (step.cause or step.state) if step.state != "done" else None
    name = STAGES.get(step.kind, step.kind)
    span_id = _id(salt, "step", step.step)
    return Span(_trace(run, salt), span_id, _root(run, salt), name, began, step.at, attributes, error)


def _begun(entries: Sequence[Entry], ended: Entry) -> datetime:
    return next((e.at for e in entries if e.step == ended.step and e.state == "begun"), ended.at)


def _trace(run: Run, salt: str) -> int:
    return int.from_bytes(_digest(salt, "trace", run.workload, str(run.unit))[:16], "big")


def _root(run: Run, salt: str) -> int:
    return _id(salt, "run", _key(run))


def _key(run: Run) -> str:
    return f"{run.workload}.{run.unit}@{run.generation}"


def _id(*parts: str) -> int:
    return int.from_bytes(_digest(*parts)[:8], "big")


def _digest(*parts: str) -> bytes:
    return sha256("\0".join(parts).encode()).digest()
