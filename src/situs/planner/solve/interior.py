"""The relaxation over the near columns, solved by an interior point method.

Where classes have many units, each is torn between dozens of columns, and the simplex method walks from one vertex
to the next for minutes.  An interior point takes a few dozen steps, from anywhere.  No vertex is asked for at the
end: units are drawn in the proportions of the point, and these may be spread as they are.

To the columns that take part, a row that they cannot fill is worth nothing, and prices from such a program prove
little.  So what is there may also be sold, at prices at which whatever was left out stays as dear as the best of its
class (:mod:`.floors`): prices then cannot fall further, and prove nearly what the program is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np

from situs.planner.problem import Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.cutlist import NO_CUTS
from situs.planner.solve.frame import Frame
from situs.planner.solve.library import accepted, new_highs
from situs.planner.solve.model import model

TOLERANCE = 1e-4
"""Of the value: a third of the way from here to the last digit would be spent on it."""


@dataclass(frozen=True, eq=False)
class Inner:
    """A point near the optimum, and prices near the best."""

    value: float
    """about the optimum, sold capacity taken off"""
    columns: Ints
    units: Floats
    """(len(columns),) not whole"""
    bought: Floats
    opened: Floats
    """(F,) 0 to 1"""
    row: Floats
    """(M,) prices; 0 where no column that takes part uses a row"""
    buy: Floats
    """(K,) prices of "purchase only if its open is there\""""
    paid: Floats
    """(I,) what one more unit of each class costs"""
    used: Ints
    """rows that columns, purchases or opens in it use"""


def interior(
    frame: Frame, columns: Ints, box: Box, floor: Floats, seconds: float | None = None
) -> Inner | None:
    """About the optimum over ``columns`` with purchases and opens within ``box``, no row cheaper than its
    ``floor`` (M,); None where there is none, or when ``seconds`` are over."""
    p = frame.problem
    m = model(frame, columns, NO_CUTS, None)
    lp = m.lp
    lp.integrality_ = []
    low, high = np.array(lp.col_lower_), np.array(lp.col_upper_)
    low[m.buy_at : m.open_at], high[m.buy_at : m.open_at] = box.buy_low, box.buy_high
    low[m.open_at :], high[m.open_at :] = box.open_low, box.open_high
    high[: len(columns)] = np.minimum(high[: len(columns)], frame.limits.room[columns])
    lp.col_lower_, lp.col_upper_ = low, high
    options = {} if seconds is None else {"time_limit": seconds}
    highs = new_highs(solver="ipm", run_crossover="off", ipm_optimality_tolerance=TOLERANCE, **options)
    accepted(highs.passModel(lp))
    limited = np.flatnonzero(frame.finite_row)
    at = np.full(frame.rows, -1, dtype=np.int64)
    at[limited] = frame.classes + np.arange(len(limited))
    sold = np.flatnonzero((floor > 0) & (at >= 0))
    none, each = np.zeros(len(sold)), np.ones(len(sold))
    accepted(
        highs.addCols(
            len(sold),
            -floor[sold],
            none,
            np.full(len(sold), highspy.kHighsInf),
            len(sold),
            np.arange(len(sold), dtype=np.int32),
            at[sold].astype(np.int32),
            each,
        )
    )
    accepted(highs.run())
    solution = highs.getSolution()
    ended = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kUnknown)
    if highs.getModelStatus() not in ended or not (solution.value_valid and solution.dual_valid):
        return None
    value, dual = np.asarray(solution.col_value), np.asarray(solution.row_dual)
    row, buy = np.zeros(frame.rows), np.zeros(frame.buys)
    row[limited] = np.maximum(floor[limited], -dual[at[limited]])
    tied = np.flatnonzero(p.buy_open >= 0)
    tie_at = frame.classes + len(limited) + len(p.group_min)
    buy[tied] = np.maximum(0.0, -dual[tie_at : tie_at + len(tied)])
    _, by_columns, _ = frame.uses(columns, np.arange(frame.rows))
    return Inner(
        p.fixed_cost + float(highs.getInfo().objective_function_value),
        columns,
        np.maximum(value[: len(columns)], 0.0),
        np.clip(value[m.buy_at : m.open_at], low[m.buy_at : m.open_at], high[m.buy_at : m.open_at]),
        np.clip(value[m.open_at : m.open_at + frame.opens], 0.0, 1.0),
        row,
        buy,
        dual[: frame.classes],
        np.unique(by_columns),
    )
