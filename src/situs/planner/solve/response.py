"""What everyone does at given prices, class by class, when each spreads softly over its options.

The inner loops of :mod:`situs.planner.solve.market`.  Columns come as variants on targets, so that what they take of
which rows is looked up in two small tables instead of being written out for millions of columns.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from situs.planner.problem import Floats, Ids, Ints
from situs.planner.solve.compiled import compiled, inlined

FULL = 1e200
"""Below minus this, a cost marks a column that is full."""

FAR = 35.0
"""What costs so many temperatures more than the best is not wanted: it would be a share of 1e-15."""


class Columns(NamedTuple):
    """What columns take of which rows, as in a Problem: letters j column, v variant, t target, q resource."""

    variant: Ids
    """(j,)"""
    target: Ids
    """(j,)"""
    demand: Floats
    """(v, q)"""
    target_row: Ids
    """(t, q)"""
    extra_indptr: Ints
    """(j+1,)"""
    extra_row: Ids
    extra_amount: Floats


@inlined
def charged(j: int, cost: float, columns: Columns, price: Floats) -> float:
    """``cost`` and what a unit of column ``j`` pays for the rows it uses."""
    v, t = columns.variant[j], columns.target[j]
    for q in range(columns.demand.shape[1]):
        row = columns.target_row[t, q]
        if row >= 0:
            cost += columns.demand[v, q] * price[row]
    for item in range(columns.extra_indptr[j], columns.extra_indptr[j + 1]):
        cost += columns.extra_amount[item] * price[columns.extra_row[item]]
    return cost


@inlined
def _take(j: int, units: float, columns: Columns, load: Floats) -> None:
    """Add what ``units`` of column ``j`` take to ``load`` (rows,)."""
    v, t = columns.variant[j], columns.target[j]
    for q in range(columns.demand.shape[1]):
        row = columns.target_row[t, q]
        if row >= 0:
            load[row] += columns.demand[v, q] * units
    for item in range(columns.extra_indptr[j], columns.extra_indptr[j + 1]):
        load[columns.extra_row[item]] += columns.extra_amount[item] * units


@compiled
def _spread(
    start: int,
    end: int,
    least: float,
    count: float,
    penalty: float,
    heat: float,
    limit: Floats,
    units: Floats,
) -> float:
    """Spread a class over its columns, given what a unit costs in each in ``units``; left out is one more option.

    Columns that would take more than their limit are filled, and the rest spreads over the others.
    """
    filled = 0.0
    value = 0.0
    while True:
        total = math.exp((least - penalty) / heat)
        for j in range(start, end):
            if units[j] > -FULL and units[j] - least < FAR * heat:
                total += math.exp((least - units[j]) / heat)
        each = (count - filled) / total
        full = 0
        for j in range(start, end):
            if limit[j] >= count or units[j] <= -FULL:
                continue
            if math.exp((least - units[j]) / heat) * each > limit[j]:
                filled += limit[j]
                if limit[j] > 0:
                    value += limit[j] * (units[j] + heat * math.log(limit[j] / count))
                units[j] = -2.0 * FULL
                full += 1
        if full == 0 or filled >= count:
            break
        least = penalty
        for j in range(start, end):
            if units[j] > -FULL:
                least = min(least, units[j])
    if filled < count:
        value += (count - filled) * (least + heat * math.log(each / count))
    for j in range(start, end):
        if units[j] <= -FULL:
            units[j] = limit[j]
        elif units[j] - least < FAR * heat:
            units[j] = math.exp((least - units[j]) / heat) * each
        else:
            units[j] = 0.0
    return value


@compiled
def respond(
    begin: int,
    end: int,
    starts: Ints,
    columns: Columns,
    cost: Floats,
    price: Floats,
    count: Floats,
    penalty: Floats,
    heat: Floats,
    limit: Floats,
    units: Floats,
    load: Floats,
) -> float:
    """The soft minimum of classes ``begin`` to ``end``; fills ``units`` and adds to ``load``."""
    value = 0.0
    for i in range(begin, end):
        least = penalty[i]
        for j in range(starts[i], starts[i + 1]):
            units[j] = charged(j, cost[j], columns, price)
            least = min(least, units[j])
        value += _spread(starts[i], starts[i + 1], least, count[i], penalty[i], heat[i], limit, units)
        for j in range(starts[i], starts[i + 1]):
            taken = units[j]
            if taken > 1e-9 * count[i]:
                _take(j, taken, columns, load)
    return value


@compiled
def spreading(start: int, end: int, count: float, limit: Floats, units: Floats) -> float:
    """How many units of a class are not in full columns; at least a trifle."""
    apart = count
    for j in range(start, end):
        if units[j] >= limit[j]:
            apart -= limit[j]
    return max(apart, 1e-9 * count)
