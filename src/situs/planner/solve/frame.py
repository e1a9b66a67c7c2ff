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
    """A problem with its columns grouped by class, and its sparse parts as item lists.

    What is as long as the columns is made when it is first asked for: a repair of a large problem never asks.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.classes = len(problem.count)
        self.columns = len(problem.col_cost)
        self.rows = len(problem.row_capacity)
        self.opens = len(problem.open_cost)
        self.buys = len(problem.buy_cost)
        self.buy_of: Ints = _owners(problem.buy_indptr)
        self.open_of: Ints = _owners(problem.open_indptr)
        self.finite_row: NDArray[np.bool_] = np.isfinite(problem.row_capacity)

    @cached_property
    def cls(self) -> Ids:
        """(J,) the class of each column, non-decreasing"""
        return self.class_of(slice(None))

    @cached_property
    def starts(self) -> Ints:
        """(I+1,) where the columns of each class begin"""
        p = self.problem
        variants = np.searchsorted(p.variant_class, np.arange(self.classes + 1, dtype=p.variant_class.dtype))
        return np.searchsorted(p.col_variant, variants.astype(p.col_variant.dtype)).astype(np.int64)

    @cached_property
    def first(self) -> Ints:
        """(I,) the first column of each class"""
        return self.starts[:-1]

    @cached_property
    def last(self) -> Ints:
        """(I,) the end of the columns of each class"""
        return self.starts[1:]

    @cached_property
    def has_columns(self) -> NDArray[np.bool_]:
        """(I,)"""
        return self.last > self.first

    @cached_property
    def extra_col(self) -> Ints:
        """(items,) the column of each further row use"""
        return _owners(self.problem.extra_indptr)

    @cached_property
    def need_col(self) -> Ints:
        """(items,) the column of each need"""
        return _owners(self.problem.need_indptr)

    def class_of(self, columns: AnyInts | slice) -> Ids:
        """The class of each of these columns."""
        p = self.problem
        return p.variant_class[p.col_variant[columns]].astype(np.int32, copy=False)

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
    def own_limit(self) -> Floats:
        """(J,) how many units of each column can ever be used; inf where that is its whole class."""
        room = self.limits.room
        return np.where(room < self.problem.count[self.cls], room, np.inf)

    @cached_property
    def needed(self) -> NDArray[np.bool_]:
        """(F,) opens that some column needs; the others only serve purchases, or are there for their group."""
        needed = np.zeros(self.opens, dtype=bool)
        needed[self.problem.need_open] = True
        return needed

    @property
    def uses_of(self) -> Columns:
        """What columns take of which rows, for inner loops."""
        p = self.problem
        return Columns(
            p.col_variant, p.col_target, p.demand, p.target_row, p.extra_indptr, p.extra_row, p.extra_amount
        )

    def charged(self, row_price: Floats) -> Floats:
        """(J,) what one unit of each column costs with the rows it uses."""
        cost, value = self.problem.col_cost, np.empty(self.columns)
        each_part(
            self.starts,
            lambda _, begin, end: charge(begin, end, self.starts, self.uses_of, cost, row_price, value),
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
        used = np.flatnonzero(units)
        return self.load_of(used, units[used], opened)

    def load_of(self, columns: Ints, number: Ints, opened: NDArray[np.bool_]) -> Floats:
        """(M,) what so many units of these columns, and opens, take from each row."""
        p = self.problem
        load = np.zeros(self.rows)
        load += np.bincount(p.open_row, p.open_amount * opened[self.open_of], minlength=self.rows)
        target, variant = p.col_target[columns], p.col_variant[columns]
        for q in range(p.demand.shape[1]):
            row = p.target_row[target, q]
            some = row >= 0
            load += np.bincount(row[some], (p.demand[variant, q] * number)[some], minlength=self.rows)
        items, owner = ranges(p.extra_indptr, columns)
        load += np.bincount(p.extra_row[items], p.extra_amount[items] * number[owner], minlength=self.rows)
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
        placed = np.bincount(self.class_of(used), units[used], minlength=self.classes).astype(np.int64)
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
