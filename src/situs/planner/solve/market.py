"""Prices from a smoothed dual: fast at any size, from any start, to any accuracy worth having.

The Lagrangian dual is concave but has kinks: at the right prices many workloads are torn between two places,
and an ordinary ascent jumps from one to the other.  Here every class spreads softly over its options, the
more evenly the higher a temperature.  The smoothed dual has a gradient (what is wanted of each row beyond
what is there) and a curvature (how that reacts to prices), so that Newton's method climbs it in a few steps;
then the temperature falls.

The temperature is relative: a class feels it in proportion to what its options cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from scipy import sparse
from scipy.special import expit

from situs.planner.problem import Flags, Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.extent import extent
from situs.planner.solve.frame import Frame
from situs.planner.solve.offered import offered
from situs.planner.solve.parts import PARTS, at_once, each_part
from situs.planner.solve.reaction import find_torn, own_reaction, react
from situs.planner.solve.response import respond

T = TypeVar("T")

FEW_USERS = 100

MOST_ROUNDS = 100
ROUGHLY = 0.03
"""Of the conjugate gradients: at most so many, or until the error has shrunk to this share."""

EVENLY = 0.1
"""Rows are trusted to react at least like this share of an even spread: nobody's reaction is left out for being
rare now."""

NOTHING = 1e-200
"""A step that bends less than that is made of rounding errors alone."""

DAMPING = 1e-2
DEAREST = 1e12
"""No capacity is worth more; a model that says so is not to be trusted."""

TRIALS = 6
"""Each with ten times more damping; when none gains what it promises, the climb ends."""


@dataclass(frozen=True, eq=False)
class Soft:
    """What everyone does at some prices and a temperature."""

    value: float
    """the smoothed dual: below the dual, by at most temperature * log(options) of what the classes cost"""
    units: Floats
    """of the market's columns, not whole"""
    singles: Floats
    """purchases, then opens, not whole"""
    excess: Floats
    """of the market's rows: wanted beyond what is there"""


class _Model:
    """A quadratic model of the smoothed dual over free rows: a step is found by conjugate gradients."""

    def __init__(self, reaction: Callable[[Floats], Floats], diagonal: Floats, trust: Floats) -> None:
        self._reaction, self._diagonal, self._trust = reaction, diagonal, trust

    def step(self, excess: Floats, damping: float) -> tuple[Floats, float]:
        """Where to go, and what that promises to gain."""
        # Where nobody reacts no price is high enough, and the step ends at the dearest.
        damped = np.maximum(damping * self._trust, np.abs(excess) / DEAREST)
        precondition = 1.0 / np.maximum(self._diagonal + damped, NOTHING)
        step, bent = np.zeros(len(excess)), np.zeros(len(excess))
        left = excess.copy()
        toward = precondition * left
        along, start = toward, float(left @ toward)
        now = start
        for _ in range(MOST_ROUNDS):
            reaction = self._reaction(along)
            curved = float(along @ (reaction + damped * along))
            if curved <= NOTHING:
                break
            length = now / curved
            step = step + length * along
            bent = bent + length * reaction
            left = left - length * (reaction + damped * along)
            toward = precondition * left
            before, now = now, float(left @ toward)
            if now <= ROUGHLY * start:
                break
            along = toward + (now / before) * along
        return step, float(step @ excess) - 0.5 * float(step @ bent)


