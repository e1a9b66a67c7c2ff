"""The one path through the solver: bound first, then placements, then closing the gap from both sides."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import numpy as np

from situs.planner.certificate import Certificate, Prices
from situs.planner.problem import Ints, Placement, Problem
from situs.planner.solve.branching import EXACT, Branching
from situs.planner.solve.first import first_placement
from situs.planner.solve.frame import Frame
from situs.planner.solve.node_lp import NodeLP
from situs.planner.solve.relaxation import Relaxation, relax
from situs.planner.solve.restricted import search
from situs.planner.solve.result import Infeasible, Phase, Progress, Solution, relative_gap

SMALL = 20_000
"""Columns up to which the whole problem is searched at once."""


Stop = Literal["time", "cancelled"]


class _Run:
    """Best placement and bound so far, and when to stop."""

    def __init__(
        self,
        gap: float,
        time_limit_s: float | None,
        on_progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.wanted = gap
        self.began = time.perf_counter()
        self.limit = time_limit_s
        self.on_progress = on_progress
        self.cancelled = cancelled
        self.best: Placement | None = None
        self.certificate: Certificate | None = None
        self.phases: list[Phase] = []
        self.phase = "start"
        self._phase_began = self.began

    @property
    def cost(self) -> float:
        return self.best.cost if self.best else float("inf")

    @property
    def bound(self) -> float:
        return self.certificate.bound if self.certificate else float("-inf")

    @property
    def gap(self) -> float:
        return relative_gap(self.cost, self.bound) if self.best and self.certificate else float("inf")

    def proven(self) -> bool:
        return self.gap <= self.wanted + EXACT

    def done(self) -> bool:
        return self.proven() or self.stopped() is not None

    def stopped(self) -> Stop | None:
        if self.cancelled is not None and self.cancelled():
            return "cancelled"
        if self.limit is not None and time.perf_counter() - self.began > self.limit:
            return "time"
        return None

    def seconds_left(self) -> float | None:
        return None if self.limit is None else max(0.1, self.limit - (time.perf_counter() - self.began))

    def offer(self, placement: Placement | None) -> bool:
        """Take a placement if it is better."""
        if placement is None or placement.cost >= self.cost:
            return False
        self.best = placement
        self.report()
        return True

    def prove(self, certificate: Certificate) -> None:
        if certificate.bound > self.bound:
            self.certificate = certificate
            self.report()

    def report(self) -> None:
        if self.on_progress is not None and self.best is not None:
            self.on_progress(Progress(self.phase, self.cost, self.bound))

    def enter(self, phase: str) -> None:
        now = time.perf_counter()
        self.phases.append(Phase(self.phase, now - self._phase_began, self.cost, self.bound))
        self.phase, self._phase_began = phase, now


def solve(
    problem: Problem,
    *,
    gap: float = 1e-3,
    time_limit_s: float | None = None,
    start: Placement | None = None,
    prices: Prices | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Solution:
    """The best placement that could be found and a proof of how good it is.

    ``gap`` is the proven distance, as a fraction of the cost, at which to stop.  ``start`` and ``prices``
    come from an earlier, similar problem.  Raises Infeasible when the limits of opens cannot be met at all.
    """
    run = _Run(gap, time_limit_s, on_progress, cancelled)
    frame = Frame(problem)
    if start is not None:
        run.offer(start)
    run.enter("first placement")
    first = first_placement(frame)
    if first is None:
        raise Infeasible("the groups of opens ask for more than their rows can hold")
    run.offer(first)
    run.enter("relaxation")
    relaxation = relax(frame, start=prices, stop=lambda: run.stopped() is not None)
    if relaxation is None:
        raise Infeasible("the groups of opens ask for more than their rows can hold")
    run.prove(Certificate(relaxation.bound, (relaxation.prices,)))
    if not run.done():
        run.enter("search")
        _search(frame, relaxation, run)
    if not run.done() and frame.columns <= SMALL:
        run.enter("branching")
        _branch(frame, relaxation, run)
    assert run.best is not None and run.certificate is not None
    run.enter("end")
    status = "optimal" if run.proven() else (run.stopped() or "work")
    return Solution(
        run.best,
        run.certificate,
        run.gap,
        status,
        tuple(run.phases[1:]),
        relaxation.prices,
    )


def _search(frame: Frame, relaxation: Relaxation, run: _Run) -> None:
    none = np.zeros(frame.columns, dtype=np.int64)
    within = _within_reach(relaxation, frame, run)
    found = search(
        frame, within, none, start=run.best, gap=run.wanted / 4, nodes=2000, seconds=run.seconds_left()
    )
    run.offer(found)


def _branch(frame: Frame, relaxation: Relaxation, run: _Run) -> None:
    assert run.best is not None
    lp = NodeLP(frame, np.union1d(_within_reach(relaxation, frame, run), relaxation.master.columns))
    tree = Branching(
        frame,
        lp,
        relaxation.prices,
        run.best,
        gap=run.wanted,
        offer=run.offer,
        stop=lambda: run.stopped() is not None,
    )
    tree.run()
    run.prove(tree.certificate())


def _within_reach(relaxation: Relaxation, frame: Frame, run: _Run) -> Ints:
    """Columns that can be part of a better placement: their reduced cost does not exceed the gap."""
    reduced = relaxation.priced.reduced - relaxation.priced.least[frame.cls]
    room = run.cost - run.bound
    return np.flatnonzero((reduced <= room + 1e-9) & (frame.limits.room > 0))
