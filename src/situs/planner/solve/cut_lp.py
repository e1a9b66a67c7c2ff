"""The relaxation as a live LP to which cuts join and from which they leave.

Variables, in this order: units left out, purchases, opens, then columns as they join.  Rows: one per class, one
per capacity row with a limit, one per group, one per purchase that needs an open, then, as they come and go,
cuts and the rows "class i uses open f only if it is open".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from situs.planner.certificate import Cut, Prices
from situs.planner.problem import Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.frame import AnyInts, Frame, ranges
from situs.planner.solve.library import SolverFault, accepted, new_highs

SLACK = 1e-7
"""A row that comes and goes is idle when it is that far from its limit."""

IDLE_ROUNDS = 3
"""Rounds after which an idle row goes: it may bind again while the others settle."""

DUAL, PRIMAL = 1, 4
"""Ways of the simplex method: a basis stays good for the one when rows join, for the other when columns do."""

ANSWERS = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)


@dataclass(frozen=True, eq=False)
class Point:
    """An optimal solution of the LP."""

    value: float
    units: Floats
    """(J,) of all columns, 0 for those not in the LP"""
    bought: Floats
    opened: Floats
    prices: Prices
    """``cut`` prices the LP's present cuts"""
    paid: Floats
    """(I,) what one more unit of each class would cost"""


