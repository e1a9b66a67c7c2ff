"""The linear relaxation over some of the columns, growing as better ones are found.

Variables, in this order: units left out (one per class in play), purchases, opens, then columns as they
join.  Rows: one per class, one per capacity row with a limit, one per group, one per purchase that needs an
open; the rows "class i uses open f only if it is open" join when they are violated, since there may be as
many of them as columns and few ever bind.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from situs.planner.certificate import Prices
from situs.planner.problem import Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.frame import Frame, ranges
from situs.planner.solve.library import SolverFault, accepted, new_highs


@dataclass(frozen=True, eq=False)
class Relaxed:
    """An optimal solution of the relaxation over the present columns."""

    value: float
    units: Floats
    """of the present columns"""
    unplaced: Floats
    bought: Floats
    opened: Floats
    prices: Prices


class Master:
    """The relaxation as a live LP; ``columns`` are the problem's columns in it, in order of joining."""

    def __init__(self, frame: Frame, columns: Ints) -> None:
        self._frame = frame
        p = frame.problem
        self._limited = np.flatnonzero(frame.finite_row)
        self._row_at = np.full(frame.rows, -1, dtype=np.int64)
        self._row_at[self._limited] = frame.classes + np.arange(len(self._limited))
        self._tied = np.flatnonzero(p.buy_open >= 0)
        self._group_at = frame.classes + len(self._limited)
        self._tie_at = self._group_at + len(p.group_min)
        self._buy_at = frame.classes
        self._open_at = self._buy_at + frame.buys
        self._column_at = self._open_at + frame.opens
        self.columns = np.empty(0, dtype=np.int64)
        self._present = np.zeros(frame.columns, dtype=bool)
        self._need_rows: dict[int, int] = {}
        self._need_keys = np.empty(0, dtype=np.int64)
        self._highs = new_highs(presolve="off")
        self._pass_base()
        self.add(columns)

    def _pass_base(self) -> None:
        frame, p = self._frame, self._frame.problem
        count = p.count.astype(float)
        n, m = self._column_at, self._tie_at + len(self._tied)
        box = Box.whole(frame)
        buy_ok = self._row_at[p.buy_row] >= 0
        open_ok = self._row_at[p.open_row] >= 0
        grouped = np.flatnonzero(p.open_group >= 0)
        rows = np.concatenate(
            (
                np.arange(frame.classes),
                self._row_at[p.buy_row[buy_ok]],
                self._row_at[p.open_row[open_ok]],
                self._group_at + p.open_group[grouped],
                self._tie_at + np.arange(len(self._tied)),
                self._tie_at + np.arange(len(self._tied)),
            )
        )
        cols = np.concatenate(
            (
                np.arange(frame.classes),
                self._buy_at + frame.buy_of[buy_ok],
                self._open_at + frame.open_of[open_ok],
                self._open_at + grouped,
                self._buy_at + self._tied,
                self._open_at + p.buy_open[self._tied],
            )
        )
        values = np.concatenate(
            (
                np.ones(frame.classes),
                -p.buy_amount[buy_ok],
                p.open_amount[open_ok],
                np.ones(len(grouped)),
                np.ones(len(self._tied)),
                -p.buy_limit[self._tied],
            )
        )
        matrix = sparse.csc_matrix((values, (rows, cols)), shape=(m, n))
        inf = highspy.kHighsInf
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = n, m
        lp.col_cost_ = np.concatenate((p.penalty, p.buy_cost, p.open_cost))
        lp.col_lower_ = np.concatenate((np.zeros(len(count)), box.buy_low, box.open_low.astype(float)))
        lp.col_upper_ = np.concatenate((count, box.buy_high, box.open_high.astype(float)))
        lp.row_lower_ = np.concatenate(
            (
                count,
                np.full(len(self._limited), -inf),
                p.group_min.astype(float),
                np.full(len(self._tied), -inf),
            )
        )
        lp.row_upper_ = np.concatenate(
            (
                count,
                p.row_capacity[self._limited],
                p.group_max.astype(float),
                np.zeros(len(self._tied)),
            )
        )
        lp.offset_ = p.fixed_cost
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        accepted(self._highs.passModel(lp))

    def add(self, columns: Ints) -> int:
        """Let further columns join; gives how many were new."""
        columns = columns[~self._present[columns]]
        if not len(columns):
            return 0
        self._present[columns] = True
        frame, p = self._frame, self._frame.problem
        rows, values, owner = [], [], []
        each = np.arange(len(columns))
        rows.append(frame.cls[columns].astype(np.int64))
        values.append(np.ones(len(columns)))
        owner.append(each)
        user, at, amount = frame.uses(columns, self._row_at)
        rows.append(at)
        values.append(amount)
        owner.append(user)
        items, item_owner = ranges(p.need_indptr, columns)
        if len(items) and self._need_rows:
            key = frame.cls[columns[item_owner]].astype(np.int64) * frame.opens + p.need_open[items]
            known = np.fromiter(
                (self._need_rows.get(int(k), -1) for k in key), dtype=np.int64, count=len(key)
            )
            some = known >= 0
            rows.append(known[some])
            values.append(np.ones(int(some.sum())))
            owner.append(item_owner[some])
        matrix = sparse.coo_matrix(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(owner))),
            shape=(self._highs.getNumRow(), len(columns)),
        ).tocsc()
        limits = frame.limits.room[columns].astype(float)
        # A limit as large as the class is implied by the class row; leaving it out spares the simplex bound flips.
        limits[limits >= p.count[frame.cls[columns]]] = highspy.kHighsInf
        accepted(
            self._highs.addCols(
                len(columns),
                p.col_cost[columns],
                np.zeros(len(columns)),
                limits,
                matrix.nnz,
                matrix.indptr[:-1].astype(np.int32),
                matrix.indices.astype(np.int32),
                matrix.data,
            )
        )
        self.columns = np.concatenate((self.columns, columns))
        return len(columns)

    def add_violated_needs(self, relaxed: Relaxed, most: int) -> int:
        """Add the rows "only if open" that the solution breaks, the worst ``most`` first; gives how many."""
        frame, p = self._frame, self._frame.problem
        items, owner = ranges(p.need_indptr, self.columns)
        if not len(items):
            return 0
        key = frame.cls[self.columns[owner]].astype(np.int64) * frame.opens + p.need_open[items]
        pairs, inverse = np.unique(key, return_inverse=True)
        use = np.bincount(inverse, relaxed.units[owner])
        allowed = p.count[pairs // frame.opens] * relaxed.opened[pairs % frame.opens]
        broken = use - allowed
        chosen = np.flatnonzero(broken > 1e-6 * p.count[pairs // frame.opens])
        chosen = chosen[np.argsort(-broken[chosen], kind="stable")][:most]
        if not len(chosen):
            return 0
        base = self._highs.getNumRow()
        position = np.full(len(pairs), -1, dtype=np.int64)
        position[chosen] = np.arange(len(chosen))
        in_row = position[inverse]
        some = in_row >= 0
        rows = np.concatenate((in_row[some], np.arange(len(chosen))))
        cols = np.concatenate((self._column_at + owner[some], self._open_at + pairs[chosen] % frame.opens))
        values = np.concatenate(
            (np.ones(int(some.sum())), -p.count[pairs[chosen] // frame.opens].astype(float))
        )
        matrix = sparse.csr_matrix((values, (rows, cols)), shape=(len(chosen), self._highs.getNumCol()))
        accepted(
            self._highs.addRows(
                len(chosen),
                np.full(len(chosen), -highspy.kHighsInf),
                np.zeros(len(chosen)),
                matrix.nnz,
                matrix.indptr[:-1].astype(np.int32),
                matrix.indices.astype(np.int32),
                matrix.data,
            )
        )
        for k, pair in enumerate(pairs[chosen]):
            self._need_rows[int(pair)] = base + k
        self._need_keys = np.concatenate((self._need_keys, pairs[chosen]))
        return len(chosen)

    def solve(self) -> Relaxed | None:
        """The optimum over the present columns; None when the case has no solution at all."""
        accepted(self._highs.run())
        status = self._highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        # An estate of places alone has nothing to decide, which the library has a status of its own for.
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
            raise SolverFault(f"the linear relaxation ended as {self._highs.modelStatusToString(status)}")
        solution = self._highs.getSolution()
        value = np.asarray(solution.col_value)
        dual = np.asarray(solution.row_dual)
        return Relaxed(
            value=self._highs.getInfo().objective_function_value,
            units=value[self._column_at :],
            unplaced=value[: self._buy_at],
            bought=value[self._buy_at : self._open_at],
            opened=value[self._open_at : self._column_at],
            prices=self._prices(dual),
        )

    def _prices(self, dual: Floats) -> Prices:
        frame = self._frame
        row = np.zeros(frame.rows)
        row[self._limited] = np.maximum(0.0, -dual[self._row_at[self._limited]])
        buy = np.zeros(frame.buys)
        buy[self._tied] = np.maximum(0.0, -dual[self._tie_at : self._tie_at + len(self._tied)])
        keys = self._need_keys
        need = np.maximum(0.0, -dual[self._tie_at + len(self._tied) :]) if len(keys) else np.empty(0)
        some = need > 0
        return Prices(
            row=row,
            need_class=(keys[some] // max(frame.opens, 1)).astype(np.int32),
            need_open=(keys[some] % max(frame.opens, 1)).astype(np.int32),
            need_price=need[some],
            buy=buy,
        )
