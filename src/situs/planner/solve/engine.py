"""The one path through the solver: bound first, then placements, then closing the gap from both sides."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import numpy as np

from situs.planner.certificate import Certificate, Prices
from situs.planner.problem import Placement, Problem
from situs.planner.solve.blocks import Decided, decided
from situs.planner.solve.branching import EXACT
from situs.planner.solve.closing import close, polish
from situs.planner.solve.core import Stuck
from situs.planner.solve.first import first_placement, nothing_placed
from situs.planner.solve.frame import Frame
from situs.planner.solve.polish import Guide
from situs.planner.solve.pricing import Pricing, State, price
from situs.planner.solve.primal import BRISK, Pace, Search
from situs.planner.solve.relaxation import relax
from situs.planner.solve.result import Infeasible, Phase, Progress, Solution, relative_gap
from situs.planner.solve.wholes import Wholes

SMALL = 20_000
"""Columns up to which the gap is closed by cuts and cases."""

MANY = 1_000_000
"""With more columns, or more units than a tenth of that, the first placement leaves everything out: going through
them one by one takes longer than the first prices."""

PRICING_SHARE = 0.6
"""Of the time that may be spent, pricing a large problem takes no more than this."""

DECIDING_SHARE = 0.75
"""And with deciding about purchases no more than this."""

MOST_CLASSES, MOST_UNITS = 20_000, 100
"""With more classes, a linear program over them takes too long; and with more units of each, on average, a few
columns a class are not enough for one."""

MOST_SEARCHES = 20
"""Local searches one after the other, each from where the last one ended."""

PATIENT = Pace(hot=1e-3, patience=8)
"""What a local search is given when a brisk one has not closed the gap."""

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

    def share_used(self) -> float:
        """Of the time there is; 0 without a limit."""
        return 0.0 if self.limit is None else (time.perf_counter() - self.began) / self.limit

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
    large = max(frame.columns, 10 * int(problem.count.sum())) > MANY
    first = nothing_placed(frame) if large else first_placement(frame)
    if first is None:
        raise Infeasible("the groups of opens ask for more than their rows can hold")
    run.offer(first)
    if frame.columns > SMALL:
        return _large(frame, run, prices)
    run.enter("relaxation")
    relaxation = relax(frame, start=prices, stop=lambda: run.stopped() is not None)
    if relaxation is None:
        raise Infeasible("the groups of opens ask for more than their rows can hold")
    run.prove(Certificate(relaxation.bound, (relaxation.prices,)))
    if not run.done():
        close(frame, relaxation, run)
    return _solution(run, relaxation.prices)


def _solution(run: _Run, prices: Prices) -> Solution:
    assert run.best is not None and run.certificate is not None
    run.enter("end")
    status = "optimal" if run.proven() else (run.stopped() or "work")
    return Solution(run.best, run.certificate, run.gap, status, tuple(run.phases[1:]), prices)


def _large(frame: Frame, run: _Run, prices: Prices | None) -> Solution:
    """Too large for a linear program: prices from a smoothed dual, then local search led by them."""
    run.enter("relaxation")

    def late() -> bool:
        return run.stopped() is not None or run.share_used() > PRICING_SHARE

    def prove(state: State) -> None:
        run.prove(Certificate(state.proof.value, (state.prices,)))

    pricing = price(frame, start=prices, stop=late, on_bound=prove)
    if not run.done():
        _place(frame, pricing, run)
    return _solution(run, pricing.state.prices)


def _place(frame: Frame, pricing: Pricing, run: _Run) -> None:
    """Purchases first, then units, harder and harder until the gap is closed."""
    run.enter("purchases")
    known, guide = _decided(frame, pricing, run)
    paces, searches = ((BRISK, PATIENT), 1) if guide else ((BRISK,), MOST_SEARCHES)
    for pace in paces:
        run.enter("local search")
        local = Search(frame, pricing.scale, known, pace)
        for _ in range(searches):
            local.run(run.done)
            local.finish()
            run.offer(local.placement())
            if run.done():
                return
    if guide is not None:
        run.enter("search")
        polish(frame, guide, run)


def _decided(frame: Frame, pricing: Pricing, run: _Run) -> tuple[Decided, Guide | None]:
    """All that must be whole decided: by a linear program, unless that is too large or there is nothing of it."""
    p = frame.problem
    few = frame.classes <= MOST_CLASSES and p.count.sum() <= MOST_UNITS * frame.classes
    if few and (np.any(p.buy_integer) or np.any(p.buy_open >= 0)):
        with suppress(Stuck):
            wholes = Wholes(
                frame, pricing, lambda: run.share_used() > DECIDING_SHARE or run.done(), run.prove
            )
            return wholes.decide()
    return decided(frame, pricing, lambda: run.stopped() is not None), None
