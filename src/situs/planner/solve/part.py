"""A few classes of a problem as a problem of their own, in what the others leave of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from situs.planner.problem import Floats, Ints
from situs.planner.solve.frame import Frame, ranges


def part(frame: Frame, classes: Ints, columns: Ints, taken: Floats) -> Frame:
    """These classes (increasing) with these of their columns (increasing); rows, purchases and opens stay as they are.

    ``taken`` (M,) is what the other classes take; a row that they overfill is left with less than nothing.  What
    the columns need is taken to be there.
    """
    p = frame.problem
    items, owner = ranges(p.extra_indptr, columns)
    own = replace(
        p,
        count=p.count[classes],
        penalty=p.penalty[classes],
        variant_class=np.searchsorted(classes, frame.class_of(columns)).astype(np.int32),
        demand=p.demand[p.col_variant[columns]],
        col_variant=np.arange(len(columns), dtype=np.int32),
        col_target=p.col_target[columns],
        col_cost=p.col_cost[columns],
        col_limit=p.col_limit[columns],
        extra_indptr=np.searchsorted(owner, np.arange(len(columns) + 1)).astype(np.int64),
        extra_row=p.extra_row[items],
        extra_amount=p.extra_amount[items],
        need_indptr=np.zeros(len(columns) + 1, dtype=np.int64),
        need_open=np.zeros(0, dtype=np.int32),
        row_capacity=p.row_capacity - taken,
    )
    return Frame(own)
