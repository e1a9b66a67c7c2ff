"""Close the gap of a problem small enough for a linear program, from both sides, first with what is quick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Certificate, Prices
from situs.planner.problem import Floats, Ints
from situs.planner.solve.blocks import decided
from situs.planner.solve.bound import Priced
from situs.planner.solve.branching import Branching
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.cuts import QUICK, THOROUGH, Cutting
from situs.planner.solve.frame import Frame
from situs.planner.solve.node_lp import NodeLP
from situs.planner.solve.polish import Guide, Polish
from situs.planner.solve.pricing import price
from situs.planner.solve.primal import Pace, Search
from situs.planner.solve.relaxation import Relaxation
from situs.planner.solve.restricted import search
from situs.planner.solve.run import Run
from situs.planner.solve.wholes import decided_by_program

FEW = 1000
"""Columns up to which searching everything at once is quicker than anything else."""

FEW_UNITS = 200
"""Units up to which that holds for any number of columns: a small estate that is planned by the hour has thousands
of columns with long rows, over which moving unit by unit takes minutes and the search of all of them seconds."""

STALLED = 0.05
"""Of the gap, what a hundred cases must close there: where the same work fits into many hours, all of them are
alike, and ten times the cases would not tell more."""

GENTLE = Pace(hot=3e-3, patience=3)
"""Few classes have time to be put in order slowly."""

WIDE = Pace(hot=1e-2, cold=1e-4, torn=1.0, patience=10)
"""Where prices alone prove little, they say little about who should move either."""

SEARCHES = 2
"""One after the other, each from where the last one ended: chance decides which ends best."""

FAR = 0.01
"""A gap after which that is so."""

NEAR = 2.5
"""So many times the gap that is asked for: what is missing may be found on the side of the placement alone."""

LITTLE = 0.02
"""A round of cuts that closes less than this share of the gap that is asked for gained little."""


@dataclass(frozen=True, eq=False)
class Root:
    """What is proven before any case is told from another."""

    prices: Prices
    guide: Guide


def close(frame: Frame, relaxation: Relaxation, run: Run) -> None:
    """Close the gap as far as it is asked for and time allows."""
    few = frame.columns <= FEW or int(frame.problem.count.sum()) <= FEW_UNITS
    if not few:
        _search_places(frame, relaxation, run)
    else:
        run.enter("search")
        _search(frame, _without_cuts(frame, relaxation), run)
    if run.done():
        return
    cutting = Cutting(frame, relaxation, run.cost, run.certificate.cuts if run.certificate else ())
    root = _without_cuts(frame, relaxation)
    for tables in (QUICK, THOROUGH):
        run.enter("cuts")
        root = _cut(cutting, tables, run)
        if run.done():
            return
        if not few and (tables == THOROUGH or run.gap < NEAR * run.wanted):
            run.enter("search")
            polish(frame, root.guide, run)
            if run.done():
                return
    run.enter("branching")
    _branch(frame, root, run)
    if not run.done() and not few:
        run.enter("search")
        _search(frame, root, run)


def search_locally(local: Search, searches: int, run: Run) -> None:
    """So many searches, each from where the last one ended, until the gap is closed."""
    for _ in range(searches):
        local.run(run.done)
        local.finish()
        run.offer(local.placement())
        if run.done():
            return


def _search_places(frame: Frame, relaxation: Relaxation, run: Run) -> None:
    """Purchases first, then units, as far as prices lead."""
    run.enter("prices")
    pricing = price(frame, start=relaxation.prices, stop=run.done)
    run.enter("purchases")
    found = decided_by_program(frame, pricing, run.done, run.prove)
    known = found[0] if found else decided(frame, pricing, run.done)
    run.enter("local search")
    for pace in (GENTLE, WIDE):
        search_locally(Search(frame, pricing.scale, known, pace), SEARCHES, run)
        if run.done() or run.gap < FAR:
            return


def _without_cuts(frame: Frame, relaxation: Relaxation) -> Root:
    units = np.zeros(frame.columns)
    units[relaxation.master.columns] = relaxation.relaxed.units
    return Root(relaxation.prices, Guide(relaxation.bound, relaxation.priced, CutList.of(()), units))


def _cut(cutting: Cutting, tables: int, run: Run) -> Root:
    """The root with cuts, as far as the gap needs them."""

    def enough() -> bool:
        return run.stopped() is not None or run.cost - cutting.bound <= run.wanted * abs(run.cost)

    cutting.run(tables, LITTLE * run.wanted * abs(run.cost), enough)
    found = cutting.found()
    run.prove(Certificate(found.bound, (found.prices,), cuts=found.cuts))
    guide = Guide(found.bound, found.priced, CutList.of(found.cuts), found.point.units)
    return Root(found.prices, guide)


def polish(frame: Frame, guide: Guide, run: Run) -> None:
    """Solve small parts exactly, led by what a relaxation says."""
    assert run.best is not None
    Polish(
        frame,
        guide,
        run.best,
        target=_target(run),
        offer=run.offer,
        stop=lambda: run.stopped() is not None,
        seconds=run.seconds_left,
    ).run()


def _target(run: Run) -> float:
    """A cost that closes the gap."""
    return run.bound + run.wanted * abs(run.bound)


def _search(frame: Frame, root: Root, run: Run) -> None:
    """Search all columns that can be part of a better placement."""
    found = search(
        frame,
        _within_reach(frame, root, run),
        start=run.best,
        gap=run.wanted / 4,
        nodes=2000,
        seconds=run.seconds_left(),
        cuts=root.guide.cuts,
        target=_target(run),
    )
    run.offer(found)


def _branch(frame: Frame, root: Root, run: Run) -> None:
    assert run.best is not None
    tree = Branching(
        frame,
        NodeLP(frame, _within_reach(frame, root, run), root.guide.cuts),
        root.prices,
        run.best,
        gap=run.wanted,
        offer=run.offer,
        stop=lambda: run.stopped() is not None,
        stalled=STALLED if frame.columns > FEW and int(frame.problem.count.sum()) <= FEW_UNITS else 0.0,
    )
    tree.run()
    run.prove(tree.certificate())


def _within_reach(frame: Frame, root: Root, run: Run) -> Ints:
    """Columns that can be part of a better placement: their reduced cost does not exceed the gap."""
    proof: Priced = root.guide.proof
    reduced: Floats = proof.reduced - proof.least[frame.cls]
    return np.flatnonzero((reduced <= run.cost - run.bound + 1e-9) & (frame.limits.room > 0))
