"""Whether a load was run by the rules, read from the journal alone: it shares no code with what decided.

The history of each cohort is played again, event by event in the order in which they were written down.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from bench.noop.load import BORROW, QUOTA, Kind, Load
from situs.store.tables import events, queued, runs

SEEN_S = 1.0
"""Who was handed in so long ago is known to the control plane, and so are the places where it may run."""
LENT_S = 1.5
"""Beyond the longest run, at most so long may a queue be kept from its own quota by what others have borrowed."""
TOLD = re.compile(r"ends at noop: it (?:makes room for|gives back what \S+ has lent to \S+, for) ([^,\s]+)")


@dataclass
class Queue:
    """One queue as it stands at some point of its history."""

    used: int = 0
    waiting: dict[str, datetime] = field(default_factory=dict)
    """by name, since when"""
    kept_since: datetime | None = None
    """somebody who fits its own quota waits since then"""


def broken(connection: Connection, load: Load) -> Iterator[str]:
    """A sentence for each rule that was broken."""
    yield from _done(connection, load)
    history: dict[str, list[tuple[datetime, str, str, str]]] = defaultdict(list)
    wanted = select(events.c.at, events.c.kind, events.c.workload, events.c.text).order_by(events.c.seq)
    for at, kind, name, text in connection.execute(wanted):
        if name is not None and kind in ("submitted", "placed", "leaving", "ended"):
            history[name.partition("-")[0]].append((at, kind, name, text))
    for happened in history.values():
        yield from Cohort(load, happened).broken()


def _done(connection: Connection, load: Load) -> Iterator[str]:
    """Everything ran to its end once, for as long as it was to."""
    kinds = {kind.name: kind for kind in load.kinds}
    ends: Counter[str] = Counter()
    for name, outcome, began, over in connection.execute(
        select(runs.c.workload, runs.c.outcome, runs.c.placed_at, runs.c.ended_at)
    ):
        if outcome == "succeeded":
            ends[name] += 1
            if (over - began).total_seconds() < kinds[name.split("-")[2]].lasts_s:
                yield f"{name} ended after {over - began}"
        elif outcome != "stopped":
            yield f"{name} came to a strange end: {outcome}"
    names = set(connection.execute(select(queued.c.name)).scalars())
    if len(names) != load.total or set(ends) != names or max(ends.values()) != 1:
        yield f"{len(ends)} of {load.total} are done, one of them {max(ends.values())} times"


class Cohort:
    def __init__(self, load: Load, happened: list[tuple[datetime, str, str, str]]) -> None:
        self._happened = happened
        self._kinds: Mapping[str, Kind] = {kind.name: kind for kind in load.kinds}
        self._longest_s = max(kind.lasts_s for kind in load.kinds)
        self._most = load.queues * QUOTA
        self._queues: dict[str, Queue] = defaultdict(Queue)
        self._used = 0

    def broken(self) -> Iterator[str]:
        for at, kind, name, text in self._happened:
            queue_name, _, rest = name.rpartition("-")[0].rpartition("-")
            queue, size = self._queues[queue_name], self._kinds[rest].units
            if kind == "submitted":
                queue.waiting[name] = at
            elif kind == "placed":
                del queue.waiting[name]
                yield from self._overtaken(at, queue_name, queue, name)
                queue.used += size
                self._used += size
                if queue.used > QUOTA + BORROW:
                    yield f"{at}: {queue_name} uses {queue.used}"
                if self._used > self._most:
                    yield f"{at}: the cohort of {queue_name} uses {self._used}"
            elif kind == "leaving":
                yield from self._unfair(at, queue_name, queue, name, text)
            else:
                queue.used -= size
                self._used -= size
                if "ended at noop: stopped" in text:
                    queue.waiting[name] = at
            yield from self._kept(at, queue_name, queue, placed=kind == "placed")

    def _kind(self, name: str) -> Kind:
        return self._kinds[name.split("-")[2]]

    def _overtaken(self, at: datetime, queue_name: str, queue: Queue, name: str) -> Iterator[str]:
        """Nobody begins before one of higher priority that would have fitted in just as well."""
        free = min(QUOTA + BORROW - queue.used, self._most - self._used)
        for other, since in queue.waiting.items():
            kind = self._kind(other)
            higher = kind.priority > self._kind(name).priority
            if higher and kind.units <= free and (at - since).total_seconds() > SEEN_S:
                yield f"{at}: {name} began, and {other} of {queue_name} waits since {since}"
                return

    def _unfair(self, at: datetime, queue_name: str, queue: Queue, name: str, text: str) -> Iterator[str]:
        """A run gives way to a higher priority of its queue, or to a queue that has lent what it uses."""
        found = TOLD.match(text)
        winner = found.group(1) if found else ""
        if not winner:
            yield f"{at}: {name} was ended: {text}"
            return
        of = winner.rpartition("-")[0].rpartition("-")[0]
        if winner not in self._queues[of].waiting:
            yield f"{at}: {name} makes room for {winner}, which does not wait"
        elif of == queue_name and self._kind(winner).priority <= self._kind(name).priority:
            yield f"{at}: {name} makes room for {winner} of no higher priority"
        elif of != queue_name and queue.used <= QUOTA:
            yield f"{at}: {name} gives back what {queue_name} did not borrow"

    def _kept(self, at: datetime, queue_name: str, queue: Queue, *, placed: bool) -> Iterator[str]:
        """What a queue's own quota allows does not wait for long."""
        fits = any(self._kind(name).units <= QUOTA - queue.used for name in queue.waiting)
        if not fits or placed:
            queue.kept_since = at if fits else None
            return
        queue.kept_since = queue.kept_since or at
        waited_s = (at - queue.kept_since).total_seconds()
        if waited_s > self._longest_s + LENT_S:
            yield f"{at}: {queue_name} is kept from its own quota for {waited_s:.1f} s"
            queue.kept_since = at
