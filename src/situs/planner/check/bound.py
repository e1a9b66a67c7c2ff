"""Recompute the bound of a certificate from its prices alone: one minimum per class, no solver.

The formula stands in :mod:`situs.planner.certificate`.  It splits into a constant and one small minimum
for each class, purchase and group, so nothing needs searching; columns are priced a chunk at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Certificate, Prices, Split
from situs.planner.check.cuts import CutItems, cut_items, wrong_cuts
from situs.planner.check.reach import units_that_fit, what_rows_can_spare
from situs.planner.check.rejected import Rejected, name_offenders
from situs.planner.check.sums import sum_by
from situs.planner.problem import Flags, Floats, Ids, Ints, Problem

CLAIM_TOLERANCE = 1e-9
"""How far a claim may lie above what is recomputed, relative to it: room for another order of adding,
ten thousand times finer than the finest gap anyone asks for."""

ROUNDING = 1e-11
"""Taken off the recomputed bound, relative to the sum of the sizes of its terms.  Adding n numbers errs
by at most n * 1.1e-16 of that sum; 100,000 terms in a row is the longest plain sum made here."""

CHUNK_COLUMNS = 1 << 20
"""Columns priced at once: about 50 MiB of working memory."""


@dataclass(frozen=True, eq=False)
class _Box:
    """The limits of every integer choice in one case of the tree."""

    unit_low: dict[int, int]
    unit_high: dict[int, int]
    out_low: dict[int, int]
    out_high: dict[int, int]
    buy_low: Floats
    buy_high: Floats
    open_low: Flags
    open_high: Flags
    spare: Floats
    """(M,) what each row can give at most beyond what the case asks for"""


@dataclass(frozen=True)
class _Sum:
    """A part of the bound, with the sum of the sizes of what was added up to get it."""

    value: float
    size: float


def check_bound(problem: Problem, certificate: Certificate) -> float:
    """The lower bound that the certificate proves, a safe rounding error below the exact value.

    Raises :class:`Rejected` if the certificate is malformed or claims more than it proves. ``inf`` means
    that the cases show that no placement exists. The problem is taken as well formed.
    """
    violations = [
        f"Leaf {number}: {fault}"
        for number, prices in enumerate(certificate.leaves)
        for fault in _wrong_prices(problem, prices, len(certificate.cuts))
    ]
    violations += _wrong_tree(problem, certificate)
    violations += wrong_cuts(problem, certificate.cuts)
    if violations:
        raise Rejected(violations)
    column_start = _column_starts(problem)
    items = cut_items(certificate.cuts)
    exact, safe = math.inf, math.inf
    for leaf, splits in _cases(certificate.tree):
        box = _box(problem, splits)
        if box is not None:
            bound = _leaf_bound(problem, certificate, certificate.leaves[leaf], items, box, column_start)
            exact = min(exact, bound.value)
            if math.isfinite(bound.value):
                safe = min(safe, bound.value - ROUNDING * bound.size)
    tolerance = CLAIM_TOLERANCE * max(1.0, abs(exact)) if math.isfinite(exact) else 0.0
    if not certificate.bound <= exact + tolerance:
        raise Rejected([f"The claimed bound is {certificate.bound!r}, but the prices prove {exact!r} only."])
    return safe


def _wrong_prices(problem: Problem, prices: Prices, cuts: int) -> Iterator[str]:
    pairs = len(prices.need_price)
    for name, length in (
        ("row", len(problem.row_capacity)),
        ("need_class", pairs),
        ("need_open", pairs),
        ("buy", len(problem.buy_cost)),
        ("cut", cuts),
    ):
        if getattr(prices, name).shape != (length,):
            yield f"{name} has shape {getattr(prices, name).shape}, but must have ({length},)."
            return
    yield from _wrong_values("row", prices.row)
    yield from _wrong_values("need_price", prices.need_price)
    yield from _wrong_values("buy", prices.buy)
    yield from _wrong_values("cut", prices.cut)
    yield from name_offenders(
        np.isinf(problem.row_capacity) & (prices.row != 0),
        lambda r: f"Row {r} has no end, so its price must be 0, not {prices.row[r].item()}.",
    )
    yield from name_offenders(
        (problem.buy_open < 0) & (prices.buy != 0),
        lambda k: f"Purchase {k} needs no open, so that need must cost 0, not {prices.buy[k].item()}.",
    )
    known = (prices.need_class >= 0) & (prices.need_class < len(problem.count))
    known &= (prices.need_open >= 0) & (prices.need_open < len(problem.open_cost))
    yield from name_offenders(~known, lambda n: f"Need price {n} names a class or an open that is not there.")
    if len(np.unique(_pair_key(problem, prices.need_class, prices.need_open))) < pairs:
        yield "A pair of class and open is priced twice."


def _wrong_values(name: str, values: Floats) -> list[str]:
    bad = ~(np.isfinite(values) & (values >= 0))
    return name_offenders(bad, lambda k: f"{name}[{k}] is {values[k].item()}, not a price of 0 or more.")


def _wrong_tree(problem: Problem, certificate: Certificate) -> Iterator[str]:
    sizes = {
        "bought": len(problem.buy_cost),
        "opened": len(problem.open_cost),
        "units": len(problem.col_cost),
        "unplaced": len(problem.count),
    }
    pending: list[Split | int] = [certificate.tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Split):
            pending += [node.low, node.high]
            if node.what not in sizes:
                yield f"A split is on {node.what!r}, which is no integer choice."
            elif not 0 <= node.index < sizes[node.what]:
                yield f"A split names {node.what} {node.index}, but there are {sizes[node.what]}."
            elif node.what == "bought" and not problem.buy_integer[node.index]:
                yield f"A split is on purchase {node.index}, which may be bought in fractions."
            elif node.value != int(node.value):
                yield f"A split is at {node.value!r}, which is not a whole number."
        elif not 0 <= node < len(certificate.leaves):
            yield f"The tree names leaf {node}, but there are {len(certificate.leaves)}."


_CHOICES = ("bought", "opened", "units", "unplaced")

_Sides = tuple[tuple[Split, bool], ...]
"""The splits on the way to a leaf, each with whether the "at most" case was taken."""


def _cases(tree: Split | int) -> Iterator[tuple[int, _Sides]]:
    pending: list[tuple[Split | int, _Sides]] = [(tree, ())]
    while pending:
        node, sides = pending.pop()
        if isinstance(node, Split):
            pending.append((node.high, (*sides, (node, False))))
            pending.append((node.low, (*sides, (node, True))))
        else:
            yield node, sides


def _box(problem: Problem, sides: _Sides) -> _Box | None:
    """The limits in a case, or None if they leave nothing (then the case bounds nothing)."""
    low, high = ({what: dict[int, int]() for what in _CHOICES} for _ in range(2))
    for split, at_most in sides:
        if at_most:
            high[split.what][split.index] = min(split.value, high[split.what].get(split.index, split.value))
        else:
            least = split.value + 1
            low[split.what][split.index] = max(least, low[split.what].get(split.index, least))
    buy_low = np.zeros(len(problem.buy_cost))
    buy_high = np.where(problem.buy_integer, np.floor(problem.buy_limit), problem.buy_limit)
    open_low, open_high = np.zeros((2, len(problem.open_cost)))
    open_high[:] = 1.0
    for index, value in low["bought"].items():
        buy_low[index] = max(0.0, value)
    for index, value in high["bought"].items():
        buy_high[index] = min(buy_high[index], value)
    for index, value in low["opened"].items():
        open_low[index] = max(0.0, value)
    for index, value in high["opened"].items():
        open_high[index] = min(1.0, value)
    _follow_needs(problem, low["units"], buy_low, buy_high, open_low, open_high)
    units_cross = any(
        max(0, low["units"].get(column, 0))
        > min(int(problem.col_limit[column]), high["units"].get(column, 1 << 62))
        for column in low["units"].keys() | high["units"].keys()
    )
    if units_cross or bool((buy_low > buy_high).any()) or bool((open_low > open_high).any()):
        return None
    forced = open_low > 0.5
    spare = what_rows_can_spare(problem, buy_high, forced, low["units"])
    if bool((spare < 0).any()):
        return None
    return _Box(
        low["units"],
        high["units"],
        low["unplaced"],
        high["unplaced"],
        buy_low,
        buy_high,
        forced,
        open_high > 0.5,
        spare,
    )


def _follow_needs(
    problem: Problem,
    unit_low: dict[int, int],
    buy_low: Floats,
    buy_high: Floats,
    open_low: Floats,
    open_high: Floats,
) -> None:
    """What is closed can serve no purchase, and what is asked for must have its opens.

    That what is closed can serve no column either is seen to where the columns are filled.
    """
    for column, value in unit_low.items():
        if value > 0:
            needed = problem.need_open[problem.need_indptr[column] : problem.need_indptr[column + 1]]
            open_low[needed] = 1.0
    linked = problem.buy_open >= 0
    asked = problem.buy_open[linked & (buy_low > 0)]
    open_low[asked] = 1.0
    closed = linked.copy()
    closed[linked] = open_high[problem.buy_open[linked]] < 0.5
    buy_high[closed] = 0.0


def _leaf_bound(
    problem: Problem,
    certificate: Certificate,
    prices: Prices,
    items: CutItems,
    box: _Box,
    column_start: Ints,
) -> _Sum:
    finite = np.where(np.isfinite(problem.row_capacity), problem.row_capacity, 0.0)
    capacity = float((prices.row * finite).sum())
    limit = np.array([cut.limit for cut in certificate.cuts], dtype=np.float64)
    capacity += float((prices.cut * limit).sum())
    parts = [_Sum(problem.fixed_cost - capacity, abs(problem.fixed_cost) + capacity)]
    parts.append(_purchases(problem, certificate, prices, box))
    parts.append(_opens(problem, prices, box))
    parts += _classes(problem, prices, items, box, column_start)
    return _Sum(math.fsum(part.value for part in parts), math.fsum(part.size for part in parts))


def _purchases(problem: Problem, certificate: Certificate, prices: Prices, box: _Box) -> _Sum:
    owner = np.repeat(np.arange(len(problem.buy_cost)), np.diff(problem.buy_indptr))
    worth = sum_by(owner, prices.row[problem.buy_row] * problem.buy_amount, len(problem.buy_cost))
    purchase = np.array([cut.purchase for cut in certificate.cuts], dtype=np.int64)
    per_bought = np.array([cut.per_bought for cut in certificate.cuts], dtype=np.float64)
    named = purchase >= 0
    worth += sum_by(purchase[named], (prices.cut * per_bought)[named], len(problem.buy_cost))
    each = problem.buy_cost - worth + prices.buy
    best = each * np.where(each < 0, box.buy_high, box.buy_low)
    size = (problem.buy_cost + worth + prices.buy) * box.buy_high
    return _Sum(float(best.sum()), float(size.sum()))


def _opens(problem: Problem, prices: Prices, box: _Box) -> _Sum:
    opens = len(problem.open_cost)
    owner = np.repeat(np.arange(opens), np.diff(problem.open_indptr))
    takes = sum_by(owner, prices.row[problem.open_row] * problem.open_amount, opens)
    serves = sum_by(prices.need_open, prices.need_price * problem.count[prices.need_class], opens)
    linked = problem.buy_open >= 0
    serves += sum_by(problem.buy_open[linked], (problem.buy_limit * prices.buy)[linked], opens)
    each = problem.open_cost + takes - serves
    size = np.abs(problem.open_cost) + takes + serves

    forced, allowed = box.open_low, box.open_high
    alone = (problem.open_group < 0) & allowed & ~forced & (each < 0)
    value = math.fsum([float(each[forced].sum()), float(each[alone].sum())])
    grouped = _free_in_groups(problem, each, forced, allowed)
    return _Sum(value + grouped, float(size[forced | allowed].sum()))


def _free_in_groups(problem: Problem, each: Floats, forced: Flags, allowed: Flags) -> float:
    """The cheapest choice among the opens of groups that the case leaves free; inf if there is none."""
    groups = len(problem.group_min)
    there = np.bincount(problem.open_group[forced & (problem.open_group >= 0)], minlength=groups)
    least = np.maximum(problem.group_min - there, 0)
    most = problem.group_max - there
    free = np.flatnonzero((problem.open_group >= 0) & allowed & ~forced)
    members = np.bincount(problem.open_group[free], minlength=groups)
    if bool((most < 0).any()) or bool((least > members).any()):
        return math.inf
    free = free[np.lexsort((each[free], problem.open_group[free]))]
    group = problem.open_group[free]
    rank = np.arange(len(free)) - (np.cumsum(members) - members)[group]
    chosen = (rank < least[group]) | ((each[free] < 0) & (rank < most[group]))
    return float(each[free[chosen]].sum())


def _classes(
    problem: Problem, prices: Prices, items: CutItems, box: _Box, column_start: Ints
) -> Iterator[_Sum]:
    row_price = np.append(prices.row, 0.0)
    target_price = [row_price[problem.target_row[:, q]] for q in range(problem.target_row.shape[1])]
    pair_key = _pair_key(problem, prices.need_class, prices.need_open)
    order = np.argsort(pair_key, kind="stable")
    pair_key, pair_price = pair_key[order], prices.need_price[order]
    refund = max(0.0, -float(problem.col_cost.min(initial=0.0)))
    first = 0
    while first < len(problem.count):
        end = int(np.searchsorted(column_start, column_start[first] + CHUNK_COLUMNS, side="right")) - 1
        end = max(end, first + 1)
        columns = slice(int(column_start[first]), int(column_start[end]))
        class_of = problem.variant_class[problem.col_variant[columns]]
        reduced = _reduced_costs(problem, prices, target_price, columns)
        reduced += _need_costs(problem, columns, class_of, pair_key, pair_price)
        reduced += _cut_costs(prices, items, columns)
        least = _fill(problem, box, reduced, columns, class_of - first, first, end)
        count = problem.count[first:end]
        yield _Sum(float(least.sum()), float((np.abs(least) + 2 * refund * count).sum()))
        first = end


def _reduced_costs(problem: Problem, prices: Prices, target_price: list[Floats], columns: slice) -> Floats:
    """Cost of each column in the chunk with its row uses at their prices."""
    target, variant = problem.col_target[columns], problem.col_variant[columns]
    reduced = problem.col_cost[columns].copy()
    for q, price in enumerate(target_price):
        reduced += price[target] * problem.demand[:, q][variant]
    indptr = problem.extra_indptr[columns.start : columns.stop + 1]
    rows = problem.extra_row[indptr[0] : indptr[-1]]
    if len(rows):
        charge = prices.row[rows] * problem.extra_amount[indptr[0] : indptr[-1]]
        owner = np.repeat(np.arange(len(reduced), dtype=np.int32), np.diff(indptr))
        reduced += sum_by(owner, charge, len(reduced))
    return reduced


def _need_costs(
    problem: Problem, columns: slice, class_of: Ids, pair_key: Ints, pair_price: Floats
) -> Floats | float:
    """The need prices each column in the chunk pays."""
    indptr = problem.need_indptr[columns.start : columns.stop + 1]
    needed = problem.need_open[indptr[0] : indptr[-1]]
    if not len(needed) or not len(pair_key):
        return 0.0
    owner = np.repeat(np.arange(len(class_of), dtype=np.int32), np.diff(indptr))
    key = _pair_key(problem, class_of[owner], needed)
    low, high = np.searchsorted(pair_key, [key.min(), key.max() + 1])
    pair_key, pair_price = pair_key[low:high], pair_price[low:high]
    if not len(pair_key):
        return 0.0
    at = np.minimum(np.searchsorted(pair_key, key), len(pair_key) - 1)
    price = np.where(pair_key[at] == key, pair_price[at], 0.0)
    return sum_by(owner, price, len(class_of))


def _cut_costs(prices: Prices, items: CutItems, columns: slice) -> Floats | float:
    """What each column in the chunk pays for its weight in the cuts."""
    begin, end = np.searchsorted(items.column, [columns.start, columns.stop])
    if begin == end:
        return 0.0
    cost = prices.cut[items.cut[begin:end]] * items.weight[begin:end]
    return sum_by(items.column[begin:end] - columns.start, cost, columns.stop - columns.start)


def _fill(
    problem: Problem, box: _Box, reduced: Floats, columns: slice, local: Ids, first: int, end: int
) -> Floats:
    """Per class of the chunk, the least cost of placing its units within the case's limits.

    Units go to the cheapest columns first. A column that could take the whole class, or leaving units
    out, ends the filling; only columns cheaper than that and too small for the class need sorting.
    Leaving out is a column among others where the case limits it. inf where the units have no place.
    """
    count = problem.count[first:end]
    penalty = problem.penalty[first:end]
    least = np.zeros(end - first)
    remaining = count.copy()
    for i, value in box.out_low.items():
        if first <= i < end and value > 0:
            least[i - first] += value * penalty[i - first]
            remaining[i - first] -= value
    room = np.minimum(problem.col_limit[columns], count[local])
    if not box.open_high.all():
        indptr = problem.need_indptr[columns.start : columns.stop + 1]
        owner = np.repeat(np.arange(len(room), dtype=np.int32), np.diff(indptr))
        room[owner[~box.open_high[problem.need_open[indptr[0] : indptr[-1]]]]] = 0
    for column, value in box.unit_high.items():
        if columns.start <= column < columns.stop:
            room[column - columns.start] = min(room[column - columns.start], max(value, 0))
    for column, value in box.unit_low.items():
        if columns.start <= column < columns.stop and value > 0:
            at = column - columns.start
            least[local[at]] += value * reduced[at]
            remaining[local[at]] -= value
            room[at] -= value
    least[(remaining < 0) | _overdrawn(room, local, end - first)] = math.inf
    remaining = np.maximum(remaining, 0)
    room = np.minimum(room, units_that_fit(problem, box.spare, columns)).astype(np.int64)

    limited = np.array(sorted(i - first for i in box.out_high if first <= i < end), dtype=np.int64)
    most = np.array([box.out_high[int(i) + first] for i in limited], dtype=np.int64)
    most -= np.array([max(0, box.out_low.get(int(i) + first, 0)) for i in limited], dtype=np.int64)
    least[limited[most < 0]] = math.inf

    ample = room >= remaining[local]
    ends = penalty.copy()
    ends[limited[most < remaining[limited]]] = math.inf
    starts = np.flatnonzero(np.diff(local, prepend=-1))
    if len(starts):
        present = local[starts]
        cheapest = np.minimum.reduceat(np.where(ample, reduced, math.inf), starts)
        ends[present] = np.minimum(ends[present], cheapest)

    small = np.flatnonzero(~ample & (room > 0) & (reduced < ends[local]))
    out = np.flatnonzero((most > 0) & (most < remaining[limited]) & (penalty[limited] < ends[limited]))
    owner = np.concatenate((local[small], limited[out]))
    cost = np.concatenate((reduced[small], penalty[limited[out]]))
    space = np.concatenate((room[small], most[out]))
    order = np.lexsort((cost, owner))
    owner, cost, space = owner[order], cost[order], space[order]
    before = np.cumsum(space) - space
    opening = np.flatnonzero(np.diff(owner, prepend=-1))
    before -= np.repeat(before[opening], np.diff(opening, append=len(owner)))
    taken = np.clip(remaining[owner] - before, 0, space)
    least += sum_by(owner, taken * cost, len(least))
    remaining = remaining - sum_by(owner, taken, len(least)).astype(np.int64)
    rest = remaining > 0
    least[rest] += remaining[rest] * ends[rest]
    return least


def _overdrawn(room: Ints, local: Ids, classes: int) -> Flags:
    """Classes with a column that a case asks more units of than the class could give it."""
    overdrawn = np.zeros(classes, dtype=np.bool_)
    overdrawn[local[room < 0]] = True
    return overdrawn


def _pair_key(problem: Problem, classes: Ids, opens: Ids) -> Ints:
    return classes.astype(np.int64) * max(1, len(problem.open_cost)) + opens


def _column_starts(problem: Problem) -> Ints:
    """(I+1,) where the columns of each class start; columns stand in the order of their classes."""
    first_variant = np.searchsorted(problem.variant_class, np.arange(len(problem.count) + 1))
    return np.searchsorted(problem.col_variant, first_variant.astype(np.int32)).astype(np.int64)
