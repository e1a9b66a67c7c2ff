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
from situs.planner.decide import Decided, decide

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
    changed = drill.change(settled)
    after = decide(changed, facts, world.at, off=world.off | drill.off, gap=gap, parent=base.plan.id)
    return DrillResult(
        name=drill.name,
        cost_per_month_before=per_month(base.plan),
        cost_per_month_if_nothing_is_done=_if_nothing_is_done(changed, facts, base, drill, gap),
        cost_per_month_after=per_month(after.plan),
        moves=after.plan.moves,
        bill=sum((sum(move.bill.values(), Decimal(0)) for move in after.plan.moves), Decimal(0)),
        hours=max((hours_of_moves(after)), default=0.0),
        newly_left_out=_left_out(after.plan, base.plan),
        freed=_left_out(base.plan, after.plan),
        replicas_created=sum(replica.change == "create" for replica in after.plan.replicas),
        purchases_changed=len(set(after.plan.purchases) ^ set(base.plan.purchases))
        if after.plan.purchases
        else 0,
        gap=after.plan.gap,
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


def _if_nothing_is_done(
    changed: Intent, facts: Facts, base: Decided, drill: Drill, gap: float
) -> Decimal | None:
    """The cost with every workload held where the base plan put it; None when one cannot be there."""
    world = base.candidates.world
    settings = changed.settings.model_copy(update={"payback": 1e-6})
    held = decide(
        changed.model_copy(update={"settings": settings}), facts, world.at, off=world.off | drill.off, gap=gap
    ).plan
    return per_month(held) if not held.moves and not _left_out(held, base.plan) else None


def _left_out(plan: Plan, other: Plan) -> tuple[str, ...]:
    """Workloads left out in ``plan`` of which ``other`` leaves fewer units out."""
    before = {decision.workload: decision.unplaced for decision in other.decisions}
    return tuple(d.workload for d in plan.decisions if d.unplaced > before.get(d.workload, 0))
