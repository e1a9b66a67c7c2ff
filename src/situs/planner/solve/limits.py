"""How many units each column can have, once its rows at their fullest, its opens and the case are looked at.

A column of which not one unit fits the rows with everything bought can never be used, however cheap it looks.
Left in the relaxation, a sliver of it would be, so every bound gets better without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from situs.planner.problem import Floats, Ints

if TYPE_CHECKING:
    from situs.planner.solve.frame import Frame

SLACK = 1e-8
"""Relative to all that a row gives and must give.  Ten times what the checker allows a row to be overfull,
so that nothing is ruled out that it would accept."""

CHUNK = 1 << 20
"""Columns looked at together: the intermediate arrays stay in tens of megabytes."""


@dataclass(frozen=True, eq=False)
class Limits:
    """Units of columns in one case."""

    forced: Ints
    """columns with units that the case asks for"""
    least: Ints
    """(len(forced),) how many"""
    room: Ints
    """(J,) how many more can come at most"""
    remaining: Ints
    """(I,) units of each class that the case leaves free: neither forced into a column nor forced out"""
    out_least: Ints
    """(I,) units that the case leaves out for certain"""
    out_room: Ints
    """(I,) how many more of the remaining units may be left out"""


def limits(
    frame: Frame,
    buy_high: Floats,
    open_low: Ints,
    open_high: Ints,
    unit_low: Mapping[int, int],
    unit_high: Mapping[int, int],
    out_low: Mapping[int, int],
    out_high: Mapping[int, int],
) -> Limits | None:
    """The limits in a case; None where what it asks for does not fit."""
    p = frame.problem
    forced = np.array(sorted(j for j, units in unit_low.items() if units > 0), dtype=np.int64)
    least = np.array([unit_low[int(j)] for j in forced], dtype=np.int64)
    spare = _spare(frame, buy_high, open_low, forced, least)
    taken = np.bincount(frame.cls[forced], least, minlength=frame.classes).astype(np.int64)
    out_least = np.zeros(frame.classes, dtype=np.int64)
    for i, units in out_low.items():
        out_least[i] = max(units, 0)
    remaining = p.count - taken - out_least
    out_room = remaining.copy()
    for i, units in out_high.items():
        out_room[i] = min(int(out_room[i]), units - int(out_least[i]))
    if np.any(spare < 0) or np.any(remaining < 0) or np.any(out_room < 0):
        return None
    most = np.minimum(p.col_limit, p.count[frame.cls])
    most[forced] -= least
    closed = np.flatnonzero(open_high[p.need_open] == 0)
    most[frame.need_col[closed]] = np.minimum(most[frame.need_col[closed]], 0)
    for column, units in unit_high.items():
        most[column] = min(int(most[column]), units - unit_low.get(column, 0))
    if np.any(most < 0):
        return None
    for begin in range(0, frame.columns, CHUNK):
        part = slice(begin, begin + CHUNK)
        np.minimum(most[part], _fitting(frame, spare, part), out=most[part])
    items = np.flatnonzero(p.extra_amount > 0)
    fit = _whole(spare[p.extra_row[items]], p.extra_amount[items])
    np.minimum.at(most, frame.extra_col[items], fit)
    np.minimum(most, remaining[frame.cls], out=most)
    return Limits(forced, least, most, remaining, out_least, out_room)


def _spare(frame: Frame, buy_high: Floats, open_low: Ints, forced: Ints, least: Ints) -> Floats:
    """(M,) what each row could give beyond what the case asks for, a little generously."""
    units = np.zeros(frame.columns, dtype=np.int64)
    units[forced] = least
    used = frame.load(units, open_low == 1)
    supply = frame.supply(buy_high)
    return np.asarray(supply - used + SLACK * (supply + used))


def _fitting(frame: Frame, spare: Floats, part: slice) -> Ints:
    """How many units of each column in the part its target has room for."""
    p = frame.problem
    variant, target = p.col_variant[part], p.col_target[part]
    by_target = np.append(spare, np.inf)[p.target_row]
    fit = np.full(len(variant), _MANY)
    for q in range(p.demand.shape[1]):
        amount = p.demand[:, q][variant]
        np.minimum(fit, _whole(by_target[:, q][target], amount), out=fit)
    return fit


_MANY = np.int64(1) << 40


def _whole(spare: Floats, amount: Floats) -> Ints:
    """How often the amount fits; often enough for anybody where it is nothing."""
    times = np.full(len(amount), float(_MANY))
    np.divide(spare, amount, out=times, where=amount > 0)
    return np.asarray(np.minimum(times, float(_MANY)), dtype=np.int64)