class Market:
    """Some columns of a problem with all purchases, and the rows they meet in.

    The rows are those of capacity, then "purchase only if its open is there".  Opens that columns need are chosen
    beforehand: ``opened`` tells which are there; those in ``fixed`` stay as they are, the others are free between
    not there and there.  ``scale`` (I,) is what a class feels temperature by; ``box`` limits purchases.
    Where the columns are those of one class of so many only, ``one_of`` says so: each stands for that many, and
    rows that few use are left out of account.  ``floor`` (M,) is what prices do not fall below, see :mod:`.floors`.
    """

    def __init__(
        self,
        frame: Frame,
        columns: Ints,
        opened: Flags,
        fixed: Flags,
        scale: Floats,
        *,
        box: Box | None = None,
        one_of: int = 1,
        floor: Floats | None = None,
    ) -> None:
        p, box = frame.problem, box or Box.whole(frame)
        offer = offered(frame, columns, one_of)
        self.frame = frame
        self.columns = offer.columns
        """those given, and perhaps others that are not on offer"""
        self.classes, self.starts = offer.classes, offer.starts
        self.cost, self._uses, self._limit = offer.cost, offer.uses, offer.limit
        self.count = one_of * p.count[self.classes].astype(float)
        self.penalty = p.penalty[self.classes].astype(float)
        self.scale = scale[self.classes]
        self._units = np.empty(len(self.columns))
        self._singles(opened, fixed, box)
        self.floor: Floats = np.zeros(self.rows)
        """(rows,) prices do not fall below this"""
        if floor is not None:
            self.floor[: frame.rows] = floor
        self.there = np.concatenate(
            (np.where(frame.finite_row, p.row_capacity, 0.0), np.zeros(len(self._tied)))
        )
        most, users, self._even = self._extent()
        limited = most > self.there
        limited[: frame.rows] &= frame.finite_row
        if one_of > 1:
            limited &= users >= FEW_USERS
        self.limited: Ints = np.flatnonzero(limited)
        """rows that can be wanted beyond what is there; all others are worth nothing"""

    def _singles(self, opened: Flags, fixed: Flags, box: Box) -> None:
        frame, p = self.frame, self.frame.problem
        self._tied = np.flatnonzero(p.buy_open >= 0)
        tie = frame.rows + np.arange(len(self._tied))
        self.rows = frame.rows + len(self._tied)
        blocks = (
            (p.buy_row, frame.buy_of, -p.buy_amount),
            (tie, self._tied, np.ones(len(tie))),
            (tie, frame.buys + p.buy_open[self._tied], -p.buy_limit[self._tied]),
            (p.open_row, frame.buys + frame.open_of, p.open_amount),
        )
        row = np.concatenate([rows for rows, _, _ in blocks])
        col = np.concatenate([cols for _, cols, _ in blocks])
        amount = np.concatenate([amounts for _, _, amounts in blocks])
        self._single_use = sparse.csr_matrix(
            (amount, (row, col)), shape=(self.rows, frame.buys + frame.opens)
        )
        self._single_charge = self._single_use.T.tocsr()
        self._single_cost = np.concatenate((p.buy_cost, p.open_cost))
        there = opened.astype(float)
        self._single_low = np.concatenate((box.buy_low, np.where(fixed, there, 0.0)))
        self._single_high = np.concatenate((box.buy_high, np.where(fixed, there, 1.0)))
        typical = np.abs(self._single_cost)
        self._single_scale = np.maximum(
            typical, 1e-3 * max(float(typical.mean()) if len(typical) else 1.0, 1e-9)
        )

    def _extent(self) -> tuple[Floats, Ints, Floats]:
        """(rows,) what can be wanted of each row at most, how many use it, and how what is wanted would react at
        temperature 1 if every class spread evenly over its options."""
        most, even = np.zeros((PARTS, self.rows)), np.zeros((PARTS, self.rows))
        users = np.zeros((PARTS, self.rows), dtype=np.int64)
        self._each(
            extent, lambda part: (self.cost, self.count, self.scale, most[part], even[part], users[part])
        )
        squared = self._single_use.power(2)
        width = self._single_high - self._single_low
        return (
            most.sum(axis=0) + self._single_use.maximum(0) @ self._single_high,
            users.sum(axis=0) + np.diff(self._single_use.indptr),
            even.sum(axis=0) + squared @ (0.25 * width / self._single_scale),
        )

    def soft(self, price: Floats, temperature: float) -> Soft:
        """Where everyone goes at these prices."""
        loads = np.zeros((PARTS, self.rows))
        heat = temperature * self.scale
        values = self._each(
            respond,
            lambda part: (
                self.cost,
                price,
                self.count,
                self.penalty,
                heat,
                self._limit,
                self._units,
                loads[part],
            ),
        )
        value = sum(values) - float(price @ self.there)
        excess = loads.sum(axis=0) - self.there
        excess[: self.frame.rows][~self.frame.finite_row] = 0.0
        heat = temperature * self._single_scale
        net = self._single_cost + self._single_charge @ price
        width = self._single_high - self._single_low
        eager = -net / heat
        value += float(net @ self._single_low - (heat * width) @ np.logaddexp(0.0, eager))
        singles = self._single_low + width * expit(eager)
        excess += self._single_use @ singles
        return Soft(value, self._units, singles, excess)

    def _each(self, work: Callable[..., T], further: Callable[[int], tuple[Any, ...]]) -> list[T]:
        """What each part of the classes gives; parts are worked on at the same time."""
        return each_part(
            self.starts,
            lambda part, begin, end: work(begin, end, self.starts, self._uses, *further(part)),
        )

    def _model(self, soft: Soft, temperature: float, free: Ints) -> _Model:
        """How the value changes near these prices."""
        heat = temperature * self.scale
        single = self._single_use[free]
        bending = self._single_bending(soft, temperature)
        at = np.full(self.rows, -1, dtype=np.int32)
        at[free] = np.arange(len(free))
        torn = self._each(find_torn, lambda part: (self.count, heat, self._limit, soft.units, at))
        diagonals = np.zeros((PARTS, len(free)))
        for part, each in enumerate(torn):
            own_reaction(each, diagonals[part])
        diagonal = diagonals.sum(axis=0) + single.power(2) @ bending
        trust = diagonal + EVENLY * self._even[free] / temperature
        back = single.T.tocsr()

        def reaction(change: Floats) -> Floats:
            less = np.zeros((PARTS, len(free)))
            at_once(react, [(each, change, less[part]) for part, each in enumerate(torn)])
            result: Floats = less.sum(axis=0) + single @ (bending * (back @ change))
            return result

        return _Model(reaction, diagonal, trust)

    def _single_bending(self, soft: Soft, temperature: float) -> Floats:
        width = self._single_high - self._single_low
        part = np.where(width > 0, (soft.singles - self._single_low) / np.where(width > 0, width, 1.0), 0.0)
        bending: Floats = width * part * (1.0 - part) / (temperature * self._single_scale)
        return bending

    def climb(
        self,
        price: Floats,
        temperature: float,
        steps: int,
        enough: float,
        stop: Callable[[], bool] = lambda: False,
    ) -> tuple[Floats, Soft]:
        """Prices at which what is wanted is there, as nearly as ``steps`` steps get; ends when a step gains less
        than the share ``enough`` of the value."""
        limited = np.zeros(self.rows, dtype=bool)
        limited[self.limited] = True
        price = np.where(limited, price, self.floor)
        soft = self.soft(price, temperature)
        damping = DAMPING
        for _ in range(steps):
            free = np.flatnonzero(limited & ((price > self.floor) | (soft.excess > 0)))
            if not len(free) or stop():
                break
            value, excess = soft.value, soft.excess[free]
            model = self._model(soft, temperature, free)
            gain = promised = 0.0
            for _ in range(TRIALS):
                direction, promised = model.step(excess, damping)
                trial = price.copy()
                trial[free] = np.clip(price[free] + direction, self.floor[free], DEAREST)
                after = self.soft(trial, temperature)
                gain = after.value - value
                if gain > 0.05 * promised:
                    break
                damping *= 10
            else:
                soft = self.soft(price, temperature)
                break
            price, soft = trial, after
            if gain > 0.7 * promised:
                damping /= 5
            elif gain < 0.25 * promised:
                damping *= 3
            if promised <= enough * abs(value):
                break
        return price, soft

    def start(self, row: Floats, buy: Floats) -> Floats:
        """Prices of the market from prices of the problem."""
        return np.concatenate((row, buy[self._tied]))

    def split(self, price: Floats) -> tuple[Floats, Floats]:
        """Prices of the problem's rows and purchases."""
        buy = np.zeros(self.frame.buys)
        buy[self._tied] = price[self.frame.rows :]
        return price[: self.frame.rows].copy(), buy
