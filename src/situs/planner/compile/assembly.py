"""Puts a :class:`~situs.planner.problem.Problem` together row by row, under names instead of numbers."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from situs.planner.problem import Problem


class Assembly:
    """Collects rows, opens, purchases and columns; ``finish`` turns them into arrays.

    Classes are added in order, and all columns of a class before those of the next.  Rows, opens and
    groups are named by any hashable key; asking for a name twice gives the same number.
    """

    def __init__(self) -> None:
        self._rows: dict[Hashable, int] = {}
        self._row_capacity = array("d")
        self._opens: dict[Hashable, int] = {}
        self._open_cost = array("d")
        self._open_group = array("q")
        self._open_uses: list[list[tuple[int, float]]] = []
        self._groups: dict[Hashable, int] = {}
        self._group_limits: list[tuple[int, int]] = []
        self._buys: list[tuple[float, float, bool, int, list[tuple[int, float]]]] = []
        self._count = array("q")
        self._variants: dict[tuple[float, ...], int] = {}
        self._variant_class = array("q")
        self._demand: list[tuple[float, ...]] = []
        self._targets: dict[tuple[int, ...], int] = {}
        self._columns: dict[str, array[Any]] = {name: array(kind) for name, kind in _COLUMN_ARRAYS.items()}
        self.fixed_cost = 0.0

    def row(self, key: Hashable, capacity: float = float("inf")) -> int:
        """The row of that name, made with ``capacity`` if it is new."""
        number = self._rows.get(key)
        if number is None:
            number = self._rows[key] = len(self._rows)
            self._row_capacity.append(capacity)
        return number

    def has_row(self, key: Hashable) -> bool:
        """Whether a row of that name was made."""
        return key in self._rows

    def group(self, key: Hashable, least: int, most: int) -> int:
        """A group of opens of which ``least`` to ``most`` are open."""
        number = self._groups.get(key)
        if number is None:
            number = self._groups[key] = len(self._groups)
            self._group_limits.append((least, most))
        return number

    def open(
        self, key: Hashable, cost: float, group: int = -1, uses: Iterable[tuple[int, float]] = ()
    ) -> int:
        """The open of that name, made with that cost, group and row uses if it is new."""
        number = self._opens.get(key)
        if number is None:
            number = self._opens[key] = len(self._opens)
            self._open_cost.append(cost)
            self._open_group.append(group)
            self._open_uses.append(list(uses))
        return number

    def find_open(self, key: Hashable) -> int | None:
        """The open of that name, if it was made."""
        return self._opens.get(key)

    def open_cost(self, number: int) -> float:
        """What the open costs."""
        return self._open_cost[number]

    @property
    def opens(self) -> Sequence[Hashable]:
        """Names of the opens, by number."""
        return list(self._opens)

    @property
    def rows(self) -> Sequence[Hashable]:
        """Names of the rows, by number."""
        return list(self._rows)

    def buy(
        self, cost: float, limit: float, integer: bool, gives: Iterable[tuple[int, float]], needs: int = -1
    ) -> int:
        """Capacity that may be bought; gives its number."""
        self._buys.append((cost, limit, integer, needs, list(gives)))
        return len(self._buys) - 1

    def begin_class(self, count: int) -> int:
        """A class of ``count`` identical units; the columns that follow are its own."""
        self._count.append(count)
        self._variants.clear()
        return len(self._count) - 1

    def column(
        self,
        demand: tuple[float, ...],
        target_rows: tuple[int, ...],
        cost: float,
        extra: Iterable[tuple[int, float]] = (),
        needs: Iterable[int] = (),
        waits: float = 0.0,
        limit: int | None = None,
    ) -> int:
        """An option of the class that was begun last; gives its number (before sorting by variant).

        ``waits`` is the share of being left out that it amounts to, for what cannot begin at once; at most
        ``limit`` units may take it.
        """
        variant = self._variants.get(demand)
        if variant is None:
            variant = self._variants[demand] = len(self._demand)
            self._demand.append(demand)
            self._variant_class.append(len(self._count) - 1)
        columns = self._columns
        columns["variant"].append(variant)
        columns["target"].append(self._targets.setdefault(target_rows, len(self._targets)))
        columns["cost"].append(cost)
        columns["waits"].append(waits)
        columns["limit"].append(self._count[-1] if limit is None else min(limit, self._count[-1]))
        extras = 0
        for row, amount in extra:
            columns["extra_row"].append(row)
            columns["extra_amount"].append(amount)
            extras += 1
        columns["extra_length"].append(extras)
        needed = 0
        for number in needs:
            columns["need_open"].append(number)
            needed += 1
        columns["need_length"].append(needed)
        return len(columns["cost"]) - 1

    def finish(self, resources: int, penalties: Sequence[float]) -> tuple[Problem, np.ndarray]:
        """The problem, and for each of its columns the number that :meth:`column` gave.

        ``penalties`` is what leaving one unit out costs, by class.
        """
        c = {name: np.asarray(values) for name, values in self._columns.items()}
        # Columns of one class are together already; within it they are put in order of their variant.
        order = np.argsort(c["variant"], kind="stable")
        # Copies: further rows may be asked for afterwards, by questions about ways that are no option.
        count = np.array(self._count, dtype=np.int64)
        variant_class = np.asarray(self._variant_class, dtype=np.int32)
        demand = np.asarray(self._demand, dtype=float).reshape(len(self._demand), resources)
        penalty = np.asarray(penalties, dtype=float)
        extra_indptr, extra_items = _reordered(c["extra_length"], order)
        need_indptr, need_items = _reordered(c["need_length"], order)
        problem = Problem(
            count=count,
            penalty=penalty,
            variant_class=variant_class,
            demand=demand,
            target_row=np.asarray(list(self._targets), dtype=np.int32).reshape(-1, resources),
            col_variant=c["variant"][order].astype(np.int32),
            col_target=c["target"][order].astype(np.int32),
            col_cost=(c["cost"] + c["waits"] * penalty[variant_class[c["variant"].astype(np.int64)]])[order],
            col_limit=c["limit"][order].astype(np.int64),
            extra_indptr=extra_indptr,
            extra_row=c["extra_row"][extra_items].astype(np.int32),
            extra_amount=c["extra_amount"][extra_items].astype(float),
            need_indptr=need_indptr,
            need_open=c["need_open"][need_items].astype(np.int32),
            row_capacity=np.array(self._row_capacity, dtype=float),
            buy_cost=np.asarray([b[0] for b in self._buys], dtype=float),
            buy_limit=self._useful_limits(count, variant_class, c),
            buy_integer=np.asarray([b[2] for b in self._buys], dtype=bool),
            buy_open=np.asarray([b[3] for b in self._buys], dtype=np.int32),
            buy_indptr=_indptr(len(b[4]) for b in self._buys),
            buy_row=np.asarray([row for b in self._buys for row, _ in b[4]], dtype=np.int32),
            buy_amount=np.asarray([amount for b in self._buys for _, amount in b[4]], dtype=float),
            open_cost=np.array(self._open_cost, dtype=float),
            open_group=np.array(self._open_group, dtype=np.int32),
            open_indptr=_indptr(len(uses) for uses in self._open_uses),
            open_row=np.asarray([row for uses in self._open_uses for row, _ in uses], dtype=np.int32),
            open_amount=np.asarray([amount for uses in self._open_uses for _, amount in uses], dtype=float),
            group_min=np.asarray([least for least, _ in self._group_limits], dtype=np.int64),
            group_max=np.asarray([most for _, most in self._group_limits], dtype=np.int64),
            fixed_cost=self.fixed_cost,
        )
        return problem, order

    def _useful_limits(
        self, count: np.ndarray, variant_class: np.ndarray, c: dict[str, np.ndarray]
    ) -> np.ndarray:
        """(K,) the limit of each purchase, lowered to what all options together could ever use.

        A limit beyond any use would multiply the smallest rounding of a price into a wrong bound.
        """
        rows = {row for buy in self._buys for row, _ in buy[4]}
        most = dict.fromkeys(rows, 0.0)
        for uses in self._open_uses:
            for row, amount in uses:
                if row in most:
                    most[row] += amount
        classes = variant_class[c["variant"]]
        targets = np.asarray(list(self._targets), dtype=np.int64)
        demand = np.asarray(self._demand, dtype=float)
        for resource in range(demand.shape[1] if demand.size else 0):
            self._add_most(
                most, targets[c["target"], resource], demand[c["variant"], resource], classes, count
            )
        columns = np.repeat(np.arange(len(classes)), c["extra_length"])
        self._add_most(most, c["extra_row"], c["extra_amount"], classes[columns], count)
        limits = []
        for _, limit, integer, _, gives in self._buys:
            useful = max((most[row] / amount for row, amount in gives if amount > 0), default=0.0)
            limits.append(min(limit, float(np.ceil(useful)) if integer else useful))
        return np.asarray(limits, dtype=float)

    @staticmethod
    def _add_most(
        most: dict[int, float], rows: np.ndarray, amounts: np.ndarray, classes: np.ndarray, count: np.ndarray
    ) -> None:
        """Add to each row what every class would take with its hungriest option."""
        if not len(rows):
            return
        wanted = np.isin(rows, np.fromiter(most, dtype=np.int64, count=len(most)))
        rows, amounts, classes = rows[wanted], amounts[wanted], classes[wanted]
        order = np.lexsort((amounts, classes, rows))
        rows, amounts, classes = rows[order], amounts[order], classes[order]
        last = np.ones(len(rows), dtype=bool)
        last[:-1] = (rows[1:] != rows[:-1]) | (classes[1:] != classes[:-1])
        for row, total in zip(rows[last], amounts[last] * count[classes[last]], strict=True):
            most[int(row)] += float(total)


_COLUMN_ARRAYS = {
    "variant": "q",
    "target": "q",
    "cost": "d",
    "waits": "d",
    "limit": "q",
    "extra_length": "q",
    "extra_row": "q",
    "extra_amount": "d",
    "need_length": "q",
    "need_open": "q",
}


def _indptr(lengths: Iterable[int]) -> np.ndarray:
    return np.asarray([0, *accumulate(lengths)], dtype=np.int64)


def _reordered(lengths: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row pointers after the lists of ``lengths`` are put in ``order``, and where each item comes from."""
    starts = np.concatenate(([0], np.cumsum(lengths)))[:-1]
    moved = lengths[order]
    indptr = np.concatenate(([0], np.cumsum(moved))).astype(np.int64)
    items = np.repeat(starts[order] - indptr[:-1], moved) + np.arange(indptr[-1])
    return indptr, items.astype(np.int64)
