"""A change that comes in sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from situs.planner.explain.model import Change, ChangeKind


@dataclass(frozen=True)
class Lever:
    """A change that comes in sizes; the search finds the smallest one with which a site wins."""

    kind: ChangeKind
    change: Callable[[float], Change]
    most: float
    """the largest size that makes sense"""
    whole: bool = False
    """sizes are whole numbers"""
    prices: bool = False
    """it only changes prices, and in proportion to its size"""


def switch(change: Change) -> Lever:
    """A lever with one size only: as it is, or changed."""
    return Lever(change.kind, lambda size: change, most=1.0, whole=True)
