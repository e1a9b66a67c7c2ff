"""Weights that make a cut which a fractional solution breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Cut
from situs.planner.problem import Floats, Ints
from situs.planner.solve.cut_rows import CutRow
from situs.planner.solve.knapsack import heaviest

BROKEN = 1e-4
"""Least excess over the limit, relative to the length of the weights, for a cut to be worth its place."""

CUTS_PER_ROW = 3

LARGEST_WEIGHT = 300


@dataclass(frozen=True, eq=False)
class Found:
    """A cut and by how much it is broken, as a distance."""

    cut: Cut
    depth: float


def linked(row: CutRow, units: Floats, bought: Floats) -> list[Found]:
    """Units of a class on a row that is nothing but blocks: none without a block, no more than fit."""
    if row.purchase < 0 or row.capacity[0] > 0 or bought[row.purchase] > 1 - 1e-9:
        return []
    value = units[row.column]
    cls, where = np.unique(row.cls, return_inverse=True)
    use = np.bincount(where, value)
    count = np.zeros(len(cls), dtype=np.int64)
    count[where] = row.count
    found = []
    for n in np.flatnonzero(use > bought[row.purchase] * 1.0 + 1e-6):
        members = np.flatnonzero(where == n)
        cut = _with_best_limit(row, members, np.ones(len(members), dtype=np.int64), bought)
        if cut is None:
            continue
        over = use[n] - cut.limit - cut.per_bought * bought[row.purchase]
        if over > 1e-5:
            found.append(Found(cut, over))
    return found


def rounded(row: CutRow, units: Floats, bought: Floats) -> list[Found]:
    """Cuts by rounding the row, in several ways; the deepest few."""
    value = units[row.column]
    some = (value > 1e-7) & (np.abs(value - np.round(value)) > 1e-6)
    z = bought[row.purchase] if row.purchase >= 0 else 0.0
    if not some.any() and abs(z - round(z)) < 1e-6:
        return []
    found: list[Found] = []
    seen: set[bytes] = set()
    for weight in _weights(row, value, some):
        key = weight.tobytes()
        if key in seen:
            continue
        seen.add(key)
        members = np.flatnonzero(weight)
        if not np.any(value[members] > 1e-7):
            continue
        cut = _with_best_limit(row, members, weight[members], bought)
        if cut is None:
            continue
        over = float(value[members] @ weight[members]) - cut.limit - cut.per_bought * z
        depth = over / float(np.sqrt(np.sum(weight[value > 1e-7] ** 2) + cut.per_bought**2))
        if depth > BROKEN:
            found.append(Found(cut, depth))
    found.sort(key=lambda each: -each.depth)
    return found[:CUTS_PER_ROW]


def _weights(row: CutRow, value: Floats, some: np.ndarray) -> Iterator[Ints]:
    """Whole weights from mixed-integer rounding of the row divided by a size that occurs in it.

    Units at their limit count from there ("complemented"), which makes covers out of rounding.
    """
    grain = row.grain or float(row.amount.max()) / 64
    size = row.amount / grain
    block = row.block / grain
    there = row.capacity[0] / grain
    if row.grain:
        there = np.floor(there * (1 + 1e-9))
    fractional = size[some]
    divisors = np.unique(fractional)
    if row.purchase >= 0:
        divisors = np.append(divisors, block)
    full = (value > row.room / 2) & (row.room > 0)
    for at_limit in (np.zeros(len(value), dtype=bool), full):
        left = there - float(size[at_limit] @ row.room[at_limit])
        for divisor in divisors.tolist():
            for times in (1, 2):
                by = divisor * times
                rest = left - by * np.floor(left / by)
                signed = np.where(at_limit, -size, size) / by
                down = np.floor(signed + 1e-9)
                part = np.maximum(signed - down, 0.0)
                if rest < 1e-9 * by or rest > (1 - 1e-6) * by:
                    real = down
                    scale = 1.0
                else:
                    real = down + np.maximum(0.0, part - rest / by) / (1 - rest / by)
                    scale = by - rest if row.grain else 30.0 / max(1.0, float(np.abs(real).max()))
                weight = np.round(np.where(at_limit, -real, real) * scale).astype(np.int64)
                divide = int(np.gcd.reduce(weight))
                if divide <= 0:
                    continue
                weight //= divide
                if weight.max() <= LARGEST_WEIGHT:
                    yield weight


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
