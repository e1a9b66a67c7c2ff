"""Cheapest feasible first: what schedulers do, workload by workload, the most valuable first.

Two rules for capacity that comes in blocks.  ``amortised``: a block's capacity is priced per unit as if
well used, whether bought already or not.  ``marginal``: what is bought is free, and whoever needs a
further block bears all of it.  Replicas are opened by the first who finds that cheaper; egress is paid at
list price.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from situs.planner.problem import Flags, Floats, Ids, Placement, Problem

Rule = Literal["amortised", "marginal"]
RULES: tuple[Rule, ...] = ("amortised", "marginal")
SLACK = 1e-12


def cheapest_feasible_first(problem: Problem, rule: Rule) -> Placement:
    """A placement as a scheduler with this rule would make it."""
    run = _Run(problem, rule)
    run.open_what_must_be()
    for i in np.argsort(-problem.penalty, kind="stable").tolist():
        run.place(i)
    return run.placement()


class _Run:
    def __init__(self, problem: Problem, rule: Rule) -> None:
        self.problem, self.rule = problem, rule
        # A row at the end that nothing fills stands for "no row".
        self.free = np.append(problem.row_capacity, np.inf)
        self.units = np.zeros(len(problem.col_cost), dtype=np.int64)
        self.unplaced = problem.count.copy()
        self.bought = np.zeros(len(problem.buy_cost))
        self.opened = np.zeros(len(problem.open_cost), dtype=np.bool_)
        self.group_left = problem.group_max.copy()
        self.block_rows = _block_rows(problem)
        self.block_of_target, self.block_gain = _blocks(problem, self.block_rows)
        # Reserved capacity is all in blocks; an own pool is only enlarged by them.
        self.starts_empty = np.array(
            [all(problem.row_capacity[row] == 0 for row in rows) for rows in self.block_rows], dtype=np.bool_
        )
        self.metered = _metered(problem)
        self.unit_price = np.full(len(problem.row_capacity), np.inf)
        for row, (_, price, _) in self.metered.items():
            self.unit_price[row] = price
        variants = np.searchsorted(problem.variant_class, np.arange(len(problem.count) + 1))
        self.column_start = np.searchsorted(problem.col_variant, variants).tolist()

    def open_what_must_be(self) -> None:
        """The cheapest opens of each group that still have room, and those that save by being there."""
        problem = self.problem
        missing = problem.group_min.copy()
        for f in np.argsort(problem.open_cost, kind="stable").tolist():
            group = int(problem.open_group[f])
            wanted = missing[group] > 0 if group >= 0 else problem.open_cost[f] < 0
            if wanted and self._open_fits(f):
                self._open(f)
                if group >= 0:
                    missing[group] -= 1

    def place(self, i: int) -> None:
        """Take the cheapest column that fits, as many units as it holds, until none is worth it."""
        first, end = self.column_start[i], self.column_start[i + 1]
        problem = self.problem
        target, variant = problem.col_target[first:end], problem.col_variant[first:end]
        rows, amounts = problem.target_row[target], problem.demand[variant]
        exhausted = np.zeros(end - first, dtype=np.bool_)
        while self.unplaced[i] > 0 and end > first:
            cost, fits = self._offers(first, end, rows, amounts, target)
            cost = np.where(fits & ~exhausted, cost, np.inf)
            best = int(np.argmin(cost))
            if not cost[best] < problem.penalty[i]:
                return
            taken = self._take(i, first + best, rows[best], amounts[best], int(target[best]))
            exhausted[best] = taken == 0 or self.units[first + best] >= problem.col_limit[first + best]

    def _offers(self, first: int, end: int, rows: Ids, amounts: Floats, target: Ids) -> tuple[Floats, Flags]:
        """What one more unit costs on each column now, and whether it fits."""
        problem = self.problem
        cost = problem.col_cost[first:end].copy()
        short = amounts - self.free[rows] > SLACK
        fits = ~short.any(axis=1)
        self._offer_blocks(cost, fits, short, rows, amounts, target)
        cost += self._extra_costs(first, end)
        cost += self._need_costs(first, end)
        return cost, fits & np.isfinite(cost)

    def _offer_blocks(
        self, cost: Floats, fits: Flags, short: np.ndarray, rows: Ids, amounts: Floats, target: Ids
    ) -> None:
        """Let columns fit that further blocks make room for, and charge for them by the rule."""
        at = np.flatnonzero(self.block_of_target[target] >= 0)
        block, gain = self.block_of_target[target[at]], self.block_gain[target[at]]
        adds = gain > 0
        per_gain = np.divide(amounts[at], gain, out=np.zeros(gain.shape), where=adds)
        if self.rule == "amortised":
            share = per_gain.max(axis=1)
            cost[at] += np.where(self.starts_empty[block], self.problem.buy_cost[block] * share, 0.0)
        lacking = np.where(adds, amounts[at] - self.free[rows[at]], 0.0)
        more = np.ceil(np.divide(lacking, gain, out=np.zeros(gain.shape), where=adds) - SLACK).max(axis=1)
        more = np.where(fits[at], 0.0, np.maximum(more, 0.0))
        can = ~(short[at] & ~adds).any(axis=1) & (self.bought[block] + more <= self.problem.buy_limit[block])
        if self.rule == "marginal":
            charged = more
        else:
            charged = np.where(self.starts_empty[block], 0.0, more)
        cost[at] += self.problem.buy_cost[block] * charged
        fits[at] |= can

    def _extra_costs(self, first: int, end: int) -> Floats | float:
        problem = self.problem
        items = slice(problem.extra_indptr[first], problem.extra_indptr[end])
        if items.start == items.stop:
            return 0.0
        row = problem.extra_row[items]
        lacking = problem.extra_amount[items] - self.free[row]
        charge = np.multiply(lacking, self.unit_price[row], out=np.zeros(len(row)), where=lacking > SLACK)
        owner = np.repeat(np.arange(end - first), np.diff(problem.extra_indptr[first : end + 1]))
        return np.bincount(owner, charge, end - first).astype(np.float64)

    def _need_costs(self, first: int, end: int) -> Floats | float:
        problem = self.problem
        items = slice(problem.need_indptr[first], problem.need_indptr[end])
        if items.start == items.stop:
            return 0.0
        needed, position = np.unique(problem.need_open[items], return_inverse=True)
        charge = np.array([self._opening_cost(f) for f in needed.tolist()])[position]
        owner = np.repeat(np.arange(end - first), np.diff(problem.need_indptr[first : end + 1]))
        return np.bincount(owner, charge, end - first).astype(np.float64)

    def _opening_cost(self, f: int) -> float:
        if self.opened[f]:
            return 0.0
        return float(self.problem.open_cost[f]) if self._open_fits(f) else np.inf

    def _open_fits(self, f: int) -> bool:
        problem = self.problem
        group = problem.open_group[f]
        if group >= 0 and self.group_left[group] <= 0:
            return False
        items = slice(problem.open_indptr[f], problem.open_indptr[f + 1])
        return bool((problem.open_amount[items] <= self.free[problem.open_row[items]]).all())

    def _open(self, f: int) -> None:
        problem = self.problem
        items = slice(problem.open_indptr[f], problem.open_indptr[f + 1])
        np.subtract.at(self.free, problem.open_row[items], problem.open_amount[items])
        self.opened[f] = True
        if problem.open_group[f] >= 0:
            self.group_left[problem.open_group[f]] -= 1

    def _take(self, i: int, column: int, rows: Ids, amounts: Floats, target: int) -> int:
        """Place units of class i on the column, buying and opening what that takes."""
        problem = self.problem
        for f in problem.need_open[problem.need_indptr[column] : problem.need_indptr[column + 1]].tolist():
            if not self.opened[f]:
                self._open(f)
        want = int(min(self.unplaced[i], problem.col_limit[column] - self.units[column]))
        holds = self._holds(column, rows, amounts)
        if holds < 1:
            self._buy_for_one(int(self.block_of_target[target]), rows, amounts)
            holds = self._holds(column, rows, amounts)
        taken = min(want, holds)
        if taken <= 0:
            return 0
        np.subtract.at(self.free, rows, taken * amounts)
        for at in range(problem.extra_indptr[column], problem.extra_indptr[column + 1]):
            self._use_extra(int(problem.extra_row[at]), taken * problem.extra_amount[at])
        self.units[column] += taken
        self.unplaced[i] -= taken
        return taken

    def _holds(self, column: int, rows: Ids, amounts: Floats) -> int:
        problem = self.problem
        room = [self.free[r] / a for r, a in zip(rows, amounts, strict=True) if a > 0]
        for at in range(problem.extra_indptr[column], problem.extra_indptr[column + 1]):
            row = int(problem.extra_row[at])
            if row not in self.metered and problem.extra_amount[at] > 0:
                room.append(self.free[row] / problem.extra_amount[at])
        most = min(room, default=np.inf)
        return int(min(most * (1 + SLACK) + SLACK, 2**40))

    def _buy_for_one(self, k: int, rows: Ids, amounts: Floats) -> None:
        if k < 0:
            return
        each = self.block_rows[k]
        more = 0
        for row, amount in zip(rows.tolist(), amounts, strict=True):
            if amount > self.free[row] and row in each:
                more = max(more, int(np.ceil((amount - self.free[row]) / each[row] - SLACK)))
        more = int(min(more, self.problem.buy_limit[k] - self.bought[k]))
        self.bought[k] += more
        for row, gain in each.items():
            self.free[row] += more * gain

    def _use_extra(self, row: int, amount: float) -> None:
        lacking = amount - self.free[row]
        if lacking > 0 and row in self.metered:
            k, _, gain = self.metered[row]
            self.bought[k] += lacking / gain
            self.free[row] = 0.0
        else:
            self.free[row] -= amount

    def placement(self) -> Placement:
        problem = self.problem
        cost = problem.fixed_cost + float(
            problem.col_cost @ self.units
            + problem.penalty @ self.unplaced
            + problem.buy_cost @ self.bought
            + problem.open_cost @ self.opened
        )
        return Placement(self.units, self.unplaced, self.bought, self.opened, cost)


def _block_rows(problem: Problem) -> list[dict[int, float]]:
    """What every purchase adds to which row."""
    return [
        {
            int(problem.buy_row[at]): float(problem.buy_amount[at])
            for at in range(problem.buy_indptr[k], problem.buy_indptr[k + 1])
        }
        for k in range(len(problem.buy_cost))
    ]


def _blocks(problem: Problem, rows_of: list[dict[int, float]]) -> tuple[Ids, Floats]:
    """The block of each target, -1 for none, and what one adds to each of the target's rows."""
    of_row = np.full(len(problem.row_capacity) + 1, -1, dtype=np.int32)
    gain_of_row = np.zeros(len(problem.row_capacity) + 1)
    for k, rows in enumerate(rows_of):
        if problem.buy_integer[k] and problem.buy_open[k] < 0:
            of_row[list(rows)] = k
            gain_of_row[list(rows)] = list(rows.values())
    return of_row[problem.target_row].max(axis=1), gain_of_row[problem.target_row]


def _metered(problem: Problem) -> dict[int, tuple[int, float, float]]:
    """Rows with capacity by the unit and without a contract: purchase, price of a unit, units bought."""
    metered = {}
    for k in np.flatnonzero(~problem.buy_integer & (problem.buy_open < 0)).tolist():
        first, end = problem.buy_indptr[k], problem.buy_indptr[k + 1]
        if end - first == 1:
            gain = float(problem.buy_amount[first])
            metered[int(problem.buy_row[first])] = (k, float(problem.buy_cost[k]) / gain, gain)
    return metered
