"""Branch and bound, with the tree of cases as its own proof.

The case with the least bound is split next, so the bound of the whole rises with every step.  Each case keeps
the prices that prove its bound; a case that was never looked at keeps those of the case it came from.  So the
tree is a valid certificate at any moment, and what is returned when time runs out is one.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from situs.planner.certificate import Certificate, Prices, Split
from situs.planner.problem import Placement
from situs.planner.solve.bound import Box, priced
from situs.planner.solve.cases import Side, case
from situs.planner.solve.choice import Choice, Promises, choose, fractional
from situs.planner.solve.frame import Frame
from situs.planner.solve.node_lp import Impossible, NodeLP, Solved, Start
from situs.planner.solve.restricted import tidied

EXACT = 1e-9
"""Relative to the cost: closer than that, bound and cost are the same number, added up in another order."""

MOST_SPLITS = 2000
"""A gap that is still open after as many will not be closed by twice as many; and what has no time limit must end."""

MANY_SPLITS = 100
"""Enough to see whether splitting leads anywhere."""

TRIAL_STEPS = 60
"""Steps of the simplex after which a trial says enough about a choice."""

LOUDEST = 1e12
"""How often the prices that show a case impossible are taken at most."""


@dataclass(eq=False)
class _Case:
    """A case of the tree."""

    above: int
    """the case it came from, -1 for the first"""
    side: Side | None
    prices: Prices
    bound: float
    choices: list[Choice] = field(default_factory=list)
    start: Start | None = None
    split: Choice | None = None
    low: int = -1
    high: int = -1


class Branching:
    """The tree of one problem; ``best`` is the best placement known."""

    def __init__(
        self,
        frame: Frame,
        lp: NodeLP,
        root: Prices,
        best: Placement,
        *,
        gap: float,
        offer: Callable[[Placement], object] = lambda placement: None,
        stop: Callable[[], bool] = lambda: False,
        stalled: float = 0.0,
    ) -> None:
        """``root`` are prices of the whole; ``gap`` is the part of the cost that may stay unproven.

        ``stalled``: end when :data:`MANY_SPLITS` close less than this part of what is missing.
        """
        self._frame, self._lp, self._gap = frame, lp, gap
        self._offer, self._stop, self._stalled = offer, stop, stalled
        self.best = best
        self._promises = Promises()
        whole = Box.whole(frame)
        self._cases = [_Case(-1, None, root, priced(frame, root, whole, lp.cuts).value)]
        self._open: list[tuple[float, int]] = []

    @property
    def enough(self) -> float:
        """A case with such a bound need not be looked into."""
        cost = self.best.cost
        return cost - max(self._gap * abs(cost), EXACT * max(1.0, abs(cost)))

    @property
    def bound(self) -> float:
        """What the leaves prove together."""
        return min(c.bound for c in self._cases if c.split is None)

    def run(self) -> None:
        """Split until the gap is proven or it is time to stop."""
        if not self._look(0):
            return
        before = self.bound
        for splits in range(1, MOST_SPLITS + 1):
            if not self._open or self._open[0][0] >= self.enough or self._stop():
                return
            if splits % MANY_SPLITS == 0:
                now = self._open[0][0]
                if now - before < self._stalled * (self.enough - before):
                    return
                before = now
            _, at = heapq.heappop(self._open)
            self._expand(at)

    def certificate(self) -> Certificate:
        """The tree so far as a proof."""
        built: list[Split | int] = [0] * len(self._cases)
        leaves: list[Prices] = []
        number: dict[int, int] = {}
        for at in range(len(self._cases) - 1, -1, -1):
            one = self._cases[at]
            if one.split is not None:
                split = one.split
                built[at] = Split(split.what, split.index, split.value, built[one.low], built[one.high])
                continue
            if id(one.prices) not in number:
                number[id(one.prices)] = len(leaves)
                leaves.append(one.prices)
            built[at] = number[id(one.prices)]
        return Certificate(self.bound, tuple(leaves), built[0], self._lp.cuts.cuts)

    def _expand(self, at: int) -> None:
        one = self._cases[at]
        box = self._box(at)
        assert box is not None, "only cases with something left are opened"
        split = self._chosen(one, box, at)
        if split is None:
            return
        one.split = split
        one.low = self._child(at, split.side(high=False))
        one.high = self._child(at, split.side(high=True))
        start, one.start, one.choices = one.start, None, []
        for child, high in ((one.low, False), (one.high, True)):
            self._cases[child].start = start
            if self._stop():
                continue
            if self._look(child) or self._cases[child].bound < np.inf:
                gain = self._cases[child].bound - one.bound
                self._promises.learn(split, high, min(gain, max(0.0, self.enough - one.bound)))

    def _child(self, at: int, side: Side) -> int:
        parent = self._cases[at]
        self._cases.append(_Case(at, side, parent.prices, parent.bound))
        return len(self._cases) - 1

    def _look(self, at: int) -> bool:
        """Bound a case by its relaxation; gives whether there is something left to look into."""
        one = self._cases[at]
        box = self._box(at)
        if box is None:
            one.bound = np.inf
            return False
        self._improve(one, one.prices, priced(self._frame, one.prices, box, self._lp.cuts).value)
        if one.bound >= self.enough:
            return False
        solved = self._lp.solve(box, one.start, self.enough)
        if isinstance(solved, Impossible):
            self._shout(one, solved.ray, box)
            one.start = None
        else:
            self._improve(one, solved.prices, solved.proof.value)
            one.start = solved.start
            one.choices = fractional(self._frame, self._lp, solved)
            if not one.choices:
                self._take(solved)
        if one.bound >= self.enough:
            one.start, one.choices = None, []
            return False
        heapq.heappush(self._open, (one.bound, at))
        return True

    @staticmethod
    def _improve(one: _Case, prices: Prices, bound: float) -> None:
        if bound > one.bound:
            one.prices, one.bound = prices, bound

    def _shout(self, one: _Case, ray: Prices, box: Box) -> None:
        """Prices that show the case impossible, taken so often that they prove more than the best cost."""
        base, times = one.prices, 1.0
        while one.bound < self.enough and times <= LOUDEST:
            louder = Prices(
                row=base.row + times * ray.row,
                need_class=np.concatenate((base.need_class, ray.need_class)),
                need_open=np.concatenate((base.need_open, ray.need_open)),
                need_price=np.concatenate((base.need_price, times * ray.need_price)),
                buy=base.buy + times * ray.buy,
                cut=base.cut + times * ray.cut,
            )
            louder = _merged(self._frame, louder)
            self._improve(one, louder, priced(self._frame, louder, box, self._lp.cuts).value)
            times *= 10.0

    def _take(self, solved: Solved) -> None:
        """A relaxation in whole numbers is a placement."""
        units = np.zeros(self._frame.columns, dtype=np.int64)
        units[self._lp.columns] = np.round(solved.units).astype(np.int64)
        whole = self._frame.problem.buy_integer
        bought = np.where(whole, np.round(solved.bought), solved.bought)
        placement = tidied(self._frame, units, bought, solved.opened > 0.5)
        if placement is not None and placement.cost < self.best.cost:
            self.best = placement
            self._offer(placement)

    def _chosen(self, one: _Case, box: Box, at: int) -> Choice | None:
        """What to split the case on; None where every choice is made, and rounding alone keeps it open."""
        if not one.choices:
            return self._any_choice(box)
        sides = self._sides(at)

        def trial(choice: Choice) -> tuple[float, float]:
            gains = [0.0, 0.0]
            for high in (False, True):
                child = case(self._frame, [*sides, choice.side(high)])
                value = np.inf if child is None else self._lp.peek(child, one.start, TRIAL_STEPS)
                gains[high] = min(value, self.enough) - one.bound
            return gains[0], gains[1]

        return choose(one.choices, self._promises, trial)

    def _any_choice(self, box: Box) -> Choice | None:
        """A choice that is still free."""
        p, limits = self._frame.problem, box.limits or self._frame.limits
        opened = np.flatnonzero(box.open_low < box.open_high)
        if len(opened):
            return Choice("opened", int(opened[0]), 0.5)
        bought = np.flatnonzero(p.buy_integer & (box.buy_low < box.buy_high))
        if len(bought):
            k = int(bought[0])
            return Choice("bought", k, float(box.buy_low[k] + box.buy_high[k]) / 2)
        out = np.flatnonzero(limits.out_room > 0)
        if len(out):
            i = int(out[0])
            return Choice("unplaced", i, float(limits.out_least[i]) + (int(limits.out_room[i]) - 1) / 2)
        units = np.flatnonzero(limits.room > 0)
        if len(units):
            j = int(units[0])
            least = int(limits.least[limits.forced == j].sum())
            return Choice("units", j, least + (int(limits.room[j]) - 1) / 2)
        return None

    def _box(self, at: int) -> Box | None:
        return case(self._frame, self._sides(at))

    def _sides(self, at: int) -> list[Side]:
        sides = []
        while at >= 0:
            one = self._cases[at]
            if one.side is not None:
                sides.append(one.side)
            at = one.above
        return sides[::-1]


def _merged(frame: Frame, prices: Prices) -> Prices:
    """The same prices with each pair of class and open standing once."""
    key = prices.need_class.astype(np.int64) * max(frame.opens, 1) + prices.need_open
    pairs, inverse = np.unique(key, return_inverse=True)
    cls, open_ = np.divmod(pairs, max(frame.opens, 1))
    return Prices(
        row=prices.row,
        need_class=cls.astype(np.int32),
        need_open=open_.astype(np.int32),
        need_price=np.bincount(inverse, prices.need_price, minlength=len(pairs)).astype(np.float64),
        buy=prices.buy,
        cut=prices.cut,
    )
