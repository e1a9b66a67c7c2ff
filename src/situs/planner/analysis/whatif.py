"""Drills: what a change of prices, laws, sites or demand would do to a plan, with moves, bill and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from situs.facts import Facts, complete
from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.intent import Intent
from situs.model.plan import Move, Part, Plan, amount
from situs.planner.analysis.changes import as_planned
from situs.planner.analysis.risk import Risk, risk
from situs.planner.compile.candidates import candidates
from situs.planner.compile.world import World
from situs.planner.decide import Decided, decide, decoded
from situs.planner.previous import untouched

HOURS_PER_MONTH = Decimal(730)


class DrillResult(Model):
    """A plan before and after a change of the world. Money in the plan's currency.

    Costs per month are those of going on: what is paid once, for moves and copies, is not in them.
    """

    name: str
    cost_per_month_before: Exact
    """of the plan once it is carried out; what runs today may cost something else"""
    cost_per_month_if_nothing_is_done: Exact | None
    """None: staying is not possible"""
    cost_per_month_after: Exact
    """once the moves are done"""
    moves: tuple[Move, ...]
    """those from a site that is gone too: such work is started again elsewhere"""
    bill: Exact
    """of all moves, once"""
    copies_bill: Exact
    """of the copies of data that are made, once, at list prices"""
    people_hours: float
    """of work on all moves together"""
    hours: float
    """until the slowest move is done, when all begin at once"""
    newly_left_out: tuple[str, ...]
    freed: tuple[str, ...]
    """left out before, placed now"""
    replicas_created: int
    purchases_changed: int
    gap: float
    risk: Risk


@dataclass(frozen=True)
class Drill:
    """A change to rehearse."""

    name: str
    change: Callable[[Intent], Intent]
    off: frozenset[str] = frozenset()
    """laws and rules that are switched off besides"""


def rehearse(base: Decided, intent: Intent, facts: Facts, drill: Drill, *, gap: float = 1e-4) -> DrillResult:
    """Carry the base plan out in thought, change the world, and decide again from there."""
    world = base.candidates.world
    settled = as_planned(complete(intent, facts, world.at), base.plan)
    changed = drill.change(settled.intent)
    off = world.off | drill.off
    going_on = partial(_going_on, facts, world.at)
    after = decide(
        changed,
        facts,
        world.at,
        off=off,
        gap=gap,
        parent=base.plan.id,
        split={name: units for name, units in settled.split.items() if name in changed.workloads},
    )
    return DrillResult(
        name=drill.name,
        cost_per_month_before=_known(going_on(settled.intent, world.off, base.plan), base.plan),
        cost_per_month_if_nothing_is_done=going_on(changed, off, base.plan),
        cost_per_month_after=_known(
            going_on(as_planned(changed, after.plan).intent, off, after.plan), after.plan
        ),
        moves=after.plan.moves,
        bill=sum((sum(move.bill.values(), Decimal(0)) for move in after.plan.moves), Decimal(0)),
        copies_bill=_copies_bill(after),
        people_hours=world.settings.move_hours * sum(move.units for move in after.plan.moves),
        hours=max((hours_of_moves(after)), default=0.0),
        newly_left_out=_left_out(after.plan, base.plan),
        freed=_left_out(base.plan, after.plan),
        replicas_created=sum(replica.change == "create" for replica in after.plan.replicas),
        purchases_changed=sum(
            _bought(after.plan).get(pool) != _bought(base.plan).get(pool)
            for pool in {**_bought(after.plan), **_bought(base.plan)}
        ),
        gap=after.plan.gap_of_all,
        risk=risk(base, after, settled.intent),
    )


def per_month(plan: Plan) -> Decimal:
    """A plan's cost scaled to a month of 730 hours."""
    return _monthly(plan, plan.cost)


def hours_of_moves(decided: Decided) -> list[float]:
    """How long each move of a plan takes."""
    units = decided.solution.placement.units
    return [
        option.bill.hours
        for option, count in zip(decided.candidates.options, units, strict=True)
        if count and option.bill is not None
    ]


def _going_on(facts: Facts, at: datetime, intent: Intent, off: frozenset[str], plan: Plan) -> Decimal | None:
    """What a month costs with every unit left where the plan put it; None when one cannot be there.

    ``intent``: the estate with data where they are by then.
    """
    # Nobody moves, so nobody has a bill: also those who stand in several places and so in no one place.
    nowhere = {name: w.model_copy(update={"current": None}) for name, w in intent.workloads.items()}
    problem = candidates(World(intent.model_copy(update={"workloads": nowhere}), facts, at, off))
    held = untouched(problem, plan)
    return None if held is None else per_month(decoded(problem, held, plan.provenance))


def _known(going_on: Decimal | None, plan: Plan) -> Decimal:
    """What a month costs; else the plan's cost without moves and copies: of work that waits for copies just now."""
    if going_on is not None:
        return going_on
    once = plan.costs.get(Part.MOVE, Decimal(0)) + sum(
        replica.costs.get(Part.TRANSFER, Decimal(0)) for replica in plan.replicas
    )
    return _monthly(plan, plan.cost - once)


def _copies_bill(decided: Decided) -> Decimal:
    """What sending data for new copies costs, at list prices."""
    copies = decided.candidates.replicas.copies
    made = (copies[r.dataset, r.site] for r in decided.plan.replicas if r.change == "create")
    return sum((amount(copy.transfer) for copy in made), Decimal(0))


def _monthly(plan: Plan, cost: Decimal) -> Decimal:
    return cost * HOURS_PER_MONTH / Decimal(plan.horizon_hours)


def _bought(plan: Plan) -> dict[tuple[str, str], int]:
    """Nodes bought or rented for the horizon, by site and pool."""
    return {(purchase.site, purchase.pool): purchase.nodes for purchase in plan.purchases}


def _left_out(plan: Plan, other: Plan) -> tuple[str, ...]:
    """Workloads left out in ``plan`` of which ``other`` leaves fewer units out."""
    before = {decision.workload: decision.unplaced for decision in other.decisions}
    return tuple(d.workload for d in plan.decisions if d.unplaced > before.get(d.workload, 0))
