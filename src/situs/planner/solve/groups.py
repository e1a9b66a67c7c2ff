"""Opens of one group chosen exactly, and paid for by a dual ascent: what most facility location problems need.

A group of a few opens (sites that may hold a dataset) with the classes that use nothing else is a problem of its
own.  All choices within the group's limits are gone through, which is quick: of eight opens at most three may be
there in 92 ways.  What each class pays is found by a dual ascent, as Erlenkotter's: classes raise what they are
ready to pay, from one alternative of theirs to the next, as long as every open they would have to be kept out of
can still be paid for.  The choice is known by then, so classes first pay for nothing but what they use.
"""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats, Ids, Ints, Problem
from situs.planner.solve.compiled import compiled

MOST_OPENS = 20
MOST_WAYS = 600
"""Groups that can be chosen from in more ways are left to a linear program."""

UNPROVEN = 1e-6
"""So much of what the classes of a group pay may be missing in the proof before it is left to that, too."""


@compiled
def choose_few(saved: Floats, net: Floats, least: int, most: int) -> tuple[int, Floats]:
    """The best choice of ``least`` to ``most`` opens, as bits, and the least cost for each number, one more included.

    ``saved`` (opens, classes) is what a class saves through an open, not positive; ``net`` (opens,) what it costs.
    """
    opens, classes = saved.shape
    deepest = min(opens, most + 1)
    level = np.zeros((deepest + 1, classes))
    spent = np.zeros(deepest + 1)
    added = np.full(deepest + 1, -1)
    by_number = np.full(deepest + 1, np.inf)
    by_number[0] = 0.0
    best, chosen = np.inf, 0
    depth, bits, following = 0, 0, 0
    while True:
        if depth < deepest and following < opens:
            f = following
            depth += 1
            added[depth] = f
            bits |= 1 << f
            spent[depth] = spent[depth - 1] + net[f]
            value = spent[depth]
            for i in range(classes):
                level[depth, i] = min(level[depth - 1, i], saved[f, i])
                value += level[depth, i]
            by_number[depth] = min(by_number[depth], value)
            if least <= depth <= most and value < best:
                best, chosen = value, bits
            following = f + 1
        elif depth > 0:
            bits ^= 1 << added[depth]
            following = added[depth] + 1
            depth -= 1
        else:
            break
    if least <= 0 and best > 0.0:
        chosen = 0
    return chosen, by_number


@compiled
def _raise(saved: Floats, order: Ints, ceiling: Floats, left: Floats, level: Floats) -> None:
    """Raise ``level`` (classes,) up to ``ceiling`` (classes,), paid from what is ``left`` (opens,), both in place.

    ``order`` (opens, classes) sorts the opens by what each class saves, the most first.  Those come first who pay
    for the fewest opens.
    """
    opens, classes = saved.shape
    for paid in range(1, opens + 1):
        for i in range(classes):
            if level[i] >= ceiling[i] or saved[order[paid - 1, i], i] > level[i]:
                continue
            to = min(ceiling[i], saved[order[paid, i], i]) if paid < opens else ceiling[i]
            step = to - level[i]
            for n in range(paid):
                step = min(step, left[order[n, i]])
            if step > 0.0:
                for n in range(paid):
                    left[order[n, i]] -= step
                level[i] = to if step >= to - level[i] else level[i] + step


@compiled
def _value(level: Floats, reduced: Floats, least: int, most: int) -> float:
    """What levels and what opens cost beyond what is paid for them prove."""
    value = 0.0
    for each in level:
        value += each
    cheapest = np.sort(reduced)
    for rank in range(min(most, len(cheapest))):
        if rank < least or cheapest[rank] < 0.0:
            value += cheapest[rank]
    return value


