"""A placement from prices: whole purchases, then units drawn in the market's proportions, then local search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.problem import Floats, Ints, Placement
from situs.planner.solve.blocks import Decided
from situs.planner.solve.frame import Frame
from situs.planner.solve.moving import Moving
from situs.planner.solve.nearness import nearest
from situs.planner.solve.options import Cells, Options, cells, near_options
from situs.planner.solve.purchases import settled

OPTIONS_A_ROW = 20
"""So many options take part, on average over the rows at a price, or over the classes if that is more."""

WANTED = 1e-3
"""And all columns that the market gives more than this share of their class."""

TRIALS_A_CLASS = 100
FEWEST_TRIALS = 300_000
ROUNDS = 4
"""The trials are divided so that the search can be stopped between."""

FREEZING = 0.1
"""Of what is accepted at last, when all has its place."""
HARD = 1e4
"""As steep as this, nothing is gained by overfilling a row."""
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Pace:
    """How far and how long local search looks around."""

    hot: float = 3e-4
    """losses accepted at first, and ..."""
    cold: float = 1e-5
    """... at last, as classes feel them"""
    steep: float = 1.0
    """what does not fit costs so many times its worth at first, and ..."""
    steepest: float = 5.0
    """... at last"""
    settled: bool = False
    """whether units are where they should be but for what does not fit: then nothing is overfilled any more"""
    torn: float = 0.1
    """Classes take part whose second choice costs so much more than the first, as they feel it."""
    patience: float = 1.0
    """so many times the usual trials"""
    options: int = 6
    """so many of each class take part, on average"""


BRISK = Pace(hot=1e-4, steep=3.0, steepest=30.0)
"""For many classes that share few rows: little heat puts them in order."""

THRONG = Pace(hot=1e-4, cold=3e-6, steep=1.0, steepest=10.0, options=12, patience=0.7)
"""For so many classes that no linear program has told who goes where: who does not find room has far to go."""

SETTLED = Pace(cold=1e-6, patience=40, settled=True)
"""For classes of many units, which were drawn in the right proportions: heat would only put them out of order."""


class Search:
    """Local search over the near options of all classes, at prices that hold once purchases are decided."""

    def __init__(self, frame: Frame, scale: Floats, decided: Decided, pace: Pace = BRISK) -> None:
        """``scale`` (I,) is what differences between the options of each class are measured by."""
        self.frame = frame
        self.scale = scale
        self.pace = pace
        self.decided = decided
        most = max(pace.options * frame.classes, OPTIONS_A_ROW * int((self.decided.row > 0).sum()))
        near = nearest(frame, self.decided.charged, self.scale, most)
        columns, units = self.decided.columns, self.decided.units
        wanted = columns[units > WANTED * frame.problem.count[frame.cls[columns]]]
        near = np.union1d(near, wanted[np.isfinite(self.decided.charged[wanted])])
        charged = self.decided.charged[near]
        self.options: Options = near_options(frame, near, charged)
        self._moving = Moving(frame, self.options, self._drawn(), scale, self._torn())
        self._worth = self._moving.worth(decided.row)

    def _torn(self) -> Ints:
        """Classes that have somewhere else to go, or to be left out, for little more than they pay."""
        frame, o = self.frame, self.options
        value = np.where(o.column >= 0, self.decided.charged[o.column], o.cost)
        order = np.lexsort((value, o.cls))
        first, second = order[o.first[:-1]], order[np.minimum(o.first[:-1] + 1, o.first[1:] - 1)]
        more = (value[second] - value[first]) / self.scale
        return np.flatnonzero((np.diff(o.first) > 1) & ((more <= self.pace.torn) | (frame.problem.count > 1)))

    def _drawn(self) -> Ints:
        """(o,) units in the proportions in which the market is torn; neighbours draw evenly spread lots."""
        o, p = self.options, self.frame.problem
        start = o.first[:-1]
        wanted = np.zeros(self.frame.columns)
        wanted[self.decided.columns] = self.decided.units
        placed = np.bincount(self.frame.cls[self.decided.columns], self.decided.units, minlength=len(p.count))
        share = np.where(o.column >= 0, wanted[o.column], 0.0)
        here = np.add.reduceat(share, start)
        share *= (placed / np.maximum(here, 1e-300) / p.count)[o.cls]
        sums = np.cumsum(share)
        sums -= (sums[start] - share[start])[o.cls]
        lot = np.empty(len(p.count))
        lot[np.lexsort((np.arange(len(p.count)), o.target[start]))] = (
            0.5 + GOLDEN * np.arange(len(p.count))
        ) % 1
        upper = np.floor(sums * p.count[o.cls] + lot[o.cls] + 1e-9)
        lower = np.floor((sums - share) * p.count[o.cls] + lot[o.cls] + 1e-9)
        upper[o.first[1:] - 1] = p.count + np.floor(lot + 1e-9)
        taken = (upper - lower).astype(np.int64)
        units = np.minimum(taken, o.limit)
        units[o.first[1:] - 1] += np.add.reduceat(taken - units, start)
        return units

    def _cells(self, *, free: bool) -> Cells:
        """What is there: purchases as decided, or ``free`` to be made one by one."""
        return cells(self.frame, self.decided.opened, self._worth, None if free else self.decided.bought)

    def run(self, stop: Callable[[], bool]) -> None:
        """Improve the units until the trials are used up, and clear what does not fit."""
        there = self._cells(free=False)
        if not self.pace.settled:
            self._cool(there, stop)
        self._moving.clear(there)
        if not stop():
            self._freeze(there)
            self._moving.clear(there)

    def _cool(self, there: Cells, stop: Callable[[], bool]) -> None:
        """Put units in order, while what does not fit becomes dear by and by."""
        pace = self.pace
        cooling = (pace.cold / pace.hot) ** (1 / ROUNDS)
        rising = (pace.steepest / pace.steep) ** (1 / ROUNDS)
        for turn in range(ROUNDS):
            if stop():
                break
            hot, steep = pace.hot * cooling**turn, pace.steep * rising**turn
            self._anneal(there, hot, hot * cooling, steep, steep * rising)

    def _freeze(self, there: Cells) -> None:
        """Take what is a gain, or nearly, and nothing that does not fit."""
        cold = self.pace.cold
        self._anneal(there, cold, FREEZING * cold, HARD, HARD)

    def finish(self) -> None:
        """Try to do without purchases."""
        if np.any(self.decided.bought[self.frame.problem.buy_integer]):
            self._freeze(self._cells(free=True))

    def _anneal(self, there: Cells, hot: float, cold: float, steep: float, steepest: float) -> None:
        usual = max(FEWEST_TRIALS, TRIALS_A_CLASS * len(self._moving.movable))
        self._moving.anneal(there, int(self.pace.patience * usual) // ROUNDS, hot, cold, steep, steepest)

    def placement(self) -> Placement | None:
        """The units as they are, what does not fit left out, with just the purchases they need."""
        return settled(self.frame, self._moving.by_column(), self.decided.opened)
