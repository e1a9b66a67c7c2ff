"""Which opens to choose at given prices of the rows, and what each class pays for them.

At given prices of the capacity rows the rest of the problem falls apart into small facility location problems:
each dataset (or other group of opens) with the classes that use it.  Most are so small that all choices can be gone
through (:mod:`.groups`).  The linear programs of the others are nearly always solved by whole opens, and all of them
together are quick work for the simplex method.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from situs.planner.problem import Flags, Floats, Ids, Ints, Problem
from situs.planner.solve.groups import Groups
from situs.planner.solve.library import SolverFault, new_highs


@dataclass(frozen=True, eq=False)
class Located:
    """The answer to all groups at once."""

    share: Floats
    """(F,) how far each open is there, 0 to 1"""
    pair_price: Floats
    """(pairs,) what one unit of the class pays for the open"""


class Facility:
    """The pairs "class could use open" of a problem, ordered by class."""

    def __init__(self, problem: Problem, pair_class: Ids, pair_open: Ids) -> None:
        self._problem, self._class, self._open = problem, pair_class, pair_open
        self._groups = Groups(problem, pair_class, pair_open)

    def locate(self, through: Floats, free: Floats, net: Floats) -> Located:
        """Choose opens: ``through`` (pairs,) is what a unit costs through an open, ``free`` (I,) without any.

        ``net`` (F,) is what an open costs by itself.  Raises SolverFault when groups ask for more than there is.
        """
        group = self._problem.open_group
        share, price = np.zeros(len(net)), np.zeros(len(through))
        unproven = self._groups.locate(through, free, net, share, price)
        left = ~self._groups.few
        left[unproven] = True
        opens = np.append(left, True)[group]
        pairs = opens[self._open] & (through < free[self._class])
        if np.any(opens):
            relaxed = self._relax(np.flatnonzero(pairs), opens, left, through, free, net)
            price[opens[self._open]] = relaxed.pair_price[opens[self._open]]
            # The exact choice stands; only prices were missing.
            opens &= ~np.append(self._groups.few, False)[group]
            share[opens] = relaxed.share[opens]
        return Located(share, price)

    def _relax(
        self, some: Ints, opens: Flags, groups: Flags, through: Floats, free: Floats, net: Floats
    ) -> Located:
        """The linear program over some pairs, opens and groups."""
        p, pair_class = self._problem, self._class[some]
        number, count = np.flatnonzero(opens), p.count.astype(float)[pair_class]
        at_open = np.full(len(net), -1, dtype=np.int64)
        at_open[number] = np.arange(len(number))
        limited = np.flatnonzero(groups)
        at_group = np.full(len(groups) + 1, -1, dtype=np.int64)
        at_group[limited] = np.arange(len(limited))
        of_group = at_group[p.open_group[number]]
        grouped = np.flatnonzero(of_group >= 0)
        cls, at = np.unique(pair_class, return_inverse=True)
        pairs, classes, columns = len(some), len(cls), len(some) + len(number)
        # What a class saves through an open, beside going free: x <= y, one open a class at most.
        saved = (through[some] - free[pair_class]) * count
        one = sparse.csr_matrix((np.ones(pairs), (at, np.arange(pairs))), shape=(classes, columns))
        there = sparse.csr_matrix(
            (
                np.r_[np.ones(pairs), -np.ones(pairs)],
                (
                    np.r_[np.arange(pairs), np.arange(pairs)],
                    np.r_[np.arange(pairs), pairs + at_open[self._open[some]]],
                ),
            ),
            shape=(pairs, columns),
        )
        limits = sparse.csr_matrix(
            (np.ones(len(grouped)), (of_group[grouped], pairs + grouped)), shape=(len(limited), columns)
        )
        matrix = sparse.vstack((one, there, limits)).tocsr()
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = columns, matrix.shape[0]
        lp.col_cost_ = np.concatenate((saved, net[number]))
        least, most = p.group_min[limited].astype(float), p.group_max[limited].astype(float)
        # A limit that does not matter could still take a price, and classes would pay what is not asked for.
        at_most_one = (net[number] < 0) | (np.append(least, 0.0)[of_group] > 1)
        lp.col_lower_ = np.zeros(columns)
        lp.col_upper_ = np.concatenate((np.full(pairs, np.inf), np.where(at_most_one, 1.0, np.inf)))
        lp.row_lower_ = np.concatenate((np.full(classes + pairs, -np.inf), least))
        lp.row_upper_ = np.concatenate((np.ones(classes), np.zeros(pairs), most))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = (
            matrix.indptr,
            matrix.indices,
            matrix.data,
        )
        highs = new_highs()
        highs.passModel(lp)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise SolverFault(f"choosing opens ended with {highs.getModelStatus()}")
        solution = highs.getSolution()
        paid = np.maximum(0.0, -np.asarray(solution.row_dual)[classes : classes + pairs])
        share, price = np.zeros(len(net)), np.zeros(len(through))
        share[number] = np.asarray(solution.col_value)[pairs:]
        price[some] = paid / count
        return Located(share, price)
