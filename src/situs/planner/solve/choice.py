"""Which fractional choice to split on next.

The one that promises to raise both sides of the split the most.  What a choice promises is what it gave before,
per unit it was moved; until it has given a few times, it is tried out.  Of each kind some are tried: an open
that decides over whole groups of columns may be worth more than any other choice, or nothing where the next
open is as good.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.solve.cases import Side, What
from situs.planner.solve.frame import Frame
from situs.planner.solve.node_lp import NodeLP, Solved

INTEGRAL = 1e-6
"""As close to a whole number, a value is taken for it: the relaxation is solved to a billionth."""

TRIED_OUT = 4
"""Tries after which a choice is trusted to give what it gave."""

MOST_TRIALS = 8
"""Choices of each kind tried out at a node, the most promising first; later ones hardly ever win."""


@dataclass(frozen=True)
class Choice:
    """A split at ``value`` of an integer choice that is ``at`` in the relaxation."""

    what: What
    index: int
    at: float

    @property
    def value(self) -> int:
        return math.floor(self.at)

    def side(self, high: bool) -> Side:
        return Side(self.what, self.index, self.value, high)

    @property
    def off(self) -> float:
        """Distance from the nearest whole number."""
        return abs(self.at - round(self.at))

    @property
    def upward(self) -> bool:
        """Whether that is the higher one."""
        return self.at % 1 > 0.5


def fractional(frame: Frame, lp: NodeLP, solved: Solved) -> list[Choice]:
    """The choices that the relaxation leaves between whole numbers, kind by kind, those closest to a half first."""
    choices: list[Choice] = []
    whole = frame.problem.buy_integer
    kinds: tuple[tuple[What, np.ndarray, np.ndarray], ...] = (
        ("opened", np.arange(frame.opens), solved.opened),
        ("bought", np.flatnonzero(whole), solved.bought[whole]),
        ("unplaced", np.arange(frame.classes), solved.unplaced),
        ("units", lp.columns, solved.units),
    )
    for what, index, value in kinds:
        off = np.abs(value - np.round(value))
        some = np.flatnonzero(off > INTEGRAL)
        order = some[np.lexsort((index[some], -off[some]))]
        choices += [Choice(what, int(index[n]), float(value[n])) for n in order]
    return choices


class Promises:
    """What splits on each choice have raised the bound by, per unit moved."""

    def __init__(self) -> None:
        self._raised: dict[tuple[What, int, bool], tuple[float, int]] = {}
        self._overall: dict[tuple[What, bool], tuple[float, int]] = {}

    def learn(self, choice: Choice, high: bool, gain: float) -> None:
        """A side of a split raised the bound by ``gain``."""
        moved = choice.value + 1 - choice.at if high else choice.at - choice.value
        each = max(gain, 0.0) / max(moved, INTEGRAL)
        self._raised[choice.what, choice.index, high] = _and(
            self._raised.get((choice.what, choice.index, high)), each
        )
        self._overall[choice.what, high] = _and(self._overall.get((choice.what, high)), each)

    def times(self, choice: Choice) -> int:
        """How often the less tried side has been tried."""
        return min(self._raised.get((choice.what, choice.index, high), (0.0, 0))[1] for high in (False, True))

    def score(self, choice: Choice) -> float:
        """What a split promises."""
        return worth(*(self._gain(choice, high) for high in (False, True)))

    def _gain(self, choice: Choice, high: bool) -> float:
        total, times = self._raised.get((choice.what, choice.index, high), (0.0, 0))
        if not times:
            total, times = self._overall.get((choice.what, high), (1.0, 1))
        moved = choice.value + 1 - choice.at if high else choice.at - choice.value
        return total / times * moved


def _and(before: tuple[float, int] | None, each: float) -> tuple[float, int]:
    total, times = before or (0.0, 0)
    return total + each, times + 1


def worth(low: float, high: float) -> float:
    """One number for what both sides gain: a split that leaves one side as it was is worth little."""
    return max(low, 1e-6) * max(high, 1e-6)


def choose(
    choices: list[Choice],
    promises: Promises,
    trial: Callable[[Choice], tuple[float, float]],
) -> Choice:
    """The choice to split on; ``trial`` gives what both sides of one gain."""
    best, best_score = choices[0], -1.0
    trials: Counter[What] = Counter()
    ranked = sorted(choices, key=promises.score, reverse=True)
    for choice in ranked:
        if promises.times(choice) < TRIED_OUT:
            if trials[choice.what] == MOST_TRIALS:
                continue
            trials[choice.what] += 1
            gains = trial(choice)
            for high, gain in enumerate(gains):
                promises.learn(choice, bool(high), gain)
            score = worth(*gains)
        else:
            score = promises.score(choice)
        if score > best_score:
            best, best_score = choice, score
    return best
