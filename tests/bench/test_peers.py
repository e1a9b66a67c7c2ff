"""Peers are taken seriously: what they answer is feasible, and the flat model is the same problem."""

from __future__ import annotations

import pytest

from bench.instances import generate
from bench.peers.flat import solve_flat
from bench.peers.greedy import Rule, cheapest_feasible_first
from situs.planner.check import check_placement
from tests.planner.oracle import brute_force, random_problem


@pytest.mark.parametrize("rule", ["amortised", "marginal"])
@pytest.mark.parametrize("features", ["base", "all"])
@pytest.mark.parametrize("size", ["1k", pytest.param("1m", marks=pytest.mark.slow)])
def test_greedy_is_feasible(size: str, features: str, rule: Rule) -> None:
    problem = generate(size, 0, 1.2, features).problem  # type: ignore[arg-type]
    checked = check_placement(problem, cheapest_feasible_first(problem, rule))
    assert checked.units_unplaced < 0.5 * problem.count.sum()


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_the_flat_model_has_the_same_optimum(start: int) -> None:
    for seed in range(start, start + 20):
        problem = random_problem(seed)
        expected, answer = brute_force(problem), solve_flat(problem, time_limit_s=20.0)
        assert (answer is None) == (expected is None), seed
        if answer is not None and expected is not None:
            checked = check_placement(problem, answer)
            assert checked.cost == pytest.approx(expected.cost, rel=2e-4, abs=1e-4), seed
