"""Instances are well formed, reproducible, and what their documentation says."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from bench.instances import Features, change, generate, moved_share
from bench.peers.greedy import cheapest_feasible_first
from situs.planner.certificate import Certificate, Prices
from situs.planner.check import check_bound, check_placement, validate_problem
from situs.planner.problem import Problem


def arrays(problem: Problem) -> list[np.ndarray]:
    return [np.asarray(getattr(problem, field.name)) for field in fields(problem)]


@pytest.mark.parametrize("features", ["base", "all"])
@pytest.mark.parametrize("size", ["1k", "10k"])
def test_an_instance_is_well_formed_and_reproducible(size: str, features: Features) -> None:
    first, again = generate(size, 3, 1.2, features).problem, generate(size, 3, 1.2, features).problem
    validate_problem(first)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(first), arrays(again), strict=True))
    other = generate(size, 4, 1.2, features).problem
    assert not np.array_equal(first.penalty, other.penalty)


@pytest.mark.parametrize("features", ["base", "all"])
def test_workloads_are_different_and_all_have_options(features: Features) -> None:
    problem = generate("1k", 0, 1.0, features).problem
    assert len(problem.count) == 1000 == problem.count.sum()
    first = np.searchsorted(problem.variant_class, np.arange(1000))
    assert len(np.unique(problem.demand[first], axis=0)) == 1000
    assert len(np.unique(problem.variant_class[problem.col_variant])) == 1000


def test_all_features_are_on() -> None:
    problem = generate("1k", 0, 1.0, "all").problem
    assert problem.buy_integer.any()
    assert not problem.buy_integer.all()
    assert (problem.buy_open >= 0).any()
    assert (problem.group_min == 1).all()
    assert len(problem.open_row) > 0
    assert (np.diff(problem.extra_indptr) == 2).any(), "some column both spreads and reads over a line"
    assert problem.fixed_cost > 0, "bills of what runs today"


def test_the_million_has_a_million_units_and_partial_stays() -> None:
    problem = generate("1m", 0, 1.0, "all").problem
    owner = problem.variant_class[problem.col_variant]
    assert problem.count.sum() == 1_000_000
    assert len(problem.count) == 2_000
    assert (problem.col_limit < problem.count[owner]).sum() > 2_000


def test_tightness_only_takes_capacity_away() -> None:
    loose, tight = (generate("1k", 0, tightness, "all").problem for tightness in (0.8, 1.2))
    assert np.array_equal(loose.col_cost, tight.col_cost)
    assert (tight.row_capacity <= loose.row_capacity).all()
    assert tight.row_capacity.sum() < 0.9 * loose.row_capacity.sum()


def test_a_change_keeps_its_numbering_straight() -> None:
    instance = generate("1k", 0, 1.0, "all")
    before = instance.problem
    placement = cheapest_feasible_first(before, "marginal")
    changed = change(instance, placement, share=0.03, seed=1)
    problem = changed.instance.problem
    validate_problem(problem)
    assert (changed.class_before < 0).sum() == 10
    assert len(changed.resized) == 10
    assert len(problem.count) == 1000
    assert changed.previous.unplaced[changed.class_before < 0].all()
    assert moved_share(changed, changed.previous) == 0.0

    # A workload that runs pays at its place what it paid before; its bill is credited there and only there.
    owner = problem.variant_class[problem.col_variant]
    same = np.setdiff1d(np.flatnonzero(changed.class_before >= 0), changed.resized)
    stay = changed.instance.stay[same]
    assert (changed.previous.units[stay[stay >= 0]] == 1).all()
    for i in same[:50]:
        new = np.flatnonzero(owner == i)
        old = np.flatnonzero(before.variant_class[before.col_variant] == changed.class_before[i])
        plain_new, plain_old = problem.col_cost[new].copy(), before.col_cost[old].copy()
        if changed.instance.stay[i] >= 0:
            plain_new[changed.instance.stay[i] - new[0]] += changed.instance.bill[i]
        if instance.stay[changed.class_before[i]] >= 0:
            plain_old[instance.stay[changed.class_before[i]] - old[0]] += instance.bill[
                changed.class_before[i]
            ]
        assert plain_new == pytest.approx(plain_old)
        assert np.array_equal(problem.col_target[new], before.col_target[old])


def test_carried_prices_still_prove_a_bound() -> None:
    instance = generate("1k", 1, 1.0, "all")
    problem = instance.problem
    owner = problem.variant_class[problem.col_variant]
    needing = np.repeat(owner, np.diff(problem.need_indptr)).astype(np.int64)
    pairs = np.unique(needing * len(problem.open_cost) + problem.need_open)
    need_class, need_open = np.divmod(pairs, len(problem.open_cost))
    prices = Prices(
        row=np.full(len(problem.row_capacity), 0.01),
        need_class=need_class.astype(np.int32),
        need_open=need_open.astype(np.int32),
        need_price=np.ones(len(pairs)),
        buy=np.zeros(len(problem.buy_cost)),
    )
    changed = change(instance, cheapest_feasible_first(problem, "marginal"), share=0.03)
    carried = changed.carry(Certificate(-np.inf, (prices,)))
    assert 0 < len(carried.leaves[0].need_price) < len(pairs)
    bound = check_bound(changed.instance.problem, carried)
    fresh = cheapest_feasible_first(changed.instance.problem, "marginal")
    assert bound < check_placement(changed.instance.problem, fresh).cost


def test_classes_of_many_units_cannot_be_changed() -> None:
    instance = generate("1m", 0, 1.0, "base")
    with pytest.raises(ValueError, match="one unit each"):
        change(instance, cheapest_feasible_first(instance.problem, "marginal"))
