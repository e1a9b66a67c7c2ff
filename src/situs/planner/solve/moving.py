"""Units on their options, moved about in place until they are better off and fit."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Floats, Ints
from situs.planner.solve.annealing import anneal
from situs.planner.solve.clearing import bring_in, clear_overfull
from situs.planner.solve.frame import Frame
from situs.planner.solve.options import Cells, Options
from situs.planner.solve.purchases import SLACK

SEED = 88172645463325252

UNWANTED = 0.05
"""A row without a price is worth this share of what its users cost, so that overfilling it is no bargain."""


class Moving:
    """Where units are, and the ways to move them."""

    def __init__(
        self, frame: Frame, options: Options, units: Ints, scale: Floats, movable: Ints | None = None
    ) -> None:
        """``units`` (o,) is where they are in the beginning; only classes ``movable`` are moved, or all.

        ``scale`` (I,) is what differences between the options of each class are measured by.
        """
        self.frame, self.options, self.scale = frame, options, scale
        self.units = units
        """(o,)"""
        self.movable: Ints = np.arange(frame.classes) if movable is None else movable
        self._state = np.array([SEED], dtype=np.int64)

    @staticmethod
    def on_options(frame: Frame, options: Options, units: Ints) -> Ints:
        """(o,) the units (J,) of columns as those of options; the rest of each class is left out."""
        real = options.column >= 0
        placed = np.bincount(frame.cls, units, minlength=frame.classes).astype(np.int64)
        found = np.zeros(len(options.cost), dtype=np.int64)
        found[real] = units[options.column[real]]
        found[~real] = frame.problem.count - placed
        return found

    def worth(self, price: Floats) -> Floats:
        """(M,) prices of rows, and a little where there is none."""
        o, rows = self.options, self.frame.rows
        users = np.bincount(o.use_row, minlength=rows)
        paid = np.bincount(o.use_row, self.scale[o.cls[o.use_of]] / o.use_amount, minlength=rows)
        return np.asarray(np.maximum(price, UNWANTED * paid / np.maximum(users, 1)))

    def load(self) -> Floats:
        """(M,) what they take."""
        o = self.options
        load = np.bincount(o.use_row, o.use_amount * self.units[o.use_of], minlength=self.frame.rows)
        return load.astype(float)

    def anneal(
        self, there: Cells, trials: int, hot: float, cold: float, steep: float, steepest: float
    ) -> None:
        """So many trials, see :func:`~situs.planner.solve.annealing.anneal`."""
        if not len(self.movable):
            return
        o = self.options
        anneal(
            trials, self._state, hot, cold, steep, steepest,
            o.first, o.cost, o.limit, o.cls, o.target, o.use_indptr, o.use_row, o.use_amount, o.by_target,
            self.movable, self.frame.problem.count, self.scale,
            there.of_row, there.indptr, there.row, there.own, there.worth, there.block_cost, there.block_limit,
            there.block_amount, there.cheap, there.cheap_price, there.dear, there.dear_price,
            self.units, self.load(),
        )  # fmt: skip

    def clear(self, there: Cells) -> None:
        """Move units away, or leave them out, until all fit; then bring in what can be brought in."""
        o = self.options
        load, room = self.load(), there.own + there.cheap + there.dear
        room = np.where(np.isfinite(room), room + SLACK * np.abs(room), np.inf)
        uses = (o.use_indptr, o.use_row, o.use_amount)
        clear_overfull(o.first, o.cost, o.limit, o.cls, *uses, room, self.units, load)
        out = np.flatnonzero(self.units[o.first[1:] - 1] > 0)
        out = out[np.argsort(-self.frame.problem.penalty[out], kind="stable")]
        bring_in(o.first, o.cost, o.limit, o.cls, o.target, *uses, o.by_target, out, room, self.units, load)

    def by_column(self) -> Ints:
        """(J,) the units of each column."""
        units = np.zeros(self.frame.columns, dtype=np.int64)
        real = self.options.column >= 0
        units[self.options.column[real]] = self.units[real]
        return units
