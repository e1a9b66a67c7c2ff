"""What must exist before it can be used: at given prices, which opens to choose and who pays for them.

The columns of a class matter only through the least cost by way of each open, and the least without any, so
the choice is made over pairs "class could use open".  A column that needs several opens counts as an option
through each of them when opens are chosen, and can be used only if all are there.
"""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats, Ids, Ints
from situs.planner.solve.facility import locate
from situs.planner.solve.frame import Frame


class Needs:
    """The pairs "class could use open", over all columns."""

    def __init__(self, frame: Frame) -> None:
        p = frame.problem
        self.frame = frame
        key = frame.cls[frame.need_col].astype(np.int64) * max(1, frame.opens) + p.need_open
        pairs, self._pair_of_item = np.unique(key, return_inverse=True)
        self.pair_class: Ids = (pairs // max(1, frame.opens)).astype(np.int32)
        self.pair_open: Ids = (pairs % max(1, frame.opens)).astype(np.int32)
        self.chosen_here: Flags = frame.needed | (p.open_group >= 0)
        """opens that are chosen by :meth:`choose`; the others only make purchases cheaper"""
        self._has_needs = np.diff(p.need_indptr) > 0

    def usable(self, opened: Flags) -> Flags:
        """(J,) columns whose needs are all met, and that have room for a unit."""
        usable = self.frame.limits.room > 0
        usable[self.frame.need_col[~opened[self.frame.problem.need_open]]] = False
        return usable

    def choose(self, charged: Floats, row: Floats) -> tuple[Flags, Floats]:
        """Opens to choose when columns cost ``charged`` (J,), and (pairs,) what a unit of each class pays for each."""
        frame, p = self.frame, self.frame.problem
        opened = np.zeros(frame.opens, dtype=bool)
        if not np.any(self.chosen_here):
            return opened, np.zeros(len(self.pair_class))
        net = p.open_cost + np.bincount(frame.open_of, p.open_amount * row[p.open_row], minlength=frame.opens)
        through, free = self._levels(charged)
        located = locate(self.pair_class, self.pair_open, through, free, net, p)
        opened[self.chosen_here] = located.share[self.chosen_here] > 0.5
        return _within_limits(
            opened, located.share, p.open_group, p.group_min, p.group_max
        ), located.pair_price

    def _levels(self, charged: Floats) -> tuple[Floats, Floats]:
        """For each pair the least cost through it; for each class the least without any open, or left out."""
        frame = self.frame
        # A column for a few units only does not tell what one more would cost.
        charged = charged.copy()
        charged[frame.limits.narrow] = np.inf
        through = np.full(len(self.pair_class), np.inf)
        np.minimum.at(through, self._pair_of_item, charged[frame.need_col])
        free = frame.least_by_class(np.where(self._has_needs, np.inf, charged))
        return through, np.minimum(free, frame.problem.penalty)


def _within_limits(opened: Flags, share: Floats, group: Ids, least: Ints, most: Ints) -> Flags:
    """The choice with groups that rounding left with too many or too few opens brought within their limits."""
    grouped = np.flatnonzero(group >= 0)
    order = grouped[np.lexsort((grouped, -share[grouped], group[grouped]))]
    rank = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    number = np.bincount(group[grouped], opened[grouped], minlength=len(least))
    wanted = np.clip(number, least, most)
    opened[order] = rank < wanted[group[order]]
    return opened
