"""Use cases by what they are worth for what is scarce, and which go first when money gets short."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal

import numpy as np

from situs.model.amount import Exact
from situs.model.base import Model
from situs.planner.compile.candidates import Candidates
from situs.planner.decide import Decided, decoded
from situs.planner.problem import Problem
from situs.planner.solve import solve


class Ranked(Model):
    """One use case. Money in the plan's currency per month."""

    use_case: str
    title: str | None
    value_per_month: Exact
    cost_per_month: Exact
    """its own costs, without a share of what is paid for in any case"""
    scarce_cost_per_month: Exact
    """its own costs plus what it takes from full capacity, at the price that capacity has in the plan"""
    value_per_scarce: float | None
    """value for each unit of the above; None: it takes nothing scarce"""
    placed: bool
    dropped_at_budget: bool
    """left out, in part or whole, when only the given part of today's cost may be spent"""


def ranked_use_cases(base: Decided, *, budget_share: float = 0.5, gap: float = 1e-4) -> tuple[Ranked, ...]:
    """All use cases, most worth first."""
    entry = base.candidates
    world = entry.world
    own: dict[str, float] = defaultdict(float)
    scarce: dict[str, float] = defaultdict(float)
    members: dict[str, list[str]] = defaultdict(list)
    for name, workload in world.intent.workloads.items():
        if workload.use_case:
            members[workload.use_case].append(name)
    row_price = base.solution.prices.row
    units = base.solution.placement.units
    for column in np.flatnonzero(units):
        option = entry.options[column]
        belongs_to = entry.classes[option.number].workload.use_case
        if belongs_to:
            cost = float(entry.problem.col_cost[column] * units[column])
            own[belongs_to] += cost
            scarce[belongs_to] += cost + float(
                _row_value(entry.problem, int(column), row_price) * units[column]
            )
    dropped = _dropped(base, budget_share, gap)
    months = world.months
    ranked = []
    for name, use_case in world.intent.use_cases.items():
        value = world.money(use_case.value)
        taken = scarce[name] / months
        ranked.append(
            Ranked(
                use_case=name,
                title=use_case.title,
                value_per_month=_decimal(value),
                cost_per_month=_decimal(own[name] / months),
                scarce_cost_per_month=_decimal(taken),
                value_per_scarce=value / taken if taken > 1e-9 else None,
                placed=all(base.plan.decision(member).unplaced == 0 for member in members[name]),
                dropped_at_budget=bool(dropped & set(members[name])),
            )
        )
    return tuple(
        sorted(
            ranked,
            key=lambda r: (-(float("inf") if r.value_per_scarce is None else r.value_per_scarce), r.use_case),
        )
    )


def _row_value(problem: Problem, column: int, row_price: np.ndarray) -> float:
    """What one unit of an option takes from full rows, at their prices."""
    rows = problem.target_row[problem.col_target[column]]
    amounts = problem.demand[problem.col_variant[column]]
    limited = rows >= 0
    value = float(np.dot(amounts[limited], row_price[rows[limited]]))
    span = slice(problem.extra_indptr[column], problem.extra_indptr[column + 1])
    return value + float(np.dot(problem.extra_amount[span], row_price[problem.extra_row[span]]))


def _dropped(base: Decided, share: float, gap: float) -> set[str]:
    """Workloads left out when only ``share`` of what the plan's choices cost may be spent."""
    entry = base.candidates
    spent = float(np.dot(entry.problem.col_cost, base.solution.placement.units))
    limited = _with_budget(entry, spent * share)
    plan = decoded(entry, solve(limited, gap=gap).placement, base.plan.provenance)
    before: Counter[str] = Counter({d.workload: d.unplaced for d in base.plan.decisions})
    return {d.workload for d in plan.decisions if d.unplaced > before[d.workload]}


def _with_budget(entry: Candidates, limit: float) -> Problem:
    """The same problem with one more row: all options together may cost so much.

    Leaving out is then decided by value alone, so the penalties are the values.
    """
    problem = entry.problem
    row = len(problem.row_capacity)
    columns = np.arange(len(problem.col_cost))
    ends = problem.extra_indptr[1:]
    value = np.zeros(len(problem.count))
    for number, workload_class in enumerate(entry.classes):
        if entry.problem_class[number] >= 0:
            value[entry.problem_class[number]] = (
                entry.joint.value(workload_class.workload) * entry.world.months + 1e-3
            )
    return replace(
        problem,
        penalty=value + _cheapest(problem),
        row_capacity=np.append(problem.row_capacity, limit),
        extra_indptr=problem.extra_indptr + np.arange(len(problem.extra_indptr)),
        extra_row=np.insert(problem.extra_row, ends, row).astype(np.int32),
        extra_amount=np.insert(problem.extra_amount, ends, np.maximum(problem.col_cost[columns], 0.0)),
    )


def _cheapest(problem: Problem) -> np.ndarray:
    """(I,) the cost of each class's cheapest option: giving it up saves that much, and must not look like a gain."""
    cheapest = np.full(len(problem.count), np.inf)
    np.minimum.at(cheapest, problem.variant_class[problem.col_variant], problem.col_cost)
    return np.where(np.isfinite(cheapest), cheapest, 0.0)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 6)))
