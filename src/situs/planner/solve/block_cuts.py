"""Cuts that whole purchases keep and fractions of them break, quick enough for a hundred thousand classes.

Two kinds, each from one row to which a purchase adds:

* *linked*: units of a class at a target that has nothing but what is bought are no more than the purchases
  allow: ``x <= z`` for classes of one unit.
* *rounded*: users that fill more than ``q`` purchases need ``q + 1``, unless enough of them go elsewhere
  (mixed-integer rounding of the row with those users complemented).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Cut
from situs.planner.problem import Floats, Ints
from situs.planner.solve.cut_lp import Point
from situs.planner.solve.cut_rows import CutRow
from situs.planner.solve.knapsack import MOST_CELLS

BROKEN = 1e-3
"""Least excess for a cut to be worth its place: in purchases for a linked one, as a share of one for a rounded."""

FRACTION = 1e-4
"""As close to a whole number, a purchase is taken for it."""


@dataclass(frozen=True, eq=False)
class BlockRow:
    """A row to which a whole purchase adds, with its users class by class. Letters: c class here, n column."""

    row: int
    purchase: int
    block: float
    """what one purchase adds, in grains"""
    own: float
    """what is there without, in grains"""
    column: Ints
    """(n,) classes one after the other"""
    starts: Ints
    """(c+1,)"""
    amount: Floats
    """(n,) what a unit takes, in grains: whole numbers"""
    single: bool
    """whether all classes here have one unit"""


def block_rows(rows: list[CutRow]) -> list[BlockRow]:
    """The rows among ``rows`` that whole purchases add to, where all that is taken has one grain."""
    found = []
    for row in rows:
        if row.purchase < 0 or not row.grain:
            continue
        block = row.block / row.grain
        if block != np.floor(block):
            continue
        order = np.lexsort((row.column, row.cls))
        cls = row.cls[order]
        starts = np.flatnonzero(np.r_[True, cls[1:] != cls[:-1], True])
        found.append(
            BlockRow(
                row.row,
                row.purchase,
                block,
                float(np.floor(row.capacity[0] / row.grain * (1 + 1e-9))),
                row.column[order].astype(np.int64),
                starts,
                row.amount[order] / row.grain,
                bool(np.all(row.count == 1)),
            )
        )
    return found


def broken_cuts(rows: list[BlockRow], point: Point) -> list[Cut]:
    """Cuts of both kinds that the point breaks."""
    found: list[Cut] = []
    done: set[int] = set()
    for row in rows:
        bought = float(point.bought[row.purchase])
        if abs(bought - round(bought)) <= FRACTION or not row.single:
            continue
        units = point.units[row.column]
        use = np.add.reduceat(units, row.starts[:-1])
        if row.own == 0 and row.purchase not in done:
            done.add(row.purchase)
            found += _linked(row, use, bought)
        cut = _rounded(row, use, bought)
        if cut is not None:
            found.append(cut)
    return found


def _linked(row: BlockRow, use: Floats, bought: float) -> list[Cut]:
    cuts = []
    for c in np.flatnonzero(use > bought + BROKEN).tolist():
        members = row.column[row.starts[c] : row.starts[c + 1]]
        ones = np.ones(len(members), dtype=np.int64)
        cuts.append(Cut(row.row, members.astype(np.int32), ones, 0, row.purchase, 1))
    return cuts


def _rounded(row: BlockRow, use: Floats, bought: float) -> Cut | None:
    """The most broken cut of the row whose users are those that use it most."""
    # What a class takes here does not depend on the way its data come, unless its shape does: the least counts.
    least = np.minimum.reduceat(row.amount, row.starts[:-1])
    order = np.lexsort((-least, -use))
    order = order[use[order] > FRACTION]
    if not len(order):
        return None
    filled = np.cumsum(least[order]) - row.own
    missing = np.cumsum((least * (1 - use))[order])
    full = np.ceil(filled / row.block - 1e-9) - 1
    rest = filled - full * row.block
    over = np.where(full >= 0, rest * (full + 1 - bought) - missing, 0.0)
    best = int(np.argmax(over))
    if over[best] <= BROKEN * row.block:
        return None
    chosen = np.sort(order[: best + 1])
    each = row.starts[chosen + 1] - row.starts[chosen]
    items = np.repeat(row.starts[chosen] - np.cumsum(each) + each, each) + np.arange(int(each.sum()))
    weight = np.repeat(least[chosen], each).astype(np.int64)
    rest_here, full_here = int(rest[best]), int(full[best])
    limit = int(filled[best] + row.own) - rest_here * (full_here + 1)
    divide = int(np.gcd.reduce(np.append(weight, (limit, rest_here))))
    if int(weight.sum()) // divide * len(items) > MOST_CELLS:
        return None
    return Cut(
        row.row,
        row.column[items].astype(np.int32),
        weight // divide,
        limit // divide,
        row.purchase,
        rest_here // divide,
    )
