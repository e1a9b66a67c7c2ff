"""What a change of the problem affects: units that no longer may be where they are, and whoever may have to move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Prices
from situs.planner.problem import Flags, Floats, Ids, Ints, Placement
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import Frame, ranges
from situs.planner.solve.onepass import Looked
from situs.planner.solve.purchases import SLACK

INDIFFERENT = 0.03
"""Of the classes that are placed in full, so many take part, those that lose least by going elsewhere."""

ROOM = 10.0
"""Of an overfull row, those take part that lose least for the room they make, until that is so many times enough."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Units by column, columns without any left out."""

    column: Ints
    """(n,) increasing"""
    number: Ints
    """(n,) positive"""
    cls: Ids
    """(n,) the class of each"""

    def by_class(self, frame: Frame) -> Ints:
        """(I,) units placed of each class."""
        return np.bincount(self.cls, self.number, minlength=frame.classes).astype(np.int64)


def still_allowed(frame: Frame, previous: Placement) -> Placed:
    """The units before as far as counts, limits and opens still let them be."""
    p = frame.problem
    column = np.flatnonzero(previous.units > 0)
    cls = frame.class_of(column)
    number = np.minimum(previous.units[column], p.col_limit[column])
    items, owner = ranges(p.need_indptr, column)
    number[owner[~previous.opened[p.need_open[items]]]] = 0
    before = np.cumsum(number) - number
    before -= before[np.searchsorted(cls, cls)]
    number = np.clip(p.count[cls] - before, 0, number)
    some = number > 0
    return Placed(column[some], number[some], cls[some])


def with_missing(frame: Frame, placed: Placed, looked: Looked) -> Placed:
    """What is missing put into its cheapest option, room or not, where that costs less than to leave it out.

    What is in the way there will be sought out; looking for room first would find it only where nobody wants to be.
    """
    p = frame.problem
    missing = p.count - placed.by_class(frame)
    some = np.flatnonzero((missing > 0) & (looked.charge[:, 0] < p.penalty))
    best, missing = looked.column[some, 0], missing[some]
    # A class may have units there already.
    at = np.minimum(np.searchsorted(placed.column, best), max(0, len(placed.column) - 1))
    there = placed.column[at] == best if len(placed.column) else np.zeros(len(best), dtype=bool)
    number = placed.number.copy()
    number[at[there]] = np.minimum(p.col_limit[best[there]], number[at[there]] + missing[there])
    new, more = best[~there], np.minimum(p.col_limit[best], missing)[~there]
    where = np.searchsorted(placed.column, new)
    column = np.insert(placed.column, where, new)
    return Placed(column, np.insert(number, where, more), frame.class_of(column))


def affected(
    frame: Frame,
    before: Placed,
    now: Placed,
    previous: Placement,
    looked: Looked,
    prices: Prices,
    cuts: CutList,
) -> Ints:
    """Classes that may be placed otherwise: what was missing, what is in its way, and what is nearly indifferent."""
    p = frame.problem
    charge = _charge(frame, now.column, prices, cuts)
    first = looked.column[now.cls, 0] == now.column
    other = np.where(first, looked.charge[now.cls, 1], looked.charge[now.cls, 0])
    loss = np.minimum(other, p.penalty[now.cls]) - charge
    takes_part = (before.by_class(frame) < p.count) & (looked.charge[:, 0] < p.penalty)
    settled = np.flatnonzero(~takes_part[now.cls])
    felt = loss[settled] / looked.scale(frame)[now.cls[settled]]
    most = int(INDIFFERENT * len(settled)) + 1
    takes_part[now.cls[settled[np.argsort(felt, kind="stable")[:most]]]] = True
    takes_part[now.cls[_in_the_way(frame, now, loss, previous)]] = True
    return np.flatnonzero(takes_part)


def _charge(frame: Frame, used: Ints, prices: Prices, cuts: CutList) -> Floats:
    """(used,) what a unit costs in each of these columns (increasing), with rows and cuts charged."""
    charge = frame.problem.col_cost[used] + frame.row_charge(prices.row, used)
    if len(used) and len(cuts.column):
        at = np.minimum(np.searchsorted(used, cuts.column), len(used) - 1)
        there = used[at] == cuts.column
        paid = cuts.weight[there] * prices.cut[cuts.cut_of[there]]
        charge += np.bincount(at[there], paid, minlength=len(used))
    return charge


def _in_the_way(frame: Frame, placed: Placed, loss: Floats, previous: Placement) -> Ints:
    """Positions in ``placed``, some more than once, of those in overfull rows who lose least for the room they make."""
    p = frame.problem
    load = frame.load_of(placed.column, placed.number, previous.opened)
    supply = frame.supply(np.where(p.buy_integer, previous.bought, p.buy_limit))
    over = np.where(frame.finite_row, load - supply, 0.0)
    full: Flags = over > SLACK * np.abs(supply)
    owner, row, amount = frame.uses(placed.column, np.where(full, np.arange(frame.rows), -1))
    some = amount > 0
    owner, row = owner[some], row[some]
    amount = amount[some] * placed.number[owner]
    order = np.lexsort((loss[owner] * placed.number[owner] / amount, row))
    owner, row, amount = owner[order], row[order], amount[order]
    before = np.cumsum(amount) - amount
    if len(row):
        before -= before[np.searchsorted(row, row)]
    return owner[before <= ROOM * over[row]]
