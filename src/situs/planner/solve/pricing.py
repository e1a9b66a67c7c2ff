"""What capacity is worth, for problems too large to hold in a linear program.

::

    hot prices over all columns ─► opens chosen, near columns only ─► cooler prices ─► bound over all columns
                                                     ▲                                       │
                                                     └───────────────────────────────────────┘

The bound is recomputed over all columns at every turn.  Where it fell, columns that were left out have become
attractive: they join, and the climb begins again from the best prices so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Prices
from situs.planner.problem import Flags, Floats
from situs.planner.solve.bound import Box, Priced, fill, proven
from situs.planner.solve.cutlist import NO_CUTS, CutList
from situs.planner.solve.frame import Frame
from situs.planner.solve.market import Market
from situs.planner.solve.needs import Needs
from situs.planner.solve.parts import each_part
from situs.planner.solve.sweeps import measure

HOT = (0.1, 0.03, 0.01)
COOLING = ((0.003, 6), (0.001, 6), (0.0003, 8), (0.0001, 10), (0.00003, 12))
"""Temperatures, and how many steps are worth taking at each."""
MANY_COLUMNS = 1_000_000
"""When there are more, one class of several stands for all of them while prices are hot."""
FEW_COLUMNS = 300_000
"""Up to so many in the market, turns are cheap enough to repeat at every temperature."""
HOT_STEPS = 8
TURNS = 4
"""At most so many turns at one temperature."""

COLUMNS_A_CLASS = 12
"""So many columns begin in the market, on average over the classes: those nearest to the best of their class."""
COLUMNS_A_ROW = 60
"""But no fewer than this, on average over the rows that may be short."""
JOINING = 0.3
"""Columns join when new prices bring them nearer to the best than this share of what was near at first."""

NEAREST = 1e-6
WORTH_A_HOT_STEP = 1e-4
WORTH_A_STEP = 1e-6
"""A climb ends when a step promises less than this share of the value."""
WORTH_A_TURN = 2e-5
"""The temperature falls when a turn raised the bound by less than this share of it."""


NO_PRICES = np.zeros(0)


@dataclass(frozen=True, eq=False)
class State:
    """Prices with what follows from them."""

    prices: Prices
    proof: Priced
    """the bound over all columns, needs paid for"""
    charged: Floats
    """(J,) cost of each column with the rows it uses"""
    opened: Flags
    """(F,) a good choice of opens"""
    usable: Flags
    """(J,) columns whose needs are all met by it"""
    margin: Floats
    """(I,) what one more unit of each class costs with these opens"""

    def beyond(self, frame: Frame, scale: Floats) -> Floats:
        """(J,) what each column costs more than one more unit of its class need cost, as the class feels it by its
        ``scale`` (I,); inf if it cannot be used."""
        beyond = np.empty(frame.columns)
        each_part(
            frame.starts,
            lambda _, begin, end: measure(
                begin, end, frame.starts, self.usable, self.charged, self.margin, scale, beyond
            ),
        )
        return beyond


@dataclass(frozen=True, eq=False)
class Pricing:
    """The best prices found."""

    state: State
    needs: Needs
    scale: Floats
    """(I,) what differences between the columns of each class are measured by"""
    near: int
    """so many columns are worth looking at"""


def state_at(
    frame: Frame,
    needs: Needs,
    row: Floats,
    buy: Floats,
    cut: Floats = NO_PRICES,
    cuts: CutList = NO_CUTS,
) -> State:
    """Everything that follows from prices."""
    charged = frame.charged(row)
    if len(cuts.cuts):
        charged += cuts.charge(cut, frame.columns)
    opened, need = needs.choose(charged, row)
    paid = need > 0
    prices = Prices(row, needs.pair_class[paid], needs.pair_open[paid], need[paid], buy, cut)
    usable = needs.usable(opened)
    margin = fill(frame, np.where(usable, charged, np.inf), frame.limits)[1]
    proof = proven(frame, prices, needs.charge(charged, need), Box.whole(frame), cuts)
    return State(prices, proof, charged, opened, usable, margin)


def price(
    frame: Frame,
    *,
    start: Prices | None = None,
    stop: Callable[[], bool] = lambda: False,
    on_bound: Callable[[State], None] = lambda state: None,
) -> Pricing:
    """Prices that prove a bound close to the best that prices can prove; ``start`` are good ones known already.

    ``on_bound`` hears of every better bound.  When ``stop`` says so, the best prices so far are returned.
    """
    needs, scale = Needs(frame), _class_scale(frame)
    if start is not None:
        best = state_at(frame, needs, start.row, start.buy)
    else:
        best = _rough(frame, needs, scale, stop)
    on_bound(best)
    beyond = best.beyond(frame, scale)
    reach = _reach(
        beyond, max(COLUMNS_A_CLASS * frame.classes, COLUMNS_A_ROW * int((best.prices.row > 0).sum()))
    )
    near = beyond <= reach
    for temperature, steps in COOLING:
        last = temperature == COOLING[-1][0]
        for _ in range(TURNS):
            if stop():
                break
            columns = np.flatnonzero(near & best.usable)
            market = Market(frame, columns, best.opened, needs.chosen_here, scale)
            begin = market.start(best.prices.row, best.prices.buy)
            cleared, _ = market.climb(begin, temperature, steps, WORTH_A_STEP, stop)
            new = state_at(frame, needs, *market.split(cleared))
            joining = ~near & (new.beyond(frame, scale) <= JOINING * reach)
            gain = (new.proof.value - best.proof.value) / max(1.0, abs(best.proof.value))
            if gain > 0:
                best = new
                on_bound(best)
            near |= joining
            settled = gain < WORTH_A_TURN if last or len(columns) <= FEW_COLUMNS else gain >= 0
            if settled and (gain >= 0 or not np.any(joining)):
                break
    return Pricing(best, needs, scale, int((near & best.usable).sum()))


def _reach(beyond: Floats, number: int) -> float:
    """How far ``number`` columns reach, the nearest first."""
    number = min(len(beyond) - 1, number)
    return max(NEAREST, float(np.partition(beyond, number)[number])) if number >= 0 else NEAREST


def _rough(frame: Frame, needs: Needs, scale: Floats, stop: Callable[[], bool]) -> State:
    """Prices to begin with, from all columns of all classes, or of one class of several."""
    state = state_at(frame, needs, np.zeros(frame.rows), np.zeros(frame.buys))
    one_of = -(-frame.columns // MANY_COLUMNS)
    told = frame.cls % one_of == 0
    for temperature in HOT:
        if stop():
            break
        columns = np.flatnonzero(state.usable & told)
        market = Market(frame, columns, state.opened, needs.chosen_here, scale, one_of=one_of)
        begin = market.start(state.prices.row, state.prices.buy)
        cleared, _ = market.climb(begin, temperature, HOT_STEPS, WORTH_A_HOT_STEP, stop)
        state = state_at(frame, needs, *market.split(cleared))
    return state


def _class_scale(frame: Frame) -> Floats:
    """(I,) what differences between the columns of a class are measured by: about what it pays."""
    some = np.flatnonzero(frame.has_columns)
    mean = np.ones(frame.classes)
    mean[some] = np.add.reduceat(np.abs(frame.problem.col_cost), frame.first[some])
    mean[some] /= (frame.last - frame.first)[some]
    return np.maximum(mean, 1e-9)
