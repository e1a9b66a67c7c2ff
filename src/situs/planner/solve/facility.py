"""Which opens to choose at given prices of the rows, and what each class pays for them.

At given prices of the capacity rows the rest of the problem falls apart into small facility location problems:
each dataset (or other group of opens) with the classes that use it.  Their linear programs are nearly always
solved by whole opens, and all of them together are quick work for the simplex method.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from situs.planner.problem import Floats, Ids, Problem
from situs.planner.solve.library import SolverFault, new_highs


@dataclass(frozen=True, eq=False)
class Located:
    """The answer to all groups at once."""

    share: Floats
    """(F,) how far each open is there, 0 to 1"""
    pair_price: Floats
    """(pairs,) what one unit of the class pays for the open"""


def locate(
    pair_class: Ids,
    pair_open: Ids,
    through: Floats,
    free: Floats,
    net: Floats,
    problem: Problem,
) -> Located:
    """Choose opens: ``through`` (pairs,) is what a unit costs through an open, ``free`` (I,) without any.

    ``net`` (F,) is what an open costs by itself.  Raises SolverFault when groups ask for more than there is.
    """
    opens, count, group = len(net), problem.count.astype(float), problem.open_group
    least, most = problem.group_min, problem.group_max
    price = np.zeros(len(pair_class))
    some = np.flatnonzero(through < free[pair_class])
    cls, at = np.unique(pair_class[some], return_inverse=True)
    pairs, classes = len(some), len(cls)
    grouped = np.flatnonzero(group >= 0)
    # What a class saves through an open, beside going free: x <= y, one open a class at most.
    saved = (through[some] - free[pair_class[some]]) * count[pair_class[some]]
    one = sparse.csr_matrix((np.ones(pairs), (at, np.arange(pairs))), shape=(classes, pairs + opens))
    there = sparse.csr_matrix(
        (
            np.r_[np.ones(pairs), -np.ones(pairs)],
            (np.r_[np.arange(pairs), np.arange(pairs)], np.r_[np.arange(pairs), pairs + pair_open[some]]),
        ),
        shape=(pairs, pairs + opens),
    )
    limits = sparse.csr_matrix(
        (np.ones(len(grouped)), (group[grouped], pairs + grouped)), shape=(len(least), pairs + opens)
    )
    matrix = sparse.vstack((one, there, limits)).tocsr()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = pairs + opens, matrix.shape[0]
    lp.col_cost_ = np.concatenate((saved, net))
    lp.col_lower_, lp.col_upper_ = np.zeros(pairs + opens), np.ones(pairs + opens)
    lp.row_lower_ = np.concatenate((np.full(classes + pairs, -np.inf), least.astype(float)))
    lp.row_upper_ = np.concatenate((np.ones(classes), np.zeros(pairs), most.astype(float)))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    highs = new_highs()
    highs.passModel(lp)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise SolverFault(f"choosing opens ended with {highs.getModelStatus()}")
    solution = highs.getSolution()
    paid = np.maximum(0.0, -np.asarray(solution.row_dual)[classes : classes + pairs])
    price[some] = paid / count[pair_class[some]]
    return Located(np.asarray(solution.col_value)[pairs:], price)
