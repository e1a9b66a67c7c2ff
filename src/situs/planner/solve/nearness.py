"""Which columns are worth looking at: those that cost little more than the best of their class, and fit."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.frame import Frame
from situs.planner.solve.response import Columns, charged


@compiled
def _charge_what_fits(
    usable: Flags, columns: Columns, cost: Floats, price: Floats, supply: Floats, value: Floats
) -> None:
    """Fill ``value`` (J,) with what a unit costs with the rows it uses; inf where not even one unit fits."""
    variant, target, demand, target_row, extra_indptr, extra_row, extra_amount = columns
    for j in range(len(cost)):
        fits = usable[j]
        if fits:
            for q in range(demand.shape[1]):
                row = target_row[target[j], q]
                fits = fits and (row < 0 or demand[variant[j], q] <= supply[row])
            for item in range(extra_indptr[j], extra_indptr[j + 1]):
                fits = fits and extra_amount[item] <= supply[extra_row[item]]
        value[j] = charged(j, cost[j], columns, price) if fits else np.inf


def charged_if_fitting(frame: Frame, usable: Flags, price: Floats, supply: Floats) -> Floats:
    """(J,) what a unit of each column costs with the rows it uses; inf where it is not usable or does not fit."""
    value = np.empty(frame.columns)
    _charge_what_fits(usable, frame.uses_of, frame.problem.col_cost, price, supply * (1 + 1e-9), value)
    return value


def nearest(frame: Frame, value: Floats, scale: Floats, number: int) -> Ints:
    """About ``number`` columns that cost least more than the best of their class, as classes feel it.

    The best of each class that costs less than leaving out is among them.
    """
    least = np.minimum(frame.least_by_class(value), frame.problem.penalty)
    beyond = (value - least[frame.cls]) / scale[frame.cls]
    number = min(number, frame.columns - 1)
    reach = float(np.partition(beyond, number)[number]) if frame.columns else 0.0
    return np.flatnonzero((beyond <= reach) & np.isfinite(beyond))
