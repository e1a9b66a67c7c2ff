"""Drills: what a change of prices, laws, sites or demand would do to a plan, with moves, bill and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from situs.facts import Facts, complete
from situs.model.base import Model
from situs.model.intent import Intent
from situs.model.plan import Move, Plan
from situs.planner.analysis.changes import as_planned
from situs.planner.analysis.risk import Risk, risk
from situs.planner.compile.candidates import candidates
from situs.planner.compile.world import World
from situs.planner.decide import Decided, decide, decoded
from situs.planner.previous import untouched

HOURS_PER_MONTH = Decimal(730)


class DrillResult(Model):
    """A plan before and after a change of the world. Money in the plan's currency."""

    name: str
    cost_per_month_before: Decimal
    cost_per_month_if_nothing_is_done: Decimal | None
    """None: staying is not possible"""
    cost_per_month_after: Decimal
    moves: tuple[Move, ...]
    bill: Decimal
    """of all moves, once"""
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
    after = decide(
        changed,
        facts,
        world.at,
        off=world.off | drill.off,
        gap=gap,
        parent=base.plan.id,
        split={name: units for name, units in settled.split.items() if name in changed.workloads},
    )
    return DrillResult(
        name=drill.name,
        cost_per_month_before=per_month(base.plan),
        cost_per_month_if_nothing_is_done=_if_nothing_is_done(changed, facts, base, drill),
        cost_per_month_after=per_month(after.plan),
        moves=after.plan.moves,
        bill=sum((sum(move.bill.values(), Decimal(0)) for move in after.plan.moves), Decimal(0)),
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
    return plan.cost * HOURS_PER_MONTH / Decimal(plan.horizon_hours)


def hours_of_moves(decided: Decided) -> list[float]:
    """How long each move of a plan takes."""
    units = decided.solution.placement.units
    return [
        option.bill.hours
        for option, count in zip(decided.candidates.options, units, strict=True)
        if count and option.bill is not None
    ]


def _if_nothing_is_done(changed: Intent, facts: Facts, base: Decided, drill: Drill) -> Decimal | None:
    """The cost with every unit left where the base plan put it; None when one cannot be there."""
    world = base.candidates.world
    # Nobody moves, so nobody has a bill: also those who stand in several places and so in no one place.
    settled = changed.model_copy(
        update={
            "workloads": {
                name: workload.model_copy(update={"current": None})
                for name, workload in changed.workloads.items()
            }
        }
    )
    problem = candidates(World(settled, facts, world.at, world.off | drill.off))
    held = untouched(problem, base.plan)
    return None if held is None else per_month(decoded(problem, held, base.plan.provenance))


def _bought(plan: Plan) -> dict[tuple[str, str], int]:
    """Nodes bought or rented for the horizon, by site and pool."""
    return {(purchase.site, purchase.pool): purchase.nodes for purchase in plan.purchases}


def _left_out(plan: Plan, other: Plan) -> tuple[str, ...]:
    """Workloads left out in ``plan`` of which ``other`` leaves fewer units out."""
    before = {decision.workload: decision.unplaced for decision in other.decisions}
    return tuple(d.workload for d in plan.decisions if d.unplaced > before.get(d.workload, 0))
