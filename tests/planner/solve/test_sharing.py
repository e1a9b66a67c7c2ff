"""What blocks cost, shared out over classes: the bound rises by just that, and stays a bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from situs.planner.certificate import Certificate, Prices
from situs.planner.check import check_bound
from situs.planner.exact import optimum
from situs.planner.problem import Problem
from situs.planner.solve.bound import buy_reduced, priced
from situs.planner.solve.frame import Frame
from situs.planner.solve.relaxation import no_prices
from situs.planner.solve.sharing import Shared, linked_columns, shared_out
from tests.planner.check.test_bound import NOTHING, random_prices
from tests.planner.check.test_cuts import three_into_two
from tests.planner.oracle import brute_force, random_problem


def blocks_only(seed: int, narrow: bool) -> Problem:
    """A random problem in which half of the rows have nothing but what is bought."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    empty = rng.random(len(problem.row_capacity)) < 0.7
    buys = len(problem.buy_cost)
    owner = np.repeat(np.arange(buys), np.diff(problem.buy_indptr))
    kept = problem.buy_row % max(buys, 1) == owner
    return replace(
        problem,
        row_capacity=np.where(empty, 0.0, problem.row_capacity),
        buy_limit=np.floor(problem.buy_limit) + 1,
        buy_integer=np.ones(buys, dtype=np.bool_),
        buy_indptr=np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=buys))]).astype(
            np.int64
        ),
        buy_row=problem.buy_row[kept],
        buy_amount=problem.buy_amount[kept] * 8,
        demand=problem.demand / 4,
        col_limit=problem.col_limit if narrow else np.full_like(problem.col_limit, 9),
    )


def share(problem: Problem, prices: Prices) -> tuple[float, Certificate, Shared]:
    """The bound of prices alone, and the certificate with what blocks cost shared out."""
    frame = Frame(problem)
    before = priced(frame, prices)
    linked = linked_columns(frame)
    shared = shared_out(frame, before.reduced, buy_reduced(frame, prices), linked)
    leaf = replace(prices, cut=shared.price)
    return before.value, Certificate(NOTHING, (leaf,), cuts=shared.cuts(frame, linked)), shared


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("start", range(0, 400, 100))
def test_the_bound_rises_by_what_is_shared_out(start: int, narrow: bool) -> None:
    raised, exact = 0, 0
    for seed in range(start, start + 100):
        problem = blocks_only(seed, narrow)
        prices = random_prices(problem, np.random.default_rng(seed))
        prices = replace(prices, row=prices.row / 20)
        before, certificate, shared = share(problem, prices)
        proven = check_bound(problem, certificate)
        frame = Frame(problem)
        if np.any(frame.limits.room < problem.count[frame.cls]):
            assert proven >= before - 1e-6, seed
        else:
            exact += shared.gain > 1e-6
            assert proven == pytest.approx(before + shared.gain, rel=1e-7, abs=1e-6), seed
        # Some of these take minutes to enumerate.
        best = optimum(problem)
        assert best is None or proven <= best.cost + 1e-7, seed
        raised += shared.gain > 1e-6
    assert raised > 5
    assert narrow or exact > 0


def test_a_block_is_paid_for_by_those_who_would_use_it() -> None:
    """Three classes, each 100 dearer elsewhere, share a block of 10; then one whose alternative costs 4."""
    problem = three_into_two()
    before, _, shared = share(problem, no_prices(Frame(problem)))
    assert (before, shared.gain) == (0, 10)
    assert shared.price.sum() == 10
    cheap = replace(problem, penalty=np.array([4.0, 1.0, 2.0]))
    _, _, shared = share(cheap, no_prices(Frame(cheap)))
    assert shared.gain == 7
    assert shared.price.tolist() == [4, 1, 2]


def test_a_class_that_may_choose_between_blocks_makes_both_pay() -> None:
    """Kept out of one block only, the class would go to the other for nothing: it pays in both at once."""
    problem = three_into_two()
    two = replace(
        problem,
        row_capacity=np.zeros(2),
        target_row=np.array([[0], [1]], dtype=np.int32),
        count=np.ones(1, dtype=np.int64),
        penalty=np.array([100.0]),
        variant_class=np.zeros(1, dtype=np.int32),
        demand=np.array([[2.0]]),
        col_variant=np.zeros(2, dtype=np.int32),
        col_target=np.arange(2, dtype=np.int32),
        col_cost=np.array([0.0, 3.0]),
        col_limit=np.ones(2, dtype=np.int64),
        extra_indptr=np.zeros(3, dtype=np.int64),
        need_indptr=np.zeros(3, dtype=np.int64),
        buy_cost=np.array([10.0, 5.0]),
        buy_limit=np.array([9.0, 9.0]),
        buy_integer=np.array([True, True]),
        buy_open=np.full(2, -1, dtype=np.int32),
        buy_indptr=np.arange(3, dtype=np.int64),
        buy_row=np.arange(2, dtype=np.int32),
        buy_amount=np.array([5.0, 5.0]),
    )
    before, certificate, shared = share(two, no_prices(Frame(two)))
    best = brute_force(two)
    assert best is not None and best.cost == 8
    assert before == 0
    assert shared.price.tolist() == [8, 5]
    assert check_bound(two, certificate) == pytest.approx(8)
