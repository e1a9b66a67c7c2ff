"""Solving small parts keeps the rest, breaks nothing, and gets to the optimum of small problems."""

from __future__ import annotations

import numpy as np
import pytest

from situs.planner.check import check_bound, check_placement
from situs.planner.solve import solve
from situs.planner.solve.frame import Frame
from situs.planner.solve.model import Kept
from situs.planner.solve.related import related
from situs.planner.solve.restricted import search
from tests.planner.oracle import brute_force, random_problem


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 120, 20))
def test_small_problems_are_solved_the_way_of_larger_ones(
    start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("situs.planner.solve.closing.FEW", 0)
    monkeypatch.setattr("situs.planner.solve.primal.FEWEST_TRIALS", 2000)
    some = 0
    for seed in range(start, start + 20):
        problem = random_problem(seed)
        optimum = brute_force(problem)
        if optimum is None:
            continue
        some += 1
        found = solve(problem, gap=1e-9)
        check_placement(problem, found.placement)
        check_bound(problem, found.certificate)
        assert found.placement.cost == pytest.approx(optimum.cost, rel=1e-6, abs=1e-6), seed
    assert some > 5


def test_classes_that_are_kept_stay() -> None:
    some = 0
    for seed in range(40):
        problem = random_problem(seed)
        frame = Frame(problem)
        before = search(frame, np.arange(frame.columns))
        if before is None or frame.classes < 2:
            continue
        classes = np.arange(frame.classes // 2)
        after = search(frame, np.arange(frame.columns), kept=Kept(classes, before.units))
        assert after is not None
        stay = np.isin(frame.cls, classes)
        assert np.array_equal(after.units[stay], before.units[stay])
        assert after.cost == pytest.approx(before.cost, rel=1e-4, abs=1e-4)
        some += 1
    assert some > 5


def test_related_classes_can_move_between_the_same_targets() -> None:
    some = 0
    for seed in range(40):
        frame = Frame(random_problem(seed))
        target = frame.problem.col_target
        near = np.flatnonzero(frame.limits.room > 0)
        for number in (1, frame.classes):
            free = related(frame, near, np.zeros(frame.classes), 0, number)
            assert np.array_equal(free, np.unique(free))
            for i in free:
                assert len(np.unique(target[near[frame.cls[near] == i]])) >= 2
        some += len(free) > 1
    assert some > 5
