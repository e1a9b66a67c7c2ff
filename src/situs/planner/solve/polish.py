"""A better placement by solving small parts exactly: some classes are free, all others stay where they are.

Three ways tell which classes are worth freeing: those that the relaxation leaves between places, with all others
where it has them; those for which the relaxation and the best placement disagree; those that compete for the
places that somebody who pays more than the prices ask for would rather have.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from situs.planner.problem import Flags, Floats, Ints, Placement
from situs.planner.solve.bound import Priced
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import Frame
from situs.planner.solve.model import Kept
from situs.planner.solve.related import related
from situs.planner.solve.relaxation import rank_of
from situs.planner.solve.restricted import search

WHOLE = 1e-6
"""As close to a whole number, the relaxation is taken for it."""

CLOSE = 1e-5
"""Relative to the cost: a small part is solved as well as that."""

FEW, SOME = 4, 8
"""Columns of each free class that take part: those that cost the least with all they use charged."""

SIZES = (60, 100)
"""Of the classes that compete so many are free at a time, in turn: few are quick, more find more."""

IN_VAIN = 16
"""Searches in a row that found nothing, and others would not either."""

REACH = 0.3
"""Columns that cost more than this share of the gap hardly ever make way for a gain elsewhere."""

FAR = 3.0
"""So many times the gap that is asked for, and small parts alone would take long."""

NODES = 5


@dataclass(frozen=True, eq=False)
class Guide:
    """What a relaxation says about good placements."""

    bound: float
    proof: Priced
    cuts: CutList
    units: Floats
    """(J,) its solution"""


class Polish:
    """Improves ``best`` step by step; every better placement is offered."""

    def __init__(
        self,
        frame: Frame,
        guide: Guide,
        best: Placement,
        *,
        target: float,
        offer: Callable[[Placement], object],
        stop: Callable[[], bool],
        seconds: Callable[[], float | None],
    ) -> None:
        """A cost of ``target`` is good enough; ``seconds`` tells how many are left."""
        self.best = best
        self._frame, self._guide, self._target = frame, guide, target
        self._offer, self._stop, self._seconds = offer, stop, seconds
        self._reduced = guide.proof.reduced - guide.proof.least[frame.cls]
        self._begun = np.zeros(frame.classes)
        """how often a search began with each class"""

    def done(self) -> bool:
        """Whether there is nothing left to do, or no time."""
        return self.best.cost <= self._target or self._stop()

    def run(self) -> None:
        """All there is to try, in the order of what it promises for its time."""
        if self.best.cost - self._guide.bound > FAR * (self._target - self._guide.bound):
            self.round()
            self.agree()
        self.compete()
        self.agree()

    def round(self) -> None:
        """Free what the relaxation leaves between places, and as many classes again that could be elsewhere for
        little more; all others are where it has them."""
        if self.done():
            return
        frame, units = self._frame, self._guide.units
        whole = np.abs(units - np.round(units)) < WHOLE
        torn = np.unique(frame.cls[~whole])
        second = np.full(frame.classes, np.inf)
        at = np.flatnonzero(rank_of(frame.cls, self._reduced) == 1)
        second[frame.cls[at]] = self._reduced[at]
        second[torn] = np.inf
        near = np.argsort(second, kind="stable")[: max(40, len(torn) // 3)]
        self._free(np.union1d(torn, near), SOME, np.where(whole, np.round(units), 0).astype(np.int64), None)

    def agree(self) -> None:
        """Free the classes for which the relaxation and the best placement disagree, while that helps."""
        for each in (FEW, SOME):
            if self.done():
                return
            differ = np.abs(self._guide.units - self.best.units) > WHOLE
            self._free(np.unique(self._frame.cls[differ]), each, self.best.units, self.best)

    def compete(self) -> None:
        """Free the classes around the one that pays the most beyond what the prices ask, one after the other."""
        frame, in_vain = self._frame, 0
        for size in itertools.cycle(SIZES):
            if in_vain == IN_VAIN or self.done():
                return
            keen = self._overpaid() * 0.5**self._begun
            seed = int(np.argmax(keen))
            self._begun[seed] += 1
            before = self.best.cost
            near = np.union1d(
                self._near(np.ones(frame.classes, dtype=bool), SOME), np.flatnonzero(self.best.units)
            )
            free = related(frame, near, keen, seed, size)
            self._free(free, SOME, self.best.units, self.best)
            in_vain = 0 if self.best.cost < before - CLOSE * abs(before) / 10 else in_vain + 1

    def _overpaid(self) -> Floats:
        """(I,) what each class pays beyond what the prices ask for."""
        frame, best = self._frame, self.best
        used = np.bincount(frame.cls, self._reduced * best.units, minlength=frame.classes)
        least = self._guide.proof.least
        return np.asarray(used + best.unplaced * (frame.problem.penalty - least))

    def _free(self, free: Ints, each: int, units: Ints, start: Placement | None) -> None:
        """Search the nearest columns of the classes ``free``, with ``units`` of all others."""
        frame = self._frame
        is_free = np.zeros(frame.classes, dtype=bool)
        is_free[free] = True
        near = self._near(is_free, each)
        kept = units > 0
        if start is None:
            kept &= ~is_free[frame.cls]
        found = search(
            frame,
            np.union1d(near, np.flatnonzero(kept)),
            start=start,
            gap=CLOSE,
            nodes=1 if start is None else NODES,
            seconds=self._seconds(),
            cuts=self._guide.cuts,
            target=self._target,
            kept=Kept(np.flatnonzero(~is_free), units),
        )
        if found is not None and found.cost < self.best.cost:
            self.best = found
            self._offer(found)

    def _near(self, free: Flags, each: int) -> Ints:
        """The columns of the classes ``free`` (I,) that can be part of a better placement, the nearest of each."""
        frame = self._frame
        room = REACH * (self.best.cost - self._guide.bound)
        near = np.flatnonzero(free[frame.cls] & (self._reduced <= room) & (frame.limits.room > 0))
        return near[rank_of(frame.cls[near], self._reduced[near]) < each]
