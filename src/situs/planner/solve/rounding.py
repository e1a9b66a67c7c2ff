"""Mixed-integer rounding of one row, in many ways at once, keeping what a fractional solution may break.

Dividing a row by some size and rounding gives each unit a weight that only depends on what it takes.  So units
of the same size are one pile here, and a way of rounding costs a few operations a pile.  Which ways are worth
the exact table is told by a placement of whole units made greedily: where its weight already exceeds that of
the fractional solution, no cut with these weights is broken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.cut_rows import CutRow

USED = 1e-7
"""Units below that are rounding errors of the LP."""

LARGEST_WEIGHT = 300
"""Weights above that make long tables, and their cuts are hardly ever the deepest."""

REAL_WEIGHT = 30.0
"""The largest weight of a cut on a row whose amounts have no grain."""

TIMES = np.array([0.5, 1.0, 2.0, 3.0, 5.0])
"""Multiples of the sizes in the row that it is divided by."""

MOST_DIVISORS = 6
"""Sizes that a row is divided by where hardly two units have the same."""

FULL = (2.0, 0.5, 0.25, 0.8, 1 - 1e-6, 0.0)
"""Shares of their room from which on units count from there down ("complemented"), which makes covers out of
rounding."""


@dataclass(frozen=True, eq=False)
class Piles:
    """The items of a row by size, and by whether they are complemented."""

    pile: Ints
    """(items,) the pile of each"""
    size: Floats
    down: Flags
    """whether complemented"""
    room: Floats
    use: Floats
    """units of the solution"""
    length: Floats
    """items with a use"""


def covers(size: Floats, room: Ints, value: Floats, capacity: float) -> list[Flags]:
    """Sets of items, of those that the solution uses most, that just do not fit together."""
    missing = 1 - value / np.maximum(room, 1)
    found = []
    for keen in (missing, missing * size, missing / size):
        order = np.lexsort((-size, np.where(value > USED, keen, np.inf)))
        order = order[value[order] > USED]
        filled = np.cumsum((size * room)[order])
        end = int(np.searchsorted(filled, capacity * (1 + 1e-9), side="right")) + 1
        if end > len(order):
            continue
        taken, over = order[:end], filled[end - 1] - capacity
        cover = np.zeros(len(value), dtype=np.bool_)
        cover[taken] = True
        found.append(cover.copy())
        for at in taken[np.argsort(-missing[taken], kind="stable")]:
            if size[at] * room[at] < over - 1e-9 * capacity:
                cover[at] = False
                over -= size[at] * room[at]
        found.append(cover)
    return found


def piles(size: Floats, room: Ints, value: Floats, down: Flags) -> Piles:
    """Items in piles; those that are complemented apart."""
    key, pile = np.unique(size * 2 + down * size, return_inverse=True)
    number = len(key)
    first = np.empty(number, dtype=np.int64)
    first[pile] = np.arange(len(size))
    return Piles(
        pile,
        size[first],
        down[first],
        np.bincount(pile, room, minlength=number).astype(np.float64),
        np.bincount(pile, value, minlength=number).astype(np.float64),
        np.bincount(pile, value > USED, minlength=number).astype(np.float64),
    )


def promising(row: CutRow, value: Floats, bought: float, least: float) -> list[tuple[Ints, float]]:
    """Weights (items,) of the row whose cut may be broken by ``least`` or more, each with that estimate."""
    grain = row.grain or float(row.amount.max()) / 64
    size = row.amount / grain
    capacity = row.capacity / grain
    block = row.block / grain
    if row.grain:
        capacity = np.floor(capacity * (1 + 1e-9))
    divisors = np.unique(size[value > USED])
    if not row.grain and len(divisors) > MOST_DIVISORS:
        divisors = divisors[np.linspace(0, len(divisors) - 1, MOST_DIVISORS).astype(np.int64)]
    if row.purchase >= 0:
        divisors = np.append(divisors, block)
    divisors = np.unique(np.multiply.outer(divisors, TIMES))
    shifts = np.unique(np.array([0.0, np.floor(bought), len(capacity) - 1.0]))
    found: list[tuple[Ints, float]] = []
    known: set[bytes] = set()
    sets = [(value > full * row.room) & (value > USED) for full in FULL]
    fewer = int(np.floor(bought))
    for blocks in sorted({fewer, min(fewer + 1, len(capacity) - 1)}):
        sets += covers(size, row.room, value, float(capacity[blocks]))
    for down in sets:
        p = piles(size, row.room, value, down)
        weights, depth = _weights(
            p.size,
            p.down,
            p.room,
            p.use,
            p.length,
            capacity,
            block,
            bought,
            divisors,
            shifts,
            bool(row.grain),
        )
        for n in np.flatnonzero(depth > least):
            weight = weights[n][p.pile]
            key = weight.tobytes()
            if key not in known:
                known.add(key)
                found.append((weight, float(depth[n])))
    return found


@compiled
def _weights(
    size: Floats,
    down: Flags,
    room: Floats,
    use: Floats,
    length: Floats,
    capacity: Floats,
    block: float,
    bought: float,
    divisors: Floats,
    shifts: Floats,
    whole: bool,
) -> tuple[Ints, Floats]:
    """Per way of rounding the weight of each pile, and how deep its cut may be; 0 where it is not broken."""
    number = len(size)
    ways = len(divisors) * len(shifts)
    weights = np.zeros((ways, number), dtype=np.int64)
    depth = np.zeros(ways)
    taken = 0.0
    for g in range(number):
        if down[g]:
            taken += size[g] * room[g]
    low = int(np.floor(bought))
    high = min(low + 1, len(capacity) - 1)
    real = np.empty(number)
    density = np.empty(number)
    way = -1
    for d in range(len(divisors)):
        by = divisors[d]
        for s in range(len(shifts)):
            way += 1
            left = capacity[0] + shifts[s] * block - taken
            rest = left - by * np.floor(left / by)
            even = rest < 1e-9 * by or rest > (1 - 1e-6) * by
            most = 0.0
            for g in range(number):
                signed = (-size[g] if down[g] else size[g]) / by
                whole_part = np.floor(signed + 1e-9)
                value = whole_part
                if not even:
                    part = max(signed - whole_part, 0.0)
                    value += max(0.0, part - rest / by) / (1 - rest / by)
                real[g] = -value if down[g] else value
                most = max(most, abs(real[g]))
            if most == 0.0:
                continue
            scale = 1.0 if even else (by - rest if whole else REAL_WEIGHT / max(1.0, most))
            if most * scale > 100 * LARGEST_WEIGHT:
                continue
            divide = 0
            good = True
            for g in range(number):
                w = int(np.round(real[g] * scale))
                weights[way, g] = w
                good = good and w >= 0
                a, b = w, divide
                while b:
                    a, b = b, a % b
                divide = a
            if divide <= 0 or not good:
                continue
            total, norm = 0.0, 0.0
            for g in range(number):
                weights[way, g] //= divide
                w = weights[way, g]
                good = good and w <= LARGEST_WEIGHT
                total += w * use[g]
                norm += w * w * length[g]
                density[g] = -w / size[g]
            if not good or norm == 0.0:
                continue
            order = np.argsort(density, kind="mergesort")
            least = _greedy(order, size, room, weights[way], capacity[low])
            if high > low:
                upper = _greedy(order, size, room, weights[way], capacity[high])
                norm += (upper - least) ** 2
                least += (bought - low) * (upper - least)
            depth[way] = (total - least) / np.sqrt(norm)
    return weights, depth


@compiled
def _greedy(order: Ints, size: Floats, room: Floats, weight: Ints, capacity: float) -> float:
    """The weight of whole units that fit, the best by size first."""
    left, total = capacity * (1 + 1e-9), 0.0
    for g in order:
        units = min(room[g], np.floor(left / size[g]))
        total += units * weight[g]
        left -= units * size[g]
    return total
