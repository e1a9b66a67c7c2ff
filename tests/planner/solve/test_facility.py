"""Opens chosen at given prices: as good as the best of all choices, and paid for by classes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from situs.planner.problem import Floats, Ids, Problem
from situs.planner.solve import facility, groups
from situs.planner.solve.facility import Facility
from tests.planner.oracle import random_problem

Drawn = tuple[Problem, Ids, Ids, Floats, Floats, Floats]


def draw(seed: int, *, apart: bool) -> Drawn:
    """Groups of opens, and classes that use those of one group (``apart``) or of any; what is free is dear."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 5, 3)
    group = np.repeat(np.arange(3), size).astype(np.int32)
    if not apart:
        group[rng.random(len(group)) < 0.3] = -1
    classes = int(rng.integers(1, 8))
    may = rng.random((classes, len(group))) < 0.7
    if apart:
        may &= group[None] == rng.integers(0, 3, classes)[:, None]
    cls, opens = np.nonzero(may)
    here = np.bincount(group[group >= 0], minlength=3)
    least = np.minimum(here, rng.integers(0, 3, 3))
    problem = replace(
        random_problem(seed),
        count=rng.integers(1, 4, classes),
        open_group=group,
        group_min=least,
        group_max=np.maximum(least, rng.integers(0, 4, 3)),
    )
    net = rng.uniform(-1 if seed % 3 == 0 else 0, 12, len(group))
    through = rng.uniform(0, 10, len(cls))
    return problem, cls.astype(np.int32), opens.astype(np.int32), through, rng.uniform(3, 15, classes), net


def cost(drawn: Drawn, opened: np.ndarray) -> float:
    """What classes and opens cost in all; inf for a choice that groups do not allow."""
    problem, cls, opens, through, free, net = drawn
    grouped = problem.open_group >= 0
    number = np.bincount(problem.open_group[grouped], opened[grouped], minlength=3)
    if np.any(number < problem.group_min) or np.any(number > problem.group_max):
        return np.inf
    least = free.copy()
    np.minimum.at(least, cls[opened[opens]], through[opened[opens]])
    return float(problem.count @ least + net @ opened)


def proven(drawn: Drawn, price: Floats) -> float:
    """What the prices prove."""
    problem, cls, opens, through, free, net = drawn
    least = free.copy()
    np.minimum.at(least, cls, through + price)
    reduced = net - np.bincount(opens, problem.count[cls] * price, minlength=len(net))
    value = float(problem.count @ least) + float(np.minimum(reduced[problem.open_group < 0], 0).sum())
    for g, (fewest, most) in enumerate(zip(problem.group_min, problem.group_max, strict=True)):
        here = np.sort(reduced[problem.open_group == g])
        value += float(here[:fewest].sum() + np.minimum(here[fewest:most], 0).sum())
    return value


@pytest.mark.slow
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("start", range(0, 300, 100))
def test_the_best_choice_is_found_and_proven(start: int, apart: bool) -> None:
    whole = 0
    for seed in range(start, start + 100):
        drawn = draw(seed, apart=apart)
        problem, cls, opens, through, free, net = drawn
        located = Facility(problem, cls, opens).locate(through, free, net)
        best = min(cost(drawn, np.array(each, dtype=bool)) for each in product((0, 1), repeat=len(net)))
        value = proven(drawn, located.pair_price)
        assert value <= best + 1e-7, seed
        assert np.all(located.pair_price >= 0)
        if np.all((located.share < 1e-6) | (located.share > 1 - 1e-6)):
            assert cost(drawn, located.share > 0.5) == pytest.approx(best), seed
            whole += value == pytest.approx(best, rel=1e-4)
    assert whole > 85


@pytest.mark.slow
def test_most_prices_come_without_a_linear_program(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    relax = facility.Facility._relax
    monkeypatch.setattr(facility.Facility, "_relax", lambda self, *a: asked.append(1) or relax(self, *a))
    for seed in range(100):
        problem, cls, opens, through, free, net = draw(seed, apart=True)
        Facility(problem, cls, opens).locate(through, free, net)
    assert len(asked) < 35


def test_without_small_groups_the_linear_program_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(100):
        drawn = draw(seed, apart=True)
        problem, cls, opens, through, free, net = drawn
        quick = Facility(problem, cls, opens).locate(through, free, net)
        with monkeypatch.context() as patch:
            patch.setattr(groups, "MOST_WAYS", 0)
            slow = Facility(problem, cls, opens).locate(through, free, net)
        assert proven(drawn, quick.pair_price) == pytest.approx(proven(drawn, slow.pair_price), rel=1e-4)


def test_classes_pay_no_more_than_is_asked_for() -> None:
    """One open costs 2 and saves a class 100: it pays 2, not what it would."""
    problem = replace(
        random_problem(0),
        count=np.ones(1, dtype=np.int64),
        open_group=np.zeros(1, dtype=np.int32),
        group_min=np.ones(1, dtype=np.int64),
        group_max=np.ones(1, dtype=np.int64),
    )
    zero = np.zeros(1, dtype=np.int32)
    located = Facility(problem, zero, zero).locate(np.array([1.0]), np.array([101.0]), np.array([2.0]))
    assert located.share.tolist() == [1.0]
    assert located.pair_price.tolist() == [2.0]
