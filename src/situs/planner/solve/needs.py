"""What must exist before it can be used: at given prices, which opens to choose and who pays for them.

The columns of a class matter only through the least cost by way of each open, and the least without any, so
the choice is made over pairs "class could use open".  A column that needs several opens counts as an option
through each of them when opens are chosen, and can be used only if all are there.
"""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats, Ids, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.facility import Facility
from situs.planner.solve.frame import Frame
from situs.planner.solve.parts import each_part
from situs.planner.solve.sweeps import charge_needs, find_usable, levels


class Needs:
    """The pairs "class could use open", over all columns."""

    def __init__(self, frame: Frame) -> None:
        p = frame.problem
        self.frame = frame
        self.pair_class: Ids
        self.pair_open: Ids
        self.pair_class, self.pair_open, self._pair_of = _pairs(
            frame.starts, p.need_indptr, p.need_open, frame.opens
        )
        self._facility = Facility(p, self.pair_class, self.pair_open)
        self.chosen_here: Flags = frame.needed | (p.open_group >= 0)
        """opens that are chosen by :meth:`choose`; the others only make purchases cheaper"""

    def usable(self, opened: Flags) -> Flags:
        """(J,) columns whose needs are all met, and that have room for a unit."""
        frame, p = self.frame, self.frame.problem
        usable = np.empty(frame.columns, dtype=np.bool_)
        each_part(
            frame.starts,
            lambda _, begin, end: find_usable(
                begin, end, frame.starts, frame.limits.room, p.need_indptr, p.need_open, opened, usable
            ),
        )
        return usable

    def choose(self, charged: Floats, row: Floats) -> tuple[Flags, Floats]:
        """Opens to choose when columns cost ``charged`` (J,), and (pairs,) what a unit of each class pays for each."""
        frame, p = self.frame, self.frame.problem
        opened = np.zeros(frame.opens, dtype=bool)
        if not np.any(self.chosen_here):
            return opened, np.zeros(len(self.pair_class))
        net = p.open_cost + np.bincount(frame.open_of, p.open_amount * row[p.open_row], minlength=frame.opens)
        located = self._facility.locate(*self._levels(charged), net)
        opened[self.chosen_here] = located.share[self.chosen_here] > 0.5
        return _within_limits(
            opened, located.share, p.open_group, p.group_min, p.group_max
        ), located.pair_price

    def charge(self, charged: Floats, price: Floats) -> Floats:
        """(J,) what a unit of each column costs once it pays ``price`` (pairs,) for the opens it needs."""
        frame, p = self.frame, self.frame.problem
        reduced = charged.copy()
        each_part(
            frame.starts,
            lambda _, begin, end: charge_needs(
                begin, end, frame.starts, p.need_indptr, self._pair_of, price, reduced
            ),
        )
        return reduced

    def _levels(self, charged: Floats) -> tuple[Floats, Floats]:
        """For each pair the least cost through it; for each class the least without any open, or left out."""
        frame, p = self.frame, self.frame.problem
        through, free = np.full(len(self.pair_class), np.inf), p.penalty.astype(float)
        each_part(
            frame.starts,
            lambda _, begin, end: levels(
                begin,
                end,
                frame.starts,
                charged,
                frame.limits.room,
                p.count,
                p.need_indptr,
                self._pair_of,
                through,
                free,
            ),
        )
        return through, free


@compiled
def _pairs(starts: Ints, need_indptr: Ints, need_open: Ids, opens: int) -> tuple[Ids, Ids, Ids]:
    """Class and open of each pair, ordered by class, and (items of need_open,) the pair of each need."""
    pair_of = np.empty(len(need_open), dtype=np.int32)
    latest = np.full(opens, -1, dtype=np.int32)
    number = 0
    # Counted first, then written down.
    for turn in range(2):
        pair_class = np.empty(number if turn else 0, dtype=np.int32)
        pair_open = np.empty(number if turn else 0, dtype=np.int32)
        latest[:] = -1
        number = 0
        for i in range(len(starts) - 1):
            begin = number
            for item in range(need_indptr[starts[i]], need_indptr[starts[i + 1]]):
                f = need_open[item]
                if latest[f] < begin:
                    latest[f] = number
                    if turn:
                        pair_class[number] = i
                        pair_open[number] = f
                    number += 1
                pair_of[item] = latest[f]
    return pair_class, pair_open, pair_of


def _within_limits(opened: Flags, share: Floats, group: Ids, least: Ints, most: Ints) -> Flags:
    """The choice with groups that rounding left with too many or too few opens brought within their limits."""
    grouped = np.flatnonzero(group >= 0)
    order = grouped[np.lexsort((grouped, -share[grouped], group[grouped]))]
    rank = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    number = np.bincount(group[grouped], opened[grouped], minlength=len(least))
    wanted = np.clip(number, least, most)
    opened[order] = rank < wanted[group[order]]
    return opened
