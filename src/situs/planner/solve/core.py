"""The relaxation over the near columns of a large problem, as a linear program that cuts and decisions tighten.

Prices from the smoothed dual tell which few columns matter; over these a linear program is small.  There the
choices that fractions get wrong are seen: blocks bought by the tenth, large units split over two places.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from situs.planner.certificate import Cut
from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.block_cuts import BlockRow, block_rows
from situs.planner.solve.bound import Box, reduced
from situs.planner.solve.cases import Side, narrow
from situs.planner.solve.cut_lp import CutLP, Point
from situs.planner.solve.cut_rows import CutRow, cut_rows
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import AnyInts, Frame, ranges
from situs.planner.solve.nearness import nearest
from situs.planner.solve.pricing import Pricing, State, state_at
from situs.planner.solve.relaxation import rank_of

COLUMNS_A_CLASS = 3
"""So many columns begin in the linear program, on average over the classes."""

COLUMNS_A_ROUND = 2
"""Columns of each class that join at a time."""


class Stuck(Exception):
    """What has been decided cannot hold together."""


class Core:
    """The linear program with what is known of its cuts.

    Opens begin as prices have chosen them.  Where other prices choose otherwise, the whole group is free from then
    on, with all its rows "only if open".
    """

    def __init__(self, frame: Frame, pricing: Pricing) -> None:
        state = pricing.state
        self.frame, self.pricing = frame, pricing
        self._opened: Flags = state.opened.copy()
        self._free: Flags = ~pricing.needs.chosen_here
        """opens that the linear program chooses"""
        self.sides: tuple[Side, ...] = ()
        """what is decided of purchases and opens"""
        self._pairs: Ints = np.empty(0, dtype=np.int64)
        self._usable: Flags = state.usable
        charged = np.where(state.usable, state.charged, np.inf)
        near = nearest(frame, charged, pricing.scale, COLUMNS_A_CLASS * frame.classes)
        self.lp = CutLP(frame, near, self._pairs, large=True)
        self.lp.limit(self._within(self.sides))
        self.rows: list[CutRow] = cut_rows(frame)
        self.blocks: list[BlockRow] = block_rows(self.rows)

    @property
    def cuts(self) -> CutList:
        """Those in the linear program, in the order in which points price them."""
        return CutList.of(self.lp.cuts)

    def decide(self, sides: tuple[Side, ...]) -> None:
        """From now on, this is decided, and nothing else."""
        self.sides = sides
        self.lp.limit(self._within(sides))

    def peek(self, side: Side, steps: int) -> Point | None:
        """About the optimum when this is decided too, its cost a little too low; None where it is impossible."""
        return self.lp.peek(self._within((*self.sides, side)), steps)

    def _within(self, sides: tuple[Side, ...]) -> Box:
        """The limits of purchases and opens when these sides hold."""
        box = Box.whole(self.frame)
        box.open_low[~self._free & self._opened] = 1
        box.open_high[~self._free & ~self._opened] = 0
        for side in sides:
            if side.what == "bought":
                narrow(box.buy_low, box.buy_high, side)
            else:
                narrow(box.open_low, box.open_high, side)
        return box

    def possible(self) -> Point | None:
        """The optimum over the columns that are in it; None where there is none.

        Opens as prices choose them may not fit together; then all are free.
        """
        point = self.lp.solve()
        if point is None and not np.all(self._free):
            self._set_free(~self._opened)
            point = self.lp.solve()
        return point

    def solve(self) -> Point:
        """The same. Raises Stuck where there is none."""
        point = self.possible()
        if point is None:
            raise Stuck
        return point

    def complete(self) -> Point:
        """The optimum over all usable columns: those that its prices ask for join until none does."""
        while True:
            point = self.solve()
            missing = self._missing(point)
            if not len(missing):
                return point
            self._add_pairs(missing)
            self.lp.add_columns(missing)

    def settle(self) -> tuple[Point, State]:
        """The optimum with every group free whose opens its prices would choose otherwise."""
        while True:
            point = self.complete()
            state = self.state(point)
            if not self._set_free(state.opened):
                return point, state

    def tighten(
        self,
        find: Callable[[Core, Point], list[Cut]],
        rounds: int,
        enough: float,
        stop: Callable[[], bool],
        settle: Callable[[Core], Point],
    ) -> Point:
        """Rounds of cuts that ``find`` gives, until one raises the value by less than the share ``enough``."""
        point = settle(self)
        for _ in range(rounds):
            before = point.value
            cuts = [] if stop() else find(self, point)
            if not cuts:
                break
            self.lp.drop_idle(pairs=False)
            self.lp.add_cuts(cuts)
            point = settle(self)
            if point.value - before <= enough * abs(before):
                break
        return point

    def state(self, point: Point) -> State:
        """What the prices of a point prove and mean."""
        prices = point.prices
        return state_at(self.frame, self.pricing.needs, prices.row, prices.buy, prices.cut, self.cuts)

    def charged(self, point: Point) -> Floats:
        """(J,) what a unit of each column costs at the prices of a point, with all it uses."""
        return reduced(self.frame, point.prices, self.cuts)

    def _missing(self, point: Point) -> Ints:
        """Columns that would be cheaper than what their class pays, the cheapest of each class."""
        frame, cost = self.frame, self.charged(point)
        least = point.paid - 1e-7 * np.maximum(1.0, np.abs(point.paid))
        missing = np.flatnonzero((cost < least[frame.cls]) & self._usable & ~self.lp.present)
        return missing[rank_of(frame.cls[missing], cost[missing]) < COLUMNS_A_ROUND]

    def _add_pairs(self, columns: AnyInts) -> None:
        """Let the rows "only if open" join that these columns need: all for opens that are not certain."""
        frame = self.frame
        items, owner = ranges(frame.problem.need_indptr, columns)
        opens = frame.problem.need_open[items]
        some = self._free[opens]
        keys = frame.cls[columns[owner[some]]].astype(np.int64) * frame.opens + opens[some]
        new = np.setdiff1d(keys, self._pairs)
        if len(new):
            self.lp.add_pairs(new)
            self._pairs = np.concatenate((self._pairs, new))

    def _set_free(self, opened: Flags) -> bool:
        """Set free the groups that are not chosen like this; whether there were any."""
        group = self.frame.problem.open_group
        other = ~self._free & (opened != self._opened)
        if not np.any(other):
            return False
        newly = ~self._free & (other | (np.isin(group, group[other & (group >= 0)]) & (group >= 0)))
        self._free = self._free | newly
        self._usable = self.pricing.needs.usable(self._free | self._opened)
        self._add_pairs(self.lp.columns)
        self.lp.limit(self._within(self.sides), wider=True)
        return True
