"""The one path through the solver: bound first, then placements, then closing the gap from both sides."""

from __future__ import annotations

from collections.abc import Callable

from situs.planner.certificate import Certificate, Prices
from situs.planner.problem import Placement, Problem
from situs.planner.solve.blocks import Decided, decided
from situs.planner.solve.closing import close, polish, search_locally
from situs.planner.solve.first import first_placement, nothing_placed
from situs.planner.solve.frame import Frame
from situs.planner.solve.polish import Guide
from situs.planner.solve.pricing import Pricing, State, price
from situs.planner.solve.primal import BRISK, Pace, Search
from situs.planner.solve.relaxation import relax
from situs.planner.solve.result import Infeasible, Progress, Solution
from situs.planner.solve.run import Run
from situs.planner.solve.wholes import decided_by_program

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
    run = Run(gap, time_limit_s, on_progress, cancelled)
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


def _solution(run: Run, prices: Prices) -> Solution:
    assert run.best is not None and run.certificate is not None
    run.enter("end")
    status = "optimal" if run.proven() else (run.stopped() or "work")
    return Solution(run.best, run.certificate, run.gap, status, tuple(run.phases[1:]), prices)


def _large(frame: Frame, run: Run, prices: Prices | None) -> Solution:
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


def _place(frame: Frame, pricing: Pricing, run: Run) -> None:
    """Purchases first, then units, harder and harder until the gap is closed."""
    run.enter("purchases")
    known, guide = _decided(frame, pricing, run)
    paces, searches = ((BRISK, PATIENT), 1) if guide else ((BRISK,), MOST_SEARCHES)
    for pace in paces:
        run.enter("local search")
        search_locally(Search(frame, pricing.scale, known, pace), searches, run)
        if run.done():
            return
    if guide is not None:
        run.enter("search")
        polish(frame, guide, run)


def _decided(frame: Frame, pricing: Pricing, run: Run) -> tuple[Decided, Guide | None]:
    """All that must be whole decided: by a linear program, unless that is too large or there is nothing of it."""
    count = frame.problem.count
    if frame.classes <= MOST_CLASSES and count.sum() <= MOST_UNITS * frame.classes:
        found = decided_by_program(
            frame, pricing, lambda: run.share_used() > DECIDING_SHARE or run.done(), run.prove
        )
        if found is not None:
            return found
    return decided(frame, pricing, lambda: run.stopped() is not None), None
