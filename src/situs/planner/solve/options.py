"""The few options of each class that matter, and the rows they meet in, as compact arrays for local search.

Rows that one whole purchase adds to form a *cell*; every other row is a cell of its own.  What a cell costs
depends on the loads of its rows alone: capacity that is there is free, a block is paid for whole, what is bought
by the unit has a price, and what cannot be had at all is priced far beyond its worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.problem import Flags, Floats, Ids, Ints
from situs.planner.solve.frame import Frame, ranges


@dataclass(frozen=True, eq=False)
class Options:
    """Letters: o option, i class, c cell, m row.  The last option of each class is to be left out."""

    first: Ints
    """(I+1,) the options of each class, the most promising first, leaving out last"""
    column: Ints
    """(o,) column, -1 for leaving out"""
    cost: Floats
    limit: Ints
    """(o,) most units"""
    cls: Ids
    target: Ids
    """(o,) -1 for leaving out"""
    use_indptr: Ints
    """(o+1,) the rows of each option, rows of one cell together"""
    use_of: Ints
    """the option of each use"""
    use_row: Ids
    use_amount: Floats
    by_target: Ints
    """(T+1,) room for the options at each target"""


@dataclass(frozen=True, eq=False)
class Cells:
    """What is there, and what more costs."""

    of_row: Ids
    """(M,) the cell of each row"""
    indptr: Ints
    """(c+1,)"""
    row: Ids
    own: Floats
    """(M,) capacity without buying, what the opens take taken off; inf where nothing limits"""
    worth: Floats
    """(M,) price of a unit of capacity"""
    block_cost: Floats
    """(c,) of one whole purchase, 0 where none can be made"""
    block_limit: Floats
    """(c,)"""
    block_amount: Floats
    """(M,) what one whole purchase adds"""
    cheap: Floats
    """(M,) so much more can be bought by the unit at ``cheap_price``"""
    cheap_price: Floats
    dear: Floats
    """(M,) and so much beyond that at ``dear_price``"""
    dear_price: Floats


def near_options(frame: Frame, near: Ints, order_by: Floats, room: Ints | None = None) -> Options:
    """Options from the columns ``near`` (increasing), those of a class ordered by ``order_by`` (len(near),).

    ``room`` (len(near),) is how many units each can have, where that is known without looking at all columns.
    """
    p = frame.problem
    cls = frame.cls[near]
    room = frame.limits.room[near] if room is None else room
    order = np.lexsort((order_by, cls))
    near, room = near[order], room[order]
    each = np.bincount(cls, minlength=frame.classes) + 1
    first = np.concatenate(([0], np.cumsum(each))).astype(np.int64)
    size = int(first[-1])
    column = np.full(size, -1, dtype=np.int64)
    inside = np.ones(size, dtype=bool)
    inside[first[1:] - 1] = False
    column[inside] = near
    of = np.repeat(np.arange(frame.classes, dtype=np.int32), each)
    cost, limit, target = (
        p.penalty[of].astype(float),
        p.count[of].astype(np.int64),
        np.full(size, -1, dtype=np.int32),
    )
    cost[inside], target[inside] = p.col_cost[near], p.col_target[near]
    limit[inside] = np.minimum(room, p.count[frame.cls[near]])
    indptr, use_of, row, amount = _uses(frame, column)
    by_target = np.concatenate(([0], np.cumsum(np.bincount(target[inside], minlength=len(p.target_row)))))
    return Options(
        first, column, cost, limit, of, target, indptr, use_of, row, amount, by_target.astype(np.int64)
    )  # fmt: skip


def _uses(frame: Frame, column: Ints) -> tuple[Ints, Ints, Ids, Floats]:
    real = np.flatnonzero(column >= 0)
    user, row, amount = frame.uses(column[real], np.where(frame.finite_row, np.arange(frame.rows), -1))
    some = amount > 0
    owner, row, amount = real[user[some]], row[some], amount[some]
    cell = cell_of_row(frame)[row]
    order = np.lexsort((row, cell, owner))
    indptr = np.searchsorted(owner[order], np.arange(len(column) + 1))
    return indptr.astype(np.int64), owner[order], row[order].astype(np.int32), amount[order]


def cell_of_row(frame: Frame) -> Ids:
    """(M,) rows that one whole purchase adds to have one number; of several purchases the first counts."""
    p = frame.problem
    cell = np.arange(frame.rows)
    whole = np.flatnonzero(p.buy_integer[frame.buy_of])[::-1]
    lowest = np.full(frame.buys, frame.rows)
    np.minimum.at(lowest, frame.buy_of, p.buy_row)
    cell[p.buy_row[whole]] = lowest[frame.buy_of[whole]]
    return cell.astype(np.int32)


def cells(frame: Frame, opened: Flags, worth: Floats, bought: Floats | None = None) -> Cells:
    """The rows of a problem when these opens are there.

    Whole purchases are free to be made, or made already as ``bought`` (K,) says.
    """
    p = frame.problem
    items, _ = ranges(p.open_indptr, np.flatnonzero(opened))
    taken = np.bincount(p.open_row[items], p.open_amount[items], minlength=frame.rows)
    own = p.row_capacity - taken
    of_row = cell_of_row(frame)
    order = np.argsort(of_row, kind="stable")
    indptr = np.searchsorted(of_row[order], np.arange(frame.rows + 1))
    block_cost, block_limit, block_amount = np.zeros((3, frame.rows))
    cheap, cheap_price, dear, dear_price = np.zeros((4, frame.rows))
    for k in range(frame.buys):
        span = slice(p.buy_indptr[k], p.buy_indptr[k + 1])
        rows, amounts = p.buy_row[span], p.buy_amount[span]
        if not len(rows) or (p.buy_open[k] >= 0 and not opened[p.buy_open[k]]):
            continue
        if p.buy_integer[k] and bought is not None:
            own[rows] += amounts * bought[k]
        elif p.buy_integer[k]:
            cell = int(of_row[rows[0]])
            if not block_limit[cell]:
                block_cost[cell], block_limit[cell] = p.buy_cost[k], np.floor(p.buy_limit[k])
                block_amount[rows] = amounts
        elif len(rows) == 1 and amounts[0] > 0:
            row, price = int(rows[0]), float(p.buy_cost[k] / amounts[0])
            more = float(p.buy_limit[k] * amounts[0])
            if not dear[row]:
                dear[row], dear_price[row] = more, price
            elif price < dear_price[row]:
                cheap[row], cheap_price[row] = more, price
            else:
                cheap[row], cheap_price[row], dear[row], dear_price[row] = (
                    dear[row],
                    dear_price[row],
                    more,
                    price,
                )
    return Cells(
        of_row, indptr.astype(np.int64), order.astype(np.int32), own, worth,
        block_cost, block_limit, block_amount, cheap, cheap_price, dear, dear_price,
    )  # fmt: skip
