"""The solver's bound and the checker's are written apart and say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from situs.planner.certificate import Certificate
from situs.planner.check import check_bound
from situs.planner.solve.bound import priced
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import Frame
from tests.planner.check.test_bound import NOTHING, random_prices
from tests.planner.check.test_cuts import accepts, random_cut
from tests.planner.oracle import random_problem


@pytest.mark.parametrize("start", range(0, 300, 30))
def test_solver_and_checker_price_cuts_alike(start: int) -> None:
    for seed in range(start, start + 30):
        problem = random_problem(seed)
        problem = replace(
            problem,
            buy_limit=np.where(problem.buy_integer, np.floor(problem.buy_limit), problem.buy_limit),
        )
        rng = np.random.default_rng(seed)
        drawn = (random_cut(problem, rng) for _ in range(6))
        cuts = tuple(cut for cut in drawn if cut is not None and accepts(problem, cut))
        prices = replace(random_prices(problem, rng), cut=rng.exponential(2, len(cuts)))
        expected = check_bound(problem, Certificate(NOTHING, (prices,), cuts=cuts))
        found = priced(Frame(problem), prices, cuts=CutList.of(cuts)).value
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)
