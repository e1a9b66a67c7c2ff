"""Cancelling the move of one workload, also when it is over: it is put back to where it was, in one transaction.

Nothing that was ordered at a site is taken back for it: a run that was told to end does end, and the next one goes on
from its state.  So it does not matter at which step of the move the word comes, or whether the control plane dies
then: what was begun at the new place is ended, and the unit is started where it was before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from situs.control.back import decision_of, earlier, is_put_back, places_of
from situs.control.room_taken import taken
from situs.facts.completion import complete
from situs.model.error import InputError, SitusError
from situs.model.plan import Decision
from situs.model.workload import Workload
from situs.planner.single import Taken, has_room
from situs.policy import Policy
from situs.store import events, holds, plans, runs
from situs.store.database import Database, clock
from situs.store.events import Event
from situs.store.plans import Kept, StalePlan, Target
from situs.store.runs import Phase, Run

Way = Literal["before", "ending", "ended", "starting", "started", "arrived"]
"""``before``: a unit runs where it was; ``ending``: it is to end, and may save what it has; ``ended``: it has;
``starting``: files and state go to the new place; ``started``: it runs there, and what is left at the old place is not
cleared away yet; ``arrived``: it is"""


AT_HOME: Mapping[Phase, Way] = {"placed": "before", "leaving": "ending", "ended": "ended"}


@dataclass(frozen=True)
class UnitOnTheWay:
    """How far one unit of a workload is."""

    unit: int
    way: Way
    site: str
    """where its newest run is"""


@dataclass(frozen=True)
class MoveView:
    """The last move of a workload, by the plans that were in force."""

    workload: str
    source: Sequence[str]
    """where it was, as ``site/pool``"""
    target: Sequence[str]
    """where the plan in force has it"""
    cancelled: bool
    """it is to be at its source, by somebody's word"""
    by: str | None
    reason: str | None
    units: Sequence[UnitOnTheWay]

    @property
    def is_over(self) -> bool:
        """Whether all units have arrived, and nothing is left at the old place."""
        return bool(self.units) and all(unit.way == "arrived" for unit in self.units)


@dataclass(frozen=True)
class Cancelled:
    """What becomes of a workload whose move was cancelled."""

    workload: str
    changed: bool
    """False: it was cancelled already"""
    places: Sequence[str]
    """where it is to be, as ``site/pool``"""
    was_over: bool
    """the move had come to its end, so that it is a move back"""


def cancel(database: Database, workload: str, by: str, reason: str | None = None) -> Cancelled:
    """Have a workload be where it was before it moved, as it was there; until :func:`allow`, it is not moved again.

    Raises InputError when it has not moved or cannot go back, SitusError when the rules forbid it, StalePlan when
    another plan comes into force meanwhile.
    """
    now = datetime.now(UTC)
    with database.read() as connection:
        target, kept = _in_force(connection)
        before, decision = _before(connection, kept, workload)
        shown = _view(connection, kept, before, decision)
        places = shown.source
        if shown.cancelled:
            return Cancelled(workload, False, places, shown.is_over)
        _must_be_possible(connection, kept, before, decision, now)
    with database.write() as connection:
        if plans.in_force(connection) != target:
            raise StalePlan(f"another plan came into force meanwhile; see `situs move {workload}`")
        changed = holds.put(connection, "back", workload, by, reason, plan=before.plan.id)
        if changed:
            how = "is over; it is moved back" if shown.is_over else "is cancelled; it is to be"
            text = f"the move to {', '.join(shown.target)} {how} at {', '.join(places)}"
            said = text + (f": {reason}" if reason else "")
            events.write(connection, [Event(clock(connection), "cancelled", by, said, workload)])
    return Cancelled(workload, changed, places, shown.is_over)


def allow(database: Database, workload: str, by: str) -> bool:
    """Let a workload be as the plan in force has it; False when nothing has kept it from that.

    That was a cancelled move, or a new version that did not become healthy and may try again.
    """
    with database.write() as connection:
        ended = [holds.lift(connection, kind, workload) for kind in ("back", "version")]
        if any(ended):
            text = "it is to be as the plan in force has it"
            events.write(connection, [Event(clock(connection), "resumed", by, text, workload)])
        return any(ended)


def show(database: Database, workload: str) -> MoveView:
    """The last move of a workload, and how far it is. Raises InputError when it has never moved."""
    with database.read() as connection:
        _, kept = _in_force(connection)
        return _view(connection, kept, *_before(connection, kept, workload))


def _in_force(connection: Connection) -> tuple[Target, Kept]:
    target = plans.in_force(connection)
    if target is None:
        raise InputError("no plan is in force yet, so nothing moves")
    return target, plans.load(connection, target.plan)


