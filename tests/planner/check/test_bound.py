"""The recomputed bound is valid for any prices and any tree, exact to its formula, and no claim beats it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import situs.planner.check.bound as bound_module
from situs.planner.certificate import Certificate, Prices, Split
from situs.planner.check import Rejected, check_bound
from situs.planner.problem import Problem
from tests.planner.oracle import brute_force, random_problem

NOTHING = -math.inf
"""A claim that no prices contradict."""


def random_prices(problem: Problem, rng: np.random.Generator) -> Prices:
    """Non-negative prices, many of them 0, at a random scale."""

    def draw(size: int) -> np.ndarray:
        return rng.exponential(10 ** rng.uniform(-1, 1), size) * (rng.random(size) < 0.6)

    pairs = rng.random((len(problem.count), len(problem.open_cost))) < 0.4
    need_class, need_open = np.nonzero(pairs)
    return Prices(
        row=np.where(np.isinf(problem.row_capacity), 0.0, draw(len(problem.row_capacity))),
        need_class=need_class.astype(np.int32),
        need_open=need_open.astype(np.int32),
        need_price=draw(len(need_class)),
        buy=np.where(problem.buy_open < 0, 0.0, draw(len(problem.buy_cost))),
    )


def random_tree(problem: Problem, rng: np.random.Generator, depth: int, leaves: int) -> Split | int:
    choices: list[tuple[str, int]] = [("units", j) for j in range(len(problem.col_cost))]
    choices += [("opened", f) for f in range(len(problem.open_cost))]
    choices += [("unplaced", i) for i in range(len(problem.count))]
    choices += [("bought", int(k)) for k in np.flatnonzero(problem.buy_integer)]
    if depth == 0 or rng.random() < 0.2:
        return int(rng.integers(leaves))
    what, index = choices[int(rng.integers(len(choices)))]
    value = 0 if what == "opened" else int(rng.integers(0, 3))
    low, high = (random_tree(problem, rng, depth - 1, leaves) for _ in range(2))
    return Split(what, index, value, low, high)  # type: ignore[arg-type]


def random_certificate(problem: Problem, seed: int, depth: int = 4) -> Certificate:
    rng = np.random.default_rng(10_000 + seed)
    leaves = tuple(random_prices(problem, rng) for _ in range(3))
    return Certificate(bound=NOTHING, leaves=leaves, tree=random_tree(problem, rng, depth, len(leaves)))


def naive_bound(problem: Problem, prices: Prices) -> float:
    """The formula of a tree of one leaf, word for word, in plain loops over all units and groups."""
    need = dict(
        zip(
            zip(prices.need_class.tolist(), prices.need_open.tolist(), strict=True),
            prices.need_price,
            strict=True,
        )
    )
    total = problem.fixed_cost
    total -= sum(p * c for p, c in zip(prices.row, problem.row_capacity, strict=True) if p)
    for i, count in enumerate(problem.count.tolist()):
        offers = [problem.penalty[i]] * count
        for j in range(len(problem.col_cost)):
            v = problem.col_variant[j]
            if problem.variant_class[v] != i:
                continue
            cost = problem.col_cost[j]
            for q, r in enumerate(problem.target_row[problem.col_target[j]]):
                cost += prices.row[r] * problem.demand[v, q] if r >= 0 else 0.0
            for at in range(problem.extra_indptr[j], problem.extra_indptr[j + 1]):
                cost += prices.row[problem.extra_row[at]] * problem.extra_amount[at]
            for f in problem.need_open[problem.need_indptr[j] : problem.need_indptr[j + 1]].tolist():
                cost += need.get((i, f), 0.0)
            offers += [cost] * min(count, int(problem.col_limit[j]), fitting(problem, j))
        total += sum(sorted(offers)[:count])
    for k in range(len(problem.buy_cost)):
        cost = problem.buy_cost[k] + prices.buy[k]
        for at in range(problem.buy_indptr[k], problem.buy_indptr[k + 1]):
            cost -= prices.row[problem.buy_row[at]] * problem.buy_amount[at]
        most = math.floor(problem.buy_limit[k]) if problem.buy_integer[k] else problem.buy_limit[k]
        total += min(0.0, cost * most)
    worth = []
    for f in range(len(problem.open_cost)):
        cost = problem.open_cost[f]
        for at in range(problem.open_indptr[f], problem.open_indptr[f + 1]):
            cost += prices.row[problem.open_row[at]] * problem.open_amount[at]
        cost -= sum(problem.count[i] * price for (i, g), price in need.items() if g == f)
        cost -= sum(problem.buy_limit[k] * prices.buy[k] for k in np.flatnonzero(problem.buy_open == f))
        worth.append(cost)
        total += min(0.0, cost) if problem.open_group[f] < 0 else 0.0
    for g in range(len(problem.group_min)):
        own = sorted(cost for f, cost in enumerate(worth) if problem.open_group[f] == g)
        sizes = range(problem.group_min[g], min(problem.group_max[g], len(own)) + 1)
        total += min((sum(own[:size]) for size in sizes), default=math.inf)
    return float(total)


def fitting(problem: Problem, column: int) -> int:
    """How many units of a column its rows hold one by one, with everything bought."""
    reach = problem.row_capacity.copy()
    for k in range(len(problem.buy_cost)):
        most = math.floor(problem.buy_limit[k]) if problem.buy_integer[k] else problem.buy_limit[k]
        for at in range(problem.buy_indptr[k], problem.buy_indptr[k + 1]):
            reach[problem.buy_row[at]] += most * problem.buy_amount[at]
    variant, target = problem.col_variant[column], problem.col_target[column]
    uses = list(zip(problem.target_row[target], problem.demand[variant], strict=True))
    span = slice(problem.extra_indptr[column], problem.extra_indptr[column + 1])
    uses += list(zip(problem.extra_row[span], problem.extra_amount[span], strict=True))
    times = [reach[r] / amount * (1 + 1e-8) for r, amount in uses if r >= 0 and amount > 0]
    return int(min([*times, 1000.0]))


@pytest.mark.parametrize("seed", range(200))
def test_one_leaf_is_the_formula(seed: int) -> None:
    problem = random_problem(seed)
    prices = random_prices(problem, np.random.default_rng(seed))
    expected = naive_bound(problem, prices)
    assert check_bound(problem, Certificate(NOTHING, (prices,))) == pytest.approx(
        expected, rel=1e-7, abs=1e-7
    )


@pytest.mark.parametrize("start", range(0, 400, 40))
def test_any_prices_in_any_tree_bound_the_optimum(start: int) -> None:
    for seed in range(start, start + 40):
        problem = random_problem(seed)
        optimum = brute_force(problem)
        bound = check_bound(problem, random_certificate(problem, seed))
        assert optimum is None or bound <= optimum.cost + 1e-9, seed


@pytest.mark.parametrize("seed", range(60))
def test_enumerating_every_choice_proves_the_optimum_but_for_the_rows(seed: int) -> None:
    """With endless rows, a tree that fixes every open and zero prices prove the optimum itself."""
    problem = random_problem(seed)
    free = replace(problem, row_capacity=np.full_like(problem.row_capacity, np.inf))
    optimum = brute_force(free)
    tree: Split | int = 0
    for f in range(len(free.open_cost)):
        tree = Split("opened", f, 0, tree, tree)
    zero = Prices(
        row=np.zeros(len(free.row_capacity)),
        need_class=np.zeros(0, dtype=np.int32),
        need_open=np.zeros(0, dtype=np.int32),
        need_price=np.zeros(0),
        buy=np.zeros(len(free.buy_cost)),
    )
    bound = check_bound(free, Certificate(NOTHING, (zero,), tree))
    assert bound == pytest.approx(optimum.cost if optimum else math.inf, abs=1e-7)


@pytest.mark.parametrize("seed", range(60))
def test_a_split_never_weakens_the_bound(seed: int) -> None:
    problem = random_problem(seed)
    certificate = random_certificate(problem, seed)
    whole = check_bound(problem, replace(certificate, leaves=certificate.leaves[:1], tree=0))
    one_leaf_everywhere = replace(certificate, leaves=certificate.leaves[:1] * 3)
    assert check_bound(problem, one_leaf_everywhere) >= whole - 1e-9


@pytest.mark.parametrize("seed", range(60))
def test_chunks_do_not_change_the_bound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(seed)
    certificate = random_certificate(problem, seed)
    whole = check_bound(problem, certificate)
    monkeypatch.setattr(bound_module, "CHUNK_COLUMNS", 1)
    assert check_bound(problem, certificate) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_a_claim_is_accepted_up_to_what_is_proven_and_no_further(seed: int) -> None:
    problem = random_problem(seed)
    certificate = random_certificate(problem, seed)
    proven = check_bound(problem, certificate)
    check_bound(problem, replace(certificate, bound=proven))
    too_much = proven + 1e-6 * max(1.0, abs(proven)) if math.isfinite(proven) else math.nan
    for claim in (too_much, math.nan):
        with pytest.raises(Rejected, match="claimed bound"):
            check_bound(problem, replace(certificate, bound=claim))


def certificate_and_problem() -> tuple[Problem, Certificate]:
    """A seed that has opens, whole and fractional purchases, and an endless row."""
    for seed in range(1_000):
        problem = random_problem(seed)
        rich = len(problem.open_cost) and problem.buy_integer.any() and not problem.buy_integer.all()
        if rich and np.isinf(problem.row_capacity).any() and (problem.buy_open < 0).any():
            return problem, random_certificate(problem, seed, depth=0)
    raise AssertionError("no such seed")


def test_prices_that_prove_nothing_are_rejected() -> None:
    problem, certificate = certificate_and_problem()
    prices = certificate.leaves[0]
    endless = int(np.flatnonzero(np.isinf(problem.row_capacity))[0])
    finite = int(np.flatnonzero(np.isfinite(problem.row_capacity))[0])
    unneeded = int(np.flatnonzero(problem.buy_open < 0)[0])

    def set_at(values: np.ndarray, at: int, value: float) -> np.ndarray:
        changed = values.copy()
        changed[at] = value
        return changed

    pair = {"need_class": np.array([0, 0], dtype=np.int32), "need_open": np.array([0, 0], dtype=np.int32)}
    cases = [
        (replace(prices, row=set_at(prices.row, finite, -1e-15)), "not a price of 0 or more"),
        (replace(prices, row=set_at(prices.row, finite, np.nan)), "not a price of 0 or more"),
        (replace(prices, row=set_at(prices.row, finite, np.inf)), "not a price of 0 or more"),
        (replace(prices, row=set_at(prices.row, endless, 1.0)), f"Row {endless} has no end"),
        (replace(prices, row=prices.row[:-1]), "row has shape"),
        (replace(prices, buy=set_at(prices.buy, unneeded, 1.0)), f"Purchase {unneeded} needs no open"),
        (replace(prices, **pair, need_price=np.array([1.0, 2.0])), "priced twice"),
        (replace(prices, **pair, need_price=np.array([1.0, -2.0])), "not a price of 0 or more"),
        (replace(prices, **pair, need_price=np.array([1.0])), "need_class has shape"),
        (
            replace(
                prices,
                need_class=np.array([len(problem.count)], dtype=np.int32),
                need_open=np.array([0], dtype=np.int32),
                need_price=np.array([1.0]),
            ),
            "not there",
        ),
    ]
    for bad, reason in cases:
        with pytest.raises(Rejected, match=reason):
            check_bound(problem, replace(certificate, leaves=(bad,), tree=0))


def test_a_tree_that_leaves_cases_out_or_splits_the_indivisible_is_rejected() -> None:
    problem, certificate = certificate_and_problem()
    fractional = int(np.flatnonzero(~problem.buy_integer)[0])
    whole = int(np.flatnonzero(problem.buy_integer)[0])
    trees: list[tuple[Split | int, str]] = [
        (Split("bought", fractional, 0, 0, 0), "may be bought in fractions"),
        (Split("bought", len(problem.buy_cost), 0, 0, 0), "names bought"),
        (Split("opened", -1, 0, 0, 0), "names opened -1"),
        (Split("units", 0, 0, 0, 99), "names leaf 99"),
        (Split("units", 0, 0, 0, -1), "names leaf -1"),
        (Split("bought", whole, 0.5, 0, 0), "not a whole number"),  # type: ignore[arg-type]
        (Split("row", 0, 0, 0, 0), "no integer choice"),  # type: ignore[arg-type]
    ]
    for tree, reason in trees:
        with pytest.raises(Rejected, match=reason):
            check_bound(problem, replace(certificate, tree=tree))


def test_a_case_with_nothing_in_it_bounds_nothing() -> None:
    """Both sides of a split beyond every limit: one is empty, the other is the whole."""
    problem, certificate = certificate_and_problem()
    whole = check_bound(problem, certificate)
    tree = Split("units", 0, 10_000, 0, Split("opened", 0, 0, 0, 0))
    assert check_bound(problem, replace(certificate, tree=tree)) == pytest.approx(whole, rel=1e-12)


def one_place(demand: float, capacity: float, bought: float, extra: float = 0.0) -> Problem:
    """Four units that cost 1 placed and 10 left out; the place has capacity, and one block of more at no cost."""
    none, ids = np.zeros(2, dtype=np.int64), np.zeros(0, dtype=np.int32)
    return Problem(
        count=np.array([4]),
        penalty=np.array([10.0]),
        variant_class=np.array([0], dtype=np.int32),
        demand=np.array([[demand]]),
        target_row=np.array([[0]], dtype=np.int32),
        col_variant=np.array([0], dtype=np.int32),
        col_target=np.array([0], dtype=np.int32),
        col_cost=np.array([1.0]),
        col_limit=np.array([4]),
        extra_indptr=np.array([0, 1]),
        extra_row=np.array([1], dtype=np.int32),
        extra_amount=np.array([extra]),
        need_indptr=none,
        need_open=ids,
        row_capacity=np.array([capacity, 5.0]),
        buy_cost=np.array([0.0]),
        buy_limit=np.array([1.0]),
        buy_integer=np.array([True]),
        buy_open=np.array([-1], dtype=np.int32),
        buy_indptr=np.array([0, 1]),
        buy_row=np.array([0], dtype=np.int32),
        buy_amount=np.array([bought]),
        open_cost=np.zeros(0),
        open_group=ids,
        open_indptr=np.zeros(1, dtype=np.int64),
        open_row=ids,
        open_amount=np.zeros(0),
        group_min=np.zeros(0, dtype=np.int64),
        group_max=np.zeros(0, dtype=np.int64),
    )


def bound_of_nothing(problem: Problem, tree: Split | int = 0) -> float:
    """What zero prices prove: only limits speak."""
    ids = np.zeros(0, dtype=np.int32)
    free = Prices(np.zeros(2), ids, ids, np.zeros(0), np.zeros(1))
    return check_bound(problem, Certificate(NOTHING, (free,), tree))


def test_units_that_do_not_fit_a_row_at_its_fullest_are_left_out() -> None:
    assert bound_of_nothing(one_place(2.0, 1.0, 3.0)) == pytest.approx(2 * 1 + 2 * 10)
    assert bound_of_nothing(one_place(2.0, 1.0, 2.9)) == pytest.approx(1 * 1 + 3 * 10)
    assert bound_of_nothing(one_place(2.0, 1.0, 0.9)) == pytest.approx(4 * 10)
    assert bound_of_nothing(one_place(0.0, 0.0, 0.0)) == pytest.approx(4 * 1)
    assert bound_of_nothing(one_place(0.0, 0.0, 0.0, extra=2.5)) == pytest.approx(2 * 1 + 2 * 10)


def test_a_case_that_buys_nothing_has_only_what_is_there() -> None:
    problem = one_place(2.0, 2.0, 6.0)
    assert bound_of_nothing(problem) == pytest.approx(4 * 1)
    assert bound_of_nothing(replace(problem, buy_limit=np.zeros(1))) == pytest.approx(1 * 1 + 3 * 10)
    dear = replace(problem, buy_cost=np.array([5.0]))
    assert bound_of_nothing(dear, Split("bought", 0, 0, 0, 0)) == pytest.approx(5 + 4 * 1)


def test_units_that_a_case_asks_for_take_room_from_the_others() -> None:
    problem = one_place(2.0, 8.0, 0.0)
    assert bound_of_nothing(problem) == pytest.approx(4 * 1)
    assert bound_of_nothing(replace(problem, row_capacity=np.array([5.0, 5.0]))) == pytest.approx(
        2 * 1 + 2 * 10
    )
    asked = Split("units", 0, 2, 0, 0)
    narrow = replace(problem, row_capacity=np.array([5.0, 5.0]))
    # three do not fit, so only the case of at most two is left
    assert bound_of_nothing(narrow, asked) == pytest.approx(2 * 1 + 2 * 10)


def test_units_that_a_case_leaves_out_or_keeps_in() -> None:
    problem = one_place(2.0, 5.0, 0.0)
    assert bound_of_nothing(problem) == pytest.approx(2 * 1 + 2 * 10)
    # at least three out, or at most two; at most one out is no case at all, since only two fit
    assert bound_of_nothing(problem, Split("unplaced", 0, 2, 0, 0)) == pytest.approx(2 * 1 + 2 * 10)
    three_out = Split("unplaced", 0, 1, 0, Split("unplaced", 0, 2, Split("units", 0, 1, 0, 0), 0))
    assert bound_of_nothing(problem, three_out) == pytest.approx(2 * 1 + 2 * 10)
    one_in = replace(problem, col_limit=np.array([1]))
    assert bound_of_nothing(one_in, Split("unplaced", 0, 2, 0, 0)) == pytest.approx(1 * 1 + 3 * 10)
    assert bound_of_nothing(
        one_in, Split("unplaced", 0, 3, Split("unplaced", 0, 2, 0, 0), 0)
    ) == pytest.approx(1 * 1 + 3 * 10)
