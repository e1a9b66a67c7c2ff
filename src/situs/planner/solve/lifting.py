"""Lifted covers: a few units that do not fit a row together, and what every other unit counts beside them.

Some units are taken as given (those the solution uses in full), of the rest a set is looked for that just does
not fit the room left: of those, one has to stay out.  Then every other unit gets the largest weight that keeps
the inequality right, one after the other, the units taken as given last; each weight is read off a table of the
least room that reaches each weight.
"""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Floats, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.cut_rows import CutRow
from situs.planner.solve.rounding import LARGEST_WEIGHT, USED

TABLE = 2 * LARGEST_WEIGHT
"""Weights looked at; a cover whose limit grows beyond half of it is given up."""


def lifted(row: CutRow, value: Floats, bought: float) -> list[Ints]:
    """Weights (items,) of covers of the row at the numbers of blocks next to the present one."""
    found: list[Ints] = []
    low = int(np.floor(bought + 1e-9))
    for blocks in sorted({low, min(low + 1, len(row.capacity) - 1)}):
        capacity = float(row.capacity[blocks]) * (1 + 1e-9)
        if capacity <= 0:
            continue
        for given in (False, True):
            for keen in range(3):
                weight = _lifted(row.amount, row.room, value, capacity, given, keen)
                if weight[0] >= 0 and weight.max() <= LARGEST_WEIGHT:
                    found.append(weight)
    return found


@compiled
def _lifted(size: Floats, room: Ints, value: Floats, capacity: float, given: bool, keen: int) -> Ints:
    """The weights, or -1 in the first place where there is no cover."""
    number = len(size)
    weight = np.zeros(number, dtype=np.int64)
    failed = np.full(number, -1, dtype=np.int64)
    fixed = np.zeros(number, dtype=np.bool_)
    left = capacity
    if given:
        for n in range(number):
            if room[n] == 1 and value[n] > 1 - 1e-6:
                fixed[n] = True
                left -= size[n]
    if left < 0:
        return failed
    score = np.empty(number)
    for n in range(number):
        missing = max(0.0, 1 - value[n] / max(room[n], 1))
        if value[n] <= USED or fixed[n] or room[n] == 0:
            score[n] = np.inf
        elif keen == 0:
            score[n] = missing
        elif keen == 1:
            score[n] = missing / size[n]
        else:
            score[n] = missing * size[n]
    order = np.argsort(score, kind="mergesort")
    chosen = np.zeros(number, dtype=np.bool_)
    filled = 0.0
    last = -1
    for place in range(number):
        n = order[place]
        if score[n] == np.inf:
            break
        chosen[n] = True
        filled += size[n] * room[n]
        last = place
        if filled > left:
            break
    if filled <= left:
        return failed
    # What can be spared makes a smaller cover, and that a stronger cut.
    for place in range(last, -1, -1):
        n = order[place]
        if filled - size[n] * room[n] > left:
            chosen[n] = False
            filled -= size[n] * room[n]
    least = np.full(TABLE + 1, np.inf)
    least[0] = 0.0
    units = 0
    for n in range(number):
        if chosen[n]:
            weight[n] = 1
            units += room[n]
            _join(least, 1, size[n], room[n])
    limit = _most(least, left)
    if units > LARGEST_WEIGHT:
        return failed
    used = np.argsort(-value, kind="mergesort")
    for n in used:
        if value[n] > USED and not fixed[n] and not chosen[n] and room[n] > 0:
            weight[n] = _upward(least, limit, left, size[n], room[n])
            _join(least, weight[n], size[n], room[n])
    for n in np.argsort(-size, kind="mergesort"):
        if fixed[n]:
            weight[n] = _most(least, left + size[n]) - limit
            left += size[n]
            limit += weight[n]
            if limit > LARGEST_WEIGHT:
                return failed
            _join(least, weight[n], size[n], 1)
    for n in np.argsort(-size, kind="mergesort"):
        if value[n] <= USED and not chosen[n] and room[n] > 0:
            weight[n] = _upward(least, limit, left, size[n], room[n])
            _join(least, weight[n], size[n], room[n])
    return weight


@compiled
def _upward(least: Floats, limit: int, capacity: float, size: float, room: int) -> int:
    """The largest weight of an item with which the limit still holds."""
    best = limit + 1
    for units in range(1, room + 1):
        if units * size > capacity:
            break
        best = min(best, (limit - _most(least, capacity - units * size)) // units)
    return best


@compiled
def _most(least: Floats, capacity: float) -> int:
    """The most weight that fits."""
    low, high = 0, len(least)
    while high - low > 1:
        middle = (low + high) // 2
        if least[middle] <= capacity:
            low = middle
        else:
            high = middle
    return low


@compiled
def _join(least: Floats, weight: int, size: float, room: int) -> None:
    """Let the units of an item join the table."""
    if weight <= 0:
        return
    for _ in range(min(room, len(least) // weight + 1)):
        for at in range(len(least) - 1, 0, -1):
            reached = least[max(at - weight, 0)] + size
            if reached < least[at]:
                least[at] = reached
