"""From prices to whole purchases and opens where classes have many units, by interior points.

::

    prices ─► everything free, twice ─► opens rounded up, but for the last of each group ─► all opens whole ─► decided
                      │
                      └─ beside it: four times more, for better prices

Purchases hardly matter once opens are whole: of a few thousand blocks a few dozen are torn, and rounding these up
costs next to nothing.  Opens do: units that read a dataset go by the hundred where a replica is, and half a replica
would serve half of them.  A replica costs little beside what they save, so all that the relaxation uses a part of
are opened, as far as the group's limit goes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from situs.planner.certificate import Certificate
from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.blocks import Decided
from situs.planner.solve.bound import Box, fill
from situs.planner.solve.floors import floors
from situs.planner.solve.frame import Frame
from situs.planner.solve.interior import Inner, interior
from situs.planner.solve.nearness import charged_if_fitting, nearest
from situs.planner.solve.pricing import Pricing, State, state_at
from situs.planner.solve.relaxation import rank_of

FREE_ROUNDS = 2
"""Interior points with opens free before any are decided."""
FURTHER_ROUNDS = 4
"""And so many more beside the decisions, for better prices."""

LAST, WHOLE_ROUNDS = 1, 3
"""So many opens of a group that cannot have all it wants are left to be chosen once the others are decided; then so
many interior points with whole opens: those that lose an open need other columns than before."""

COLUMNS_A_CLASS, COLUMNS_A_CLASS_THEN = 12, 15
"""So many of the nearest columns take part, on average over the classes, and when opens are whole, ..."""
LEAST_A_CLASS = 12
"""... of each class as many, however dear: hundreds of units do not fit into the nearest one, ..."""
TAKEN = 2e-3
"""... and those that were given more than this share of their class, ..."""
COLUMNS_A_ROUND = 15
"""... and of each class as many that were left out and would be cheaper."""

BACK = (1.0, 0.8, 0.6, 0.4)
"""How far to go from the prices before to those of the point: the best of these."""

PART = 0.02
"""Opens of which the relaxation uses more than this are opened, ..."""
SERVING = 0.5
"""... and those that only make purchases cheaper from here on."""

SPARE = 1e-3
"""A purchase that is no further above a whole number is rounded down."""

Seconds = Callable[[], float | None]
"""How many seconds are left; None where there is no limit."""


class Points:
    """Interior points with opens free, one after the other, and the best prices so far."""

    def __init__(self, frame: Frame, pricing: Pricing, seconds: Seconds) -> None:
        self.frame, self.pricing, self._seconds = frame, pricing, seconds
        self.state = pricing.state
        self.taken = _taken(frame, pricing.columns, pricing.units)
        self.point: Inner | None = None
        self._room: Flags = frame.limits.room > 0

    def go_on(self, rounds: int) -> bool:
        """So many more; False where one was not found, or not in time."""
        for _ in range(rounds):
            frame, proof, row = self.frame, self.state.proof, self.state.prices.row
            columns = _near(frame, self.pricing, self._room, proof.reduced, self.taken, COLUMNS_A_CLASS)
            floor = _floor(frame, columns, self._room, proof.reduced, proof.least, row)
            point = interior(frame, columns, Box.whole(frame), floor, self._seconds())
            if point is None:
                return False
            self.point = point
            self.state, latest = _better(frame, self.pricing, self.state, point)
            missing = _missing(frame, self._room, point, latest.proof.reduced)
            self.taken = np.union1d(_taken(frame, columns, point.units), missing)
        return True

    def certificate(self) -> Certificate:
        """What the best prices prove."""
        return Certificate(self.state.proof.value, (self.state.prices,))


def decided_by_points(points: Points, seconds: Seconds) -> Decided | None:
    """Everything decided but who goes where; None where time is over before, or opens do not fit together."""
    frame, needs, row = points.frame, points.pricing.needs, points.state.prices.row
    chosen, taken, found = needs.chosen_here, points.taken, None
    assert points.point is not None
    share = points.point.opened
    box = whole_opens(frame, chosen, share, LAST)
    for turn in range(1 + WHOLE_ROUNDS):
        if turn == 1:
            box = whole_opens(frame, chosen, share, 0)
        usable = needs.usable(box.open_high > 0)
        charged = frame.charged(row)
        columns = _near(frame, points.pricing, usable, charged, taken, COLUMNS_A_CLASS_THEN)
        floor = np.zeros(frame.rows)
        if turn == 0:
            margin = fill(frame, np.where(usable, charged, np.inf), frame.limits)[1]
            floor = _floor(frame, columns, usable, charged, margin, row)
        point = interior(frame, columns, box, floor, seconds())
        if point is None:
            break
        share, row = point.opened, _filled_up(point, row)
        if turn > 0:
            found = _decided(frame, point, box.open_high == 1, chosen, usable, row)
        missing = _missing(frame, usable, point, frame.charged(row))
        taken = np.union1d(_taken(frame, columns, point.units), missing)
    return found


def whole_opens(frame: Frame, chosen: Flags, share: Floats, last: int) -> Box:
    """Opens among those ``chosen`` here of which ``share`` (F,) uses a part, the largest first, within the limits of
    groups and rows; where a group cannot have all of them, the ``last`` that it can have are left to be chosen."""
    p, box = frame.problem, Box.whole(frame)
    room = frame.supply(box.buy_high)
    number = np.zeros(len(p.group_min), dtype=np.int64)
    some = chosen & (share > PART)
    wanted = np.bincount(p.open_group[some & (p.open_group >= 0)], minlength=len(p.group_min))
    most = np.where(wanted > p.group_max, np.maximum(p.group_min, p.group_max - last), p.group_max)
    order = np.flatnonzero(chosen)
    order = order[np.argsort(-share[order], kind="stable")]
    opened = np.zeros(frame.opens, dtype=bool)
    # What groups ask for comes before what anyone would like.
    for asked in (True, False):
        for f in order.tolist():
            group, span = int(p.open_group[f]), slice(p.open_indptr[f], p.open_indptr[f + 1])
            if opened[f] or np.any(p.open_amount[span] > room[p.open_row[span]]):
                continue
            if asked:
                take = group >= 0 and number[group] < p.group_min[group]
            else:
                take = some[f] and (group < 0 or number[group] < most[group])
            if take:
                opened[f] = True
                np.subtract.at(room, p.open_row[span], p.open_amount[span])
                if group >= 0:
                    number[group] += 1
    low, high = box.open_low.copy(), box.open_high.copy()
    low[chosen] = high[chosen] = opened[chosen]
    left = some & ~opened & (p.open_group >= 0)
    left[left] = number[p.open_group[left]] < p.group_max[p.open_group[left]]
    high[left] = 1
    return Box(box.buy_low, box.buy_high, low, high)


def _floor(
    frame: Frame, columns: Ints, usable: Flags, charged: Floats, margin: Floats, row: Floats
) -> Floats:
    """(M,) down to where prices may fall before columns that do not take part are wanted."""
    near = np.zeros(frame.columns, dtype=bool)
    near[columns] = True
    return floors(frame, near, usable, charged, margin, row)


def _near(frame: Frame, pricing: Pricing, usable: Flags, value: Floats, taken: Ints, a_class: int) -> Ints:
    """Columns that take part."""
    near = nearest(frame, np.where(usable, value, np.inf), pricing.scale, a_class * frame.classes)
    some = np.flatnonzero(usable)
    least = some[rank_of(frame.cls[some], value[some]) < LEAST_A_CLASS]
    return np.unique(np.concatenate((near, least, taken[usable[taken]])))


def _taken(frame: Frame, columns: Ints, units: Floats) -> Ints:
    return columns[units > TAKEN * frame.problem.count[frame.cls[columns]]]


def _missing(frame: Frame, usable: Flags, point: Inner, reduced: Floats) -> Ints:
    """Columns that would be cheaper than what their class pays, the cheapest of each class."""
    there = np.zeros(frame.columns, dtype=bool)
    there[point.columns] = True
    paid = point.paid - 1e-6 * np.abs(point.paid)
    missing = np.flatnonzero(usable & ~there & (reduced < paid[frame.cls]))
    beyond = reduced[missing] - point.paid[frame.cls[missing]]
    return missing[rank_of(frame.cls[missing], beyond) < COLUMNS_A_ROUND]


def _filled_up(point: Inner, row: Floats) -> Floats:
    """Prices of a point, and those before for rows that it does not know."""
    prices = row.copy()
    prices[point.used] = point.row[point.used]
    return prices


def _better(frame: Frame, pricing: Pricing, state: State, point: Inner) -> tuple[State, State]:
    """The best on the way from prices to those of a point, and what the latter mean."""
    row = _filled_up(point, state.prices.row)
    best, latest = state, state
    for part in BACK:
        found = state_at(
            frame,
            pricing.needs,
            part * row + (1 - part) * state.prices.row,
            part * point.buy + (1 - part) * state.prices.buy,
        )
        latest = found if part == BACK[0] else latest
        if found.proof.value > best.proof.value:
            best = found
    return best, latest


def _decided(frame: Frame, point: Inner, opened: Flags, chosen: Flags, usable: Flags, row: Floats) -> Decided:
    p = frame.problem
    opened = np.where(chosen, opened, point.opened > SERVING)
    up = np.minimum(np.ceil(point.bought - SPARE), np.floor(p.buy_limit))
    bought = np.where(p.buy_integer, up, p.buy_limit)
    charged = charged_if_fitting(frame, usable, row, frame.supply(bought))
    return Decided(bought, opened, row, charged, point.columns, point.units)
