"""The cuts that the solver finds are right, raise the bound, and never too far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from situs.planner.certificate import Certificate
from situs.planner.check import check_bound
from situs.planner.problem import Problem
from situs.planner.solve.cuts import Strengthened, strengthened
from situs.planner.solve.frame import Frame
from situs.planner.solve.knapsack import heaviest
from situs.planner.solve.relaxation import relax
from tests.planner.check.test_cuts import three_into_two
from tests.planner.oracle import brute_force, random_problem


def relaxed_and_strengthened(problem: Problem) -> tuple[float, Strengthened] | None:
    frame = Frame(problem)
    relaxation = relax(frame)
    if relaxation is None:
        return None
    return relaxation.bound, strengthened(frame, relaxation)


@pytest.mark.parametrize("start", range(0, 400, 40))
def test_cuts_are_accepted_and_never_cut_off_the_optimum(start: int) -> None:
    raised = 0
    for seed in range(start, start + 40):
        problem = random_problem(seed)
        found = relaxed_and_strengthened(problem)
        if found is None:
            continue
        before, after = found
        certificate = Certificate(after.bound, (after.prices,), cuts=after.cuts)
        proven = check_bound(problem, certificate)
        assert proven == pytest.approx(after.bound, rel=1e-7, abs=1e-7)
        optimum = brute_force(problem)
        assert optimum is None or proven <= optimum.cost + 1e-7, seed
        assert after.bound >= before
        raised += after.bound > before + 1e-6
    assert raised >= 2


def test_blocks_are_bought_whole() -> None:
    """Three units, two to a block: the relaxation buys 1.2 blocks, with cuts it buys both."""
    found = relaxed_and_strengthened(three_into_two())
    assert found is not None
    before, after = found
    assert before == pytest.approx(12)
    assert after.bound == pytest.approx(20)


def test_units_that_cannot_share_a_row_are_told_apart() -> None:
    """Units of 2 on a row of 5: two fit, not two and a half."""
    problem = replace(three_into_two(), row_capacity=np.array([5.0]), buy_limit=np.zeros(1))
    found = relaxed_and_strengthened(problem)
    assert found is not None
    before, after = found
    assert before == pytest.approx(50)
    assert after.bound == pytest.approx(100)


def test_the_same_cuts_every_time() -> None:
    some = 0
    for seed in range(20):
        first, second = (relaxed_and_strengthened(random_problem(seed)) for _ in range(2))
        if first is not None and second is not None:
            assert first[1].bound == second[1].bound
            assert first[1].prices.cut.tolist() == second[1].prices.cut.tolist()
            some += len(first[1].cuts) > 0
    assert some > 1


def test_a_stop_leaves_the_bound_of_the_relaxation_or_better() -> None:
    frame = Frame(three_into_two())
    relaxation = relax(frame)
    assert relaxation is not None
    stopped = strengthened(frame, relaxation, stop=lambda: True)
    assert stopped.bound >= relaxation.bound


@pytest.mark.parametrize("seed", range(300))
def test_the_most_weight_that_fits_is_that_of_all_choices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = int(rng.integers(1, 6))
    cls = np.sort(rng.integers(0, 4, items))
    count = rng.integers(1, 4, 4)[cls]
    weight, amount = rng.integers(1, 6, items), rng.integers(1, 9, items) / 2
    room = np.minimum(rng.integers(1, 4, items), count)
    # A class with a choice of items counts as a whole, whatever the items' own limits.
    shared = np.bincount(cls, minlength=4)[cls] > 1
    room = np.where(shared, count, room)
    capacity = np.cumsum(rng.integers(0, 5, 4)).astype(float)
    grids = np.meshgrid(*(np.arange(n + 1) for n in room), indexing="ij")
    units = np.stack(grids, axis=-1).reshape(-1, items)
    for n in range(4):
        if (cls == n).any():
            units = units[units[:, cls == n].sum(axis=1) <= count[cls == n][0]]
    expected = [int((units[units @ amount <= there] @ weight).max()) for there in capacity]
    order = rng.permutation(items)
    parts = (part[order] for part in (weight, amount, room, cls, count))
    most = heaviest(*parts, capacity)
    assert most is not None
    assert most.tolist() == expected