class CutLP:
    """The LP; ``cuts`` are the cuts in it."""

    def __init__(
        self,
        frame: Frame,
        columns: Ints,
        pairs: Ints,
        *,
        large: bool = False,
    ) -> None:
        """``pairs`` of class and open that start with their row, as class * opens + open.

        A ``large`` LP is solved first by an interior point method, which is ten times quicker there than the
        simplex method without a basis.
        """
        p = frame.problem
        self._first_by, self._by = "ipm" if large else "simplex", DUAL
        self.frame = frame
        self.columns: Ints = np.empty(0, dtype=np.int64)
        self.present = np.zeros(frame.columns, dtype=bool)
        self._limited = np.flatnonzero(frame.finite_row)
        self._row_at = np.full(frame.rows, -1, dtype=np.int64)
        self._row_at[self._limited] = frame.classes + np.arange(len(self._limited))
        self._tied = np.flatnonzero(p.buy_open >= 0)
        self._group_at = frame.classes + len(self._limited)
        self._tie_at = self._group_at + len(p.group_min)
        self._loose_at = self._tie_at + len(self._tied)
        self._buy_at = frame.classes
        self._open_at = self._buy_at + frame.buys
        self._column_at = self._open_at + frame.opens
        self._loose: list[Cut | int] = []
        """what stands in each row that comes and goes: a cut, or a pair of class and open"""
        self._idle: Ints = np.empty(0, dtype=np.int64)
        self._highs = new_highs(presolve="off")
        self._pass_base()
        self.add_columns(columns)
        self.add_pairs(pairs)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The cuts in the LP, in the order in which they are priced."""
        return tuple(row for row in self._loose if isinstance(row, Cut))

    def _pass_base(self) -> None:
        frame, p, tied = self.frame, self.frame.problem, self._tied
        classes, ties = np.arange(frame.classes), np.arange(len(tied))
        buying = np.flatnonzero(self._row_at[p.buy_row] >= 0)
        taking = np.flatnonzero(self._row_at[p.open_row] >= 0)
        grouped = np.flatnonzero(p.open_group >= 0)
        entries: list[tuple[AnyInts, AnyInts, Floats]] = [
            (classes, classes, np.ones(frame.classes)),
            (self._row_at[p.buy_row[buying]], self._buy_at + frame.buy_of[buying], -p.buy_amount[buying]),
            (self._row_at[p.open_row[taking]], self._open_at + frame.open_of[taking], p.open_amount[taking]),
            (self._group_at + p.open_group[grouped], self._open_at + grouped, np.ones(len(grouped))),
            (self._tie_at + ties, self._buy_at + tied, np.ones(len(tied))),
            (self._tie_at + ties, self._open_at + p.buy_open[tied], -p.buy_limit[tied]),
        ]
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        n, m = self._column_at, self._loose_at
        matrix = sparse.csc_matrix((value, (row, column)), shape=(m, n))
        nothing = np.full(m, -highspy.kHighsInf)
        count = p.count.astype(float)
        most = np.where(p.buy_integer, np.floor(p.buy_limit), p.buy_limit)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = n, m
        lp.col_cost_ = np.concatenate((p.penalty, p.buy_cost, p.open_cost))
        lp.col_lower_ = np.zeros(n)
        lp.col_upper_ = np.concatenate((count, most, np.ones(frame.opens)))
        lp.row_lower_ = np.concatenate(
            (count, nothing[: len(self._limited)], p.group_min, nothing[: len(tied)])
        ).astype(float)
        lp.row_upper_ = np.concatenate(
            (count, p.row_capacity[self._limited], p.group_max, np.zeros(len(tied)))
        ).astype(float)
        lp.offset_ = p.fixed_cost
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        accepted(self._highs.passModel(lp))

    def add_columns(self, columns: Ints) -> int:
        """Let further columns join; gives how many were new."""
        columns = columns[~self.present[columns]]
        if not len(columns):
            return 0
        self.present[columns] = True
        frame, p = self.frame, self.frame.problem
        owner, at, amount = frame.uses(columns, self._row_at)
        entries: list[tuple[AnyInts, AnyInts, Floats]] = [
            (frame.cls[columns].astype(np.int64), np.arange(len(columns)), np.ones(len(columns))),
            (at, owner, amount),
        ]
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        base = sparse.coo_matrix((value, (row, column)), shape=(self._loose_at, len(columns)))
        loose = self._weights(self._loose)[:, columns]
        matrix = sparse.vstack((base, loose)).tocsc()
        room = frame.limits.room[columns].astype(float)
        # A limit as large as the class is implied by the class row; leaving it out spares the simplex bound flips.
        room[room >= p.count[frame.cls[columns]]] = highspy.kHighsInf
        accepted(
            self._highs.addCols(
                len(columns),
                p.col_cost[columns],
                np.zeros(len(columns)),
                room,
                matrix.nnz,
                matrix.indptr[:-1].astype(np.int32),
                matrix.indices.astype(np.int32),
                matrix.data,
            )
        )
        self.columns = np.concatenate((self.columns, columns))
        self._by = PRIMAL
        return len(columns)

    def _weights(self, loose: list[Cut | int]) -> sparse.csr_matrix:
        """(rows, J) what stands before the units in rows that come and go."""
        frame, p = self.frame, self.frame.problem
        at = [n for n, row in enumerate(loose) if isinstance(row, Cut)]
        cuts = [row for row in loose if isinstance(row, Cut)]
        rows = [np.repeat(np.array(at, dtype=np.int64), [len(cut.column) for cut in cuts])]
        columns: list[AnyInts] = [
            np.concatenate([np.empty(0, dtype=np.int64), *(cut.column for cut in cuts)])
        ]
        values = [np.concatenate([np.empty(0), *(cut.weight for cut in cuts)])]
        pairs = np.array([row for row in loose if not isinstance(row, Cut)], dtype=np.int64)
        if len(pairs):
            place = np.array([n for n, row in enumerate(loose) if not isinstance(row, Cut)], dtype=np.int64)
            order = np.argsort(pairs, kind="stable")
            key = frame.cls[frame.need_col].astype(np.int64) * frame.opens + p.need_open
            found = np.minimum(np.searchsorted(pairs[order], key), len(pairs) - 1)
            here = np.flatnonzero(pairs[order][found] == key)
            rows.append(place[order][found[here]])
            columns.append(frame.need_col[here])
            values.append(np.ones(len(here)))
        return sparse.csr_matrix(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
            shape=(len(loose), frame.columns),
        )

    def add_cuts(self, cuts: list[Cut]) -> None:
        """Let cuts join."""
        self._add_loose(list(cuts))

    def add_pairs(self, pairs: Ints) -> None:
        """Let the rows "only if open" of these pairs of class and open join."""
        self._add_loose([int(pair) for pair in pairs])

    def _add_loose(self, loose: list[Cut | int]) -> None:
        if not loose:
            return
        self._by = DUAL
        frame, p = self.frame, self.frame.problem
        upper = np.zeros(len(loose))
        rows, columns, values = [], [], []
        for n, row in enumerate(loose):
            if isinstance(row, Cut):
                upper[n] = row.limit
                if row.purchase >= 0 and row.per_bought:
                    rows.append(n)
                    columns.append(self._buy_at + row.purchase)
                    values.append(-float(row.per_bought))
            else:
                cls, open_ = divmod(row, max(frame.opens, 1))
                rows.append(n)
                columns.append(self._open_at + open_)
                values.append(-float(p.count[cls]))
        base = sparse.csr_matrix((values, (rows, columns)), shape=(len(loose), self._column_at))
        matrix = sparse.hstack((base, self._weights(loose)[:, self.columns])).tocsr()
        accepted(
            self._highs.addRows(
                len(loose),
                np.full(len(loose), -highspy.kHighsInf),
                upper,
                matrix.nnz,
                matrix.indptr[:-1].astype(np.int32),
                matrix.indices.astype(np.int32),
                matrix.data,
            )
        )
        self._loose += loose
        self._idle = np.concatenate((self._idle, np.zeros(len(loose), dtype=np.int64)))

    def solve(self) -> Point | None:
        """The optimum over the present columns and cuts; None when there is none at all."""
        self._highs.setOptionValue("solver", self._first_by)
        status = self._run(self._by)
        if status not in ANSWERS:
            # From scratch, where the basis that was there led nowhere.
            accepted(self._highs.clearSolver())
            status = self._run(DUAL)
        self._first_by, self._by = "simplex", DUAL
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFault(f"the linear relaxation ended as {self._highs.modelStatusToString(status)}")
        return self._point()

    def _point(self) -> Point:
        """Where the simplex method is."""
        solution = self._highs.getSolution()
        value = np.asarray(solution.col_value)
        units = np.zeros(self.frame.columns)
        units[self.columns] = value[self._column_at :]
        dual = np.maximum(0.0, -np.asarray(solution.row_dual))
        return Point(
            value=self._highs.getInfo().objective_function_value,
            units=units,
            bought=value[self._buy_at : self._open_at],
            opened=value[self._open_at : self._column_at],
            prices=self._prices(dual),
            paid=np.asarray(solution.row_dual)[: self.frame.classes],
        )

    def _run(self, strategy: int) -> Any:
        self._highs.setOptionValue("simplex_strategy", strategy)
        accepted(self._highs.run())
        return self._highs.getModelStatus()

    def limit(self, within: Box, *, wider: bool = False) -> None:
        """From now on, purchases and opens are within these limits; ``wider`` where they only give way."""
        at = np.arange(self._buy_at, self._column_at, dtype=np.int32)
        low = np.concatenate((within.buy_low, within.open_low)).astype(float)
        high = np.concatenate((within.buy_high, within.open_high)).astype(float)
        accepted(self._highs.changeColsBounds(len(at), at, low, high))
        self._by = PRIMAL if wider else DUAL

    def peek(self, within: Box, steps: int) -> Point | None:
        """About the optimum within these limits, after a few steps, with a cost below it; None where it is impossible.

        The basis stays as it was; the limits have to be set again."""
        basis = self._highs.getBasis()
        self.limit(within)
        self._highs.setOptionValue("simplex_iteration_limit", steps)
        status = self._run(DUAL)
        point = None if status == highspy.HighsModelStatus.kInfeasible else self._point()
        self._highs.setOptionValue("simplex_iteration_limit", highspy.kHighsIInf)
        accepted(self._highs.setBasis(basis))
        return point

    def _prices(self, dual: Floats) -> Prices:
        frame = self.frame
        row = np.zeros(frame.rows)
        row[self._limited] = dual[self._row_at[self._limited]]
        buy = np.zeros(frame.buys)
        buy[self._tied] = dual[self._tie_at : self._loose_at]
        loose = dual[self._loose_at :]
        is_cut = np.array([isinstance(each, Cut) for each in self._loose], dtype=bool)
        paid = np.flatnonzero(~is_cut & (loose > 0))
        pairs = np.array([self._loose[n] for n in paid], dtype=np.int64)
        return Prices(
            row=row,
            need_class=(pairs // max(frame.opens, 1)).astype(np.int32),
            need_open=(pairs % max(frame.opens, 1)).astype(np.int32),
            need_price=loose[paid],
            buy=buy,
            cut=loose[is_cut],
        )

    def broken_pairs(self, point: Point, most: int) -> Ints:
        """Pairs of class and open whose row "only if open" the point breaks, the worst ``most``."""
        frame, p = self.frame, self.frame.problem
        used = np.flatnonzero(point.units > 0)
        items, owner = ranges(p.need_indptr, used)
        if not len(items):
            return items
        key = frame.cls[used[owner]].astype(np.int64) * frame.opens + p.need_open[items]
        pairs, inverse = np.unique(key, return_inverse=True)
        use = np.bincount(inverse, point.units[used][owner])
        count = p.count[pairs // frame.opens]
        over = use - count * point.opened[pairs % frame.opens]
        broken = np.flatnonzero(over > 1e-6 * count)
        worst: Ints = pairs[broken[np.argsort(-over[broken], kind="stable")][:most]]
        return worst

    def drop_idle(self, *, pairs: bool = True) -> int:
        """Let rows go that have not bound for some rounds, those of ``pairs`` or only cuts; gives how many."""
        if not self._loose:
            return 0
        value = np.asarray(self._highs.getSolution().row_value)[self._loose_at :]
        upper = np.asarray(self._highs.getLp().row_upper_)[self._loose_at :]
        self._idle = np.where(upper - value > SLACK, self._idle + 1, 0)
        may = np.array([pairs or isinstance(row, Cut) for row in self._loose])
        go = np.flatnonzero((self._idle >= IDLE_ROUNDS) & may)
        if not len(go):
            return 0
        basis = self._highs.getBasis()
        kept = np.ones(self._loose_at + len(self._loose), dtype=bool)
        kept[self._loose_at + go] = False
        status = basis.row_status
        accepted(self._highs.deleteRows(len(go), (self._loose_at + go).astype(np.int32)))
        basis.row_status = [status[n] for n in np.flatnonzero(kept)]
        accepted(self._highs.setBasis(basis))
        self._loose = [self._loose[n] for n in np.flatnonzero(kept[self._loose_at :])]
        self._idle = self._idle[kept[self._loose_at :]]
        return len(go)
