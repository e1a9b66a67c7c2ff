"""What a market could want of each row, against counting it class by class."""

from __future__ import annotations

import numpy as np
import pytest

from situs.planner.solve.frame import Frame
from situs.planner.solve.market import Market
from situs.planner.solve.needs import Needs
from tests.planner.oracle import random_problem


@pytest.mark.parametrize("one_of", [1, 3])
def test_classes_take_their_most_demanding_column(one_of: int) -> None:
    for seed in range(60):
        p = random_problem(seed)
        frame, rng = Frame(p), np.random.default_rng(seed)
        needs = Needs(frame)
        opened = rng.random(frame.opens) < 0.7
        columns = np.flatnonzero(needs.usable(opened))
        scale = rng.uniform(1, 3, frame.classes)
        market = Market(frame, columns, opened, needs.chosen_here, scale, one_of=one_of)
        most, users, even = np.zeros(market.rows), np.zeros(market.rows, dtype=int), np.zeros(market.rows)
        for i in np.unique(frame.cls[columns]):
            here = columns[frame.cls[columns] == i]
            takes = np.zeros((len(here), market.rows))
            for n, j in enumerate(here):
                uses = [
                    (r, p.demand[p.col_variant[j], q]) for q, r in enumerate(p.target_row[p.col_target[j]])
                ]
                items = range(p.extra_indptr[j], p.extra_indptr[j + 1])
                uses += [(p.extra_row[item], p.extra_amount[item]) for item in items]
                for r, amount in uses:
                    if r >= 0:
                        takes[n, r] += amount
                        users[r] += 1
                        even[r] += amount**2 * one_of * p.count[i] / scale[i] / len(here)
            most += one_of * p.count[i] * takes.max(axis=0)
        single = market._single_use
        most += single.maximum(0) @ market._single_high
        users += np.diff(single.indptr)
        even += single.power(2) @ (0.25 * (market._single_high - market._single_low) / market._single_scale)
        found = market._extent()
        assert found[0] == pytest.approx(most)
        assert np.array_equal(found[1], users)
        assert found[2] == pytest.approx(even)
