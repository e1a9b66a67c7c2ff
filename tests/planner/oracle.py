"""The exact optimum of a tiny problem by enumeration, and random tiny problems with every feature on.

The enumeration runs over every set of opens, every number of whole purchases and every way to spread the
units of every class. Fractional purchases are settled exactly: the least cost of a linear program stands
at a vertex, and with two of them at most all vertices can be listed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from situs.planner.problem import Flags, Floats, Ints, Placement, Problem

SLACK = 1e-9


@dataclass(frozen=True)
class _Ways:
    """Every way to spread units: one line per way."""

    units: Ints
    """(W, J)"""
    cost: Floats
    """(W,) columns and penalties"""
    used: Floats
    """(W, M)"""


@cache
def best_of(seed: int) -> Placement | None:
    """A cheapest placement of the random problem of that seed; tests that look at it share the enumeration."""
    return brute_force(random_problem(seed))


def brute_force(problem: Problem) -> Placement | None:
    """A cheapest placement, or None where there is none. For problems of a few columns only."""
    best: Placement | None = None
    for opened in _open_choices(problem):
        base_cost = problem.fixed_cost + float(problem.open_cost[opened].sum())
        base_used = sum((_open_use(problem, f) for f in np.flatnonzero(opened)), np.zeros(_rows(problem)))
        allowed_buys = np.array([f < 0 or bool(opened[f]) for f in problem.buy_open], dtype=np.bool_)
        most = np.where(allowed_buys, problem.buy_limit, 0.0)
        reach = problem.row_capacity + most @ _buy_matrix(problem)
        ways = _all_ways(problem, opened, base_used, reach)
        for bought in _whole_choices(problem, most):
            found = _cheapest(problem, ways, bought, most)
            if found is None:
                continue
            way, bought = found
            cost = base_cost + ways.cost[way] + float(problem.buy_cost @ bought)
            if best is None or cost < best.cost:
                units = ways.units[way]
                best = Placement(
                    units, problem.count - _per_class(problem, units), bought, opened.copy(), cost
                )
    return best


def _rows(problem: Problem) -> int:
    return len(problem.row_capacity)


def _open_use(problem: Problem, index: int) -> Floats:
    use = np.zeros(_rows(problem))
    for at in range(problem.open_indptr[index], problem.open_indptr[index + 1]):
        use[problem.open_row[at]] += problem.open_amount[at]
    return use


def _buy_matrix(problem: Problem) -> Floats:
    matrix = np.zeros((len(problem.buy_cost), _rows(problem)))
    for k in range(len(problem.buy_cost)):
        for at in range(problem.buy_indptr[k], problem.buy_indptr[k + 1]):
            matrix[k, problem.buy_row[at]] += problem.buy_amount[at]
    return matrix


def _column_use(problem: Problem, column: int) -> Floats:
    use = np.zeros(_rows(problem))
    for q, row in enumerate(problem.target_row[problem.col_target[column]]):
        if row >= 0:
            use[row] += problem.demand[problem.col_variant[column], q]
    for at in range(problem.extra_indptr[column], problem.extra_indptr[column + 1]):
        use[problem.extra_row[at]] += problem.extra_amount[at]
    return use


def _per_class(problem: Problem, units: Ints) -> Ints:
    placed = np.zeros(len(problem.count), dtype=np.int64)
    for column, number in enumerate(units):
        placed[problem.variant_class[problem.col_variant[column]]] += number
    return placed


def _open_choices(problem: Problem) -> list[Flags]:
    choices = []
    for bits in itertools.product((False, True), repeat=len(problem.open_cost)):
        opened = np.array(bits, dtype=np.bool_)
        sizes = [int(opened[problem.open_group == g].sum()) for g in range(len(problem.group_min))]
        if all(lo <= n <= hi for lo, n, hi in zip(problem.group_min, sizes, problem.group_max, strict=True)):
            choices.append(opened)
    return choices


def _whole_choices(problem: Problem, most: Floats) -> list[Floats]:
    ranges = [
        range(int(np.floor(most[k])) + 1) if problem.buy_integer[k] else range(1) for k in range(len(most))
    ]
    return [np.array(numbers, dtype=np.float64) for numbers in itertools.product(*ranges)]


def _all_ways(problem: Problem, opened: Flags, base_used: Floats, reach: Floats) -> _Ways:
    """Every spread of units that could fit if everything that can be bought were bought."""
    columns = len(problem.col_cost)
    ways = _Ways(np.zeros((1, columns), dtype=np.int64), np.zeros(1), base_used[None, :])
    usable = [
        j
        for j in range(columns)
        if all(opened[f] for f in problem.need_open[problem.need_indptr[j] : problem.need_indptr[j + 1]])
    ]
    for i, count in enumerate(problem.count):
        own = [j for j in usable if problem.variant_class[problem.col_variant[j]] == i]
        limits = [range(min(int(problem.col_limit[j]), int(count)) + 1) for j in own]
        spreads = [numbers for numbers in itertools.product(*limits) if sum(numbers) <= count]
        units = np.zeros((len(spreads), columns), dtype=np.int64)
        units[:, own] = np.array(spreads, dtype=np.int64).reshape(len(spreads), len(own))
        cost = units @ problem.col_cost + problem.penalty[i] * (count - units.sum(axis=1))
        used = units @ np.array([_column_use(problem, j) for j in range(columns)]).reshape(
            columns, len(reach)
        )
        ways = _Ways(
            (ways.units[:, None] + units[None]).reshape(-1, columns),
            (ways.cost[:, None] + cost[None]).reshape(-1),
            (ways.used[:, None] + used[None]).reshape(-1, len(reach)),
        )
        fits = (ways.used <= reach + SLACK).all(axis=1)
        ways = _Ways(ways.units[fits], ways.cost[fits], ways.used[fits])
    return ways


def _cheapest(problem: Problem, ways: _Ways, bought: Floats, most: Floats) -> tuple[int, Floats] | None:
    """The cheapest way under given whole purchases, with the fractional purchases it needs."""
    amounts = _buy_matrix(problem)
    lacking = ways.used - (problem.row_capacity + bought @ amounts)
    fractional = np.flatnonzero(~problem.buy_integer & (most > 0))
    cost, extra = _least_purchases(
        problem.buy_cost[fractional], amounts[fractional], most[fractional], lacking
    )
    if not len(cost) or not np.isfinite(cost).any():
        return None
    way = int(np.argmin(ways.cost + cost))
    if not np.isfinite(cost[way]):
        return None
    complete = bought.copy()
    complete[fractional] = extra[way]
    return way, complete


def _least_purchases(price: Floats, amounts: Floats, most: Floats, lacking: Floats) -> tuple[Floats, Floats]:
    """Per way: min price @ z, amounts.T @ z >= lacking, 0 <= z <= most, over all vertices."""
    kinds = len(price)
    best = np.full(len(lacking), np.inf)
    solution = np.zeros((len(lacking), kinds))
    finite = np.isfinite(lacking).all(axis=0)
    planes = [(np.eye(kinds)[k], np.zeros(len(lacking))) for k in range(kinds)]
    planes += [(np.eye(kinds)[k], np.full(len(lacking), most[k])) for k in range(kinds)]
    planes += [(amounts[:, r], lacking[:, r]) for r in np.flatnonzero(finite) if (amounts[:, r] > 0).any()]
    for chosen in itertools.combinations(planes, kinds):
        normals = np.array([normal for normal, _ in chosen]).reshape(kinds, kinds)
        if kinds and abs(np.linalg.det(normals)) < 1e-12:
            continue
        offsets = np.array([offset for _, offset in chosen]).reshape(kinds, len(lacking))
        corner = np.linalg.solve(normals, offsets).T if kinds else np.zeros((len(lacking), 0))
        corner = np.where(np.abs(corner) < 1e-12, 0.0, corner)
        holds = (corner >= 0).all(axis=1) & (corner <= most + SLACK).all(axis=1)
        holds &= (corner @ amounts >= lacking - SLACK).all(axis=1)
        cost = np.where(holds, corner @ price, np.inf)
        better = cost < best
        best[better] = cost[better]
        solution[better] = np.minimum(corner, most)[better]
    return best, solution


def random_problem(seed: int) -> Problem:
    """A tiny problem with every feature: several variants per class, classes of several units, stay
    credits (small column limits), spread rows, needs, opens that use rows, groups with a minimum and a
    maximum, whole and fractional purchases with and without opens, negative open costs, endless rows.

    Half of the seeds draw small whole numbers, so that ties are common; the others draw any numbers.
    """
    rng = np.random.default_rng(seed)
    whole = bool(rng.integers(2))

    def draw(low: float, high: float, size: int | tuple[int, ...]) -> Floats:
        values = rng.uniform(low, high, size)
        return np.round(values) if whole else values

    classes, targets, resources, rows = (int(rng.integers(a, b)) for a, b in ((1, 5), (1, 5), (1, 3), (2, 7)))
    opens, groups, purchases = int(rng.integers(0, 5)), int(rng.integers(1, 3)), int(rng.integers(0, 4))
    count = rng.integers(1, 4, classes)
    variant_class = np.sort(rng.integers(0, classes, int(rng.integers(classes, 2 * classes + 1))))
    variants = len(variant_class)
    columns = int(rng.integers(classes, 3 * classes + 4))
    col_variant = np.sort(rng.integers(0, variants, columns))

    row_capacity = draw(0, 10, rows)
    row_capacity[rng.random(rows) < 0.15] = np.inf
    buy_integer = rng.random(purchases) < 0.6
    buy_integer[np.flatnonzero(~buy_integer)[2:]] = True
    open_group = rng.integers(-1, groups, opens)
    members = np.bincount(open_group[open_group >= 0], minlength=groups)
    group_min = np.minimum(rng.integers(0, 3, groups), members)
    extra_indptr, extra_row = _lists(rng, columns, rows, 0.3)
    need_indptr, need_open = _lists(rng, columns, opens, 0.25)
    buy_indptr, buy_row = _lists(rng, purchases, rows, 0.6)
    open_indptr, open_row = _lists(rng, opens, rows, 0.25)
    return Problem(
        count=count.astype(np.int64),
        penalty=draw(4, 24, classes),
        variant_class=variant_class.astype(np.int32),
        demand=draw(0, 2.5, (variants, resources)),
        target_row=rng.integers(-1, rows, (targets, resources)).astype(np.int32),
        col_variant=col_variant.astype(np.int32),
        col_target=rng.integers(0, targets, columns).astype(np.int32),
        col_cost=draw(-1, 10, columns),
        col_limit=rng.integers(0, 5, columns),
        extra_indptr=extra_indptr,
        extra_row=extra_row,
        extra_amount=draw(0, 2, len(extra_row)),
        need_indptr=need_indptr,
        need_open=need_open,
        row_capacity=row_capacity,
        buy_cost=draw(0, 4, purchases),
        buy_limit=np.where(buy_integer, rng.integers(0, 4, purchases), draw(0, 3, purchases)).astype(float),
        buy_integer=buy_integer,
        buy_open=(rng.integers(-1, opens, purchases) if opens else np.full(purchases, -1)).astype(np.int32),
        buy_indptr=buy_indptr,
        buy_row=buy_row,
        buy_amount=draw(0.5, 4, len(buy_row)),
        open_cost=draw(-3, 8, opens),
        open_group=open_group.astype(np.int32),
        open_indptr=open_indptr,
        open_row=open_row,
        open_amount=draw(0, 3, len(open_row)),
        group_min=group_min,
        group_max=np.minimum(group_min + rng.integers(0, 3, groups), 4),
        fixed_cost=float(draw(-5, 50, 1)[0]),
    )


def _lists(rng: np.random.Generator, owners: int, things: int, share: float) -> tuple[Ints, np.ndarray]:
    """Random CSR lists without repetition: each owner has each thing with this probability."""
    there = rng.random((owners, things)) < share
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64)
    return indptr, np.nonzero(there)[1].astype(np.int32)
