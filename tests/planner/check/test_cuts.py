"""A cut is accepted only if it holds for every placement, and then strengthens the bound and no more."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import situs.planner.check.cuts as cuts_module
from situs.planner.certificate import Certificate, Cut, Prices
from situs.planner.check import Rejected, check_bound
from situs.planner.problem import Floats, Ints, Problem
from tests.planner.check.test_bound import NOTHING, random_certificate
from tests.planner.oracle import brute_force, random_problem


def ways_to_use(problem: Problem, row: int, columns: NDArray[np.integer]) -> tuple[Ints, Floats]:
    """Every choice of whole units of these columns within their limits, and what each takes of the row."""
    amount = np.zeros(len(problem.col_cost))
    for j in range(len(amount)):
        for q, r in enumerate(problem.target_row[problem.col_target[j]]):
            amount[j] += problem.demand[problem.col_variant[j], q] if r == row else 0.0
        for at in range(problem.extra_indptr[j], problem.extra_indptr[j + 1]):
            amount[j] += problem.extra_amount[at] if problem.extra_row[at] == row else 0.0
    cls = problem.variant_class[problem.col_variant[columns]]
    most = np.minimum(problem.col_limit[columns], problem.count[cls])
    units = np.array(list(itertools.product(*(range(n + 1) for n in most))), dtype=np.int64)
    units = units.reshape(-1, len(columns))
    for i in np.unique(cls):
        units = units[units[:, cls == i].sum(axis=1) <= problem.count[i]]
    return units, units @ amount[columns]


def supply(problem: Problem, row: int, purchase: int) -> list[float]:
    """The row's capacity for 0, 1, 2, ... units of the purchase, everything else bought to its limit."""
    there, each, most = float(problem.row_capacity[row]), 0.0, 0
    for k in range(len(problem.buy_cost)):
        high = math.floor(problem.buy_limit[k]) if problem.buy_integer[k] else problem.buy_limit[k]
        for at in range(problem.buy_indptr[k], problem.buy_indptr[k + 1]):
            if problem.buy_row[at] == row and k == purchase:
                each += problem.buy_amount[at]
            elif problem.buy_row[at] == row:
                there += problem.buy_amount[at] * high
        most = int(high) if k == purchase else most
    return [there + each * z for z in range(most + 1)]


def random_cut(problem: Problem, rng: np.random.Generator) -> Cut | None:
    """A cut with random weights and the least limit with which it holds, found by trying everything."""
    finite = np.flatnonzero(np.isfinite(problem.row_capacity))
    if not len(finite):
        return None
    row = int(rng.choice(finite))
    purchases = [-1, *np.flatnonzero(problem.buy_integer).tolist()]
    purchase = int(rng.choice(purchases))
    per_bought = int(rng.integers(0, 4)) if purchase >= 0 else 0
    size = int(rng.integers(1, min(5, len(problem.col_cost)) + 1))
    columns = rng.permutation(len(problem.col_cost))[:size].astype(np.int32)
    weight = rng.integers(1, 5, size)
    units, used = ways_to_use(problem, row, columns)
    limit = 0
    for z, there in enumerate(supply(problem, row, purchase)):
        fits = used <= there + 1e-9 * (used + there)
        limit = max(limit, int((units[fits] @ weight).max()) - per_bought * z)
    return Cut(row, columns, weight, limit, purchase, per_bought)


def has_a_choice_of_narrow_columns(problem: Problem, cut: Cut) -> bool:
    """Whether the checker looks at the count of a class where the limit of a column would say more."""
    cls = problem.variant_class[problem.col_variant[cut.column]]
    narrow = problem.col_limit[cut.column] < problem.count[cls]
    return bool(any(narrow[cls == i].any() and (cls == i).sum() > 1 for i in cls))


def accepts(problem: Problem, *cuts: Cut) -> bool:
    return not list(cuts_module.wrong_cuts(problem, cuts))


@pytest.mark.parametrize("start", range(0, 1200, 60))
def test_a_cut_is_accepted_if_it_holds_and_rejected_with_a_limit_one_too_low(start: int) -> None:
    exact = 0
    for seed in range(start, start + 60):
        problem = random_problem(seed)
        rng = np.random.default_rng(20_000 + seed)
        cut = random_cut(problem, rng)
        if cut is None:
            continue
        if not has_a_choice_of_narrow_columns(problem, cut):
            assert accepts(problem, cut), seed
            exact += 1
        if cut.limit > 0:
            assert not accepts(problem, replace(cut, limit=cut.limit - 1)), seed
    assert exact > 20


