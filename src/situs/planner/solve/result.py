"""What the solver says: on the way, and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from situs.planner.certificate import Certificate, Prices
from situs.planner.problem import Placement


@dataclass(frozen=True)
class Progress:
    """Where the solver is."""

    phase: str
    cost: float
    """of the best placement so far"""
    bound: float
    """proven so far"""

    @property
    def gap(self) -> float:
        """Distance as a fraction of the cost."""
        return relative_gap(self.cost, self.bound)


@dataclass(frozen=True)
class Phase:
    """One finished phase."""

    name: str
    seconds: float
    cost: float
    bound: float


@dataclass(frozen=True, eq=False)
class Solution:
    """The best placement found and the best bound proven."""

    placement: Placement
    certificate: Certificate
    gap: float
    status: Literal["optimal", "work", "time", "cancelled"]
    """optimal: the wanted gap is proven; work: all planned work is done; time, cancelled: stopped"""
    phases: tuple[Phase, ...]
    prices: Prices
    """of the root: what capacity is worth, for explanations and for repair"""


class Infeasible(ValueError):
    """Not even leaving everything out would satisfy the limits of the opens."""


def relative_gap(cost: float, bound: float) -> float:
    """Distance of bound and cost as a fraction of the cost; 0 where they meet."""
    return max(0.0, cost - bound) / max(abs(cost), 1e-9)
