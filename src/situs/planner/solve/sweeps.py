"""Passes over all columns of a problem, in machine code: what prices make of each column and each class."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats, Ids, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.response import Columns, charged


@compiled
def charge(
    begin: int, end: int, starts: Ints, columns: Columns, cost: Floats, price: Floats, value: Floats
) -> None:
    """Fill ``value`` (J,) with what a unit of each column costs with the rows it uses."""
    for j in range(starts[begin], starts[end]):
        value[j] = charged(j, cost[j], columns, price)


@compiled
def levels(
    begin: int,
    end: int,
    starts: Ints,
    value: Floats,
    room: Ints,
    count: Ints,
    need_indptr: Ints,
    pair_of: Ids,
    through: Floats,
    free: Floats,
) -> None:
    """Lower ``through`` (pairs,) to the least cost by way of each open, ``free`` (I,) to the least without any.

    ``pair_of`` (items of need_open,) is the pair of each need.  A column for a few units of its class only does not
    tell what one more would cost.
    """
    for i in range(begin, end):
        for j in range(starts[i], starts[i + 1]):
            if room[j] < count[i]:
                continue
            if need_indptr[j] == need_indptr[j + 1]:
                free[i] = min(free[i], value[j])
            for item in range(need_indptr[j], need_indptr[j + 1]):
                through[pair_of[item]] = min(through[pair_of[item]], value[j])


@compiled
def charge_needs(
    begin: int, end: int, starts: Ints, need_indptr: Ints, pair_of: Ids, price: Floats, value: Floats
) -> None:
    """Add to ``value`` (J,) what a unit of each column pays for the opens it needs, ``price`` (pairs,) each."""
    for j in range(starts[begin], starts[end]):
        for item in range(need_indptr[j], need_indptr[j + 1]):
            value[j] += price[pair_of[item]]


@compiled
def find_usable(
    begin: int,
    end: int,
    starts: Ints,
    room: Ints,
    need_indptr: Ints,
    need_open: Ids,
    opened: Flags,
    usable: Flags,
) -> None:
    """Fill ``usable`` (J,): there is room for a unit, and all that the column needs is there."""
    for j in range(starts[begin], starts[end]):
        there = room[j] > 0
        for item in range(need_indptr[j], need_indptr[j + 1]):
            there = there and opened[need_open[item]]
        usable[j] = there


@compiled
def measure(
    begin: int,
    end: int,
    starts: Ints,
    usable: Flags,
    value: Floats,
    margin: Floats,
    scale: Floats,
    beyond: Floats,
) -> None:
    """Fill ``beyond`` (J,) with what usable columns cost more than ``margin`` (I,), as their classes feel it."""
    for i in range(begin, end):
        for j in range(starts[i], starts[i + 1]):
            beyond[j] = (value[j] - margin[i]) / scale[i] if usable[j] else np.inf


@compiled
def fill_classes(
    begin: int,
    end: int,
    starts: Ints,
    value: Floats,
    room: Ints,
    remaining: Ints,
    penalty: Floats,
    out_room: Ints,
    cost: Floats,
    margin: Floats,
) -> None:
    """Fill ``cost`` (I,) with the least cost of the ``remaining`` units of each class, ``margin`` with one more's.

    Units go to the cheapest columns first, or are left out, ``out_room`` (I,) of them at most.  Only columns too
    small for the whole class need sorting, and of these only the ones cheaper than the best that could take it all.
    """
    for i in range(begin, end):
        number = 0
        last = penalty[i] if out_room[i] >= remaining[i] else np.inf
        for j in range(starts[i], starts[i + 1]):
            if room[j] >= remaining[i]:
                last = min(last, value[j])
            elif room[j] > 0:
                number += 1
        margin[i] = last
        left = remaining[i]
        cost[i] = 0.0
        if number > 0 or out_room[i] < remaining[i]:
            each = np.empty(number + 1)
            most = np.empty(number + 1, dtype=np.int64)
            number = 0
            for j in range(starts[i], starts[i + 1]):
                if 0 < room[j] < remaining[i] and value[j] < last:
                    each[number], most[number] = value[j], room[j]
                    number += 1
            # Where only some may be left out, that is a column among the others.
            if out_room[i] < remaining[i] and penalty[i] < last:
                each[number], most[number] = penalty[i], out_room[i]
                number += 1
            for n in np.argsort(each[:number], kind="mergesort"):
                if left > 0:
                    if most[n] >= left:
                        margin[i] = each[n]
                    taken = min(most[n], left)
                    cost[i] += taken * each[n]
                    left -= taken
        if left > 0:
            cost[i] += left * last


@compiled
def find_falls(
    begin: int,
    end: int,
    starts: Ints,
    columns: Columns,
    near: Flags,
    usable: Flags,
    value: Floats,
    margin: Floats,
    price: Floats,
    fall: Floats,
) -> None:
    """Lower ``fall`` (rows,) to the share that prices may fall by, all at once, before a usable column that is not
    ``near`` (J,) costs less than ``margin`` (I,) with the rows it uses; ``value`` (J,) is what it costs now.
    """
    resources = columns.demand.shape[1]
    for i in range(begin, end):
        for j in range(starts[i], starts[i + 1]):
            if near[j] or not usable[j]:
                continue
            slack = max(0.0, value[j] - margin[i])
            v, t = columns.variant[j], columns.target[j]
            paid = 0.0
            for q in range(resources):
                row = columns.target_row[t, q]
                if row >= 0:
                    paid += columns.demand[v, q] * price[row]
            for item in range(columns.extra_indptr[j], columns.extra_indptr[j + 1]):
                paid += columns.extra_amount[item] * price[columns.extra_row[item]]
            if paid <= slack:
                continue
            share = slack / paid
            for q in range(resources):
                row = columns.target_row[t, q]
                if row >= 0 and columns.demand[v, q] > 0.0:
                    fall[row] = min(fall[row], share)
            for item in range(columns.extra_indptr[j], columns.extra_indptr[j + 1]):
                if columns.extra_amount[item] > 0.0:
                    fall[columns.extra_row[item]] = min(fall[columns.extra_row[item]], share)
