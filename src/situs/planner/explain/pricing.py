"""How far a price has to fall, found on the problem's own arrays.

A price enters the costs of a problem in proportion, so the problem at any cut lies on the straight line
between the problem at none and at the full cut, and needs not be made anew from the estate.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from situs.planner.explain.race import Race
from situs.planner.explain.threshold import Line, first_win
from situs.planner.problem import Placement, Problem

PRICED = ("col_cost", "penalty", "buy_cost", "open_cost")
"""Arrays that a price may change."""

RESOLUTION = 1e-6
"""Of the cut, as a share of the price."""

LEAD_KEPT = 1e-3
"""The site is to win by so much of what it lost by: more than rounding, less than anybody would notice."""

LEAST_MARGIN = 5e-5
"""In the plan's currency: what the exact search may leave open."""


def smallest_cut(before: Race, free: Race) -> float | None:
    """The smallest share of the price, 0 to 1, whose cut lets the site win.

    ``before`` is the race at the full price, ``free`` the same at a price of zero. None: not even for free,
    or the price does more than change costs in proportion.
    """
    if not _same_but_for_costs(before, free) or before.lead is None:
        return None

    @cache
    def at(cut: float) -> Race:
        return before.with_problem(
            **{
                name: getattr(before.problem, name) * (1.0 - cut) + getattr(free.problem, name) * cut
                for name in PRICED
            },
            fixed_cost=before.problem.fixed_cost * (1.0 - cut) + free.problem.fixed_cost * cut,
        )

    def line(placement: Placement | None) -> Line | None:
        return (
            None
            if placement is None
            else Line(placement.cost, _slope(before.problem, free.problem, placement))
        )

    def without(cut: float) -> Line:
        found = line(at(cut).elsewhere)
        # Where nothing works without the site, it wins whatever it costs.
        return Line(np.inf, 0.0) if found is None else found

    margin = max(LEAST_MARGIN, min(before.margin, LEAD_KEPT * abs(before.lead)))
    return first_win(lambda cut: line(at(cut).there), without, 1.0, margin=margin, resolution=RESOLUTION)


def _slope(before: Problem, free: Problem, placement: Placement) -> float:
    """How the cost of one placement changes from no cut to the full cut."""
    return (
        free.fixed_cost
        - before.fixed_cost
        + float((free.col_cost - before.col_cost) @ placement.units)
        + float((free.penalty - before.penalty) @ placement.unplaced)
        + float((free.buy_cost - before.buy_cost) @ placement.bought)
        + float((free.open_cost - before.open_cost) @ placement.opened)
    )


def _same_but_for_costs(before: Race, free: Race) -> bool:
    """Whether the two problems have the same columns, rows and limits, in the same order."""
    blank = {name: np.zeros(0) for name in PRICED}
    one, two = (
        replace(before.problem, **blank, fixed_cost=0.0),
        replace(free.problem, **blank, fixed_cost=0.0),
    )  # type: ignore[arg-type]
    return all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in Problem.__dataclass_fields__
    ) and all(
        a.place.index == b.place.index and a.way.reads == b.way.reads and a.way.writes == b.way.writes
        for a, b in zip(before.candidates.options, free.candidates.options, strict=True)
    )
