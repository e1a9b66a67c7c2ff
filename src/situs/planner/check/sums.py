"""Sums by key, the one thing every part of the checker does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from situs.planner.problem import Floats


def sum_by(key: NDArray[np.integer], amount: Floats, length: int) -> Floats:
    """(length,) the sum of the amounts under each key; always of floats, also when there are none."""
    return np.bincount(key, weights=amount, minlength=length).astype(np.float64, copy=False)
