"""Which whole purchases and opens the relaxation leaves between two whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.problem import Flags
from situs.planner.solve.cases import Side
from situs.planner.solve.cut_lp import Point
from situs.planner.solve.frame import Frame

WHOLE = 1e-4
"""As close to a whole number, a value is whole."""


@dataclass(frozen=True)
class Torn:
    """A choice between two whole numbers."""

    down: Side
    up: Side
    at: float
    cost: float
    """of the way to the nearest whole number"""

    @property
    def nearest(self) -> Side:
        """The side that the relaxation is closer to."""
        return self.up if self.at % 1 > 0.5 else self.down

    @property
    def off(self) -> float:
        """Distance from the nearest whole number."""
        return abs(self.at - round(self.at))


def torn(frame: Frame, point: Point, opens: Flags) -> list[Torn]:
    """Torn purchases, and torn opens among ``opens`` (F,), those first that cost most to round."""
    p = frame.problem
    found: list[Torn] = []
    for what, value, cost, may in (
        ("bought", point.bought, p.buy_cost, p.buy_integer),
        ("opened", point.opened, np.abs(p.open_cost), opens),
    ):
        off = np.abs(value - np.round(value))
        for n in np.flatnonzero((off > WHOLE) & may).tolist():
            floor = int(np.floor(value[n]))
            down, up = (Side(what, n, floor, high) for high in (False, True))  # type: ignore[arg-type]
            found.append(Torn(down, up, float(value[n]), float(off[n] * cost[n])))
    return sorted(found, key=lambda each: -each.cost)
