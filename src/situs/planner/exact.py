"""A small problem solved to its exact optimum in one go.

A counterfactual is decided by which of two optima is lower, often by cents in a plan of thousands, so a plan
that is "good enough" is of no use here.  The whole problem is handed to HiGHS as one mixed integer program
with no gap allowed, and the cost is added up again from the whole numbers it gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy.sparse import csc_array

from situs.planner.problem import Flags, Floats, Ints, Placement, Problem
from situs.planner.solve.library import SolverFault, new_highs

EXACT = {
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 1e-7,
    "mip_feasibility_tolerance": 1e-9,
    "primal_feasibility_tolerance": 1e-9,
}


@dataclass(frozen=True)
class Fixed:
    """Columns and classes of one problem whose units are given."""

    columns: Ints
    units: Ints
    classes: Ints
    unplaced: Ints


@dataclass(frozen=True, eq=False)
class Demand:
    """A wish on top of a problem: so many units, together, on some of its columns."""

    columns: Ints
    least: int = 0
    most: int | None = None


def optimum(problem: Problem, *wishes: Demand, fixed: Fixed | None = None) -> Placement | None:
    """The cheapest placement that grants the wishes, or None where no placement does.

    Deterministic: the same problem gives the same placement.
    """
    layout = _Layout(problem, fixed)
    if not layout.total:
        return Placement(
            layout.none(int), layout.none(int), layout.none(float), layout.none(bool), problem.fixed_cost
        )
    rows = _constraints(layout)
    for wish in wishes:
        most = np.inf if wish.most is None else float(wish.most)
        columns = np.asarray(wish.columns, dtype=np.int64)
        rows.add(np.array([float(wish.least)]), np.array([most]), (np.zeros(len(columns)), columns, 1.0))
    values = _solved(layout, rows)
    return None if values is None else layout.placement(values)


class _Layout:
    """The variables side by side: units on columns, units left out, purchases, opens."""

    def __init__(self, problem: Problem, fixed: Fixed | None) -> None:
        self.problem = problem
        sizes = [len(problem.col_cost), len(problem.count), len(problem.buy_cost), len(problem.open_cost)]
        self.unplaced, self.bought, self.opened, self.total = (int(end) for end in np.cumsum(sizes))
        self.cost: Floats = np.concatenate(
            (problem.col_cost, problem.penalty, problem.buy_cost, problem.open_cost)
        )
        self.upper: Floats = np.concatenate(
            (problem.col_limit, problem.count, problem.buy_limit, np.ones(sizes[3]))
        ).astype(float)
        self.lower: Floats = np.zeros(self.total)
        if fixed is not None:
            at = np.concatenate((fixed.columns, self.unplaced + fixed.classes))
            self.lower[at] = self.upper[at] = np.concatenate((fixed.units, fixed.unplaced))
        self.whole: Flags = np.ones(self.total, dtype=bool)
        self.whole[self.bought : self.opened] = problem.buy_integer

    @staticmethod
    def none(kind: type) -> Any:
        return np.zeros(0, dtype=kind)

    def placement(self, values: Floats) -> Placement:
        """The placement that the values mean, at the cost of its whole numbers."""
        settled = np.where(self.whole, np.round(values), np.clip(values, 0.0, self.upper))
        return Placement(
            units=settled[: self.unplaced].astype(np.int64),
            unplaced=settled[self.unplaced : self.bought].astype(np.int64),
            bought=settled[self.bought : self.opened],
            opened=settled[self.opened :] > 0.5,
            cost=self.problem.fixed_cost + float(self.cost @ settled),
        )


Entries = tuple[np.ndarray, np.ndarray, np.ndarray | float]
"""(row, column, value) of a part of the matrix; rows count from the first of the block"""


class _Rows:
    """Constraints ``low <= matrix @ values <= high``, gathered block by block."""

    def __init__(self) -> None:
        self.low: list[Floats] = []
        self.high: list[Floats] = []
        self.count = 0
        self._entries: list[Entries] = []

    def add(self, low: Floats, high: Floats, *parts: Entries) -> None:
        for row, column, value in parts:
            self._entries.append((self.count + row, column, np.broadcast_to(value, len(column))))
        self.low.append(low)
        self.high.append(high)
        self.count += len(low)

    def matrix(self, columns: int) -> csc_array:
        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        return csc_array((value, (row.astype(np.int64), column)), shape=(self.count, columns))


def _constraints(layout: _Layout) -> _Rows:
    problem, rows = layout.problem, _Rows()
    classes, columns = np.arange(len(problem.count)), np.arange(len(problem.col_cost))
    owner = problem.variant_class[problem.col_variant]
    count = problem.count.astype(float)
    rows.add(count, count, (owner, columns, 1.0), (classes, layout.unplaced + classes, 1.0))

    nothing = np.full(len(problem.row_capacity), -np.inf)
    rows.add(nothing, problem.row_capacity, *_uses(layout))

    # All units of a class that need an open, together: stronger than one line for each column.
    column = np.repeat(columns, np.diff(problem.need_indptr))
    pairs = owner[column].astype(np.int64) * max(1, len(problem.open_cost)) + problem.need_open
    first, line = np.unique(pairs, return_inverse=True)
    number, open_ = np.divmod(first, max(1, len(problem.open_cost)))
    each = np.arange(len(first))
    rows.add(
        np.full(len(first), -np.inf),
        np.zeros(len(first)),
        (line, column, 1.0),
        (each, layout.opened + open_, -count[number]),
    )

    tied = np.flatnonzero(problem.buy_open >= 0)
    each = np.arange(len(tied))
    rows.add(
        np.full(len(tied), -np.inf),
        np.zeros(len(tied)),
        (each, layout.bought + tied, 1.0),
        (each, layout.opened + problem.buy_open[tied], -problem.buy_limit[tied]),
    )

    grouped = np.flatnonzero(problem.open_group >= 0)
    rows.add(
        problem.group_min.astype(float),
        problem.group_max.astype(float),
        (problem.open_group[grouped], layout.opened + grouped, 1.0),
    )
    return rows


def _uses(layout: _Layout) -> list[Entries]:
    """What columns and opens take from the problem's rows, and what purchases add to them."""
    problem = layout.problem
    row = problem.target_row[problem.col_target]
    amount = problem.demand[problem.col_variant]
    column, resource = np.nonzero((row >= 0) & (amount > 0))
    further = np.repeat(np.arange(len(problem.col_cost)), np.diff(problem.extra_indptr))
    purchase = np.repeat(np.arange(len(problem.buy_cost)), np.diff(problem.buy_indptr))
    opened = np.repeat(np.arange(len(problem.open_cost)), np.diff(problem.open_indptr))
    return [
        (row[column, resource], column, amount[column, resource]),
        (problem.extra_row, further, problem.extra_amount),
        (problem.buy_row, layout.bought + purchase, -problem.buy_amount),
        (problem.open_row, layout.opened + opened, problem.open_amount),
    ]


def _solved(layout: _Layout, rows: _Rows) -> Floats | None:
    matrix = rows.matrix(layout.total)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = layout.total, rows.count
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = layout.cost, layout.lower, layout.upper
    lp.row_lower_, lp.row_upper_ = np.concatenate(rows.low), np.concatenate(rows.high)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in layout.whole]
    highs = new_highs(**EXACT)
    if highs.passModel(lp) == highspy.HighsStatus.kError:
        raise SolverFault("the MILP library refused the model; its input was inconsistent")
    if highs.run() == highspy.HighsStatus.kError:
        raise SolverFault("the MILP library failed")
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    if status != highspy.HighsModelStatus.kOptimal:
        raise SolverFault(f"the MILP library ended with {highs.modelStatusToString(status)}")
    return np.asarray(highs.getSolution().col_value, dtype=float)
