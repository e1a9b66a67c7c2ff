"""Handing in work beside the plan in force, stopping it and removing it: one transaction each.

The place is found before the transaction, from what was known then.  When somebody else was faster, what was known
does not hold any more, and the place is looked for again; so two who ask for the last accelerator do not both get it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from situs.control.new_names import must_be_new
from situs.control.queues import handing_in
from situs.control.room_taken import taken, with_results
from situs.model.data import Dataset
from situs.model.error import InputError, SitusError
from situs.model.plan import Assignment, Fit
from situs.model.workload import Workload
from situs.planner.compile.world import PoolName
from situs.planner.single import Placed, Taken, place
from situs.store import events, holds, plans, queued, submissions
from situs.store.database import Database, clock
from situs.store.events import Event
from situs.store.plans import Kept
from situs.store.submissions import Overtaken, Submission

NO_DATA: Mapping[str, Dataset] = {}
ATTEMPTS = 20
"""So many others may be faster before one gives up: each of them has got what it wanted meanwhile."""


LOOK_AGAIN_S = 1.0
"""Somebody who waits for room sees it a second late at most."""


class NoPlace(SitusError):
    """It can be nowhere, or nowhere now; nothing was handed in."""

    def __init__(self, name: str, placed: Placed) -> None:
        self.name = name
        self.placed = placed
        when = "now" if placed.fit is Fit.AT else "ever"
        super().__init__(f"there is no place for {name} {when}")


@dataclass(frozen=True)
class Ground:
    """What a place is looked for in."""

    kept: Kept
    """the plan in force"""
    version: int
    """of what was handed in"""
    generation: int
    taken: Mapping[PoolName, Sequence[Taken]]
    drained: frozenset[str]


def look(database: Database, name: str, workload: Workload, sites: frozenset[str] | None = None) -> Placed:
    """Where it would go now; nothing is handed in. ``sites``: at these alone. Raises InputError."""
    with database.read() as connection:
        ground = ground_of(connection)
    return _placed(ground, name, workload, sites)


def submit(
    database: Database, name: str, workload: Workload, files: Mapping[str, bytes], by: str,
    sites: frozenset[str] | None = None, makes: Mapping[str, Dataset] = NO_DATA,
    guard: Callable[[Connection], None] = lambda _: None, *, owned: bool = False,
) -> Placed:  # fmt: skip
    """Hand in work; it is in the database when this returns, and not at all when it raises.

    ``files``: content of each of the run's files, and of the archive of its code; ``makes``: data that nobody has yet;
    ``guard``: is asked in the transaction, and raises to have nothing handed in; ``owned``: the name is that of an
    array's member, which the array hands in.
    Raises NoPlace, and InputError for a name that was used before.
    """
    for _ in range(ATTEMPTS):
        with database.read() as connection:
            ground = ground_of(connection, makes)
            must_be_new(connection, ground.kept.intent, [name], owned=owned)
        placed = _placed(ground, name, workload, sites)
        if not placed.decision.assignments:
            raise NoPlace(name, placed)
        try:
            with database.write() as connection:
                if plans.generation_in_force(connection) != ground.generation:
                    continue
                # Nobody makes an array that has a member of this name meanwhile.
                queued.one_at_a_time(connection)
                guard(connection)
                must_be_new(connection, ground.kept.intent, [name], owned=owned)
                plans.keep(connection, placed.plan, placed.intent, ground.kept.facts, files)
                submissions.add(connection, ground.version, "submitted", name, placed.plan.id, by)
                where = placed.decision.assignments[0]
                text = f"handed in, for {where.site}/{where.pool}"
                events.write(connection, [Event(clock(connection), "submitted", by, text, name)])
            return placed
        except Overtaken:
            continue
    raise SitusError(f"{name} was not handed in: others were faster {ATTEMPTS} times; try again")


def submit_when_there_is_room(
    database: Database, name: str, workload: Workload, files: Mapping[str, bytes], by: str,
    sites: frozenset[str] | None = None, said: Callable[[Placed], None] = lambda _: None,
) -> Placed:  # fmt: skip
    """The same, but wait while it only lacks room; ``said`` is told once. Raises NoPlace when room would not help."""
    waits = False
    while True:
        try:
            return submit(database, name, workload, files, by, sites)
        except NoPlace as error:
            if error.placed.fit is not Fit.AT:
                raise
            if not waits:
                said(error.placed)
            waits = True
            time.sleep(LOOK_AGAIN_S)


def stop(database: Database, name: str, by: str, reason: str | None = None) -> bool:
    """Have it end; what it wrote is kept. False when it was stopped already. Raises InputError."""
    if handing_in.found(database, name) is not None:
        return handing_in.stop(database, name, by, reason)
    return _act(database, "stopped", name, by, reason)


def remove(database: Database, name: str, by: str) -> bool:
    """Have it end, and nothing of it kept at its site. False when that was so already. Raises InputError."""
    if handing_in.found(database, name) is not None:
        return handing_in.remove(database, name, by)
    return _act(database, "removed", name, by, None)


def found(database: Database, name: str) -> Submission | None:
    """How it stands; None when nothing of that name was handed in."""
    with database.read() as connection:
        return submissions.newest(connection, name)


def placed_at(connection: Connection, submission: Submission) -> Assignment:
    """Where it was put when it was handed in."""
    plan, _ = plans.placed(connection, submission.plan, submission.name)
    return plan.decision(submission.name).assignments[0]


def _act(database: Database, act: submissions.Act, name: str, by: str, reason: str | None) -> bool:
    for _ in range(ATTEMPTS):
        try:
            with database.write() as connection:
                last = submissions.newest(connection, name)
                if last is None:
                    raise InputError(_not_handed_in(connection, name))
                if last.act in (act, "removed"):
                    return False
                after = submissions.version(connection)
                submissions.add(connection, after, act, name, last.plan, by, reason)
                text = act + (f": {reason}" if reason else "")
                events.write(connection, [Event(clock(connection), act, by, text, name)])
                return True
        except Overtaken:
            continue
    raise SitusError(f"{name} was not {act}: others were faster {ATTEMPTS} times; try again")


def _not_handed_in(connection: Connection, name: str) -> str:
    target = plans.in_force(connection)
    if target is not None and name in plans.load(connection, target.plan).intent.workloads:
        return (
            f"{name} is of the plan in force, which would start it again; take it out of the estate and plan again, "
            "or `situs drain` its site"
        )
    return f"there is no workload {name!r}; `situs ps` lists those there are"


def ground_of(connection: Connection, makes: Mapping[str, Dataset] = NO_DATA) -> Ground:
    """What places are looked for in now, with data that are to be made. Raises InputError before the first plan."""
    target = plans.in_force(connection)
    if target is None:
        raise InputError("no plan is in force yet; `situs apply` puts one in force")
    kept = with_results(connection, plans.load(connection, target.plan))
    if makes:
        datasets = {**kept.intent.datasets, **makes}
        kept = replace(kept, intent=kept.intent.model_copy(update={"datasets": datasets}))
    held = holds.in_force(connection)
    closed = holds.drained(held) | holds.lost(held)
    return Ground(kept, submissions.version(connection), target.generation, taken(connection, kept), closed)


def _placed(ground: Ground, name: str, workload: Workload, sites: frozenset[str] | None) -> Placed:
    intent = ground.kept.intent
    unknown = sorted({i.dataset for i in workload.inputs} - set(intent.datasets))
    if unknown:
        there = ", ".join(sorted(intent.datasets)) or "none yet"
        raise InputError(f"the estate has no data {unknown[0]!r}; it has {there}")
    if workload.use_case is not None and workload.use_case not in intent.use_cases:
        there = ", ".join(sorted(intent.use_cases)) or "none yet"
        raise InputError(f"the estate has no use case {workload.use_case!r}; it has {there}")
    if sites is not None and (strange := sorted(sites - set(intent.sites))):
        raise InputError(f"the estate has no site {strange[0]!r}; it has {', '.join(sorted(intent.sites))}")
    closed = ground.drained | (frozenset(intent.sites) - sites if sites is not None else frozenset())
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    off = ground.kept.plan.provenance.off
    return place(intent, ground.kept.facts, at, name, workload, ground.taken, off=off, closed=closed)
