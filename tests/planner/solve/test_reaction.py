"""What is wanted reacts to prices as the model of the market says."""

from __future__ import annotations

import numpy as np
import pytest

from situs.planner.problem import Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.frame import Frame
from situs.planner.solve.market import Market
from situs.planner.solve.needs import Needs
from tests.planner.oracle import random_problem

STEP = 1e-5


def _moved(price: Floats, free: Ints, change: Floats) -> Floats:
    moved = price.copy()
    moved[free] += change
    return moved


@pytest.mark.parametrize("temperature", [0.5, 0.05])
def test_a_small_change_of_prices_changes_what_is_wanted_by_what_the_model_says(temperature: float) -> None:
    reacting = 0
    for seed in range(60):
        frame, rng = Frame(random_problem(seed)), np.random.default_rng(seed)
        needs = Needs(frame)
        opened = rng.random(frame.opens) < 0.7
        columns = np.flatnonzero(needs.usable(opened))
        scale = np.full(frame.classes, 10.0)
        market = Market(frame, columns, opened, needs.chosen_here, scale, box=Box.whole(frame))
        free = market.limited
        if not len(free):
            continue
        price = np.zeros(market.rows)
        price[free] = rng.exponential(1.0, len(free))
        change = rng.normal(size=len(free))

        fewer, more = (
            market.soft(_moved(price, free, step * change), temperature).excess[free]
            for step in (-STEP, STEP)
        )
        measured = (fewer - more) / (2 * STEP)
        model = market._model(market.soft(price, temperature), temperature, free)
        said = model._reaction(change)
        assert said == pytest.approx(measured, rel=2e-2, abs=2e-2 * max(1.0, np.abs(measured).max())), seed
        reacting += np.abs(measured).max() > 1e-3
    assert reacting > 20
