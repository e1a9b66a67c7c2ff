"""How far a price has to change, found on the problem's own arrays.

A price enters the costs of a problem in proportion, so the problem at any share lies on the straight line
between the problem at none and at the full share, and needs not be made anew from the estate.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from situs.planner.explain.race import Race
from situs.planner.explain.threshold import Line, first_win
from situs.planner.problem import Placement, Problem

PRICED = ("col_cost", "penalty", "buy_cost", "open_cost")
"""Arrays that a price may change."""

RESOLUTION = 1e-6
"""How exactly the share is found."""

LEAD_KEPT = 1e-3
"""The site is to win by so much of what it lost by: more than rounding, less than anybody would notice."""

LEAST_MARGIN = 5e-5
"""In the plan's currency: what the exact search may leave open."""


def smallest_share(before: Race, full: Race) -> float | None:
    """The smallest share, 0 to 1, of a change of price that lets the site win; None: not even all of it does.

    ``before`` is the race at the old price, ``full`` the same at the new one; see :func:`in_proportion`.
    """
    if before.lead is None:
        return None

    @cache
    def at(share: float) -> Race:
        return before.with_problem(
            **{
                name: getattr(before.problem, name) * (1.0 - share) + getattr(full.problem, name) * share
                for name in PRICED
            },
            fixed_cost=before.problem.fixed_cost * (1.0 - share) + full.problem.fixed_cost * share,
        )

    def line(placement: Placement | None) -> Line | None:
        return (
            None
            if placement is None
            else Line(placement.cost, _slope(before.problem, full.problem, placement))
        )

    def without(share: float) -> Line:
        found = line(at(share).elsewhere)
        # Where nothing works without the site, it wins whatever it costs.
        return Line(np.inf, 0.0) if found is None else found

    margin = max(LEAST_MARGIN, min(before.margin, LEAD_KEPT * abs(before.lead)))
    return first_win(lambda share: line(at(share).there), without, 1.0, margin=margin, resolution=RESOLUTION)


def _slope(before: Problem, full: Problem, placement: Placement) -> float:
    """How the cost of one placement changes from no share to the full share."""
    return (
        full.fixed_cost
        - before.fixed_cost
        + float((full.col_cost - before.col_cost) @ placement.units)
        + float((full.penalty - before.penalty) @ placement.unplaced)
        + float((full.buy_cost - before.buy_cost) @ placement.bought)
        + float((full.open_cost - before.open_cost) @ placement.opened)
    )


def in_proportion(before: Race, full: Race) -> bool:
    """Whether two problems differ in costs only: the same columns, rows and limits, in the same order."""
    unpriced = [name for name in Problem.__dataclass_fields__ if name not in (*PRICED, "fixed_cost")]
    return all(
        np.array_equal(getattr(before.problem, name), getattr(full.problem, name)) for name in unpriced
    ) and all(
        a.place.index == b.place.index and a.way.reads == b.way.reads and a.way.writes == b.way.writes
        for a, b in zip(before.candidates.options, full.candidates.options, strict=True)
    )
