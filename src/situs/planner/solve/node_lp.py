"""The relaxation of one case after the other: one live LP whose limits change from case to case.

Like :class:`~situs.planner.solve.master.Master`, but for problems small enough that all the rows "only if
open" of the columns in it stand in it from the start, with the limits of columns that a case sets, with cuts,
and with a proof also where a case has no solution.

Variables, in this order: units left out, purchases, opens, then columns as they join.  Rows: one per class,
one per capacity row with a limit, one per group, one per purchase that needs an open, one per cut, then one
per pair of class and open as they join.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from situs.planner.certificate import Prices
from situs.planner.problem import Floats, Ints
from situs.planner.solve.bound import Box, Priced, priced
from situs.planner.solve.cutlist import NO_CUTS, CutList
from situs.planner.solve.frame import AnyInts, Frame, ranges
from situs.planner.solve.library import SolverFault, accepted, new_highs
from situs.planner.solve.relaxation import rank_of

PRECISE = {
    "presolve": "off",
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
"""A placement must hold to a billionth, and a bound must meet it."""

COLUMNS_PER_ROUND = 3
"""Columns of each class that join when the prices of a case show that some are missing."""


@dataclass(frozen=True, eq=False)
class Start:
    """Where the next case can start from, as long as nothing has joined the LP."""

    basis: Any
    columns: int
    rows: int


@dataclass(frozen=True, eq=False)
class Solved:
    """The optimum of one case."""

    units: Floats
    """of the columns in the LP"""
    unplaced: Floats
    bought: Floats
    opened: Floats
    prices: Prices
    proof: Priced
    """what the prices prove, over all columns"""
    start: Start


@dataclass(frozen=True, eq=False)
class Impossible:
    """A case without a solution, and prices that say so the louder the more often they are taken."""

    ray: Prices


class NodeLP:
    """One live LP; ``columns`` are those of the problem that are in it, in order of joining."""

    def __init__(self, frame: Frame, columns: Ints, cuts: CutList = NO_CUTS) -> None:
        p = frame.problem
        self.frame = frame
        self.cuts = cuts
        self.columns: Ints = np.empty(0, dtype=np.int64)
        self._present = np.zeros(frame.columns, dtype=bool)
        self._limited = np.flatnonzero(frame.finite_row)
        self._row_at = np.full(frame.rows, -1, dtype=np.int64)
        self._row_at[self._limited] = frame.classes + np.arange(len(self._limited))
        self._tied = np.flatnonzero(p.buy_open >= 0)
        self._group_at = frame.classes + len(self._limited)
        self._tie_at = self._group_at + len(p.group_min)
        self._cut_at = self._tie_at + len(self._tied)
        self._need_at = self._cut_at + len(cuts.cuts)
        self._buy_at = frame.classes
        self._open_at = self._buy_at + frame.buys
        self._column_at = self._open_at + frame.opens
        self._pairs: Ints = np.empty(0, dtype=np.int64)
        """the pairs of class and open that have a row, in order of joining"""
        self._weights = sparse.csc_matrix(
            (cuts.weight, (cuts.cut_of, cuts.column)), shape=(len(cuts.cuts), frame.columns)
        )
        self._highs = new_highs(**PRECISE)
        self._pass_base()
        self.add(columns)

    def _pass_base(self) -> None:
        frame, p, tied = self.frame, self.frame.problem, self._tied
        classes, ties = np.arange(frame.classes), np.arange(len(tied))
        buying = np.flatnonzero(self._row_at[p.buy_row] >= 0)
        taking = np.flatnonzero(self._row_at[p.open_row] >= 0)
        grouped = np.flatnonzero(p.open_group >= 0)
        adding = np.flatnonzero(self.cuts.purchase >= 0)
        entries: list[tuple[AnyInts, AnyInts, Floats]] = [
            (classes, classes, np.ones(frame.classes)),
            (self._row_at[p.buy_row[buying]], self._buy_at + frame.buy_of[buying], -p.buy_amount[buying]),
            (self._row_at[p.open_row[taking]], self._open_at + frame.open_of[taking], p.open_amount[taking]),
            (self._group_at + p.open_group[grouped], self._open_at + grouped, np.ones(len(grouped))),
            (self._tie_at + ties, self._buy_at + tied, np.ones(len(tied))),
            (self._tie_at + ties, self._open_at + p.buy_open[tied], -p.buy_limit[tied]),
            (self._cut_at + adding, self._buy_at + self.cuts.purchase[adding], -self.cuts.per_bought[adding]),
        ]
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        n, m = self._column_at, self._need_at
        matrix = sparse.csc_matrix((value, (row, column)), shape=(m, n))
        nothing = np.full(m, -highspy.kHighsInf)
        count, box = p.count.astype(float), Box.whole(frame)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = n, m
        lp.col_cost_ = np.concatenate((p.penalty, p.buy_cost, p.open_cost))
        lp.col_lower_ = np.zeros(n)
        lp.col_upper_ = np.concatenate((count, box.buy_high, np.ones(frame.opens)))
        lp.row_lower_ = np.concatenate(
            (count, nothing[: len(self._limited)], p.group_min, nothing[: len(tied) + len(self.cuts.cuts)])
        ).astype(float)
        lp.row_upper_ = np.concatenate(
            (count, p.row_capacity[self._limited], p.group_max, np.zeros(len(tied)), self.cuts.limit)
        ).astype(float)
        lp.offset_ = p.fixed_cost
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        accepted(self._highs.passModel(lp))

    def add(self, columns: Ints) -> int:
        """Let further columns join, with the rows "only if open" that they need; gives how many were new."""
        columns = columns[~self._present[columns]]
        if not len(columns):
            return 0
        self._present[columns] = True
        frame, p = self.frame, self.frame.problem
        owner, at, amount = frame.uses(columns, self._row_at)
        needs, need_owner = ranges(p.need_indptr, columns)
        need_row = self._need_rows(frame.cls[columns[need_owner]], p.need_open[needs])
        weights = self._weights[:, columns].tocoo()
        entries: list[tuple[AnyInts, AnyInts, Floats]] = [
            (frame.cls[columns], np.arange(len(columns)), np.ones(len(columns))),
            (at, owner, amount),
            (need_row, need_owner, np.ones(len(needs))),
            (self._cut_at + weights.row, weights.col, weights.data),
        ]
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        shape = (self._highs.getNumRow(), len(columns))
        matrix = sparse.coo_matrix((value, (row, column)), shape=shape).tocsc()
        accepted(
            self._highs.addCols(
                len(columns),
                p.col_cost[columns],
                np.zeros(len(columns)),
                np.full(len(columns), highspy.kHighsInf),
                matrix.nnz,
                matrix.indptr[:-1].astype(np.int32),
                matrix.indices.astype(np.int32),
                matrix.data,
            )
        )
        self.columns = np.concatenate((self.columns, columns))
        return len(columns)

    def _need_rows(self, classes: AnyInts, opens: AnyInts) -> Ints:
        """The rows of these pairs of class and open; those that are not there yet join."""
        frame = self.frame
        keys = classes.astype(np.int64) * max(frame.opens, 1) + opens
        new = np.setdiff1d(keys, self._pairs)
        if len(new):
            cls, open_ = np.divmod(new, max(frame.opens, 1))
            accepted(
                self._highs.addRows(
                    len(new),
                    np.full(len(new), -highspy.kHighsInf),
                    np.zeros(len(new)),
                    len(new),
                    np.arange(len(new), dtype=np.int32),
                    (self._open_at + open_).astype(np.int32),
                    -frame.problem.count[cls].astype(float),
                )
            )
            self._pairs = np.concatenate((self._pairs, new))
        order = np.argsort(self._pairs, kind="stable")
        return self._need_at + order[np.searchsorted(self._pairs[order], keys)]

    def solve(self, box: Box, start: Start | None = None, enough: float = np.inf) -> Solved | Impossible:
        """The optimum of a case over all columns: those that its prices ask for join.

        A case whose prices prove ``enough`` needs no more columns: it is worth nothing to anybody.
        """
        self.enter(box, start)
        prices: Prices | None = None
        proof: Priced | None = None
        while True:
            if not self._run():
                return Impossible(self._prices(self._ray()))
            solution = self._highs.getSolution()
            found = self._prices(np.asarray(solution.row_dual))
            proves = priced(self.frame, found, box, self.cuts)
            if proof is None or prices is None or proves.value > proof.value:
                prices, proof = found, proves
            paid = np.asarray(solution.row_dual)[: self.frame.classes]
            missing = self._missing(proves.reduced, paid, box) if proof.value < enough else self.columns[:0]
            if not self.add(missing):
                break
            self.enter(box)
        value = np.asarray(solution.col_value)
        return Solved(
            units=value[self._column_at :],
            unplaced=value[: self._buy_at],
            bought=value[self._buy_at : self._open_at],
            opened=value[self._open_at : self._column_at],
            prices=prices,
            proof=proof,
            start=Start(self._highs.getBasis(), len(self.columns), len(self._pairs)),
        )

    def peek(self, box: Box, start: Start | None, iterations: int) -> float:
        """About what the case costs at least, after a few steps of the simplex; inf where it shows impossible."""
        self.enter(box, start)
        self._highs.setOptionValue("simplex_iteration_limit", iterations)
        accepted(self._highs.run())
        self._highs.setOptionValue("simplex_iteration_limit", highspy.kHighsIInf)
        if self._highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return float("inf")
        return float(self._highs.getInfo().objective_function_value)

    def enter(self, box: Box, start: Start | None = None) -> None:
        """Take over the limits of a case, and start from a basis where it is still one."""
        frame, limits = self.frame, box.limits or self.frame.limits
        self.add(limits.forced)
        # Without all its columns, a class that must not be left out could seem to have no place.
        kept_in = limits.out_room < limits.remaining
        self.add(np.flatnonzero(kept_in[frame.cls] & (frame.limits.room > 0)))
        least = np.zeros(frame.columns)
        least[limits.forced] = limits.least
        low = least[self.columns]
        high = low + limits.room[self.columns]
        # A limit as large as the class is implied by the class row; leaving it out spares the simplex bound flips.
        high[high >= frame.problem.count[frame.cls[self.columns]]] = highspy.kHighsInf
        last = self._column_at + len(self.columns)
        accepted(
            self._highs.changeColsBounds(
                last,
                np.arange(last, dtype=np.int32),
                np.concatenate((limits.out_least, box.buy_low, box.open_low, low)).astype(float),
                np.concatenate(
                    (limits.out_least + limits.out_room, box.buy_high, box.open_high, high)
                ).astype(float),
            )
        )
        if start is not None and (start.columns, start.rows) == (len(self.columns), len(self._pairs)):
            accepted(self._highs.setBasis(start.basis))

    def _row_count(self) -> int:
        return self._need_at + len(self._pairs)

    def _run(self) -> bool:
        """Whether the present case has a solution over the present columns."""
        accepted(self._highs.run())
        status = self._highs.getModelStatus()
        if status not in _ANSWERS:
            # From scratch, where the basis that was there led nowhere.
            accepted(self._highs.clearSolver())
            accepted(self._highs.run())
            status = self._highs.getModelStatus()
        if status not in _ANSWERS:
            raise SolverFault(f"the linear relaxation ended as {self._highs.modelStatusToString(status)}")
        return bool(status == highspy.HighsModelStatus.kOptimal)

    def _ray(self) -> Floats:
        status, there, ray = self._highs.getDualRay()
        accepted(status)
        return np.asarray(ray, dtype=float) if there else np.zeros(self._row_count())

    def _missing(self, reduced: Floats, paid: Floats, box: Box) -> Ints:
        """Columns with room that would be cheaper than what their class has paid, the cheapest of each class."""
        frame, room = self.frame, (box.limits or self.frame.limits).room
        least = (paid - 1e-9 * np.maximum(1.0, np.abs(paid)))[frame.cls]
        near = np.flatnonzero((room > 0) & ~self._present & (reduced < least))
        return near[rank_of(frame.cls[near], reduced[near]) < COLUMNS_PER_ROUND]

    def _prices(self, dual: Floats) -> Prices:
        """Duals as prices: whatever their sign says beyond that is noise, and any prices prove something."""
        frame = self.frame
        price = np.maximum(0.0, -dual)
        row = np.zeros(frame.rows)
        row[self._limited] = price[self._row_at[self._limited]]
        buy = np.zeros(frame.buys)
        buy[self._tied] = price[self._tie_at : self._cut_at]
        need = price[self._need_at :]
        some = np.flatnonzero(need > 0)
        cls, open_ = np.divmod(self._pairs[some], max(frame.opens, 1))
        return Prices(
            row=row,
            need_class=cls.astype(np.int32),
            need_open=open_.astype(np.int32),
            need_price=need[some],
            buy=buy,
            cut=price[self._cut_at : self._need_at],
        )


_ANSWERS = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)
