"""Repair: what comes back is feasible and its bound holds, whatever is handed in; what need not move stays."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from bench.instances import change, generate, moved_share
from situs.planner.certificate import Certificate, Prices, Split
from situs.planner.check import check_bound, check_placement
from situs.planner.problem import Placement, Problem
from situs.planner.solve import Infeasible, Solution, repair, solve
from tests.planner.check.test_bound import random_prices
from tests.planner.check.test_cuts import accepts, random_cut
from tests.planner.oracle import brute_force, random_problem


def changed_a_little(problem: Problem, rng: np.random.Generator) -> Problem:
    """The same with some demands, costs, counts and capacities changed."""

    def some(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(values.shape) < 0.3, rng.uniform(0.4, 1.8, values.shape), 1.0) * values

    return replace(
        problem,
        demand=some(problem.demand),
        penalty=some(problem.penalty),
        col_cost=some(problem.col_cost),
        row_capacity=some(problem.row_capacity),
        count=np.maximum(1, problem.count + rng.integers(-1, 2, len(problem.count))),
    )


def anything(problem: Problem, rng: np.random.Generator) -> Placement:
    """Numbers of the right shapes that need not make sense together."""
    return Placement(
        units=rng.integers(0, 3, len(problem.col_cost)),
        unplaced=rng.integers(0, 3, len(problem.count)),
        bought=np.floor(rng.uniform(0, problem.buy_limit + 0.9)),
        opened=rng.random(len(problem.open_cost)) < 0.5,
        cost=0.0,
    )


def checked(problem: Problem, repaired: Solution) -> tuple[float, float]:
    """The cost and the bound, recomputed."""
    assert repaired.placement.cost == pytest.approx(check_placement(problem, repaired.placement).cost)
    bound = check_bound(problem, repaired.certificate)
    assert repaired.certificate.bound == pytest.approx(bound, rel=1e-7, abs=1e-7)
    return repaired.placement.cost, bound


@pytest.mark.parametrize("start", range(0, 100, 25))
def test_never_infeasible_and_never_a_wrong_bound(start: int) -> None:
    for seed in range(start, start + 25):
        rng = np.random.default_rng(seed)
        before = random_problem(seed)
        previous = brute_force(before) if seed % 2 else None
        previous = previous or anything(before, rng)
        problem = changed_a_little(before, rng)
        drawn = (random_cut(problem, rng) for _ in range(3))
        cuts = tuple(cut for cut in drawn if cut is not None and accepts(problem, cut))
        prices = replace(random_prices(problem, rng), cut=rng.exponential(2, len(cuts)))
        best = brute_force(problem)
        if best is None:
            with pytest.raises(Infeasible):
                repair(problem, previous, Certificate(-np.inf, (prices,), cuts=cuts))
            continue
        proof = Certificate(-np.inf, (prices,), cuts=cuts)
        cost, bound = checked(problem, repair(problem, previous, proof))
        slack = 1e-7 * max(1.0, abs(best.cost))
        assert bound <= best.cost + slack <= cost + 2 * slack, f"seed {seed}"


def test_nothing_moves_when_nothing_changed() -> None:
    for seed in range(60):
        problem = random_problem(seed)
        best = brute_force(problem)
        if best is None:
            continue
        repaired = repair(
            problem, best, Certificate(-np.inf, (random_prices(problem, np.random.default_rng(seed)),))
        )
        for field in fields(Placement):
            assert np.allclose(getattr(repaired.placement, field.name), getattr(best, field.name)), seed


@pytest.mark.parametrize("features", ["base", "all"])
def test_most_of_what_did_not_change_stays(features: str) -> None:
    instance = generate("1k", 0, 1.0, features)
    before = solve(instance.problem, gap=0.1)
    proof = before.certificate
    changed = change(instance, before.placement, share=0.01)
    carried = changed.carry(proof)
    problem = changed.instance.problem
    repaired = repair(problem, changed.previous, carried)
    cost, bound = checked(problem, repaired)
    assert moved_share(changed, repaired.placement) <= 0.03
    assert (cost - bound) / bound <= (before.placement.cost - proof.bound) / proof.bound + 0.02
    again = repair(problem, changed.previous, carried)
    assert np.array_equal(again.placement.units, repaired.placement.units)


def random_tree(problem: Problem, rng: np.random.Generator, prices: list[Prices], depth: int) -> Split | int:
    """Cases about purchases and opens, a leaf with prices of its own for each."""
    kinds = [("bought", int(k)) for k in np.flatnonzero(problem.buy_integer)]
    kinds += [("opened", f) for f in range(len(problem.open_cost))]
    if not depth or not kinds:
        prices.append(replace(random_prices(problem, rng), cut=np.zeros(0)))
        return len(prices) - 1
    what, index = kinds[rng.integers(len(kinds))]
    value = 0 if what == "opened" else int(rng.integers(0, max(1, int(problem.buy_limit[index]))))
    low, high = (random_tree(problem, rng, prices, depth - 1) for _ in range(2))
    return Split(what, index, value, low, high)


def test_cases_prove_no_more_than_is_true() -> None:
    better = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        problem = random_problem(seed)
        problem = replace(
            problem,
            buy_limit=np.where(problem.buy_integer, np.floor(problem.buy_limit), problem.buy_limit),
        )
        best = brute_force(problem)
        if best is None:
            continue
        prices: list[Prices] = []
        tree = random_tree(problem, rng, prices, depth=2)
        repaired = repair(problem, best, Certificate(-np.inf, tuple(prices), tree))
        slack = 1e-7 * max(1.0, abs(best.cost))
        bound = check_bound(problem, repaired.certificate)
        # The checker looks closer at what fits in a case.
        assert repaired.certificate.bound <= bound + slack
        assert bound <= best.cost + slack
        alone = min(repair(problem, best, Certificate(-np.inf, (leaf,))).certificate.bound for leaf in prices)
        assert repaired.certificate.bound >= alone - slack
        better += repaired.certificate.bound > alone + slack
    assert better > 20
