"""The planner against brute force: never below the bound, never infeasible, and equal to the optimum."""

from __future__ import annotations

import pytest

from situs.planner.check import check_bound, check_placement
from situs.planner.solve import Infeasible, solve
from tests.planner.oracle import best_of, random_problem

INSTANCES = 600
BATCH = 20
QUICK = 300
"""The rest of them belong to the slow tests."""
TOLERANCE = 1e-7
"""Relative to the cost or 1; costs are sums of a few dozen numbers."""


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(first, marks=[pytest.mark.slow] if first >= QUICK else [])
        for first in range(0, INSTANCES, BATCH)
    ],
)
def test_equal_to_brute_force(first: int) -> None:
    for seed in range(first, first + BATCH):
        problem = random_problem(seed)
        expected = best_of(seed)
        if expected is None:
            with pytest.raises(Infeasible):
                solve(problem, gap=0.0)
            continue
        solution = solve(problem, gap=0.0)
        slack = TOLERANCE * max(1.0, abs(expected.cost))
        cost = check_placement(problem, solution.placement).cost
        bound = check_bound(problem, solution.certificate)
        assert cost == pytest.approx(expected.cost, abs=slack), f"seed {seed}"
        assert bound <= expected.cost + slack, f"seed {seed}"
        assert bound >= expected.cost - slack, f"seed {seed}: optimal, but not proven"
