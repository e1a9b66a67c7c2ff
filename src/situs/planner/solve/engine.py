"""The one path through the solver: bound first, then placements, then closing the gap from both sides."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy

from situs.planner.certificate import Certificate, Prices
from situs.planner.problem import Placement, Problem
from situs.planner.solve.blocks import Decided, decided
from situs.planner.solve.closing import close, polish, search_locally
from situs.planner.solve.first import first_placement, nothing_placed
from situs.planner.solve.frame import Frame
from situs.planner.solve.many_units import FREE_ROUNDS, FURTHER_ROUNDS, Points, decided_by_points
from situs.planner.solve.polish import Guide
from situs.planner.solve.pricing import COLDEST, STEPS, Pricing, State, price
from situs.planner.solve.primal import BRISK, SETTLED, THRONG, Pace, Search
from situs.planner.solve.relaxation import relax
from situs.planner.solve.result import Infeasible, Progress, Solution
from situs.planner.solve.run import Run
from situs.planner.solve.serving import Cases, serving
from situs.planner.solve.wholes import decided_by_program

SMALL = 20_000
"""Columns up to which the gap is closed by cuts and cases."""

MANY = 1_000_000
"""With more columns, or more units than a tenth of that, the first placement leaves everything out: going through
them one by one takes longer than the first prices."""

PRICING_SHARE = 0.6
"""Of the time that may be spent, pricing a large problem takes no more than this."""

PROVING_SHARE, DECIDING_SHARE = 0.68, 0.75
"""With telling cases apart no more than this, and with deciding about purchases no more than that."""

MOST_CLASSES, MOST_UNITS = 20_000, 100
"""With more classes, a linear program over them takes too long; and with more units of each, on average, a few
columns a class are not enough for one."""

FEW_CLASSES = 5_000
"""Up to here, classes of more units are decided about by interior points."""
SKETCHED, SKETCH_STEPS = 1.5e-4, 8
"""For these, prices need not be colder, nor each step of the path as exact: interior points begin there."""

COOL_ENOUGH = 5e-4
"""Where cases are told apart afterwards, the case that is left has its prices cooled further, and only that."""

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

    coldest, steps = _how_far(frame)
    pricing = price(frame, start=prices, stop=late, on_bound=prove, coldest=coldest, steps=steps)
    if not run.done():
        _place(frame, pricing, run)
    return _solution(run, pricing.state.prices)


def _how_far(frame: Frame) -> tuple[float, int]:
    """How cold prices have to be, and with how many steps at each temperature."""
    if _many_units(frame):
        return SKETCHED, SKETCH_STEPS
    if not _by_program(frame) and len(serving(frame)):
        return COOL_ENOUGH, STEPS
    return COLDEST, STEPS


def _many_units(frame: Frame) -> bool:
    """Whether each class goes to many places at once."""
    return frame.classes <= FEW_CLASSES and frame.problem.count.sum() > MOST_UNITS * frame.classes


def _by_program(frame: Frame) -> bool:
    """Whether a linear program can tell what is to be whole."""
    return frame.classes <= MOST_CLASSES and frame.problem.count.sum() <= MOST_UNITS * frame.classes


def _place(frame: Frame, pricing: Pricing, run: Run) -> None:
    """Purchases first, then units, harder and harder until the gap is closed."""
    run.enter("purchases")
    if _many_units(frame) and _spread(frame, pricing, run):
        return
    known, guide = _decided(frame, pricing, run)
    paces, searches = ((BRISK, PATIENT), 1) if guide else ((THRONG,), MOST_SEARCHES)
    for pace in paces:
        run.enter("local search")
        search_locally(Search(frame, pricing.scale, known, pace), searches, run)
        if run.done():
            return
    if guide is not None:
        run.enter("search")
        polish(frame, guide, run)


def _spread(frame: Frame, pricing: Pricing, run: Run) -> bool:
    """Classes of many units spread over many places each; False where there was no time for that.

    While units find their places, a second thread goes on looking for better prices; what it finds counts when both
    are done, so that nothing depends on who is first.
    """
    points = Points(frame, pricing, run.seconds_left)
    found = points.go_on(FREE_ROUNDS)
    run.prove(points.certificate())
    if not found or run.done():
        return run.done()
    further, search = copy(points), None
    with ThreadPoolExecutor(1) as beside:
        going_on = beside.submit(further.go_on, FURTHER_ROUNDS)
        known = decided_by_points(points, run.seconds_left)
        if known is not None:
            run.enter("local search")
            search = Search(frame, pricing.scale, known, SETTLED)
            search_locally(search, 1, run)
        going_on.result()
    run.prove(further.certificate())
    if search is None:
        return run.done()
    search_locally(search, MOST_SEARCHES, run)
    return True


def _decided(frame: Frame, pricing: Pricing, run: Run) -> tuple[Decided, Guide | None]:
    """All that must be whole decided: by a linear program, unless that is too large or there is nothing of it."""
    if _by_program(frame):
        found = decided_by_program(
            frame, pricing, lambda: run.share_used() > DECIDING_SHARE or run.done(), run.prove
        )
        if found is not None:
            return found
    cases = Cases(frame, pricing, lambda: run.share_used() > PROVING_SHARE or run.done())
    cases.tell_apart()
    run.prove(cases.certificate())
    return decided(frame, pricing, lambda: run.share_used() > DECIDING_SHARE or run.done(), cases), None
