"""Opens that only make purchases cheaper, told apart case by case, for problems too large for a linear program.

A contract with a price of its own and a lower rate is half concluded in the relaxation, which pays for as much of the
contract as it uses of the rate.  No prices prove what that hides, and there are few of them; so the cases are told
apart, the one with the least bound first.  In each, what is bought under the contract has a price that is known
beforehand: the lower rate where the contract is there, the best other offer where it is not.  Starting there, few
cases need prices of their own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Certificate, Prices, Split
from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.cases import Side, choices
from situs.planner.solve.frame import Frame
from situs.planner.solve.market import Market
from situs.planner.solve.pricing import Pricing, state_at

TEMPERATURE, STEPS = 2e-4, 12
"""For the prices of the case that is left."""
ENOUGH = 1e-6

MOST_CASES = 100
"""Of a few contracts all that matter are told apart; of dozens, those that are worth most."""


def serving(frame: Frame) -> Ints:
    """The opens that purchases need, and no columns or groups; those first that cost most."""
    p = frame.problem
    opens = np.unique(p.buy_open[p.buy_open >= 0]).astype(np.int64)
    opens = opens[~frame.needed[opens] & (p.open_group[opens] < 0)]
    return opens[np.argsort(-np.abs(p.open_cost[opens]), kind="stable")]


@dataclass(eq=False)
class Case:
    """A case of the tree."""

    sides: tuple[Side, ...]
    box: Box
    prices: Prices
    bound: float
    wanted: Floats | None = None
    """(K,) what would be bought at its prices, not whole; None as long as it has only those of the case above, with
    what is known beforehand"""
    split: int = -1
    """the open it is split on, and the cases it is split into; -1 as long as it is not"""
    low: int = -1
    high: int = -1


class Cases:
    """The cases of one problem, with a proof for each."""

    def __init__(self, frame: Frame, pricing: Pricing, stop: Callable[[], bool]) -> None:
        self._frame, self._pricing, self._stop = frame, pricing, stop
        self._serving = serving(frame)
        self._columns = np.flatnonzero(pricing.state.usable)
        whole, state = Box.whole(frame), pricing.state
        self._cases = [Case((), whole, state.prices, state.proof.value)]
        self._open: list[tuple[float, int]] = [(state.proof.value, 0)]

    @property
    def least(self) -> Case:
        """The case with the least bound: the best placement is to be expected there."""
        return self._cases[self._open[0][1]]

    def tell_apart(self) -> None:
        """Split until everything is decided in the least case, and look for its prices; or until it is time to stop."""
        while not self._stop():
            one = self.least
            left = self._serving[one.box.open_low[self._serving] < one.box.open_high[self._serving]]
            if len(left) and len(self._cases) < MOST_CASES:
                self._split(heapq.heappop(self._open)[1], int(left[0]))
            elif one.wanted is None and len(self._serving):
                self._clear(heapq.heappop(self._open)[1])
            else:
                return

    def opens(self, one: Case) -> tuple[Flags, Flags]:
        """(F,) the opens that are there in a case, and those about which that is decided."""
        chosen, box = self._pricing.needs.chosen_here, one.box
        opened = np.where(chosen, self._pricing.state.opened, box.open_low == 1)
        return opened, chosen | (box.open_low == box.open_high)

    def certificate(self) -> Certificate:
        """What the cases prove together."""
        leaves = [one.prices for one in self._cases if one.split < 0]
        number = iter(range(len(leaves)))
        built: list[Split | int] = [next(number) if one.split < 0 else -1 for one in self._cases]
        # A case stands before those it is split into.
        for at in range(len(self._cases) - 1, -1, -1):
            one = self._cases[at]
            if one.split >= 0:
                built[at] = Split("opened", one.split, 0, built[one.low], built[one.high])
        return Certificate(self.least.bound, tuple(leaves), built[0])

    def _split(self, at: int, index: int) -> None:
        one = self._cases[at]
        one.split = index
        one.low, one.high = (self._case(one, Side("opened", index, 0, high)) for high in (False, True))

    def _case(self, above: Case, side: Side) -> int:
        """A case with the prices above it, or with what is known beforehand: what proves more."""
        sides = (*above.sides, side)
        box = choices(self._frame, sides)
        assert box is not None, "an open that only serves purchases can be there or not"
        one = Case(sides, box, above.prices, above.bound)
        row, buy = above.prices.row.copy(), above.prices.buy.copy()
        for k in np.flatnonzero(self._frame.problem.buy_open == side.index).tolist():
            self._reprice(k, side.high, box, row, buy)
        self._improve(one, row, buy)
        return self._add(one)

    def _reprice(self, k: int, there: bool, box: Box, row: Floats, buy: Floats) -> None:
        """What purchase ``k`` brings costs as much as it does under the contract, or by the best other offer."""
        p = self._frame.problem
        if there:
            buy[k] = 0.0
        for n in range(p.buy_indptr[k], p.buy_indptr[k + 1]):
            if p.buy_amount[n] <= 0 or not self._frame.finite_row[p.buy_row[n]]:
                continue
            items = np.flatnonzero((p.buy_row == p.buy_row[n]) & (p.buy_amount > 0))
            others = self._frame.buy_of[items]
            items = items[others == k] if there else items[(others != k) & (box.buy_high[others] > 0)]
            if len(items):
                offers = self._frame.buy_of[items]
                least = np.min((p.buy_cost[offers] + buy[offers]) / p.buy_amount[items])
                row[p.buy_row[n]] = max(0.0, float(least))

    def _clear(self, at: int) -> None:
        """Look for the prices of a case."""
        one = self._cases[at]
        opened, fixed = self.opens(one)
        market = Market(self._frame, self._columns, opened, fixed, self._pricing.scale, box=one.box)
        begin = market.start(one.prices.row, one.prices.buy)
        price, soft = market.climb(begin, TEMPERATURE, STEPS, ENOUGH, self._stop)
        self._improve(one, *market.split(price))
        one.wanted = soft.singles[: self._frame.buys].copy()
        heapq.heappush(self._open, (one.bound, at))

    def _improve(self, one: Case, row: Floats, buy: Floats) -> None:
        state = state_at(self._frame, self._pricing.needs, row, buy, box=one.box)
        if state.proof.value > one.bound:
            one.prices, one.bound = state.prices, state.proof.value

    def _add(self, one: Case) -> int:
        self._cases.append(one)
        heapq.heappush(self._open, (one.bound, len(self._cases) - 1))
        return len(self._cases) - 1