@compiled
def _locate(
    open_start: Ints,
    open_of: Ints,
    class_start: Ints,
    class_of: Ints,
    pair_start: Ints,
    place: Ints,
    through: Floats,
    free: Floats,
    count: Floats,
    net: Floats,
    least: Ints,
    most: Ints,
    share: Floats,
    price: Floats,
    gap: Floats,
) -> None:
    """Fill ``share`` (F,) and ``price`` (pairs,) group by group, and ``gap`` (groups,) with what is not proven."""
    for g in range(len(open_start) - 1):
        opens = open_of[open_start[g] : open_start[g + 1]]
        members = class_of[class_start[g] : class_start[g + 1]]
        size, classes = len(opens), len(members)
        saved = np.zeros((size, classes))
        for m in range(classes):
            i = members[m]
            for n in range(pair_start[i], pair_start[i + 1]):
                saved[place[n], m] = min(0.0, count[i] * (through[n] - free[i]))
        cost = net[opens]
        fewest, highest = least[g], min(size, most[g])
        chosen, by_number = choose_few(saved, cost, fewest, highest)
        number = 0
        for f in range(size):
            there = (chosen >> f) & 1
            share[opens[f]] = there
            number += there
        # At a limit of the group, every open is so much cheaper or dearer that one more or less would not matter.
        extra = 0.0
        if number == fewest and number > 0:
            extra = min(0.0, by_number[number - 1] - by_number[number])
        if extra == 0.0 and number == highest and number < size:
            extra = max(0.0, by_number[number] - by_number[number + 1])
        order = np.empty((size, classes), dtype=np.int64)
        level = np.empty(classes)
        ceiling = np.zeros(classes)
        for m in range(classes):
            order[:, m] = np.argsort(saved[:, m])
            level[m] = saved[order[0, m], m]
            seen = 0
            for f in order[:, m]:
                seen += (chosen >> f) & 1
                if seen == 2:
                    ceiling[m] = saved[f, m]
                    break
        left = np.maximum(0.0, cost + extra)
        _raise(saved, order, ceiling, left, level)
        _raise(saved, order, np.zeros(classes), left, level)
        for m in range(classes):
            i = members[m]
            for n in range(pair_start[i], pair_start[i + 1]):
                paid = max(0.0, level[m] - saved[place[n], m])
                price[n] = paid / count[i]
                cost[place[n]] -= paid
        gap[g] = by_number[number] - _value(level, cost, fewest, highest)


class Groups:
    """The groups of a problem that are small and by themselves."""

    def __init__(self, problem: Problem, pair_class: Ids, pair_open: Ids) -> None:
        """The pairs "class could use open", ordered by class."""
        groups, classes = len(problem.group_min), len(problem.count)
        group = problem.open_group
        of_pair = group[pair_open]
        opens = np.bincount(group[group >= 0], minlength=groups)
        few = (opens <= MOST_OPENS) & (opens >= problem.group_min) & (problem.group_min <= problem.group_max)
        few &= _ways(opens, problem.group_max) <= MOST_WAYS
        # A class that could also use other opens ties its groups together.
        of_class = np.full(classes, -1, dtype=np.int64)
        of_class[pair_class] = of_pair
        mixed = of_class[pair_class] != of_pair
        tied = np.zeros(classes, dtype=np.bool_)
        tied[pair_class[mixed]] = True
        among = of_pair[tied[pair_class]]
        few[among[among >= 0]] = False
        self.few: Flags = few
        """(G,) the groups that are"""
        self._group = np.flatnonzero(few)
        at = np.full(groups + 1, -1, dtype=np.int64)
        at[self._group] = np.arange(len(self._group))
        self._opens, self._open_start = _by_group(at[group], len(self._group))
        self._members, self._class_start = _by_group(at[of_class], len(self._group))
        place = np.zeros(len(group), dtype=np.int64)
        place[self._opens] = np.arange(len(self._opens)) - self._open_start[at[group[self._opens]]]
        self._place = place[pair_open]
        self._pair_start = np.searchsorted(pair_class, np.arange(classes + 1)).astype(np.int64)
        self._count = problem.count.astype(float)
        self._least, self._most = problem.group_min[self._group], problem.group_max[self._group]

    def locate(self, through: Floats, free: Floats, net: Floats, share: Floats, price: Floats) -> Ints:
        """Fill ``share`` (F,) and ``price`` (pairs,) where these groups have a say; gives those whose prices do not
        prove that their choice is the best.

        ``through`` (pairs,) is what a unit costs through an open, ``free`` (I,) without any, ``net`` (F,) what an
        open costs by itself.
        """
        gap = np.zeros(len(self._group))
        _locate(
            self._open_start, self._opens, self._class_start, self._members, self._pair_start, self._place,
            through, free, self._count, net, self._least, self._most, share, price, gap,
        )  # fmt: skip
        worth = np.abs(free[self._members]) * self._count[self._members]
        paid = np.add.reduceat(np.append(worth, 0.0), self._class_start[:-1]) if len(gap) else gap
        return self._group[gap > UNPROVEN * np.maximum(1.0, paid)]


def _by_group(at: Ints, groups: int) -> tuple[Ints, Ints]:
    """Positions in ``at`` ordered by the group that stands there, and where those of each group begin."""
    some = np.flatnonzero(at >= 0)
    order = some[np.argsort(at[some], kind="stable")]
    return order, np.searchsorted(at[order], np.arange(groups + 1)).astype(np.int64)


def _ways(opens: Ints, most: Ints) -> Floats:
    """(G,) how many choices of up to one more than ``most`` opens there are."""
    ways, term = np.ones(len(opens)), np.ones(len(opens))
    for number in range(1, MOST_OPENS + 1):
        term = term * np.maximum(opens - number + 1, 0) / number
        ways += np.where(number <= most + 1, term, 0.0)
    return ways
