"""A first placement, so that there is one at any time."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Placement
from situs.planner.solve.frame import Frame
from situs.planner.solve.greedy import cheapest_first
from situs.planner.solve.restricted import placed, search

MOST_CASES = 1_000_000
"""Opens alone make small searches; this ends one that does not end."""


def first_placement(frame: Frame) -> Placement | None:
    """A placement made in one go; None where not even leaving everything out satisfies the groups of opens."""
    greedy = cheapest_first(frame.problem)
    sound = placed(frame, greedy.units, greedy.bought, greedy.opened)
    if sound is not None:
        return sound
    return nothing_placed(frame)


def nothing_placed(frame: Frame) -> Placement | None:
    """Everything left out, with the opens that groups ask for; None where these do not fit together."""
    opened = _least_opens(frame)
    units, bought = np.zeros(frame.columns, dtype=np.int64), np.zeros(frame.buys)
    sound = placed(frame, units, bought, opened)
    # What one by one does not find, a search may.
    return sound or search(frame, np.empty(0, dtype=np.int64), nodes=MOST_CASES)


def _least_opens(frame: Frame) -> Flags:
    """Group by group as many opens as it asks for, the cheapest for which there is room; and all that bring money."""
    p = frame.problem
    opened, room = np.zeros(frame.opens, dtype=bool), p.row_capacity.copy()
    number = np.zeros(len(p.group_min), dtype=np.int64)
    for f in np.argsort(p.open_cost, kind="stable").tolist():
        group = int(p.open_group[f])
        asked = group >= 0 and number[group] < p.group_min[group]
        welcome = p.open_cost[f] < 0 and (group < 0 or number[group] < p.group_max[group])
        span = slice(p.open_indptr[f], p.open_indptr[f + 1])
        fits = np.all(p.open_amount[span] <= room[p.open_row[span]])
        if (asked or welcome) and fits:
            opened[f] = True
            np.subtract.at(room, p.open_row[span], p.open_amount[span])
            if group >= 0:
                number[group] += 1
    return opened