@pytest.mark.parametrize("seed", range(40))
def test_many_cuts_together_are_judged_like_each_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables filled side by side, in batches of any size, do not mix."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    cuts = [cut for _ in range(12) if (cut := random_cut(problem, rng)) is not None]
    cuts = [replace(cut, limit=max(0, cut.limit - int(rng.integers(0, 2)))) for cut in cuts]
    wrong = [number for number, cut in enumerate(cuts) if not accepts(problem, cut)]
    monkeypatch.setattr("situs.planner.check.rejected.SHOWN", 100)
    for cells in (1 << 16, 12):
        monkeypatch.setattr(cuts_module, "BATCH_CELLS", cells)
        said = list(cuts_module.wrong_cuts(problem, tuple(cuts)))
        assert [int(line.split()[1]) for line in said] == wrong


@pytest.mark.parametrize("start", range(0, 300, 30))
def test_accepted_cuts_at_any_price_in_any_tree_bound_the_optimum(start: int) -> None:
    for seed in range(start, start + 30):
        problem = random_problem(seed)
        optimum = brute_force(problem)
        rng = np.random.default_rng(30_000 + seed)
        drawn = (random_cut(problem, rng) for _ in range(6))
        cuts = tuple(cut for cut in drawn if cut is not None and accepts(problem, cut))
        certificate = random_certificate(problem, seed)
        leaves = tuple(
            replace(prices, cut=rng.exponential(2, len(cuts)) * (rng.random(len(cuts)) < 0.5))
            for prices in certificate.leaves
        )
        bound = check_bound(problem, replace(certificate, leaves=leaves, cuts=cuts))
        assert optimum is None or bound <= optimum.cost + 1e-9, seed


def three_into_two(count: int = 1) -> Problem:
    """Three classes on one block-only target: a unit takes 2 of a block of 5, so only two fit a block."""
    none, start = np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int64)
    return Problem(
        count=np.full(3, count, dtype=np.int64),
        penalty=np.full(3, 100.0),
        variant_class=np.arange(3, dtype=np.int32),
        demand=np.full((3, 1), 2.0),
        target_row=np.zeros((1, 1), dtype=np.int32),
        col_variant=np.arange(3, dtype=np.int32),
        col_target=np.zeros(3, dtype=np.int32),
        col_cost=np.zeros(3),
        col_limit=np.full(3, count, dtype=np.int64),
        extra_indptr=np.zeros(4, dtype=np.int64),
        extra_row=none,
        extra_amount=np.zeros(0),
        need_indptr=np.zeros(4, dtype=np.int64),
        need_open=none,
        row_capacity=np.zeros(1),
        buy_cost=np.array([10.0]),
        buy_limit=np.array([9.0]),
        buy_integer=np.array([True]),
        buy_open=np.array([-1], dtype=np.int32),
        buy_indptr=np.array([0, 1], dtype=np.int64),
        buy_row=np.zeros(1, dtype=np.int32),
        buy_amount=np.array([5.0]),
        open_cost=np.zeros(0),
        open_group=none,
        open_indptr=start,
        open_row=none,
        open_amount=np.zeros(0),
        group_min=np.zeros(0, dtype=np.int64),
        group_max=np.zeros(0, dtype=np.int64),
    )


ALL = np.arange(3, dtype=np.int32)
ONES = np.ones(3, dtype=np.int64)


def row_price(price: float, cut: tuple[float, ...]) -> Prices:
    none = np.zeros(0, dtype=np.int32)
    return Prices(np.array([price]), none, none, np.zeros(0), np.zeros(1), np.array(cut))


def test_a_cut_proves_what_fractions_of_blocks_would_hide() -> None:
    problem = three_into_two()
    optimum = brute_force(problem)
    assert optimum is not None and optimum.cost == 20
    fractional = check_bound(problem, Certificate(NOTHING, (row_price(2.0, ()),)))
    assert fractional == pytest.approx(12)
    two_a_block = Cut(0, ALL, ONES, limit=0, purchase=0, per_bought=2)
    proven = check_bound(problem, Certificate(NOTHING, (row_price(0.0, (5.0,)),), cuts=(two_a_block,)))
    assert proven == pytest.approx(15)
    second_block = Cut(0, ALL, ONES, limit=1, purchase=0, per_bought=1)
    proven = check_bound(problem, Certificate(NOTHING, (row_price(0.0, (10.0,)),), cuts=(second_block,)))
    assert proven == pytest.approx(20)


