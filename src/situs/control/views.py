"""What people and programs are shown: how things stand, read from the database alone.

Why a unit waits is not written down anywhere: it is decided again, by the same pure function that the control
plane decides with, from what the control plane has seen last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from situs.control.arrays import standing
from situs.control.arrays.standing import ArrayView
from situs.control.checkpoints.restoring import KeptCopies
from situs.control.checkpoints.standing import KeptView, kept
from situs.control.force import Plans, newest
from situs.control.leader import NAME
from situs.control.losses import covered
from situs.control.queues.standing import QueueView, read_with
from situs.control.queues.standing import Standing as InQueue
from situs.control.reconcile import Verdict, diff, serves
from situs.control.waiting import RUN_AGAIN, failure
from situs.control.wanted import Sight, Step, Unit, Waiting, Wanted, World, key_of, unit_of
from situs.model.amount import Exact
from situs.model.error import InputError
from situs.sites.adapter import Key, Status
from situs.store import (
    arrays,
    checkpoints,
    events,
    holds,
    leases,
    observations,
    plans,
    replans,
    runs,
    steps,
    usage,
)
from situs.store.database import Database, clock
from situs.store.events import Event
from situs.store.holds import Hold
from situs.store.observations import Observation
from situs.store.plans import Target
from situs.store.replans import Replan
from situs.store.runs import Run
from situs.store.steps import Entry

Standing = Literal["running", "unhealthy", "starting", "ending", "done", "failed", "waiting", "unknown"]
"""``unhealthy``: it served, and fails its health check; ``unknown``: its site does not answer, so it may run or not"""


IN_QUEUES: Mapping[str, Standing] = {
    "waiting": "waiting",
    "failed": "failed",
    "done": "done",
    "stopped": "done",
}
"""How work of queues stands when it does not run."""


@dataclass(frozen=True)
class UnitView:
    """How one unit stands."""

    workload: str
    unit: int
    standing: Standing
    generation: int | None
    site: str | None
    """where it is, or was last"""
    pool: str | None
    wanted_site: str | None
    """where it is to be; None: nowhere"""
    since: datetime | None
    exit_code: int | None
    cause: str | None
    """why it is not as it should be"""
    next_step: str | None
    until: datetime | None
    """when it goes on by itself at the latest, where that is known"""
    array: str | None = None
    """that it is a member of"""


@dataclass(frozen=True)
class Overview:
    """How everything stands."""

    at: datetime
    target: Target | None
    leader: str | None
    """the control plane that acts; None: nobody does"""
    holds: Sequence[Hold]
    sites: Sequence[Observation]
    units: Sequence[UnitView]
    replan: Replan | None = None
    """the plan that is proposed after the one in force, or why none can be made"""
    queues: Sequence[QueueView] = ()
    arrays: Sequence[ArrayView] = ()
    """without their members, which are among the units"""
    is_whole: bool = True
    """False: it is only what is of one's own projects"""


@dataclass(frozen=True)
class WorkloadView:
    """How one workload stands, and what it has used."""

    name: str
    units: Sequence[UnitView]
    hours: float
    """of all its runs together"""
    cost: Exact
    currency: str | None
    runs: Sequence[Run] = field(default_factory=tuple)
    checkpoints: Sequence[KeptView] = ()
    """those that are kept elsewhere than where they were written"""


@dataclass(frozen=True)
class WorkloadHistory:
    """All that ever happened to one workload, the oldest first."""

    name: str
    events: Sequence[Event]
    steps: Sequence[Entry]


def overview(database: Database, *, everything: bool = False) -> Overview:
    """How all stands. ``everything``: also each piece of work that waits in a queue, or has ended there."""
    return _seen(database, None, everything)


def _seen(database: Database, asked_for: str | None, everything: bool = False) -> Overview:
    """With work of queues as far as it runs or failed, unless it is asked for, or everything is."""
    with database.read() as connection:
        at = clock(connection)
        target, held = plans.in_force(connection), holds.in_force(connection)
        seen, known = observations.all_sites(connection), runs.present(connection)
        copies = checkpoints.present(connection)
        leader, replan = _leader(connection, at), proposed(connection)
    force = newest(database, Path(), Plans(database), at)
    with database.read() as connection:
        queues = read_with(connection, force.kept.intent.queues if force else {}, known)
        array_of, in_arrays = arrays.of_members(connection), standing.overview(connection)
    history: dict[Unit, list[Run]] = {}
    for run in (run for run in known if run.workload not in queues.work):
        history.setdefault(unit_of(run), []).append(run)
    drained, lost = holds.drained(held), holds.lost(held)
    wanted: dict[Unit, Wanted] = {}
    if force is not None:
        restorable = KeptCopies(copies, force, holds.lost_at_all(held))
        wanted = restorable.restartable(force.wanted(history))
    silent = covered(held, force.loss_after_s) if force else frozenset()
    estate = force.names if force else frozenset()
    sights = {name: _sight(observation) for name, observation in seen.items()}
    world = World(at, sights, estate=estate, drained=drained, lost=lost, silent=silent)
    verdicts = diff(wanted, history, world)
    units = [
        _unit(unit, wanted.get(unit), history.get(unit, ()), verdict, world)
        for unit, verdict in sorted(verdicts.items())
        if not _is_past(wanted.get(unit), history.get(unit, ()))
    ]
    # Those that wait may be very many: each queue tells how many, and who is next.
    units += [
        _in_queue(entry, world)
        for entry in queues.entries
        if everything or entry.state in ("running", "failed") or entry.name == asked_for
    ]
    units = [replace(u, array=array_of[u.workload]) if u.workload in array_of else u for u in units]
    return Overview(at, target, leader, held, list(seen.values()), units, replan, queues.views(), in_arrays)


