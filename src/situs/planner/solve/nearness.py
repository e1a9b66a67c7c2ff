"""Which columns are worth looking at: those that cost little more than the best of their class, and fit."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats, Ids, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.frame import Frame


@compiled
def _charge_what_fits(
    usable: Flags,
    variant: Ids,
    target: Ids,
    demand: Floats,
    target_row: Ids,
    extra_indptr: Ints,
    extra_row: Ids,
    extra_amount: Floats,
    cost: Floats,
    price: Floats,
    supply: Floats,
    charged: Floats,
) -> None:
    """Fill ``charged`` (J,) with what a unit costs with the rows it uses; inf where not even one unit fits."""
    for j in range(len(cost)):
        charged[j] = np.inf
        if not usable[j]:
            continue
        v, t = variant[j], target[j]
        total = cost[j]
        fits = True
        for q in range(demand.shape[1]):
            row = target_row[t, q]
            if row >= 0:
                total += demand[v, q] * price[row]
                fits = fits and demand[v, q] <= supply[row]
        for item in range(extra_indptr[j], extra_indptr[j + 1]):
            row = extra_row[item]
            total += extra_amount[item] * price[row]
            fits = fits and extra_amount[item] <= supply[row]
        if fits:
            charged[j] = total


def charged_if_fitting(frame: Frame, usable: Flags, price: Floats, supply: Floats) -> Floats:
    """(J,) what a unit of each column costs with the rows it uses; inf where it is not usable or does not fit."""
    p = frame.problem
    charged = np.empty(frame.columns)
    _charge_what_fits(
        usable, p.col_variant, p.col_target, p.demand, p.target_row, p.extra_indptr, p.extra_row, p.extra_amount,
        p.col_cost, price, supply * (1 + 1e-9), charged,
    )  # fmt: skip
    return charged


def nearest(frame: Frame, charged: Floats, scale: Floats, number: int) -> Ints:
    """About ``number`` columns that cost least more than the best of their class, as classes feel it.

    The best of each class that costs less than leaving out is among them.
    """
    least = np.minimum(frame.least_by_class(charged), frame.problem.penalty)
    beyond = (charged - least[frame.cls]) / scale[frame.cls]
    number = min(number, frame.columns - 1)
    reach = float(np.partition(beyond, number)[number]) if frame.columns else 0.0
    return np.flatnonzero((beyond <= reach) & np.isfinite(beyond))
