"""Cuts: inequalities that whole units keep and fractions break, and the bound that follows from them.

Rounds of: solve the relaxation, let idle cuts go, look at every row for cuts that the solution breaks.  A cut
is a choice of whole weights; its limit is then the most weight that fits the row (:mod:`.knapsack`), so every
cut is right whatever led to its weights, and the checker can verify it from the row alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Cut, Prices
from situs.planner.problem import Ints
from situs.planner.solve.bound import Priced, priced
from situs.planner.solve.cut_lp import CutLP, Point
from situs.planner.solve.cut_rows import CutRow, cut_rows
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import Frame
from situs.planner.solve.relaxation import Relaxation, rank_of
from situs.planner.solve.separate import Found, linked, rounded

MOST_ROUNDS = 60

QUICK, THOROUGH = 8, 50
"""Weights of a row whose exact limit is found in a round: with few, a round takes a third of the time and closes
nearly as much; when that is used up, many still find some cuts."""

STALLED_ROUNDS = 4
"""After so many rounds in a row that gained little it is time to do something else."""

COLUMNS_PER_ROUND = 3


@dataclass(frozen=True, eq=False)
class Strengthened:
    """What the relaxation with cuts proves."""

    bound: float
    prices: Prices
    cuts: tuple[Cut, ...]
    """those that ``prices.cut`` prices, each with a price above 0"""
    priced: Priced
    point: Point
    """the last solution"""


def strengthened(
    frame: Frame,
    relaxation: Relaxation,
    *,
    cost: float = np.inf,
    stop: Callable[[], bool] = lambda: False,
) -> Strengthened:
    """The relaxation with all the cuts worth their time; ``cost`` is that of the best placement known."""
    cutting = Cutting(frame, relaxation, cost)
    for tables in (QUICK, THOROUGH):
        cutting.run(tables, 0.0, stop)
    return cutting.found()


class Cutting:
    """Rounds of cuts, to be gone on with.

    The bound is recomputed over all columns in every round, so it holds wherever the rounds are stopped.
    """

    def __init__(
        self, frame: Frame, relaxation: Relaxation, cost: float, known: tuple[Cut, ...] = ()
    ) -> None:
        """Columns that cannot be part of a placement cheaper than ``cost`` are left out; ``known`` cuts are in
        from the start."""
        within = within_reach(frame, relaxation.priced, cost - relaxation.bound)
        p = relaxation.prices
        self._frame = frame
        self._lp = CutLP(frame, within, p.need_class.astype(np.int64) * frame.opens + p.need_open)
        self._lp.add_cuts(list(known))
        self._rows = cut_rows(frame)
        nowhere = Point(
            relaxation.relaxed.value,
            np.zeros(frame.columns),
            np.zeros(0),
            np.zeros(0),
            relaxation.prices,
            np.zeros(frame.classes),
        )
        self._best = Strengthened(relaxation.bound, relaxation.prices, (), relaxation.priced, nowhere)

    @property
    def bound(self) -> float:
        """The best proven so far."""
        return self._best.bound

    def run(self, tables: int, worth: float, stop: Callable[[], bool]) -> None:
        """Rounds with so many tables a row, until some in a row gained less than ``worth`` each."""
        weak = 0
        for _ in range(MOST_ROUNDS):
            point = settled(self._frame, self._lp, stop)
            if point is None:
                return
            before = self._best.bound
            cuts = self._lp.cuts
            proof = priced(self._frame, point.prices, cuts=CutList.of(cuts))
            if proof.value > before:
                self._best = Strengthened(proof.value, point.prices, cuts, proof, point)
            weak = 0 if self._best.bound - before > max(worth, 1e-9 * abs(before)) else weak + 1
            if stop() or weak >= STALLED_ROUNDS:
                return
            self._lp.drop_idle()
            found = separated(self._rows, point, tables, stop)
            if not found:
                return
            self._lp.add_cuts([each.cut for each in found])

    def found(self) -> Strengthened:
        """The best so far, with the cuts that it needs."""
        return _only_priced(self._best)


def settled(frame: Frame, lp: CutLP, stop: Callable[[], bool]) -> Point | None:
    """The optimum with all the rows "only if open" and all columns that it asks for; None where there is none,
    and when stopped on the way."""
    while True:
        point = lp.solve()
        if point is None:
            return None
        pairs = lp.broken_pairs(point, 2000)
        if len(pairs):
            lp.add_pairs(pairs)
            if stop():
                return None
            continue
        proof = priced(frame, point.prices, cuts=CutList.of(lp.cuts))
        least = proof.least[frame.cls]
        missing = np.flatnonzero(
            ~lp.present
            & (frame.limits.room > 0)
            & (proof.reduced < least - 1e-9 * np.maximum(1.0, np.abs(least)))
        )
        missing = missing[rank_of(frame.cls[missing], proof.reduced[missing]) < COLUMNS_PER_ROUND]
        if not lp.add_columns(missing):
            return point
        if stop():
            return None


def within_reach(frame: Frame, proof: Priced, room: float) -> Ints:
    """Columns that can be part of a placement better than the one known."""
    reach = (frame.limits.room > 0) & (proof.reduced - proof.least[frame.cls] <= room + 1e-9)
    return np.flatnonzero(reach)


def separated(rows: list[CutRow], point: Point, tables: int, stop: Callable[[], bool]) -> list[Found]:
    """Cuts that the point breaks; when stopped, those of the rows looked at so far."""
    found: list[Found] = []
    for row in rows:
        if stop():
            break
        found += linked(row, point.units, point.bought)
        found += rounded(row, point.units, point.bought, tables)
    return found


def _only_priced(best: Strengthened) -> Strengthened:
    used = np.flatnonzero(best.prices.cut > 0)
    p = best.prices
    prices = Prices(p.row, p.need_class, p.need_open, p.need_price, p.buy, p.cut[used])
    return Strengthened(best.bound, prices, tuple(best.cuts[n] for n in used), best.priced, best.point)
