"""What capacity is worth, for problems too large to hold in a linear program.

::

    hot prices over a sample of classes ─► cooler, over all columns still near ─► cold
                 │                                        │                        │
                 └──── at every temperature: the bound over all columns, opens, which columns are near

Prices follow a path as the temperature falls, and follow it closely: each temperature is a little below the last,
and begins where the path so far points to.  Columns that cost many temperatures more than the best of their class
would take nothing, so the colder it is, the fewer take part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Prices
from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.bound import Box, Priced, fill, proven
from situs.planner.solve.cutlist import NO_CUTS, CutList
from situs.planner.solve.floors import floors
from situs.planner.solve.frame import Frame
from situs.planner.solve.market import Market
from situs.planner.solve.needs import Needs
from situs.planner.solve.parts import each_part
from situs.planner.solve.sweeps import measure

HOTTEST, COLDEST = 0.1, 9e-5
WARM = 1e-3
"""Where the path begins, where it ends, and where it begins if good prices are known."""
COOLING = 0.6
"""Each temperature is this share of the last."""

REACH = 60.0
"""Columns take part that cost so many temperatures more than the best of their class.  What costs 35 takes nothing;
the rest is room for prices to move in."""
FEW_COLUMNS = 1_000_000
"""With no more than these, all always take part."""
MANY_COLUMNS = 2_000_000
"""When more than these would, some classes stand for the others, ..."""
COOL = 3e-3
"""... but not from this temperature on, ..."""
QUICKLY = 0.3
"""... where each is this share of the last: a step over so many columns is worth being taken far."""
EXACT = 1e-3
"""From this one on all columns take part again in the end, however many."""
SAMPLE, SAMPLE_A_ROW, LARGEST_SAMPLE = 500_000, 20, 1_000_000
"""So many columns are a sample, or so many for each row, but no more than the last."""

SAMPLE_STEPS, STEPS, LAST_STEPS = 8, 20, 8
"""At each temperature: with a sample, with all classes, and with columns that were left out until then."""
WORTH_A_STEP = 1e-6
"""A climb ends when a step promises less than this share of the value."""


NO_PRICES = np.zeros(0)
_NO_NEEDS = (np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32), np.zeros(0))


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
    last: State
    """at the end of the path; its bound may be a little lower"""
    columns: Ints
    """that took part at the end"""
    units: Floats
    """(len(columns),) where everyone went then, not whole"""


def state_at(
    frame: Frame,
    needs: Needs,
    row: Floats,
    buy: Floats,
    cut: Floats = NO_PRICES,
    cuts: CutList = NO_CUTS,
    box: Box | None = None,
) -> State:
    """Everything that follows from prices, in the case ``box`` if one is given."""
    charged = frame.charged(row)
    if len(cuts.cuts):
        charged += cuts.charge(cut, frame.columns)
    opened, need = needs.choose(charged, row)
    paid = need > 0
    prices = Prices(row, needs.pair_class[paid], needs.pair_open[paid], need[paid], buy, cut)
    usable = needs.usable(opened)
    margin = fill(frame, np.where(usable, charged, np.inf), frame.limits)[1]
    proof = proven(frame, prices, needs.charge(charged, need), box or Box.whole(frame), cuts)
    return State(prices, proof, charged, opened, usable, margin)


def price(
    frame: Frame,
    *,
    start: Prices | None = None,
    stop: Callable[[], bool] = lambda: False,
    on_bound: Callable[[State], None] = lambda state: None,
    coldest: float = COLDEST,
    steps: int = STEPS,
) -> Pricing:
    """Prices that prove a bound close to the best that prices can prove; ``start`` are good ones known already.

    At every temperature down to ``coldest`` no more than so many ``steps`` are taken.  ``on_bound`` hears of every
    better bound.  When ``stop`` says so, the best prices so far are returned.
    """
    needs, scale = Needs(frame), _class_scale(frame)
    if start is None:
        start = Prices(np.zeros(frame.rows), *_NO_NEEDS, buy=np.zeros(frame.buys))
        temperature = HOTTEST
    else:
        temperature = WARM
    best = last = state_at(frame, needs, start.row, start.buy)
    on_bound(best)
    columns, units = np.empty(0, dtype=np.int64), np.empty(0)
    before: Floats | None = None
    while temperature > coldest and not stop():
        near, one_of = _taking_part(frame, last, scale, temperature)
        columns = np.flatnonzero(near if one_of == 1 else near & (frame.cls % one_of == 0))
        floor = floors(frame, near, last.usable, last.charged, last.margin, last.prices.row)
        market = Market(frame, columns, last.opened, needs.chosen_here, scale, one_of=one_of, floor=floor)
        now = market.start(last.prices.row, last.prices.buy)
        begin = now if before is None else _ahead(market, now, before, temperature)
        before = now
        most = steps if one_of == 1 else SAMPLE_STEPS
        cleared, soft = market.climb(begin, temperature, most, WORTH_A_STEP, stop)
        if _all_again(frame, temperature):
            market = Market(frame, np.flatnonzero(last.usable), last.opened, needs.chosen_here, scale)
            cleared, soft = market.climb(cleared, temperature, LAST_STEPS, WORTH_A_STEP, stop)
        columns, units = market.columns, soft.units.copy()
        last = state_at(frame, needs, *market.split(cleared))
        if last.proof.value > best.proof.value:
            best = last
            on_bound(best)
        temperature *= QUICKLY if frame.columns > FEW_COLUMNS and temperature <= COOL else COOLING
    return Pricing(best, needs, scale, last, columns, units)


def _taking_part(frame: Frame, state: State, scale: Floats, temperature: float) -> tuple[Flags, int]:
    """(J,) the columns that may take anything at a temperature, and of how many classes one stands for all."""
    if frame.columns <= FEW_COLUMNS:
        return state.usable, 1
    near = state.beyond(frame, scale) <= REACH * temperature
    number = int(near.sum())
    if number <= MANY_COLUMNS or temperature <= COOL:
        return near, 1
    return near, -(-number // min(LARGEST_SAMPLE, max(SAMPLE, SAMPLE_A_ROW * frame.rows)))


def _all_again(frame: Frame, temperature: float) -> bool:
    """Whether all columns of a problem that has many take part after the near ones: near the end those that are left
    out would hold prices up, by :mod:`.floors`."""
    return frame.columns > FEW_COLUMNS and temperature <= EXACT


def _ahead(market: Market, now: Floats, before: Floats, temperature: float) -> Floats:
    """Where the path of prices points to from ``now``, or ``now`` if that is better."""
    ahead = np.maximum(market.floor, now + COOLING * (now - before))
    better = market.soft(ahead, temperature).value > market.soft(now, temperature).value
    return ahead if better else now


def _class_scale(frame: Frame) -> Floats:
    """(I,) what differences between the columns of a class are measured by: about what it pays."""
    some = np.flatnonzero(frame.has_columns)
    mean = np.ones(frame.classes)
    mean[some] = np.add.reduceat(np.abs(frame.problem.col_cost), frame.first[some])
    mean[some] /= (frame.last - frame.first)[some]
    return np.maximum(mean, 1e-9)
