"""A plan beside what people do without one: as it is, all public, all in-house, cheapest per service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from situs.facts import Facts
from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.model.rule import Match, Rule
from situs.model.workload import Workload
from situs.planner.analysis.whatif import per_month
from situs.planner.decide import Decided, decide, decoded
from situs.planner.solve.greedy import cheapest_first

IN_HOUSE = frozenset({"on_prem", "edge", "private"})


class Alternative(Model):
    """One way to do it. Money in the plan's currency."""

    name: str
    """as-it-is, all-public, all-in-house, cheapest-per-service, plan"""
    cost_per_month: Exact
    left_out: tuple[str, ...]
    """workloads that cannot be placed that way, in part or at all; the cost is without them"""
    carbon_kg_per_month: float
    control: float
    gap: float | None
    """None: it is not the best of its kind, only the obvious one"""


def compare(base: Decided, intent: Intent, facts: Facts, *, gap: float = 1e-3) -> tuple[Alternative, ...]:
    """All ways, the plan last."""
    return tuple(_ways(base, intent, facts, gap))


def _ways(base: Decided, intent: Intent, facts: Facts, gap: float) -> Iterator[Alternative]:
    world = base.candidates.world
    today = {name: w for name, w in intent.workloads.items() if w.current is not None}
    if today:
        held = {name: _held(w, world.at) for name, w in today.items()}
        yield _alternative(
            "as-it-is",
            decide(
                intent.model_copy(update={"workloads": held}), facts, world.at, off=world.off, gap=gap
            ).plan,
            tuple(sorted(set(intent.workloads) - set(today))),
        )
    for name, kinds in (("all-public", frozenset({"public"})), ("all-in-house", IN_HOUSE)):
        yield _alternative(
            name, decide(_only_at(intent, name, kinds), facts, world.at, off=world.off, gap=gap).plan
        )
    greedy = decoded(base.candidates, cheapest_first(base.candidates.problem), base.plan.provenance)
    yield _alternative("cheapest-per-service", greedy, proven=False)
    yield _alternative("plan", base.plan)


def _held(workload: Workload, at: datetime) -> Workload:
    """The workload, not to be moved: it began now and runs longer than any horizon before it may."""
    assert workload.current is not None
    current = workload.current.model_copy(update={"since": at})
    return workload.model_copy(update={"current": current, "min_runtime": 1e9})


def _only_at(intent: Intent, name: str, kinds: frozenset[str]) -> Intent:
    rule = Rule(title=name, applies_to=Match(stage=frozenset(ALL_STAGES)), only_at=Match(kind=kinds))
    return intent.model_copy(update={"rules": {**intent.rules, f"compare-{name}": rule}})


ALL_STAGES = ("develop", "prepare", "train", "tune", "serve", "batch")
"""Selecting by stage makes the rule one about workloads: data may stay where they are."""


def _alternative(
    name: str, plan: Plan, also_left_out: tuple[str, ...] = (), *, proven: bool = True
) -> Alternative:
    months = plan.horizon_hours / 730.0
    return Alternative(
        name=name,
        cost_per_month=per_month(plan),
        left_out=tuple(sorted({*also_left_out, *(d.workload for d in plan.decisions if d.unplaced)})),
        carbon_kg_per_month=plan.carbon_kg / months,
        control=plan.control,
        gap=plan.gap_of_all if proven else None,
    )
