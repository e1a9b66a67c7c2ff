"""The columns that a market offers, class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.problem import Floats, Ids, Ints
from situs.planner.solve.frame import Frame, ranges
from situs.planner.solve.response import Columns

MOST = 0.8
"""Where so large a share of all columns is on offer, the problem's own arrays are used: copying what is on offer takes
longer than going past the others, which nobody can pay."""


@dataclass(frozen=True, eq=False)
class Offered:
    """Columns, those of a class side by side: letters j column, i class."""

    columns: Ints
    """(j,) increasing"""
    classes: Ids
    """(i,) increasing"""
    starts: Ints
    """(i+1,) where the columns of each class begin"""
    cost: Floats
    """(j,) of a unit; inf for columns that are not on offer"""
    uses: Columns
    limit: Floats
    """(j,) units; inf where the whole class fits"""


def offered(frame: Frame, columns: Ints, one_of: int) -> Offered:
    """``columns`` (increasing), of one class of so many only if ``one_of`` is more than 1."""
    if one_of == 1 and len(columns) >= MOST * frame.columns:
        return _all_but_some(frame, columns)
    p, cls = frame.problem, frame.cls[columns]
    opening = np.flatnonzero(np.r_[True, cls[1:] != cls[:-1]]) if len(cls) else np.empty(0, dtype=np.int64)
    items, owner = ranges(p.extra_indptr, columns)
    uses = Columns(
        p.col_variant[columns],
        p.col_target[columns],
        p.demand,
        p.target_row,
        np.searchsorted(owner, np.arange(len(columns) + 1)).astype(np.int64),
        p.extra_row[items],
        p.extra_amount[items],
    )
    return Offered(
        columns,
        cls[opening],
        np.r_[opening, len(cls)].astype(np.int64),
        p.col_cost[columns],
        uses,
        one_of * frame.own_limit[columns],
    )


def _all_but_some(frame: Frame, columns: Ints) -> Offered:
    cost = np.full(frame.columns, np.inf)
    cost[columns] = frame.problem.col_cost[columns]
    classes = np.arange(frame.classes, dtype=np.int32)
    return Offered(np.arange(frame.columns), classes, frame.starts, cost, frame.uses_of, frame.own_limit)
