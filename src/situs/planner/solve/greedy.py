"""Cheapest feasible place first, one workload after the other: what people and schedulers do."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Floats, Placement, Problem


def cheapest_first(problem: Problem) -> Placement:
    """A feasible placement that looks at one class at a time and never back.

    A purchase is made when the cheapest option needs it; the price of its nodes is not weighed, which is
    how a quota that "is there anyway" is used.
    """
    state = _State(problem)
    units = np.zeros(len(problem.col_cost), dtype=np.int64)
    unplaced = problem.count.copy()
    owners = problem.variant_class[problem.col_variant]
    firsts = np.searchsorted(owners, np.arange(len(problem.count)), "left")
    lasts = np.searchsorted(owners, np.arange(len(problem.count)), "right")
    for i in range(len(problem.count)):
        columns = np.arange(firsts[i], lasts[i])
        for column in columns[np.argsort(problem.col_cost[columns], kind="stable")]:
            while unplaced[i] and units[column] < problem.col_limit[column] and state.take(int(column)):
                units[column] += 1
                unplaced[i] -= 1
            if not unplaced[i]:
                break
    cost = (
        problem.fixed_cost
        + float(problem.col_cost @ units)
        + float(problem.penalty @ unplaced)
        + float(problem.buy_cost @ state.bought)
        + float(problem.open_cost @ state.opened)
    )
    return Placement(units=units, unplaced=unplaced, bought=state.bought, opened=state.opened, cost=cost)


class _State:
    """What is free, bought and open so far."""

    def __init__(self, problem: Problem) -> None:
        self._p = problem
        self.free: Floats = problem.row_capacity.copy()
        self.bought = np.zeros(len(problem.buy_cost))
        self.opened = np.zeros(len(problem.open_cost), dtype=bool)
        self._in_group = np.zeros(len(problem.group_min), dtype=np.int64)
        self._sellers: dict[int, list[int]] = {}
        for k in range(len(problem.buy_cost)):
            for row in problem.buy_row[problem.buy_indptr[k] : problem.buy_indptr[k + 1]]:
                self._sellers.setdefault(int(row), []).append(k)
        self._opening: set[int] = set()
        """opens under way: what one takes cannot be bought from a purchase that needs it"""
        self._open_the_least()

    def _open_the_least(self) -> None:
        """Every group has its minimum open from the start, cheapest first (what exists is cheapest)."""
        p = self._p
        for f in np.argsort(p.open_cost, kind="stable"):
            g = p.open_group[f]
            if g >= 0 and self._in_group[g] < p.group_min[g]:
                self._try_open(int(f))

    def take(self, column: int) -> bool:
        """Take one unit of an option if everything it needs is there or can be had."""
        p = self._p
        before = (self.free.copy(), self.bought.copy(), self.opened.copy(), self._in_group.copy())
        needs = p.need_open[p.need_indptr[column] : p.need_indptr[column + 1]]
        if all(self.opened[f] or self._try_open(int(f)) for f in needs) and self._fill(column):
            return True
        self.free, self.bought, self.opened, self._in_group = before
        return False

    def _fill(self, column: int) -> bool:
        p = self._p
        rows = p.target_row[p.col_target[column]]
        amounts = p.demand[p.col_variant[column]]
        wanted = [(int(r), float(a)) for r, a in zip(rows, amounts, strict=True) if r >= 0 and a > 0]
        span = slice(p.extra_indptr[column], p.extra_indptr[column + 1])
        wanted += [(int(r), float(a)) for r, a in zip(p.extra_row[span], p.extra_amount[span], strict=True)]
        return all(self._use(row, amount) for row, amount in wanted)

    def _use(self, row: int, amount: float) -> bool:
        while self.free[row] + 1e-9 < amount:
            if not self._buy_for(row, amount - float(self.free[row])):
                return False
        self.free[row] -= amount
        return True

    def _buy_for(self, row: int, missing: float) -> bool:
        p = self._p
        for k in sorted(self._sellers.get(row, ()), key=lambda k: (float(p.buy_cost[k]), k)):
            span = slice(p.buy_indptr[k], p.buy_indptr[k + 1])
            gives = dict(zip(p.buy_row[span].tolist(), p.buy_amount[span].tolist(), strict=True))
            room = p.buy_limit[k] - self.bought[k]
            if gives.get(row, 0.0) <= 0 or room <= 1e-12:
                continue
            needs = int(p.buy_open[k])
            if needs >= 0 and not self.opened[needs] and not self._try_open(needs):
                continue
            step = min(room, 1.0 if p.buy_integer[k] else missing / gives[row])
            self.bought[k] += step
            for other, amount in gives.items():
                self.free[other] += amount * step
            return True
        return False

    def _try_open(self, f: int) -> bool:
        p = self._p
        g = int(p.open_group[f])
        if f in self._opening or (g >= 0 and self._in_group[g] >= p.group_max[g]):
            return False
        span = slice(p.open_indptr[f], p.open_indptr[f + 1])
        self._opening.add(f)
        there = all(
            self._use(int(row), float(amount))
            for row, amount in zip(p.open_row[span].tolist(), p.open_amount[span].tolist(), strict=True)
        )
        self._opening.discard(f)
        if not there:
            return False
        self.opened[f] = True
        if g >= 0:
            self._in_group[g] += 1
        return True
