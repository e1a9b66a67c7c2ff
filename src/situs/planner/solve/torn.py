"""Which whole purchases and opens the relaxation leaves between two whole numbers."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats
from situs.planner.solve.cases import What
from situs.planner.solve.choice import Choice
from situs.planner.solve.cut_lp import Point
from situs.planner.solve.frame import Frame

WHOLE = 1e-4
"""As close to a whole number, a value is whole."""


def torn(frame: Frame, point: Point, opens: Flags) -> list[Choice]:
    """Torn purchases, and torn opens among ``opens`` (F,), those first that cost most to round."""
    p = frame.problem
    kinds: tuple[tuple[What, Floats, Floats, Flags], ...] = (
        ("bought", point.bought, p.buy_cost, p.buy_integer),
        ("opened", point.opened, np.abs(p.open_cost), opens),
    )
    found: list[tuple[float, Choice]] = []
    for what, value, cost, may in kinds:
        off = np.abs(value - np.round(value))
        some = np.flatnonzero((off > WHOLE) & may).tolist()
        found += [(float(off[n] * cost[n]), Choice(what, n, float(value[n]))) for n in some]
    return [each for _, each in sorted(found, key=lambda pair: -pair[0])]