def _in_queue(entry: InQueue, world: World) -> UnitView:
    last = entry.last
    cause = last.cause if last is not None and last.alive else None
    next_step = last.next_step if last is not None else None
    if entry.state == "failed" and last is not None:
        cause, next_step = failure(last), RUN_AGAIN
    if entry.place is not None:
        next_step = "it begins when its turn comes"
        cause = f"number {entry.place} in {entry.queue}, with priority {entry.priority}"
    standing: Standing = _standing(last, None, None, world) if last is not None else "waiting"
    if entry.state != "running":
        standing = IN_QUEUES[entry.state]
    if entry.state == "stopped":
        cause = "it was stopped"
    since = (last.ended_at or last.started_at or last.placed_at) if last else entry.handed_in
    return UnitView(
        entry.name, 0, standing, last.generation if last else None, last.site if last else None,
        last.pool if last else None, last.site if last and last.alive else None, since,
        last.exit_code if last else None, cause,
        next_step, last.retry_at if last else None,
    )  # fmt: skip


def proposed(connection: Connection) -> Replan | None:
    """What the control plane would have after the plan in force; None when that is as it should be."""
    target, last = plans.in_force(connection), replans.newest(connection)
    if target is None or last is None or last.parent != target.plan or not (last.plan or last.trouble):
        return None
    return last


def of_workload(database: Database, name: str) -> WorkloadView:
    """One workload. Raises InputError when nobody ever heard of it."""
    units = [unit for unit in _seen(database, name).units if unit.workload == name]
    with database.read() as connection:
        known = runs.of_workload(connection, name)
        ledger = usage.lines(connection, name)
        there = [each for _, each in kept(connection, name)]
    if not units and not known:
        raise InputError(f"there is no workload {name!r}; `situs ps` lists those there are")
    cost = sum((line.amount for line in ledger), Decimal(0))
    hours = sum(line.unit_s for line in ledger) / 3600
    return WorkloadView(name, units, hours, cost, ledger[-1].currency if ledger else None, known, there)


def history_of(database: Database, name: str) -> WorkloadHistory:
    """What happened to a workload. Raises InputError when nothing ever did."""
    with database.read() as connection:
        happened = events.of_workload(connection, name)
        journal = steps.of_workload(connection, name)
    if not happened and not journal:
        raise InputError(f"there is no workload {name!r}; `situs ps` lists those there are")
    return WorkloadHistory(name, happened, journal)


def targets(database: Database) -> Sequence[Target]:
    """All plans that ever were in force, the oldest first."""
    with database.read() as connection:
        return plans.history(connection)


def _leader(connection: Connection, at: datetime) -> str | None:
    lease = leases.found(connection, NAME)
    if lease is None or lease.holder == leases.NOBODY or lease.expires <= at:
        return None
    host, _, pid, *_ = lease.holder.split("/")
    return f"{host}, process {pid}"


def _sight(seen: Observation) -> Sight:
    states: dict[str, Status] = {s: Status(s) for s in ("absent", "queued", "running", "ended")}
    known = {Key.parse(key): states[state] for key, state in seen.runs.items() if state in states}
    return Sight(seen.site, seen.at, seen.ok, known, seen.cause, seen.next_step)


def _is_past(want: Wanted | None, history: Sequence[Run]) -> bool:
    """Whether nobody wants it and nothing of it is left."""
    return want is None and all(run.phase == "released" for run in history)


def _unit(
    unit: Unit, want: Wanted | None, history: Sequence[Run], verdict: Verdict, world: World
) -> UnitView:
    last = history[-1] if history else None
    waiting = verdict if isinstance(verdict, Waiting) else None
    cause = waiting.cause if waiting else (last.cause if last and last.phase != "ended" else None)
    if (
        cause is None
        and want
        and last
        and last.phase == "placed"
        and last.started_at
        and not serves(last, want)
    ):
        cause = f"it does not answer {want.health} yet"
    if cause is None and isinstance(verdict, Step) and verdict.kind not in ("release", "close"):
        cause = verdict.cause
    since = (last.ended_at or last.started_at or last.placed_at) if last else None
    return UnitView(
        unit.workload, unit.number, _standing(last, want, verdict, world), last.generation if last else None,
        last.site if last else None, last.pool if last else None, want.place.site if want else None, since,
        last.exit_code if last else None, cause, waiting.next_step if waiting else (last.next_step if last else None),
        waiting.until if waiting else None,
    )  # fmt: skip


def _standing(last: Run | None, want: Wanted | None, verdict: Verdict, world: World) -> Standing:
    if last is None:
        return "waiting"
    sight = world.sights.get(last.site)
    if last.alive and last.started_at and (sight is None or not sight.ok):
        return "unknown"
    if last.phase == "leaving":
        return "ending"
    if last.phase == "placed":
        if last.unhealthy_at is not None:
            return "unhealthy"
        if last.started_at is None or (want is not None and not serves(last, want)):
            return "starting"
        status = sight.runs.get(key_of(last)) if sight else None
        return "waiting" if status is not None and status.state == "queued" else "running"
    if last.outcome == "succeeded" and not (want and want.service) and not isinstance(verdict, Waiting):
        return "done"
    return (
        "failed"
        if last.outcome == "failed" and isinstance(verdict, Waiting) and verdict.until is None
        else "waiting"
    )
