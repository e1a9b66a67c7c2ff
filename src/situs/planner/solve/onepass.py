"""One pass over all columns in machine code: what given prices prove, and the few best options of each class.

:mod:`situs.planner.solve.bound` says the same in arrays as long as the columns, for whoever goes on working with
these.  A repair must not: at nine million columns each such array costs a tenth of the time it may take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from situs.planner.certificate import Prices
from situs.planner.problem import Flags, Floats, Ids, Ints
from situs.planner.solve.bound import Box, buy_part, open_part
from situs.planner.solve.compiled import compiled
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import Frame
from situs.planner.solve.limits import SLACK
from situs.planner.solve.parts import each_part
from situs.planner.solve.response import Columns, charged

OPTIONS = 8
"""So many of the cheapest options of each class are noted."""


class _Needs(NamedTuple):
    """What columns need, and what classes pay for it."""

    indptr: Ints
    """(J+1,)"""
    open: Ids
    opened: Flags
    """(F,) what is there"""
    closed: Flags
    """(F,) what cannot be there in the case that is looked at"""
    paid_indptr: Ints
    """(I+1,) the need prices of each class"""
    paid_open: Ids
    paid: Floats


class _Weighed(NamedTuple):
    """What columns pay for their weight in cuts, increasing by column."""

    column: Ints
    charge: Floats


@compiled
def _room(j: int, most: int, columns: Columns, spare: Floats) -> int:
    """How many units of a column its rows have room for, ``most`` at most."""
    variant, target, demand, target_row, extra_indptr, extra_row, extra_amount = columns
    v, t = variant[j], target[j]
    for q in range(demand.shape[1]):
        row = target_row[t, q]
        if row >= 0 and demand[v, q] * most > spare[row]:
            most = int(spare[row] / demand[v, q])
    for item in range(extra_indptr[j], extra_indptr[j + 1]):
        if extra_amount[item] * most > spare[extra_row[item]]:
            most = int(spare[extra_row[item]] / extra_amount[item])
    return most


@compiled
def _fill(count: int, last: float, number: int, each: Floats, room: Ints) -> float:
    """The least cost of all units, some in the ``number`` options too small for them, the rest at ``last``."""
    value = 0.0
    for n in np.argsort(each[:number]):
        if each[n] >= last or count == 0:
            break
        taken = min(room[n], count)
        value += taken * each[n]
        count -= taken
    return value + count * last


@compiled
def _look(
    begin: int,
    end: int,
    starts: Ints,
    columns: Columns,
    cost: Floats,
    limit: Ints,
    count: Ints,
    penalty: Floats,
    price: Floats,
    spare: Floats,
    needs: _Needs,
    weighed: _Weighed,
    filled: Floats,
    column: Ints,
    charge: Floats,
) -> None:
    """Fill the parts of classes ``begin`` to ``end`` of ``filled`` (I,), ``column`` and ``charge`` (I, OPTIONS)."""
    longest = 1
    for i in range(begin, end):
        longest = max(longest, starts[i + 1] - starts[i])
    each, room = np.empty(longest), np.empty(longest, dtype=np.int64)
    own = np.zeros(len(needs.opened))
    noted = column.shape[1]
    at = np.searchsorted(weighed.column, starts[begin])
    for i in range(begin, end):
        for n in range(needs.paid_indptr[i], needs.paid_indptr[i + 1]):
            own[needs.paid_open[n]] = needs.paid[n]
        last, small, found = penalty[i], 0, 0
        for j in range(starts[i], starts[i + 1]):
            value = charged(j, cost[j], columns, price)
            while at < len(weighed.column) and weighed.column[at] == j:
                value += weighed.charge[at]
                at += 1
            paid, there, possible = value, True, True
            for n in range(needs.indptr[j], needs.indptr[j + 1]):
                paid += own[needs.open[n]]
                there = there and needs.opened[needs.open[n]]
                possible = possible and not needs.closed[needs.open[n]]
            proving = possible and paid < last
            noting = there and (found < noted or value < charge[i, noted - 1])
            if not proving and not noting:
                continue
            fit = _room(j, min(limit[j], count[i]), columns, spare)
            if proving and fit >= count[i]:
                last = paid
            elif proving and fit > 0:
                each[small], room[small] = paid, fit
                small += 1
            if noting and fit > 0:
                n = min(found, noted - 1)
                while n > 0 and charge[i, n - 1] > value:
                    charge[i, n], column[i, n] = charge[i, n - 1], column[i, n - 1]
                    n -= 1
                charge[i, n], column[i, n] = value, j
                found = min(found + 1, noted)
        filled[i] = _fill(count[i], last, small, each, room) if small else count[i] * last
        for n in range(needs.paid_indptr[i], needs.paid_indptr[i + 1]):
            own[needs.paid_open[n]] = 0.0


@dataclass(frozen=True, eq=False)
class Looked:
    """What prices prove and what each class would like."""

    bound: float
    filled: Floats
    """(I,) the least cost of all units of each class, with all they use charged"""
    column: Ints
    """(I, OPTIONS) columns with room whose needs are open, the cheapest first; -1 where there are fewer"""
    charge: Floats
    """(I, OPTIONS) what a unit costs there with rows and cuts charged; inf where there are fewer"""

    def scale(self, frame: Frame) -> Floats:
        """(I,) what differences between the options of each class are measured by: what a unit of it costs."""
        return np.asarray(np.maximum(np.abs(self.filled) / frame.problem.count, 1e-9))


def look(frame: Frame, prices: Prices, cuts: CutList, opened: Flags, box: Box | None = None) -> Looked:
    """The bound of ``prices`` in the case ``box``, and the options of every class when just these opens are there."""
    p, box = frame.problem, box or Box.whole(frame)
    supply = frame.supply(box.buy_high)
    columns = frame.uses_of
    needs = _needs(frame, prices, opened, box.open_high == 0)
    weighed = _weighed(prices.cut, cuts)
    filled = np.empty(frame.classes)
    column = np.full((frame.classes, OPTIONS), -1, dtype=np.int64)
    charge = np.full((frame.classes, OPTIONS), np.inf)

    each_part(
        frame.starts,
        lambda _, begin, end: _look(
            begin, end, frame.starts, columns, p.col_cost, p.col_limit, p.count, p.penalty,
            prices.row, supply * (1 + SLACK), needs, weighed, filled, column, charge,
        ),
    )  # fmt: skip
    fixed = p.fixed_cost - float(prices.row[frame.finite_row] @ p.row_capacity[frame.finite_row])
    fixed -= float(prices.cut @ cuts.limit)
    bound = fixed + float(filled.sum()) + buy_part(frame, prices, box, cuts) + open_part(frame, prices, box)
    return Looked(bound, filled, column, charge)


def _needs(frame: Frame, prices: Prices, opened: Flags, closed: Flags) -> _Needs:
    p = frame.problem
    order = np.argsort(prices.need_class, kind="stable")
    indptr = np.searchsorted(prices.need_class[order], np.arange(frame.classes + 1))
    return _Needs(
        p.need_indptr,
        p.need_open,
        opened,
        closed,
        indptr.astype(np.int64),
        prices.need_open[order],
        prices.need_price[order],
    )


def _weighed(price: Floats, cuts: CutList) -> _Weighed:
    priced = np.flatnonzero(price[cuts.cut_of] > 0)
    priced = priced[np.argsort(cuts.column[priced], kind="stable")]
    return _Weighed(cuts.column[priced].astype(np.int64), cuts.weight[priced] * price[cuts.cut_of[priced]])
