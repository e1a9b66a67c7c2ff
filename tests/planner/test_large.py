"""The search for problems too large for a linear program, on problems small enough to know the answer."""

from __future__ import annotations

import numpy as np
import pytest

from situs.planner.check import check_bound, check_placement
from situs.planner.solve import Infeasible, engine, solve
from tests.planner.oracle import brute_force, random_problem


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SMALL", -1)
    monkeypatch.setattr(engine, "MOST_SEARCHES", 1)
    monkeypatch.setattr("situs.planner.solve.primal.FEWEST_TRIALS", 2000)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 120, 20))
def test_feasible_and_never_below_its_bound(first: int) -> None:
    for seed in range(first, first + 20):
        problem = random_problem(seed)
        expected = brute_force(problem)
        if expected is None:
            with pytest.raises(Infeasible):
                solve(problem, gap=0.0)
            continue
        solution = solve(problem, gap=0.0)
        slack = 1e-7 * max(1.0, abs(expected.cost))
        cost = check_placement(problem, solution.placement).cost
        bound = check_bound(problem, solution.certificate)
        assert bound <= expected.cost + slack, f"seed {seed}"
        assert cost >= expected.cost - slack, f"seed {seed}"


def test_the_same_twice() -> None:
    problem = random_problem(7)
    one, two = solve(problem, gap=0.0), solve(problem, gap=0.0)
    assert np.array_equal(one.placement.units, two.placement.units)
    assert one.certificate.bound == two.certificate.bound


def test_has_an_answer_whenever_it_is_told_to_stop() -> None:
    ends = set()
    for seed in range(40):
        problem = random_problem(seed)
        if brute_force(problem) is None:
            continue
        solution = solve(problem, gap=0.0, cancelled=lambda: True)
        ends.add(solution.status)
        check_placement(problem, solution.placement)
        check_bound(problem, solution.certificate)
    assert "cancelled" in ends
