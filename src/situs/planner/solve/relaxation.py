"""Column generation: the relaxation's optimum without ever holding all columns in the LP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Prices
from situs.planner.problem import Floats, Ints
from situs.planner.solve.bound import Priced, priced
from situs.planner.solve.frame import AnyInts, Frame
from situs.planner.solve.master import Master, Relaxed

FIRST_COLUMNS = 4
"""Columns of each class that begin in the LP: the cheapest under the prices it starts from."""

COLUMNS_PER_ROUND = 2
"""Columns of each class that join in a round. One is too slow to converge, many fill the LP."""

NEEDS_PER_ROUND = 2000

CLOSE_ENOUGH = 2e-6
"""The relaxation is done when the prices prove a bound this close to its value: far below any gap asked for."""

MOST_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The best proven bound, its prices, and the last LP solution."""

    bound: float
    prices: Prices
    priced: Priced
    relaxed: Relaxed
    master: Master


def relax(
    frame: Frame,
    *,
    start: Prices | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Relaxation | None:
    """Solve the relaxation; None when it has no solution.

    The bound is valid at any time: it is recomputed from the prices over all columns in every round.
    """
    guess = priced(frame, start or no_prices(frame))
    master = Master(frame, cheapest(frame, guess.reduced, FIRST_COLUMNS))
    best: Relaxation | None = None
    relaxed = master.solve()
    for _ in range(MOST_ROUNDS):
        if relaxed is None:
            return None
        added = master.add_violated_needs(relaxed, NEEDS_PER_ROUND)
        if added:
            relaxed = master.solve()
            continue
        proof = priced(frame, relaxed.prices)
        if best is None or proof.value > best.bound:
            best = Relaxation(proof.value, relaxed.prices, proof, relaxed, master)
        gap = (relaxed.value - best.bound) / max(1.0, abs(relaxed.value))
        attractive = promising(frame, proof, COLUMNS_PER_ROUND)
        if gap <= CLOSE_ENOUGH or not master.add(attractive) or stop():
            return Relaxation(best.bound, best.prices, best.priced, relaxed, master)
        relaxed = master.solve()
    if relaxed is None:
        return None
    if best is None:
        proof = priced(frame, relaxed.prices)
        return Relaxation(proof.value, relaxed.prices, proof, relaxed, master)
    return Relaxation(best.bound, best.prices, best.priced, relaxed, master)


def no_prices(frame: Frame) -> Prices:
    """Everything is free: the weakest proof there is, and a place to start."""
    none = np.empty(0, dtype=np.int32)
    return Prices(np.zeros(frame.rows), none, none, np.empty(0), np.zeros(frame.buys))


def cheapest(frame: Frame, values: Floats, each: int) -> Ints:
    """The ``each`` columns of least value of every class."""
    rank = rank_in_class(frame, values, each)
    return np.flatnonzero(rank < each)


def promising(frame: Frame, proof: Priced, each: int) -> Ints:
    """Columns that would improve the LP: cheaper than the class pays now."""
    scale = 1e-9 * np.maximum(1.0, np.abs(proof.least))
    better = proof.reduced < (proof.least + scale)[frame.cls] + 1e-12
    better &= frame.limits.room > 0
    near = np.flatnonzero(better)
    return (
        near
        if len(near) <= each * frame.classes
        else near[rank_of(frame.cls[near], proof.reduced[near]) < each]
    )


def rank_in_class(frame: Frame, values: Floats, each: int) -> Ints:
    """(J,) how many columns of the class are cheaper; exact up to ``each``."""
    return rank_of(frame.cls, values)


def rank_of(cls: AnyInts, values: Floats) -> Ints:
    """Position of each entry among those of its class, least value first; ``cls`` non-decreasing."""
    order = np.lexsort((values, cls))
    sorted_cls = cls[order]
    starts = np.flatnonzero(np.r_[True, sorted_cls[1:] != sorted_cls[:-1]]) if len(cls) else np.empty(0, int)
    lengths = np.diff(np.r_[starts, len(cls)])
    rank = np.empty(len(cls), dtype=np.int64)
    rank[order] = np.arange(len(cls)) - np.repeat(starts, lengths)
    return rank
