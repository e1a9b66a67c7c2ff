"""What has to be bought for a placement, and no more."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats, Ints, Placement
from situs.planner.solve.frame import Frame, ranges
from situs.planner.solve.restricted import placed

SLACK = 1e-10
"""Of a row's capacity: more than the error of adding, far less than the checker allows."""


def settled(frame: Frame, units: Ints, opened: Flags) -> Placement | None:
    """The placement with purchases that are just enough, and without opens that serve nothing.

    Whole purchases are made for what is short; what is short after these is bought fractionally, the cheapest way
    first; a purchase that needs an open is considered with and without it.  Units for which there is no room even
    then are left out, those first that are worth least for what they take.  None when not even the opens fit.
    """
    p = frame.problem
    units = units.copy()
    opened = _without_idle(frame, units, opened)
    tied = np.unique(p.buy_open[p.buy_open >= 0])
    free = tied[~frame.needed[tied] & (p.open_group[tied] < 0)].tolist()
    opened[free] = False
    load = frame.load(units, opened)
    whole = _without_spare(frame, _enough(frame, load - p.row_capacity), load)
    short = load - frame.supply(whole)
    bought, cost, left = _fractional(frame, whole, short, opened)
    for f in free:
        with_it = opened.copy()
        with_it[f] = True
        taken = np.zeros(frame.rows)
        span = slice(p.open_indptr[f], p.open_indptr[f + 1])
        np.add.at(taken, p.open_row[span], p.open_amount[span])
        other, other_cost, other_left = _fractional(frame, whole, short + taken, with_it)
        other_cost += float(p.open_cost[f])
        if other_left.sum() <= left.sum() and other_cost < cost - 1e-12:
            bought, opened, short, left = other, with_it, short + taken, other_left
            cost = other_cost - float(p.open_cost[f])
    if np.any(left > 0) and not _leave_out(frame, units, left):
        return None
    return placed(frame, units, bought, opened)


def _without_idle(frame: Frame, units: Ints, opened: Flags) -> Flags:
    """Opens less those that no unit needs, that cost something, and that their group can do without."""
    p = frame.problem
    used = np.zeros(frame.opens, dtype=bool)
    items, _ = ranges(p.need_indptr, np.flatnonzero(units))
    used[p.need_open[items]] = True
    idle = np.flatnonzero(opened & ~used & frame.needed & (p.open_cost > 0))
    opened = opened.copy()
    number = np.bincount(p.open_group[opened & (p.open_group >= 0)], minlength=len(p.group_min))
    for f in idle[np.argsort(-p.open_cost[idle], kind="stable")].tolist():
        group = int(p.open_group[f])
        if group < 0 or number[group] > p.group_min[group]:
            opened[f] = False
            if group >= 0:
                number[group] -= 1
    return opened


def _enough(frame: Frame, short: Floats) -> Floats:
    """Whole purchases for all that is short, as far as there are."""
    p = frame.problem
    whole = np.zeros(frame.buys)
    spare = -short
    for k in np.flatnonzero(p.buy_integer).tolist():
        span = slice(p.buy_indptr[k], p.buy_indptr[k + 1])
        rows, amounts = p.buy_row[span], p.buy_amount[span]
        some = amounts > 0
        missing = -spare[rows[some]] / amounts[some]
        wanted = np.ceil(np.max(missing, initial=0.0) - SLACK)
        if wanted > 0 and (p.buy_open[k] < 0):
            whole[k] = min(wanted, np.floor(p.buy_limit[k]))
            np.add.at(spare, rows, amounts * whole[k])
    return whole


def _leave_out(frame: Frame, units: Ints, over: Floats) -> bool:
    """Take units away until no row is over its capacity; False when that is not enough."""
    p = frame.problem
    over, every_row = over.copy(), np.arange(frame.rows)
    for row in np.flatnonzero(over > 0).tolist():
        if over[row] <= 0:
            continue
        used = np.flatnonzero(units)
        unit = np.zeros(frame.rows)
        unit[row] = 1.0
        taken = frame.row_charge(unit, used)
        users, taken = used[taken > 0], taken[taken > 0]
        loss = (p.penalty[frame.cls[users]] - p.col_cost[users]) / taken
        for at in np.argsort(loss, kind="stable").tolist():
            if over[row] <= 0:
                break
            column = int(users[at])
            number = int(min(units[column], np.ceil(over[row] / taken[at])))
            units[column] -= number
            _, rows, amounts = frame.uses(np.array([column]), every_row)
            np.subtract.at(over, rows, amounts * number)
        if over[row] > 0:
            return False
    return True


def _without_spare(frame: Frame, whole: Floats, load: Floats) -> Floats:
    """Whole purchases less those that nobody misses, the dearest first."""
    p = frame.problem
    whole = whole.copy()
    spare = frame.supply(np.where(p.buy_integer, whole, p.buy_limit)) - load
    for k in sorted(np.flatnonzero(whole > 0).tolist(), key=lambda k: (-float(p.buy_cost[k]), k)):
        span = slice(p.buy_indptr[k], p.buy_indptr[k + 1])
        rows, amounts = p.buy_row[span], p.buy_amount[span]
        some = amounts > 0
        fewer = min(
            float(whole[k]), float(np.floor(np.min(spare[rows[some]] / amounts[some], initial=np.inf)))
        )
        if fewer > 0 and p.buy_cost[k] > 0:
            whole[k] -= fewer
            np.subtract.at(spare, rows, amounts * fewer)
    return whole


def _fractional(frame: Frame, whole: Floats, short: Floats, opened: Flags) -> tuple[Floats, float, Floats]:
    """Purchases with what is short bought in fractions, the cheapest first; what these cost; what is short still."""
    p = frame.problem
    bought, cost = whole.copy(), 0.0
    tolerance = SLACK * np.where(frame.finite_row, p.row_capacity, 0.0)
    short = np.where(short > tolerance, short, 0.0)
    offered = np.append(opened, True)[p.buy_open]
    candidates = np.flatnonzero(~p.buy_integer & offered)
    if not len(candidates) or not np.any(short > 0):
        return bought, cost, short
    price = np.array([_price(frame, k) for k in candidates.tolist()])
    for k in candidates[np.argsort(price, kind="stable")].tolist():
        span = slice(p.buy_indptr[k], p.buy_indptr[k + 1])
        rows, amounts = p.buy_row[span], p.buy_amount[span]
        some = (amounts > 0) & (short[rows] > 0)
        if not np.any(some):
            continue
        number = min(float(p.buy_limit[k]), float(np.max(short[rows[some]] / amounts[some])))
        bought[k] += number
        cost += float(p.buy_cost[k]) * number
        np.subtract.at(short, rows, amounts * number)
    return bought, cost, np.where(short > tolerance, short, 0.0)


def _price(frame: Frame, k: int) -> float:
    p = frame.problem
    brought = float(p.buy_amount[p.buy_indptr[k] : p.buy_indptr[k + 1]].sum())
    return float(p.buy_cost[k]) / brought if brought > 0 else np.inf
