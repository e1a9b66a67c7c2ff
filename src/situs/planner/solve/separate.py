"""Cuts of one row that a fractional solution breaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Cut
from situs.planner.problem import Floats, Ints
from situs.planner.solve.cut_rows import CutRow
from situs.planner.solve.knapsack import heaviest
from situs.planner.solve.lifting import lifted
from situs.planner.solve.rounding import USED, promising

BROKEN = 1e-4
"""Least excess over the limit, relative to the length of the weights, for a cut to be worth its place."""

CUTS_PER_ROW = 8

PARALLEL = 0.9
"""Cosine above which two cuts of a row say nearly the same: the deeper one is taken, the other finds its place
in the LP a round later if it is still broken."""


@dataclass(frozen=True, eq=False)
class Found:
    """A cut and by how much it is broken, as a distance."""

    cut: Cut
    depth: float


def linked(row: CutRow, units: Floats, bought: Floats) -> list[Found]:
    """Units of a class on a row that is nothing but blocks: none without a block, no more than fit."""
    if not row.links or bought[row.purchase] > 1 - 1e-9:
        return []
    value = units[row.column]
    where = np.unique(row.cls, return_inverse=True)[1]
    use = np.bincount(where, value)
    found = []
    for n in np.flatnonzero(use > bought[row.purchase] + 1e-6):
        members = np.flatnonzero(where == n)
        cut = _with_best_limit(row, members, np.ones(len(members), dtype=np.int64), bought)
        if cut is None:
            continue
        over = use[n] - cut.limit - cut.per_bought * bought[row.purchase]
        if over > 1e-5:
            found.append(Found(cut, over))
    return found


def rounded(row: CutRow, units: Floats, bought: Floats, tables: int) -> list[Found]:
    """Cuts by rounding the row, in several ways; the deepest few.

    Of the weights that rounding gives, the exact limit is found for the ``tables`` most promising.
    """
    value = units[row.column]
    z = float(bought[row.purchase]) if row.purchase >= 0 else 0.0
    if np.all(np.abs(value - np.round(value)) < 1e-6) and abs(z - round(z)) < 1e-6:
        return []
    candidates = promising(row, value, z, BROKEN)
    candidates.sort(key=lambda each: -each[1])
    found: list[Found] = []
    weights = [weight for weight, _ in candidates[:tables]]
    weights += lifted(row, value, z)
    for weight in weights:
        members = np.flatnonzero(weight)
        cut = _with_best_limit(row, members, weight[members], bought)
        if cut is None:
            continue
        over = float(value[members] @ weight[members]) - cut.limit - cut.per_bought * z
        depth = over / float(np.sqrt(np.sum(weight[value > USED] ** 2) + cut.per_bought**2))
        if depth > BROKEN:
            found.append(Found(cut, depth))
    found.sort(key=lambda each: -each.depth)
    return _apart(row, value, found)


def _apart(row: CutRow, value: Floats, found: list[Found]) -> list[Found]:
    """The deepest few that do not say nearly the same."""
    kept: list[Found] = []
    directions: list[Floats] = []
    place = np.full(int(row.column.max()) + 1, -1)
    place[row.column] = np.arange(len(row.column))
    for each in found:
        d = np.zeros(len(value) + 1)
        d[place[each.cut.column]] = each.cut.weight
        d[:-1][value <= USED] = 0.0
        d[-1] = -each.cut.per_bought
        d /= np.sqrt(d @ d)
        if all(float(d @ other) < PARALLEL for other in directions):
            kept.append(each)
            directions.append(d)
            if len(kept) == CUTS_PER_ROW:
                break
    return kept


def _with_best_limit(row: CutRow, members: Ints, weight: Ints, bought: Floats) -> Cut | None:
    """The cut with these weights that allows the least at the present number of blocks."""
    most = heaviest(
        weight, row.amount[members], row.room[members], row.cls[members], row.count[members], row.capacity
    )
    if most is None:
        return None
    best, per_bought = int(most[-1]), 0
    if row.purchase >= 0:
        blocks = np.arange(len(most))
        z = bought[row.purchase]
        least = float(best)
        for each in np.unique(np.diff(most)).tolist():
            limit = int(np.max(most - each * blocks))
            if limit + each * z < least - 1e-12:
                least, best, per_bought = limit + each * z, limit, int(each)
    purchase = row.purchase if per_bought else -1
    return Cut(row.row, row.column[members], weight, best, purchase, per_bought)
