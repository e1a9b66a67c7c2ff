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

STALLED = 0.005
"""A round that closes less than this share of what all rounds closed together gained little ..."""

STALLED_ROUNDS = 6
"""... and after so many of them in a row it is time to branch instead."""

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
    on_bound: Callable[[float], None] = lambda bound: None,
) -> Strengthened:
    """The relaxation strengthened by cuts; ``cost`` is that of the best placement known.

    The bound is recomputed over all columns in every round, so it holds wherever the rounds are stopped.
    """
    within = within_reach(frame, relaxation.priced, cost - relaxation.bound)
    need = relaxation.prices.need_class.astype(np.int64) * frame.opens + relaxation.prices.need_open
    lp = CutLP(frame, within, need)
    rows = cut_rows(frame)
    best = Strengthened(
        relaxation.bound,
        relaxation.prices,
        (),
        relaxation.priced,
        Point(
            relaxation.relaxed.value,
            np.zeros(frame.columns),
            np.zeros(0),
            np.zeros(0),
            relaxation.prices,
            np.zeros(frame.classes),
        ),
    )
    began, weak = best.bound, 0
    for _ in range(MOST_ROUNDS):
        point = settled(frame, lp, stop)
        if point is None:
            break
        cuts = lp.cuts
        proof = priced(frame, point.prices, cuts=CutList.of(cuts))
        if proof.value > best.bound:
            gained = (proof.value - best.bound) / (proof.value - began)
            weak = weak + 1 if gained < STALLED else 0
            best = Strengthened(proof.value, point.prices, cuts, proof, point)
            on_bound(best.bound)
        else:
            weak += 1
        if stop() or weak >= STALLED_ROUNDS:
            break
        lp.drop_idle()
        found = separated(rows, point, stop)
        if not found:
            break
        lp.add_cuts([each.cut for each in found])
    return _only_priced(best)


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


def separated(rows: list[CutRow], point: Point, stop: Callable[[], bool]) -> list[Found]:
    """Cuts that the point breaks; when stopped, those of the rows looked at so far."""
    found: list[Found] = []
    for row in rows:
        if stop():
            break
        found += linked(row, point.units, point.bought)
        found += rounded(row, point.units, point.bought)
    return found


def _only_priced(best: Strengthened) -> Strengthened:
    used = np.flatnonzero(best.prices.cut > 0)
    p = best.prices
    prices = Prices(p.row, p.need_class, p.need_open, p.need_price, p.buy, p.cut[used])
    return Strengthened(best.bound, prices, tuple(best.cuts[n] for n in used), best.priced, best.point)
