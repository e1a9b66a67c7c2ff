"""A case of the tree: which choices stand on the way to it, and what they leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from situs.planner.certificate import Split
from situs.planner.problem import Placement
from situs.planner.solve.bound import Box
from situs.planner.solve.frame import Frame, ranges
from situs.planner.solve.limits import limits

What = Literal["bought", "opened", "unplaced", "units"]


@dataclass(frozen=True)
class Side:
    """One side of a split: the integer choice is at most ``value``, or at least ``value + 1``."""

    what: What
    index: int
    value: int
    high: bool


def case(frame: Frame, sides: Iterable[Side]) -> Box | None:
    """The box that these sides leave; None where nothing is left."""
    p = frame.problem
    box = Box.whole(frame)
    unit_low, unit_high = dict[int, int](), dict[int, int]()
    out_low, out_high = dict[int, int](), dict[int, int]()
    for side in sides:
        if side.what == "units":
            _note(unit_low, unit_high, side)
        elif side.what == "unplaced":
            _note(out_low, out_high, side)
        elif side.what == "bought":
            narrow(box.buy_low, box.buy_high, side)
        else:
            narrow(box.open_low, box.open_high, side)
    asking = np.array([j for j, units in unit_low.items() if units > 0], dtype=np.int64)
    items, _ = ranges(p.need_indptr, asking)
    box.open_low[p.need_open[items]] = 1
    if not _tied(frame, box):
        return None
    room = limits(frame, box.buy_high, box.open_low, box.open_high, unit_low, unit_high, out_low, out_high)
    if room is None:
        return None
    return Box(box.buy_low, box.buy_high, box.open_low, box.open_high, room)


def choices(frame: Frame, sides: Iterable[Side]) -> Box | None:
    """The same as far as purchases and opens go; sides about units are passed over, so it may leave more."""
    box = Box.whole(frame)
    for side in sides:
        if side.what == "bought":
            narrow(box.buy_low, box.buy_high, side)
        elif side.what == "opened":
            narrow(box.open_low, box.open_high, side)
    return box if _tied(frame, box) else None


def _tied(frame: Frame, box: Box) -> bool:
    """Close in on purchases and opens that depend on each other; whether anything is left."""
    p = frame.problem
    tied = np.flatnonzero(p.buy_open >= 0)
    box.open_low[p.buy_open[tied[box.buy_low[tied] > 0]]] = 1
    box.buy_high[tied[box.open_high[p.buy_open[tied]] == 0]] = 0.0
    return not (np.any(box.open_low > box.open_high) or np.any(box.buy_low > box.buy_high))


def leaves(tree: Split | int) -> Iterator[tuple[int, tuple[Side, ...]]]:
    """The number of each leaf, with the sides that lead to it."""
    left: list[tuple[Split | int, tuple[Side, ...]]] = [(tree, ())]
    while left:
        node, sides = left.pop()
        if isinstance(node, int):
            yield node, sides
        else:
            for high, branch in ((True, node.high), (False, node.low)):
                left.append((branch, (*sides, Side(node.what, node.index, node.value, high))))


def holds(placement: Placement, side: Side) -> bool:
    """Whether a placement is on this side."""
    chosen = {
        "bought": placement.bought,
        "opened": placement.opened,
        "unplaced": placement.unplaced,
        "units": placement.units,
    }[side.what][side.index]
    return bool((chosen > side.value) == side.high)


def _note(low: dict[int, int], high: dict[int, int], side: Side) -> None:
    at, value = side.index, side.value
    if side.high:
        low[at] = max(value + 1, low.get(at, 0))
    else:
        high[at] = min(value, high.get(at, value))


def narrow(low: NDArray[Any], high: NDArray[Any], side: Side) -> None:
    """Close the limits of the choice that a side is about."""
    at, value = side.index, side.value
    if side.high:
        low[at] = max(low[at], value + 1)
    else:
        high[at] = min(high[at], value)
