"""Rows as cuts see them: what each column takes, and what is there for every number of blocks bought."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from situs.planner.problem import Floats, Ids, Ints
from situs.planner.solve.frame import Frame

MOST_BLOCKS = 4000
"""A purchase of more units than that is no matter of whole units any more."""


@dataclass(frozen=True, eq=False)
class CutRow:
    """One row with a limit and the columns that take something from it."""

    row: int
    column: Ids
    amount: Floats
    cls: Ids
    count: Ints
    """of the column's class"""
    room: Ints
    """units the column may have"""
    purchase: int
    """a purchase of whole units that adds to the row, -1 for none"""
    block: float
    """what a unit of it adds"""
    capacity: Floats
    """(most + 1,) what is there with 0, 1, 2, ... units of it, everything else bought to its limit"""
    links: bool
    """whether it is the row that says that its columns need a block: it has nothing but blocks"""
    grain: float
    """all amounts are multiples of it; 0 where there is no such number worth the name"""


def cut_rows(frame: Frame) -> list[CutRow]:
    """All rows that more than one unit could overfill."""
    p = frame.problem
    column, row, amount = _items(frame)
    order = np.lexsort((column, row))
    column, row, amount = column[order], row[order], amount[order]
    starts = np.searchsorted(row, np.arange(frame.rows + 1))
    most = np.where(p.buy_integer, np.floor(p.buy_limit), p.buy_limit)
    block_of = _blocks(frame, most)
    own = np.full(frame.rows, -1, dtype=np.int64)
    for at, (kind, _) in block_of.items():
        own[at] = kind
    other = np.flatnonzero(frame.buy_of != own[p.buy_row])
    bought = p.buy_amount[other] * most[frame.buy_of[other]]
    there = p.row_capacity + np.bincount(p.buy_row[other], bought, minlength=frame.rows)
    found = []
    for r in np.flatnonzero(frame.finite_row):
        here = slice(starts[r], starts[r + 1])
        columns, takes = column[here], amount[here]
        cls = frame.cls[columns]
        room = np.minimum(p.col_limit[columns], p.count[cls])
        purchase, block = block_of.get(int(r), (-1, 0.0))
        blocks = int(most[purchase]) if purchase >= 0 else 0
        capacity: Floats = np.asarray(there[r] + block * np.arange(blocks + 1), dtype=np.float64)
        if not len(columns) or (purchase < 0 and float(takes @ room) <= capacity[0]):
            continue
        found.append(
            CutRow(
                int(r),
                columns.astype(np.int32),
                takes,
                cls,
                p.count[cls],
                room,
                purchase,
                block,
                capacity,
                False,
                _grain(takes),
            )
        )
    linking: dict[int, int] = {}
    for n, each in enumerate(found):
        if each.purchase >= 0 and each.capacity[0] == 0:
            widest = linking.get(each.purchase, n)
            linking[each.purchase] = n if len(each.column) > len(found[widest].column) else widest
    for n in linking.values():
        found[n] = replace(found[n], links=True)
    return found


def _items(frame: Frame) -> tuple[Ints, Ints, Floats]:
    """Every use of a row with a limit: column, row, amount; uses of the same row by one column are one."""
    limited = np.where(frame.finite_row, np.arange(frame.rows), -1)
    column, row, amount = frame.uses(np.arange(frame.columns), limited)
    used = amount > 0
    key, inverse = np.unique(column[used] * frame.rows + row[used], return_inverse=True)
    total = np.bincount(inverse, amount[used], minlength=len(key)).astype(np.float64)
    return key // frame.rows, key % frame.rows, total


def _blocks(frame: Frame, most: Floats) -> dict[int, tuple[int, float]]:
    """Per row the purchase of whole units that adds the most to it at most, and its amount."""
    p = frame.problem
    found: dict[int, tuple[int, float]] = {}
    whole = np.flatnonzero(p.buy_integer[frame.buy_of] & (most[frame.buy_of] <= MOST_BLOCKS))
    key, inverse = np.unique(frame.buy_of[whole] * frame.rows + p.buy_row[whole], return_inverse=True)
    amount = np.bincount(inverse, p.buy_amount[whole], minlength=len(key))
    for k, r, block in zip(key // frame.rows, key % frame.rows, amount, strict=True):
        known = found.get(int(r))
        if block > 0 and (known is None or block * most[k] > known[1] * most[known[0]]):
            found[int(r)] = (int(k), float(block))
    return found


def _grain(amount: Floats) -> float:
    """The largest power of two, a sixteenth to a few thousand, that divides all amounts."""
    for power in range(12, -5, -1):
        scaled = amount / 2.0**power
        if np.all(scaled == np.round(scaled)):
            return 2.0**power
    return 0.0