def _before(connection: Connection, kept: Kept, workload: str) -> tuple[Kept, Decision]:
    """The last plan that had it somewhere else, and what it said. Raises InputError when there is none."""
    if workload not in kept.intent.workloads:
        raise InputError(
            f"the estate has no workload {workload!r}; what was handed in by `situs run` does not move"
        )
    now = decision_of(kept, workload)
    if now is None or not now.assignments:
        raise InputError(
            f"the plan in force has no place for {workload}; `situs rollback` goes back to the one before"
        )
    held = holds.put_back(holds.in_force(connection)).get(workload)
    if held is not None and held.plan is not None:
        before = plans.load(connection, held.plan)
        return before, before.plan.decision(workload)
    for before, decision in earlier(connection, workload, without=kept.plan.id):
        if places_of(decision.assignments) != places_of(now.assignments):
            return before, decision
    raise InputError(
        f"{workload} has not moved: all plans that were in force have it at {', '.join(_named(now))}"
    )


def _must_be_possible(
    connection: Connection, kept: Kept, before: Kept, decision: Decision, now: datetime
) -> None:
    name, held = decision.workload, holds.in_force(connection)
    policy = Policy(
        kept.intent, kept.facts, now.replace(minute=0, second=0, microsecond=0), kept.plan.provenance.off
    )
    for assignment in decision.assignments:
        site, pool = assignment.site, assignment.pool
        if site not in kept.intent.sites or pool not in kept.intent.sites[site].pools:
            raise InputError(f"{name} was at {site}/{pool}, which the estate does not have any more")
        if site in holds.lost_at_all(held):
            raise InputError(
                f"{name} was at {site}, which is lost; `situs found {site}` takes it into service again"
            )
        if site in holds.drained(held):
            raise InputError(
                f"{name} was at {site}, which is drained; `situs drain {site} --end` lets it have work again"
            )
        if refusals := policy.workload_refusals(name, site):
            raise SitusError(f"{name} may not be at {site}: {', '.join(each.rule for each in refusals)}")
    _must_have_room(connection, kept, before.intent.workloads[name], decision, now)


def _must_have_room(
    connection: Connection, kept: Kept, workload: Workload, decision: Decision, now: datetime
) -> None:
    """Raises InputError when others have got the room that it had."""
    others = tuple(each for each in kept.plan.decisions if each.workload != decision.workload)
    ground = replace(kept, plan=kept.plan.model_copy(update={"decisions": others}))
    used = taken(connection, ground)
    shapes = {shape.name: shape for shape in workload.shapes}
    sites = complete(kept.intent, kept.facts, now).sites
    for assignment in decision.assignments:
        place, shape = (assignment.site, assignment.pool), shapes[assignment.shape]
        for _ in range(assignment.units):
            if not has_room(sites[place[0]].pools[place[1]], shape, used.get(place, ())):
                raise InputError(
                    f"{decision.workload} was at {'/'.join(place)}, where others have the room now; "
                    "`situs rollback` puts all back"
                )
            used.setdefault(place, []).append(Taken(shape, 1))


def _view(connection: Connection, kept: Kept, before: Kept, decision: Decision) -> MoveView:
    name = decision.workload
    now = decision_of(kept, name)
    assert now is not None
    hold = holds.put_back(holds.in_force(connection)).get(name)
    history: dict[int, list[Run]] = {}
    for run in runs.of_workload(connection, name):
        history.setdefault(run.unit, []).append(run)
    old = {(a.site, a.pool) for a in decision.assignments}
    new = {(a.site, a.pool) for a in now.assignments}
    units = [found for _, each in sorted(history.items()) if (found := _way(each, old - new)) is not None]
    return MoveView(
        name, _named(decision), _named(now),
        hold is not None and is_put_back(hold, decision, kept),
        hold.by if hold else None, hold.reason if hold else None, units,
    )  # fmt: skip


def _way(history: Sequence[Run], old: set[tuple[str, str]]) -> UnitOnTheWay | None:
    """How far one unit is; None for one of which nothing is left."""
    last = history[-1]
    left = any((run.site, run.pool) in old and run.phase != "released" for run in history[:-1])
    if (last.site, last.pool) in old:
        if last.phase == "released":
            return None
        return UnitOnTheWay(last.unit, AT_HOME[last.phase], last.site)
    if last.phase == "placed" and last.started_at is None:
        return UnitOnTheWay(last.unit, "starting", last.site)
    return UnitOnTheWay(last.unit, "started" if left else "arrived", last.site)


def _named(decision: Decision) -> list[str]:
    return sorted({f"{a.site}/{a.pool}" for a in decision.assignments})
