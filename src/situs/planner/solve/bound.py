"""The Lagrangian bound: what any prices prove, with no solver involved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Prices
from situs.planner.problem import Floats, Ints
from situs.planner.solve.cutlist import NO_CUTS, CutList
from situs.planner.solve.frame import Frame
from situs.planner.solve.limits import Limits
from situs.planner.solve.parts import each_part
from situs.planner.solve.sweeps import fill_classes


@dataclass(frozen=True, eq=False)
class Box:
    """Limits of the integer choices in one case of a split."""

    buy_low: Floats
    buy_high: Floats
    open_low: Ints
    open_high: Ints
    limits: Limits | None = None
    """of the columns; None where they are those of the whole problem"""

    @staticmethod
    def whole(frame: Frame) -> Box:
        """No case distinction."""
        p = frame.problem
        return Box(
            np.zeros(frame.buys),
            np.where(p.buy_integer, np.floor(p.buy_limit), p.buy_limit).astype(float),
            np.zeros(frame.opens, dtype=np.int64),
            np.ones(frame.opens, dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class Priced:
    """A bound and what it was made of."""

    value: float
    reduced: Floats
    """(J,) cost of each column with all it uses charged"""
    least: Floats
    """(I,) what one more unit of the class would cost at least: in its cheapest column with room, or left out"""


def priced(frame: Frame, prices: Prices, box: Box | None = None, cuts: CutList = NO_CUTS) -> Priced:
    """The bound that ``prices`` prove in the case ``box``; ``cuts`` are those that ``prices.cut`` prices."""
    return proven(frame, prices, reduced(frame, prices, cuts), box or Box.whole(frame), cuts)


def reduced(frame: Frame, prices: Prices, cuts: CutList = NO_CUTS) -> Floats:
    """(J,) what a unit of each column costs with all it uses charged."""
    value = frame.charged(prices.row)
    if len(prices.need_price) and len(frame.problem.need_open):
        value += np.bincount(frame.need_col, need_charge(frame, prices), minlength=frame.columns)
    if len(cuts.cuts):
        value += cuts.charge(prices.cut, frame.columns)
    return value


def proven(frame: Frame, prices: Prices, charged: Floats, box: Box, cuts: CutList = NO_CUTS) -> Priced:
    """The same where ``charged`` (J,), what :func:`reduced` gives, is known already."""
    p = frame.problem
    filled, least = fill(frame, charged, box.limits or frame.limits)
    value = p.fixed_cost - float(prices.row[frame.finite_row] @ p.row_capacity[frame.finite_row])
    value += float(filled.sum()) - float(prices.cut @ cuts.limit)
    return Priced(value + buy_part(frame, prices, box, cuts) + open_part(frame, prices, box), charged, least)


def need_charge(frame: Frame, prices: Prices) -> Floats:
    """(items of need_open,) the price of each need."""
    p = frame.problem
    key = prices.need_class.astype(np.int64) * frame.opens + prices.need_open
    order = np.argsort(key, kind="stable")
    key, price = key[order], prices.need_price[order]
    wanted = frame.cls[frame.need_col].astype(np.int64) * frame.opens + p.need_open
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, price[at], 0.0)


def fill(frame: Frame, reduced: Floats, limits: Limits) -> tuple[Floats, Floats]:
    """(I,) the least cost of all units of each class, and that of one more."""
    p = frame.problem
    cost, margin = np.empty(frame.classes), np.empty(frame.classes)
    each_part(
        frame.starts,
        lambda _, begin, end: fill_classes(
            begin,
            end,
            frame.starts,
            reduced,
            limits.room,
            limits.remaining,
            p.penalty,
            limits.out_room,
            cost,
            margin,
        ),
    )
    asked = limits.out_least * p.penalty + np.bincount(
        frame.cls[limits.forced], limits.least * reduced[limits.forced], minlength=frame.classes
    )
    return asked + cost, margin


def buy_reduced(frame: Frame, prices: Prices, cuts: CutList = NO_CUTS) -> Floats:
    """(K,) what each purchase costs beyond the worth of what it brings."""
    p = frame.problem
    worth: Floats = np.bincount(
        frame.buy_of, p.buy_amount * prices.row[p.buy_row], minlength=frame.buys
    ).astype(np.float64)
    if len(cuts.cuts):
        worth = worth + cuts.worth(prices.cut, frame.buys)
    return p.buy_cost - worth + prices.buy


def buy_part(frame: Frame, prices: Prices, box: Box, cuts: CutList = NO_CUTS) -> float:
    """The least that purchases add within the box."""
    reduced = buy_reduced(frame, prices, cuts)
    return float(np.sum(np.where(reduced < 0, reduced * box.buy_high, reduced * box.buy_low)))


def open_reduced(frame: Frame, prices: Prices) -> Floats:
    """(F,) what each open costs after all that depends on it has paid."""
    p = frame.problem
    cost = p.open_cost + np.bincount(
        frame.open_of, p.open_amount * prices.row[p.open_row], minlength=frame.opens
    )
    if len(prices.need_price):
        paid = p.count[prices.need_class] * prices.need_price
        cost = cost - np.bincount(prices.need_open, paid, minlength=frame.opens)
    tied = p.buy_open >= 0
    if np.any(tied):
        paid = p.buy_limit[tied] * prices.buy[tied]
        cost = cost - np.bincount(p.buy_open[tied], paid, minlength=frame.opens)
    return np.asarray(cost)


def open_part(frame: Frame, prices: Prices, box: Box) -> float:
    """The least that opens add, group by group; inf when a group cannot hold its limits in this case."""
    p = frame.problem
    if not frame.opens:
        return 0.0
    cost = open_reduced(frame, prices)
    forced = box.open_low == 1
    value = float(np.sum(cost[forced]))
    free = ~forced & (box.open_high == 1)
    single = free & (p.open_group < 0)
    value += float(np.sum(np.minimum(cost[single], 0.0)))
    if not len(p.group_min):
        return value
    grouped = np.flatnonzero(free & (p.open_group >= 0))
    group = p.open_group[grouped]
    order = np.lexsort((cost[grouped], group))
    group, sorted_cost = group[order], cost[grouped][order]
    starts = np.searchsorted(group, np.arange(len(p.group_min)))
    rank = np.arange(len(group)) - starts[group]
    already = np.bincount(p.open_group[forced & (p.open_group >= 0)], minlength=len(p.group_min))
    must = (p.group_min - already)[group]
    may = (p.group_max - already)[group]
    chosen = (rank < must) | ((rank < may) & (sorted_cost < 0))
    here = np.bincount(group, minlength=len(p.group_min))
    if np.any(already + here < p.group_min) or np.any(already > p.group_max):
        return float("inf")
    return value + float(np.sum(sorted_cost[chosen]))
