"""The limits that bind: what a workload takes from and what has nothing left."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from situs.model.plan import amount
from situs.model.quantity import HOURS_PER_MONTH
from situs.model.refusal import Refusal
from situs.planner.decide import Decided
from situs.planner.explain.columns import chosen_columns, rows_taken
from situs.planner.explain.model import Binding
from situs.planner.usage import row_load

TIGHT = 1e-6
"""A row whose slack is less than this share of its capacity is used to the full."""

UNITS = {
    "cpu": "cores",
    "memory_gib": "GiB",
    "accelerators": "accelerators",
    "disk_gb": "GB",
    "nodes": "nodes",
}


def binding(decided: Decided, workload: str) -> Iterator[Binding]:
    """Limits that the chosen options take from and that have nothing left, the dearest first."""
    problem, solution = decided.candidates.problem, decided.solution
    columns = chosen_columns(decided, workload)
    load = row_load(problem, solution.placement)
    bought = np.zeros(len(load))
    purchases = np.repeat(np.arange(len(problem.buy_cost)), np.diff(problem.buy_indptr))
    np.add.at(bought, problem.buy_row, problem.buy_amount * solution.placement.bought[purchases])
    capacity = problem.row_capacity + bought
    months = decided.plan.horizon_hours / HOURS_PER_MONTH
    found = []
    for row in sorted(rows_taken(decided, columns)):
        limit = capacity[row]
        if not np.isfinite(limit) or limit - load[row] > TIGHT * max(1.0, limit):
            continue
        refusal, unit = _limit(decided.candidates.rows[row])
        price = float(solution.prices.row[row]) / months
        found.append(
            Binding(
                limit=refusal,
                used=float(load[row]),
                available=float(limit),
                unit=unit,
                price_per_unit_month=amount(price) if price > 1e-9 else None,
            )
        )
    yield from sorted(found, key=lambda b: (-(b.price_per_unit_month or Decimal(0)), b.limit.rule, b.unit))


def _limit(name: object) -> tuple[Refusal, str]:
    """What a row limits, in the form that the wording knows, and the unit it is counted in."""
    assert isinstance(name, tuple)
    kind = str(name[0])
    if kind == "pool":
        _, site, pool, resource, slot = name
        details = {"site": site, "pool": pool, "resource": resource, "slot": str(slot)}
        return Refusal(rule="full", details=details), UNITS[resource]
    if kind == "storage":
        return Refusal(rule="storage-full", details={"site": str(name[1])}), "GB"
    if kind == "volume":
        return Refusal(rule="volume", details={"source": str(name[1]), "target": str(name[2])}), "GB"
    if kind == "spread":
        _, over, group, domain = name
        details = {"over": over, "group": str(group).split(":", 1)[1], "domain": domain}
        return Refusal(rule="spread-full", details=details), "units"
    if kind == "concentration":
        return Refusal(rule="concentration-full", details={"operator": str(name[1])}), "units"
    if kind == "after":
        return Refusal(rule="order", details={"workload": str(name[1]), "others": str(name[2])}), "units"
    if kind == "own-budget":
        return Refusal(rule="own-budget-full", details={"workload": str(name[1])}), "money"
    return Refusal(rule="budget-full", details={"use_case": str(name[1])}), "money"
