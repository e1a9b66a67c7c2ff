"""A small problem solved to its exact optimum in one go.

A counterfactual is decided by which of two optima is lower, often by cents in a plan of thousands, so a plan
that is "good enough" is of no use here.  The whole problem is handed to HiGHS as one mixed integer program
with no gap allowed, and the cost is added up again from the whole numbers it gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from situs.planner.problem import Floats, Ints, Placement, Problem


@dataclass(frozen=True)
class _Triples:
    """Entries of the constraint matrix as they come."""

    row: list[np.ndarray]
    column: list[np.ndarray]
    value: list[np.ndarray]

    def add(self, row: np.ndarray, column: np.ndarray, value: np.ndarray) -> None:
        self.row.append(np.asarray(row, dtype=np.int64))
        self.column.append(np.asarray(column, dtype=np.int64))
        self.value.append(np.asarray(value, dtype=float))


@dataclass(frozen=True, eq=False)
class Demand:
    """A wish on top of a problem: so many units, together, on some of its columns."""

    columns: Ints
    least: int = 0
    most: int | None = None


def optimum(problem: Problem, *wishes: Demand) -> Placement | None:
    """The cheapest placement that grants the wishes, or None where no placement does.

    Deterministic: the same problem gives the same placement.
    """
    sizes = [len(problem.col_cost), len(problem.count), len(problem.buy_cost), len(problem.open_cost)]
    x, u, z, y = np.concatenate(([0], np.cumsum(sizes)))[:4]
    total = sum(sizes)
    cost = np.concatenate((problem.col_cost, problem.penalty, problem.buy_cost, problem.open_cost))
    upper = np.concatenate((problem.col_limit, problem.count, problem.buy_limit, np.ones(sizes[3])))
    whole = np.concatenate((np.ones(sizes[0] + sizes[1]), problem.buy_integer, np.ones(sizes[3])))
    if not total:
        return Placement(*(np.zeros(0),) * 4, problem.fixed_cost)  # type: ignore[arg-type]
    matrix, low, high = _constraints(problem, (int(x), int(u), int(z), int(y)), total)
    wanted = [LinearConstraint(_of_columns(wish.columns, total), wish.least, _most(wish)) for wish in wishes]
    found = milp(
        cost,
        integrality=whole,
        bounds=Bounds(np.zeros(total), upper),
        constraints=[LinearConstraint(matrix, low, high), *wanted],
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    values: Floats = np.asarray(found.x, dtype=float)
    settled = np.where(whole > 0, np.round(values), np.clip(values, 0.0, upper))
    return Placement(
        units=settled[x:u].astype(np.int64),
        unplaced=settled[u:z].astype(np.int64),
        bought=settled[z:y],
        opened=settled[y:] > 0.5,
        cost=problem.fixed_cost + float(cost @ settled),
    )


def _of_columns(columns: Ints, total: int) -> csr_array:
    """One line of a constraint matrix that counts the units on the columns."""
    return csr_array(
        (np.ones(len(columns)), (np.zeros(len(columns), dtype=np.int64), columns)), shape=(1, total)
    )


def _most(wish: Demand) -> float:
    return np.inf if wish.most is None else float(wish.most)


def _constraints(
    problem: Problem, starts: tuple[int, int, int, int], total: int
) -> tuple[csr_array, Floats, Floats]:
    """All constraints as ``low <= matrix @ (x, u, z, y) <= high``."""
    x, u, z, y = starts
    entries = _Triples([], [], [])
    classes, columns = len(problem.count), len(problem.col_cost)
    owner = problem.variant_class[problem.col_variant]
    entries.add(owner, x + np.arange(columns), np.ones(columns))
    entries.add(np.arange(classes), u + np.arange(classes), np.ones(classes))
    low = [problem.count.astype(float)]
    high = [problem.count.astype(float)]
    at = classes

    limited = np.isfinite(problem.row_capacity)
    _row_uses(problem, entries, at, starts)
    low.append(np.full(len(limited), -np.inf))
    high.append(np.where(limited, problem.row_capacity, np.inf))
    at += len(limited)

    pairs = len(problem.need_open)
    column = np.repeat(np.arange(columns), np.diff(problem.need_indptr))
    line = at + np.arange(pairs)
    entries.add(line, x + column, np.ones(pairs))
    entries.add(line, y + problem.need_open, -problem.col_limit[column].astype(float))
    low.append(np.full(pairs, -np.inf))
    high.append(np.zeros(pairs))
    at += pairs

    bound = np.flatnonzero(problem.buy_open >= 0)
    line = at + np.arange(len(bound))
    entries.add(line, z + bound, np.ones(len(bound)))
    entries.add(line, y + problem.buy_open[bound], -problem.buy_limit[bound])
    low.append(np.full(len(bound), -np.inf))
    high.append(np.zeros(len(bound)))
    at += len(bound)

    grouped = np.flatnonzero(problem.open_group >= 0)
    entries.add(at + problem.open_group[grouped], y + grouped, np.ones(len(grouped)))
    low.append(problem.group_min.astype(float))
    high.append(problem.group_max.astype(float))
    at += len(problem.group_min)

    matrix = csr_array(
        (np.concatenate(entries.value), (np.concatenate(entries.row), np.concatenate(entries.column))),
        shape=(at, total),
    )
    return matrix, np.concatenate(low), np.concatenate(high)


def _row_uses(problem: Problem, entries: _Triples, at: int, starts: tuple[int, int, int, int]) -> None:
    """What columns and opens take from rows, and what purchases add to them."""
    x, _, z, y = starts
    rows = problem.target_row[problem.col_target]
    amounts = problem.demand[problem.col_variant]
    column, resource = np.nonzero((rows >= 0) & (amounts > 0))
    entries.add(at + rows[column, resource], x + column, amounts[column, resource])
    column = np.repeat(np.arange(len(problem.col_cost)), np.diff(problem.extra_indptr))
    entries.add(at + problem.extra_row, x + column, problem.extra_amount)
    purchase = np.repeat(np.arange(len(problem.buy_cost)), np.diff(problem.buy_indptr))
    entries.add(at + problem.buy_row, z + purchase, -problem.buy_amount)
    opened = np.repeat(np.arange(len(problem.open_cost)), np.diff(problem.open_indptr))
    entries.add(at + problem.open_row, y + opened, problem.open_amount)
