"""What a change of the world endangers besides money: data, work, the choice of places, and control."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.intent import Intent
from situs.planner.decide import Decided


class Risk(Model):
    """What is at stake in a drill, before and after."""

    data_lost: tuple[str, ...]
    """datasets of which every copy was at a place that is gone; the plan after goes on as if they were made anew"""
    worth_left_out_per_month: Exact
    """of the units newly left out, by their value and priority, in the plan's currency"""
    only_place: tuple[str, ...]
    """workloads that afterwards are at the only place where they may and can be: it had better not fail too"""
    largest_operator: str | None
    """to whom the most is paid afterwards, of all others than ourselves"""
    largest_share: float
    """of what is paid to others, afterwards"""
    largest_share_before: float
    """of whoever had the most before"""
    control: float
    control_before: float


def risk(before: Decided, after: Decided, settled: Intent) -> Risk:
    """Hold the plan after a change against the one before; ``settled``: the estate with the latter carried out."""
    operator, share = largest(after)
    changed = after.candidates.world.intent
    units = {decision.workload: decision.unplaced for decision in before.plan.decisions}
    return Risk(
        data_lost=tuple(
            sorted(
                name
                for name, dataset in settled.datasets.items()
                if dataset.replicas and name in changed.datasets and not changed.datasets[name].replicas
            )
        ),
        worth_left_out_per_month=sum(
            (
                (decision.worth or Decimal(0)) * max(0, decision.unplaced - units.get(decision.workload, 0))
                for decision in after.plan.decisions
            ),
            Decimal(0),
        ),
        only_place=tuple(
            decision.workload
            for decision in after.plan.decisions
            if decision.assignments and len(_possible_sites(after, decision.workload)) == 1
        ),
        largest_operator=operator,
        largest_share=share,
        largest_share_before=largest(before)[1],
        control=after.plan.control,
        control_before=before.plan.control,
    )


def paid_to_others(decided: Decided) -> Counter[str]:
    """Cents by operator, over the horizon, of all that is not run by ourselves."""
    world = decided.candidates.world
    spent: Counter[str] = Counter()
    for decision in decided.plan.decisions:
        for a in decision.assignments:
            spent[world.site(a.site).operator] += int(sum(a.costs.values()) * 100)
    return Counter({operator: cents for operator, cents in spent.items() if operator != "self" and cents})


def largest(decided: Decided) -> tuple[str | None, float]:
    """Who gets the most of what is paid to others, and which share of it."""
    spent = paid_to_others(decided)
    if not spent:
        return None, 0.0
    operator = min(spent, key=lambda name: (-spent[name], name))
    return operator, spent[operator] / spent.total()


def _possible_sites(decided: Decided, workload: str) -> set[str]:
    candidates = decided.candidates
    columns = candidates.columns_of(candidates.class_of(workload))
    return {candidates.options[column].place.site for column in columns}