def test_units_of_one_class_never_exceed_its_count() -> None:
    """Two shapes of one workload: only one of them is ever taken."""
    problem = replace(
        three_into_two(),
        variant_class=np.zeros(3, dtype=np.int32),
        count=np.array([1]),
        penalty=np.array([9.0]),
    )
    assert accepts(problem, Cut(0, ALL, ONES, limit=0, purchase=0, per_bought=1))
    assert not accepts(three_into_two(), Cut(0, ALL, ONES, limit=0, purchase=0, per_bought=1))


def test_malformed_cuts_are_rejected_with_a_reason() -> None:
    problem = three_into_two()
    good = Cut(0, ALL, ONES, limit=0, purchase=0, per_bought=2)
    assert accepts(problem, good)
    endless = replace(problem, row_capacity=np.array([np.inf]))
    divisible = replace(problem, buy_integer=np.array([False]))
    many = replace(three_into_two(1 << 30), buy_limit=np.array([1e9]))
    cases = [
        (problem, replace(good, row=1), "names row 1"),
        (endless, good, "row 0 has no end"),
        (
            problem,
            replace(good, column=np.array([0, 1, 3], dtype=np.int32)),
            "names a column that is not there",
        ),
        (problem, replace(good, column=np.array([0, 1, 0], dtype=np.int32)), "names a column twice"),
        (problem, replace(good, column=ALL[:2]), "2 columns but 3 weights"),
        (problem, replace(good, weight=ONES * 1.0), "weight must be a list"),  # type: ignore[arg-type]
        (problem, replace(good, weight=ONES * 0), "weights must be whole numbers from 1"),
        (problem, replace(good, limit=-1), "limit and per_bought must be from 0"),
        (problem, replace(good, limit=0.5), "limit must be a whole number"),  # type: ignore[arg-type]
        (problem, replace(good, per_bought=-1), "limit and per_bought must be from 0"),
        (problem, replace(good, purchase=1), "names purchase 1"),
        (problem, replace(good, purchase=-1), "per_bought must be 0"),
        (divisible, good, "may be bought in fractions"),
        (problem, replace(good, per_bought=1), "does not hold"),
        (many, replace(good, weight=ONES * 7, per_bought=2), "too large to check"),
    ]
    for where, bad, reason in cases:
        with pytest.raises(Rejected, match=reason):
            check_bound(where, Certificate(NOTHING, (row_price(0.0, (0.0,)),), cuts=(bad,)))
    with pytest.raises(Rejected, match="cut has shape"):
        check_bound(problem, Certificate(NOTHING, (row_price(0.0, ()),), cuts=(good,)))
    with pytest.raises(Rejected, match="not a price of 0 or more"):
        check_bound(problem, Certificate(NOTHING, (row_price(0.0, (-1.0,)),), cuts=(good,)))


@pytest.mark.parametrize(("count", "buys"), [(1, 9), (5, 9), (300, 400)])
def test_large_counts_are_judged_exactly(count: int, buys: int) -> None:
    problem = replace(three_into_two(count), buy_limit=np.array([float(buys)]))
    assert accepts(problem, Cut(0, ALL, ONES * 2, limit=0, purchase=0, per_bought=5))
    five_in_two_blocks = Cut(0, ALL, ONES * 2, limit=0, purchase=0, per_bought=4)
    assert accepts(problem, five_in_two_blocks) == (count == 1)
    assert accepts(problem, Cut(0, ALL, ONES, limit=min(3 * count, 5 * buys // 2)))
    assert not accepts(problem, Cut(0, ALL, ONES, limit=min(3 * count, 5 * buys // 2) - 1))


def test_a_placement_that_is_just_tolerated_breaks_no_accepted_cut() -> None:
    """Rows may be overfull by a billionth of both sides; so three that miss by less count as fitting."""
    problem = replace(three_into_two(), row_capacity=np.array([6.0 * (1 - 1.9e-9)]), buy_limit=np.zeros(1))
    assert not accepts(problem, Cut(0, ALL, ONES, limit=2))
    assert accepts(replace(problem, row_capacity=np.array([6.0 * (1 - 1e-8)])), Cut(0, ALL, ONES, limit=2))
