"""How much weight fits a row, with whole units: the limit of a cut, once its weights are chosen."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Floats, Ints
from situs.planner.solve.compiled import compiled, inlined
from situs.planner.solve.frame import AnyInts

OVERFULL = 6e-9
"""How far a row may be overfull here, relative to what is there: more than the checker of cuts grants, so
that it agrees with every limit found here."""

MOST_WEIGHT = 20_000
"""Tables longer than this are not worth their time."""

MOST_CELLS = 1 << 21
"""Weights times steps of a table: half of what the checker is willing to fill."""


def heaviest(
    weight: Ints, amount: Floats, room: Ints, cls: AnyInts, count: Ints, capacity: Floats
) -> Ints | None:
    """(len(capacity),) the most weight that fits each capacity; None where the table would be too long.

    Per item: what a unit weighs (1 or more) and takes, how many units it may have, its class and the count of
    that class, which no items of one class exceed together.
    """
    order = np.lexsort((amount, weight, cls))
    weight, amount, room = weight[order], amount[order], room[order]
    cls, count = cls[order], count[order]
    # Items of a class that weigh and take the same are one: mostly the same place with data from elsewhere.
    new = np.ones(len(cls), dtype=bool)
    new[1:] = (cls[1:] != cls[:-1]) | (weight[1:] != weight[:-1]) | (amount[1:] != amount[:-1])
    starts = np.flatnonzero(new)
    room = np.minimum(np.add.reduceat(room, starts), count[starts]) if len(starts) else room
    weight, amount, cls, count = weight[starts], amount[starts], cls[starts], count[starts]
    opens = np.diff(cls, prepend=-1) != 0
    number = np.diff(np.append(np.flatnonzero(opens), len(cls)))
    alone = opens & (np.repeat(number, number) == 1)
    top = _top(weight, amount, room, float(capacity.max()))
    if top > MOST_WEIGHT or top * float(np.sum(np.log2(np.maximum(room, 1)) + 1)) > MOST_CELLS:
        return None
    least = np.full(top + 1, np.inf)
    least[0] = 0.0
    # Units of classes with one item each, of the same weight and size, are one pile of units.
    single = np.flatnonzero(alone)
    single = single[np.lexsort((amount[single], weight[single]))]
    new = np.ones(len(single), dtype=bool)
    new[1:] = (np.diff(weight[single]) != 0) | (np.diff(amount[single]) != 0)
    piles = np.flatnonzero(new)
    pile_room = np.add.reduceat(np.minimum(room, count)[single], piles) if len(piles) else room[:0]
    first = single[piles]
    _add_piles(least, weight[first], amount[first], pile_room)
    choice = np.flatnonzero(~alone)
    _add_choices(least, weight[choice], amount[choice], opens[choice], count[choice])
    return np.asarray(np.searchsorted(least, capacity * (1 + OVERFULL), side="right") - 1)


def _top(weight: Ints, amount: Floats, room: Ints, capacity: float) -> int:
    """More weight than this never fits: as if fractions of units could be taken."""
    rate = np.divide(amount, weight)
    order = np.argsort(rate, kind="stable")
    units = room[order].astype(float)
    taken = np.cumsum(units * amount[order])
    weighed = np.cumsum(units * weight[order])
    at = int(np.searchsorted(taken, capacity * (1 + OVERFULL), side="right"))
    if at == len(order):
        return int(min(weighed[-1], 1e15)) if len(order) else 0
    before = taken[at - 1] if at else 0.0
    there = weighed[at - 1] if at else 0.0
    return int(min(there + (capacity * (1 + OVERFULL) - before) / rate[order[at]] + 1e-6, 1e15)) + 1


@inlined
def _join(least: Floats, before: Floats, weight: int, amount: float) -> None:
    """Let something that weighs and takes this much join the table that was ``before``; apart, so that it is quick."""
    top = len(least) - 1
    for at in range(1, min(weight, top) + 1):
        least[at] = amount if amount < least[at] else least[at]
    for at in range(weight + 1, top + 1):
        reached = before[at - weight] + amount
        least[at] = reached if reached < least[at] else least[at]


@compiled
def _add_piles(least: Floats, weight: Ints, amount: Floats, room: Ints) -> None:
    """Let piles of equal units join the table, in steps of 1, 2, 4, ... units and the rest."""
    top = len(least) - 1
    before = np.empty_like(least)
    for n in range(len(weight)):
        left = min(room[n], top // weight[n] + 1)
        size = 1
        while left > 0:
            size = min(size, left)
            left -= size
            before[:] = least
            _join(least, before, weight[n] * size, amount[n] * size)
            size *= 2


@compiled
def _add_choices(least: Floats, weight: Ints, amount: Floats, opens: np.ndarray, count: Ints) -> None:
    """Let classes with a choice of items join the table, a unit at a time."""
    top = len(least) - 1
    before = np.empty_like(least)
    begin = 0
    while begin < len(weight):
        end = begin + 1
        lightest = weight[begin]
        while end < len(weight) and not opens[end]:
            lightest = min(lightest, weight[end])
            end += 1
        for _ in range(min(count[begin], top // lightest + 1)):
            before[:] = least
            for n in range(begin, end):
                _join(least, before, weight[n], amount[n])
        begin = end
