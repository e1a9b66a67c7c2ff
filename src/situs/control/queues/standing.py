"""How queues stand, and who waits where in them: read from the database, for people and programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from sqlalchemy import Connection

from situs.control.queues.accounts import COUNTED, Account, Numbers, account_of, added, asked
from situs.control.queues.waiting import score
from situs.control.waiting import is_over
from situs.model.error import InputError
from situs.model.queue import Queue
from situs.store import plans, queued, runs
from situs.store.database import Database
from situs.store.queued import Piece, Queued
from situs.store.runs import Run

NOTHING: Numbers = (0.0,) * len(COUNTED)


@dataclass(frozen=True)
class Standing:
    """One piece of work in a queue."""

    name: str
    queue: str
    priority: int
    by: str
    handed_in: datetime
    state: str
    """``waiting``, ``running`` (or about to, or ending), ``done``, ``failed``, ``stopped``"""
    place: int | None
    """in the line, from 1; None: it does not wait"""
    last: Run | None


@dataclass(frozen=True)
class QueueView:
    """One queue."""

    name: str
    cohort: str | None
    share: float
    quota: Mapping[str, float]
    """what is limited, and to how much"""
    used: Mapping[str, float]
    borrowed: Mapping[str, float]
    """of what is used, beyond the quota"""
    running: int
    waiting: int
    first: str | None
    """who is next"""


@dataclass(frozen=True)
class Queues:
    """All of them, with all that is in them."""

    queues: Mapping[str, Queue]
    entries: Sequence[Standing]
    pieces: Mapping[str, Piece]
    work: Mapping[str, str]
    """name -> what it is to run"""

    def views(self) -> list[QueueView]:
        """Each queue."""
        by_queue: dict[str, list[Standing]] = defaultdict(list)
        for entry in self.entries:
            by_queue[entry.queue].append(entry)
        return [self._view(name, queue, by_queue[name]) for name, queue in sorted(self.queues.items())]

    def _view(self, name: str, queue: Queue, entries: Sequence[Standing]) -> QueueView:
        account = account_of(name, queue)
        running = [entry for entry in entries if entry.state == "running"]
        waiting = sorted((e for e in entries if e.place is not None), key=lambda entry: entry.place or 0)
        used = NOTHING
        for entry in running:
            used = added(used, self._amount(entry))
        beyond = tuple(max(0.0, there - quota) for there, quota in zip(used, account.quota, strict=True))
        return QueueView(
            name, queue.cohort, queue.share, _limited(account, account.quota), _limited(account, used),
            _limited(account, beyond), len(running), len(waiting), waiting[0].name if waiting else None,
        )  # fmt: skip

    def _amount(self, entry: Standing) -> Numbers:
        shapes = self.pieces[self.work[entry.name]].workload.shapes
        return next(
            (asked(s) for s in shapes if entry.last is not None and s.name == entry.last.shape), NOTHING
        )


def read(connection: Connection) -> Queues:
    """All queues of the plan in force, and what was handed in to any."""
    target = plans.in_force(connection)
    queues = plans.load(connection, target.plan).intent.queues if target else {}
    return read_with(connection, queues, runs.present(connection))


def of_queue(connection: Connection, name: str) -> tuple[QueueView, list[Standing]]:
    """One queue, and all that was handed in to it. Raises InputError."""
    found = read(connection)
    if name not in found.queues:
        there = ", ".join(sorted(found.queues)) or "none"
        raise InputError(f"the estate has no queue {name!r}; it has {there}")
    view = next(view for view in found.views() if view.name == name)
    return view, [entry for entry in found.entries if entry.queue == name]


def read_with(connection: Connection, queues: Mapping[str, Queue], present: Sequence[Run]) -> Queues:
    """The same, where the runs are known already."""
    rows: dict[str, Queued] = {}
    first: dict[str, Queued] = {}
    for row in queued.after(connection, 0):
        rows[row.name] = row
        first.setdefault(row.name, row)
    last = {run.workload: run for run in present if run.workload in rows}
    pieces = {work: queued.work(connection, work) for work in sorted({row.work for row in rows.values()})}
    states = {name: _state(row, last.get(name), pieces[row.work]) for name, row in rows.items()}
    places = _places(queues, {name: row for name, row in first.items() if states[name] == "waiting"})
    entries = [
        Standing(
            name, row.queue, row.priority, first[name].by, first[name].at, states[name], places.get(name),
            last.get(name),
        )
        for name, row in rows.items()
        if row.act != "removed" or states[name] == "running"
    ]  # fmt: skip
    return Queues(queues, entries, pieces, {name: row.work for name, row in rows.items()})


def place_in_line(database: Database, name: str) -> tuple[str, int, int] | None:
    """Queue, place in its line and how many wait there; None when it does not wait."""
    with database.read() as connection:
        # All of them are read only for one that may be in line.
        if queued.newest(connection, name) is None:
            return None
        found = read(connection)
    entry = next((entry for entry in found.entries if entry.name == name and entry.place is not None), None)
    if entry is None or entry.place is None:
        return None
    return (
        entry.queue,
        entry.place,
        sum(e.queue == entry.queue and e.place is not None for e in found.entries),
    )


def _state(row: Queued, last: Run | None, piece: Piece) -> str:
    if last is not None and last.alive:
        return "running"
    if last is not None and last.outcome == "succeeded":
        return "done"
    if row.act != "handed_in":
        return "stopped"
    run = piece.workload.run
    return (
        "failed"
        if last is not None and run is not None and is_over(last, run.retries, run.final)
        else "waiting"
    )


def _places(queues: Mapping[str, Queue], waiting: Mapping[str, Queued]) -> dict[str, int]:
    lines: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
    for name, row in waiting.items():
        aging_h = queues[row.queue].aging if row.queue in queues else 0.0
        lines[row.queue].append((-score(row.priority, row.at.timestamp(), aging_h), row.seq, name))
    return {name: k for line in lines.values() for k, (_, _, name) in enumerate(sorted(line), 1)}


def _limited(account: Account, numbers: Numbers) -> dict[str, float]:
    return {
        name: number
        for name, number, quota in zip(COUNTED, numbers, account.quota, strict=True)
        if quota < inf
    }
