"""How many whole purchases to make: a few are decided at a time, and the market clears again for the others.

Deciding all at once, each by rounding what it would be, is far off: each missing block makes the next one worth
more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.frame import Frame
from situs.planner.solve.market import Market, Soft
from situs.planner.solve.nearness import charged_if_fitting
from situs.planner.solve.pricing import Pricing
from situs.planner.solve.serving import Cases, serving

TEMPERATURE, STEPS = 3e-4, 4
COLD, COLD_STEPS = 1e-4, 8
"""When all is decided."""
ENOUGH = 1e-6

TRYING = 4
"""Steps to see what one purchase more or less would mean."""
MOST_COLUMNS = 300_000
"""When more take part, purchases are rounded without trying."""

CERTAIN = 0.004
"""As close to a whole number, a purchase is decided."""

BATCH = 0.6
"""The share of the undecided that is rounded at a time, those nearest to a whole number first."""

FEW = 8
"""So few are decided at once."""

HALF = 0.5
"""An open that only serves purchases is there when more of it than this is wanted."""

AROUND = 1.0
"""No purchase is decided further from what the relaxation makes of it: where a dozen blocks of a kind are worth just
what they cost, the market swings between all and none of them while others are being decided."""


@dataclass(frozen=True, eq=False)
class Decided:
    """A market in which everything is decided but who goes where."""

    bought: Floats
    """(K,) whole where it must be, otherwise as much as there may be"""
    opened: Flags
    row: Floats
    """(M,) prices"""
    charged: Floats
    """(J,) what a unit costs at these prices; inf where it cannot be"""
    columns: Ints
    """columns that took part"""
    units: Floats
    """(len(columns),) what the market makes of them, not whole"""


def decided(frame: Frame, pricing: Pricing, stop: Callable[[], bool], cases: Cases | None = None) -> Decided:
    """Purchases decided at these prices, or in the least of ``cases`` at its prices."""
    if not frame.buys:
        last = pricing.last
        charged = charged_if_fitting(frame, last.usable, last.prices.row, frame.problem.row_capacity)
        return Decided(np.zeros(0), last.opened, last.prices.row, charged, pricing.columns, pricing.units)
    cases = cases or Cases(frame, pricing, stop)
    return Purchases(frame, pricing, cases, stop).decide()


class Purchases:
    """Limits of purchases that close in until all that must be whole are decided."""

    def __init__(self, frame: Frame, pricing: Pricing, cases: Cases, stop: Callable[[], bool]) -> None:
        """Begins with the opens and at the prices of the least of ``cases``.

        All columns take part that are usable and fit: those left out would hold prices up where purchases were
        rounded up, and what was bought would lie idle.
        """
        least = cases.least
        self._frame, self._needs, self._scale, self._stop = frame, pricing.needs, pricing.scale, stop
        self._row, self._buy, self._wanted = least.prices.row, least.prices.buy, least.wanted
        self._opened, self._fixed = cases.opens(least)
        self._usable = self._needs.usable(self._opened)
        self._low, self._high = least.box.buy_low.copy(), least.box.buy_high.copy()

    def decide(self) -> Decided:
        """Whole purchases, and opens that only serve purchases, near what the relaxation makes of them."""
        whole = self._frame.problem.buy_integer
        undecided = np.flatnonzero(whole & (self._high > self._low))
        wanted, first = self._wanted, True
        while len(undecided):
            columns = self._fitting()
            if wanted is None:
                _, soft = self._clear(columns, TEMPERATURE, STEPS)
                self._open(soft)
                wanted = soft.singles[: self._frame.buys].copy()
            if first:
                self._stay_around(wanted)
                first = False
            self._round(columns, undecided, wanted)
            undecided, wanted = np.flatnonzero(whole & (self._high > self._low)), None
        market, soft = self._clear(self._fitting(), COLD, COLD_STEPS)
        self._open(soft)
        bought = np.where(whole, self._low, self._frame.problem.buy_limit)
        return Decided(bought, self._opened, self._row, self._charged(), market.columns, soft.units.copy())

    def _charged(self) -> Floats:
        return charged_if_fitting(self._frame, self._usable, self._row, self._frame.supply(self._high))

    def _fitting(self) -> Ints:
        return np.flatnonzero(np.isfinite(self._charged()))

    def _clear(self, columns: Ints, temperature: float, steps: int) -> tuple[Market, Soft]:
        """The market at better prices, which are kept."""
        market, price, soft = self._cleared(columns, self._low, self._high, temperature, steps)
        self._row, self._buy = market.split(price)
        return market, soft

    def _cleared(
        self, columns: Ints, low: Floats, high: Floats, temperature: float, steps: int
    ) -> tuple[Market, Floats, Soft]:
        whole = Box.whole(self._frame)
        box = Box(low, high, whole.open_low, whole.open_high)
        market = Market(self._frame, columns, self._opened, self._fixed, self._scale, box=box)
        begin = market.start(self._row, self._buy)
        return market, *market.climb(begin, temperature, steps, ENOUGH, self._stop)

    def _open(self, soft: Soft) -> None:
        """Decide opens that only serve purchases."""
        left = serving(self._frame)
        left = left[~self._fixed[left]]
        self._opened[left] = soft.singles[self._frame.buys + left] > HALF
        self._fixed[left] = True

    def _stay_around(self, wanted: Floats) -> None:
        whole = self._frame.problem.buy_integer
        low, high = np.floor(wanted) - AROUND, np.ceil(wanted) + AROUND
        self._low = np.where(whole, np.maximum(self._low, low), self._low)
        self._high = np.where(whole, np.minimum(self._high, high), self._high)

    def _round(self, columns: Ints, undecided: Ints, wanted: Floats) -> None:
        """Decide a part of what is undecided: by rounding, or one by one by what either would cost."""
        off = np.abs(wanted - np.round(wanted))[undecided]
        order = undecided[np.argsort(off, kind="stable")]
        certain = int((off <= CERTAIN).sum())
        one_by_one = len(columns) <= MOST_COLUMNS and not self._stop()
        rounded = order[: certain if one_by_one else certain + max(FEW, int(BATCH * (len(order) - certain)))]
        if self._stop():
            rounded = order
        nearest_whole = np.clip(np.round(wanted[rounded]), self._low[rounded], self._high[rounded])
        self._low[rounded] = self._high[rounded] = nearest_whole
        if one_by_one:
            for k in order[certain : certain + FEW].tolist():
                self._try(columns, k, float(np.floor(wanted[k])))

    def _try(self, columns: Ints, k: int, floor: float) -> None:
        """Decide one purchase: ``floor``, or one more."""
        fewer, more = self._high.copy(), self._low.copy()
        fewer[k], more[k] = floor, min(floor + 1, self._high[k])
        less = self._cleared(columns, self._low, fewer, TEMPERATURE, TRYING)[2].value
        greater = self._cleared(columns, more, self._high, TEMPERATURE, TRYING)[2].value
        self._low[k] = self._high[k] = fewer[k] if less <= greater else more[k]
