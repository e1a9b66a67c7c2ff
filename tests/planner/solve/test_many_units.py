"""Purchases and opens decided by interior points, on problems small enough to know the answer."""

from __future__ import annotations

import numpy as np
import pytest

from situs.planner.check import check_bound, check_placement
from situs.planner.problem import Placement
from situs.planner.solve import engine, solve
from situs.planner.solve.blocks import Decided
from situs.planner.solve.frame import Frame
from situs.planner.solve.library import SolverFault
from situs.planner.solve.many_units import Points, decided_by_points
from situs.planner.solve.pricing import Pricing, price
from situs.planner.solve.primal import Search
from situs.planner.solve.result import Infeasible, Solution
from tests.planner.oracle import brute_force, random_problem

SEEDS = range(60)


def unlimited() -> None:
    """There is no limit of time."""


def priced(seed: int) -> tuple[Frame, Pricing] | None:
    frame = Frame(random_problem(seed))
    try:
        return frame, price(frame)
    except SolverFault:
        return None


def decided(frame: Frame, pricing: Pricing) -> tuple[Points, Decided] | None:
    points = Points(frame, pricing, unlimited)
    found = decided_by_points(points, unlimited) if points.go_on(2) else None
    return None if found is None else (points, found)


@pytest.mark.slow
def test_what_points_prove_is_below_the_optimum_and_what_they_lead_to_is_not() -> None:
    number = 0
    for seed in SEEDS:
        known, expected = priced(seed), brute_force(random_problem(seed))
        if known is None or expected is None:
            continue
        frame, pricing = known
        found = decided(frame, pricing)
        if found is None:
            continue
        points, whole = found
        number += 1
        p, slack = frame.problem, 1e-7 * max(1.0, abs(expected.cost))
        certificate = points.certificate()
        assert certificate.bound >= pricing.state.proof.value, f"seed {seed}"
        assert check_bound(p, certificate) <= expected.cost + slack, f"seed {seed}"
        bought = whole.bought[p.buy_integer]
        assert np.array_equal(bought, np.round(bought)) and np.all(
            bought <= p.buy_limit[p.buy_integer] + 1e-9
        )
        sizes = np.bincount(p.open_group[whole.opened & (p.open_group >= 0)], minlength=len(p.group_min))
        assert np.all((sizes >= p.group_min) & (sizes <= p.group_max)), f"seed {seed}"
        placement: Placement | None = Search(frame, pricing.scale, whole).placement()
        if placement is not None:
            assert check_placement(p, placement).cost >= expected.cost - slack, f"seed {seed}"
    assert number > len(SEEDS) / 2, number


def through_points(seed: int, monkeypatch: pytest.MonkeyPatch) -> Solution | None:
    """The answer when even a few units are many and a few columns are too."""
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(engine, "MOST_UNITS", 0)
    monkeypatch.setattr(engine, "MOST_SEARCHES", 1)
    try:
        return solve(random_problem(seed), gap=0.0)
    except (Infeasible, SolverFault):
        return None


@pytest.mark.slow
def test_the_answer_is_sound_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    number = 0
    for seed in range(6):
        first, second = through_points(seed, monkeypatch), through_points(seed, monkeypatch)
        if first is None or second is None:
            continue
        number += 1
        problem = random_problem(seed)
        cost = check_placement(problem, first.placement).cost
        assert check_bound(problem, first.certificate) <= cost + 1e-7 * max(1.0, abs(cost))
        assert np.array_equal(first.placement.units, second.placement.units), f"seed {seed}"
        assert np.array_equal(first.certificate.leaves[0].row, second.certificate.leaves[0].row)
    assert number > 2, number
