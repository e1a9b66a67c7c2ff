"""What every step needs of a problem besides its own arrays, computed once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from situs.planner.problem import Floats, Ids, Ints, Placement, Problem
from situs.planner.solve.limits import Limits, limits
from situs.planner.solve.parts import each_part
from situs.planner.solve.response import Columns
from situs.planner.solve.sweeps import charge


class Frame:
    """A problem with its columns grouped by class, and its sparse parts as item lists."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.classes = len(problem.count)
        self.columns = len(problem.col_cost)
        self.rows = len(problem.row_capacity)
        self.opens = len(problem.open_cost)
        self.buys = len(problem.buy_cost)
        self.cls: Ids = problem.variant_class[problem.col_variant].astype(np.int32)
        """(J,) the class of each column, non-decreasing"""
        numbers = np.arange(self.classes)
        self.first: Ints = np.searchsorted(self.cls, numbers, "left")
        self.last: Ints = np.searchsorted(self.cls, numbers, "right")
        self.starts: Ints = np.append(self.first, self.columns)
        """(I+1,) where the columns of each class begin"""
        self.extra_col: Ints = _owners(problem.extra_indptr)
        self.need_col: Ints = _owners(problem.need_indptr)
        self.buy_of: Ints = _owners(problem.buy_indptr)
        self.open_of: Ints = _owners(problem.open_indptr)
        self.finite_row: NDArray[np.bool_] = np.isfinite(problem.row_capacity)
        self.has_columns: NDArray[np.bool_] = self.last > self.first

    @cached_property
    def limits(self) -> Limits:
        """How many units of each column can ever be used: no limit of its own, and all rows bought full."""
        p = self.problem
        most = np.where(p.buy_integer, np.floor(p.buy_limit), p.buy_limit)
        closed, open_ = np.zeros(self.opens, dtype=np.int64), np.ones(self.opens, dtype=np.int64)
        found = limits(self, most, closed, open_, {}, {}, {}, {})
        assert found is not None, "capacities are never negative"
        return found

    @cached_property
    def needed(self) -> NDArray[np.bool_]:
        """(F,) opens that some column needs; the others only serve purchases, or are there for their group."""
        needed = np.zeros(self.opens, dtype=bool)
        needed[self.problem.need_open] = True
        return needed

    def charged(self, row_price: Floats) -> Floats:
        """(J,) what one unit of each column costs with the rows it uses."""
        p = self.problem
        value = np.empty(self.columns)
        columns = Columns(
            p.col_variant, p.col_target, p.demand, p.target_row, p.extra_indptr, p.extra_row, p.extra_amount
        )
        each_part(
            self.starts,
            lambda _, begin, end: charge(begin, end, self.starts, columns, p.col_cost, row_price, value),
        )
        return value

    def row_charge(self, row_price: Floats, columns: Ints) -> Floats:
        """(len(columns),) what one unit of each of these columns pays for the rows it uses."""
        p = self.problem
        by_target = np.append(row_price, 0.0)[p.target_row]
        charged = np.einsum("jq,jq->j", p.demand[p.col_variant[columns]], by_target[p.col_target[columns]])
        items, owner = ranges(p.extra_indptr, columns)
        charged += np.bincount(
            owner, p.extra_amount[items] * row_price[p.extra_row[items]], minlength=len(columns)
        )
        return np.asarray(charged)

    def least_by_class(self, values: Floats) -> Floats:
        """(I,) the least value over the columns of each class, inf for a class without any."""
        least = np.full(self.classes, np.inf)
        some = np.flatnonzero(self.has_columns)
        if len(some):
            least[some] = np.minimum.reduceat(values, self.first[some])
        return least

    def uses(self, columns: AnyInts, row_at: Ints) -> tuple[Ints, Ints, Floats]:
        """What a unit of each column takes of which rows: position in ``columns``, place of the row, amount.

        ``row_at`` (M,) is the place of each row; uses of rows at -1 are left out.  Uses of a column stand in one
        order, but those of different columns not one after the other.
        """
        p = self.problem
        by_target, demand = p.target_row[p.col_target[columns]], p.demand[p.col_variant[columns]]
        # Row -1, for what a target does not have, is the one that is put behind the last, also behind none.
        at = np.append(row_at, -1)[by_target]
        owner, resource = np.nonzero((at >= 0) & (demand > 0))
        items, item_owner = ranges(p.extra_indptr, columns)
        further = row_at[p.extra_row[items]]
        there = further >= 0
        return (
            np.concatenate((owner, item_owner[there])),
            np.concatenate((at[owner, resource], further[there])),
            np.concatenate((demand[owner, resource], p.extra_amount[items][there])),
        )

    def load(self, units: Ints, opened: NDArray[np.bool_]) -> Floats:
        """(M,) what units and opens take from each row."""
        p = self.problem
        used = np.flatnonzero(units)
        load = np.zeros(self.rows)
        rows = p.target_row[p.col_target[used]]
        taken = p.demand[p.col_variant[used]] * units[used, None]
        some = rows >= 0
        np.add.at(load, rows[some], taken[some])
        items, owner = ranges(p.extra_indptr, used)
        np.add.at(load, p.extra_row[items], p.extra_amount[items] * units[used][owner])
        np.add.at(load, p.open_row, p.open_amount * opened[self.open_of])
        return load

    def supply(self, bought: Floats) -> Floats:
        """(M,) capacity with what is bought."""
        p = self.problem
        return p.row_capacity + np.bincount(
            p.buy_row, p.buy_amount * bought[self.buy_of], minlength=self.rows
        )

    def cost(self, units: Ints, unplaced: Ints, bought: Floats, opened: NDArray[np.bool_]) -> float:
        """The objective."""
        p = self.problem
        used = np.flatnonzero(units)
        return float(
            p.fixed_cost
            + p.col_cost[used] @ units[used]
            + p.penalty @ unplaced
            + p.buy_cost @ bought
            + p.open_cost @ opened
        )

    def placement(self, units: Ints, bought: Floats, opened: NDArray[np.bool_]) -> Placement:
        """The placement with these units; what is not placed is left out."""
        used = np.flatnonzero(units)
        placed = np.bincount(self.cls[used], units[used], minlength=self.classes).astype(np.int64)
        unplaced = self.problem.count - placed
        return Placement(units, unplaced, bought, opened, self.cost(units, unplaced, bought, opened))


AnyInts = NDArray[np.integer[Any]]
"""Indices of any width."""


def _owners(indptr: Ints) -> Ints:
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def ranges(indptr: Ints, chosen: AnyInts) -> tuple[Ints, Ints]:
    """Items of the chosen lists one after the other, and the position in ``chosen`` that owns each."""
    lengths = indptr[chosen + 1] - indptr[chosen]
    owner = np.repeat(np.arange(len(chosen)), lengths)
    starts = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) - starts[owner] + indptr[chosen][owner], owner
