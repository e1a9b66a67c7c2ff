"""A first placement, so that there is one at any time."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Placement
from situs.planner.solve.frame import Frame
from situs.planner.solve.greedy import cheapest_first
from situs.planner.solve.restricted import placed, search

MOST_CASES = 1_000_000
"""Opens alone make small searches; this ends one that does not end."""


def first_placement(frame: Frame) -> Placement | None:
    """A placement made in one go; None where not even leaving everything out satisfies the groups of opens."""
    greedy = cheapest_first(frame.problem)
    sound = placed(frame, greedy.units, greedy.bought, greedy.opened)
    if sound is not None:
        return sound
    return nothing_placed(frame)


def nothing_placed(frame: Frame) -> Placement | None:
    """Everything left out, with the opens that groups ask for; None where these do not fit together."""
    return search(frame, np.empty(0, dtype=np.int64), nodes=MOST_CASES)
