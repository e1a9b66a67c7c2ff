"""Passes in machine code say the same as going through columns one by one."""

from __future__ import annotations

import numpy as np
import pytest

from situs.planner.solve import parts
from situs.planner.solve.bound import fill
from situs.planner.solve.floors import floors
from situs.planner.solve.frame import Frame
from situs.planner.solve.needs import Needs
from situs.planner.solve.pricing import state_at
from tests.planner.oracle import random_problem


@pytest.fixture(params=["in turn", "at once"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WORTH_IT", 0 if request.param == "at once" else 1 << 40)


@pytest.mark.usefixtures("_both_ways")
def test_columns_pay_for_rows_and_needs_and_tell_what_classes_pay() -> None:
    for seed in range(60):
        p = random_problem(seed)
        frame, rng = Frame(p), np.random.default_rng(seed)
        needs = Needs(frame)
        row, price = rng.exponential(3, frame.rows), rng.exponential(2, len(needs.pair_class))
        opened = rng.random(frame.opens) < 0.5
        charged = frame.charged(row)
        reduced, usable = needs.charge(charged, price), needs.usable(opened)
        through, free = needs._levels(charged)
        pair = {(i, f): n for n, (i, f) in enumerate(zip(needs.pair_class, needs.pair_open, strict=True))}
        assert len(pair) == len(price)
        slow_through, slow_free = np.full(len(price), np.inf), p.penalty.copy()
        for j in range(frame.columns):
            cost, i = p.col_cost[j], frame.cls[j]
            for q, r in enumerate(p.target_row[p.col_target[j]]):
                cost += p.demand[p.col_variant[j], q] * row[r] if r >= 0 else 0.0
            for n in range(p.extra_indptr[j], p.extra_indptr[j + 1]):
                cost += p.extra_amount[n] * row[p.extra_row[n]]
            needed = p.need_open[p.need_indptr[j] : p.need_indptr[j + 1]]
            through_pairs = [pair[i, f] for f in needed]
            assert charged[j] == pytest.approx(cost)
            assert reduced[j] == pytest.approx(cost + price[through_pairs].sum())
            assert usable[j] == (frame.limits.room[j] > 0 and opened[needed].all())
            if frame.limits.room[j] >= p.count[i]:
                for n in through_pairs:
                    slow_through[n] = min(slow_through[n], cost)
                if not len(needed):
                    slow_free[i] = min(slow_free[i], cost)
        assert through == pytest.approx(slow_through)
        assert free == pytest.approx(slow_free)


@pytest.mark.usefixtures("_both_ways")
def test_units_go_to_the_cheapest_columns_first() -> None:
    for seed in range(60):
        p = random_problem(seed)
        frame, rng = Frame(p), np.random.default_rng(seed)
        value = rng.uniform(-5, 20, frame.columns)
        cost, margin = fill(frame, value, frame.limits)
        for i in range(frame.classes):
            here = slice(frame.starts[i], frame.starts[i + 1])
            units = np.repeat(value[here], np.minimum(frame.limits.room[here], p.count[i]))
            units = np.sort(np.append(units, np.full(p.count[i], p.penalty[i])))
            assert cost[i] == pytest.approx(units[: p.count[i]].sum())
            assert units[p.count[i] - 1] - 1e-9 <= margin[i]
            assert margin[i] == pytest.approx(units[p.count[i] - 1]) or margin[i] <= units[p.count[i]] + 1e-9


def test_distances_are_told_as_classes_feel_them() -> None:
    for seed in range(20):
        frame = Frame(random_problem(seed))
        state = state_at(frame, Needs(frame), np.zeros(frame.rows), np.zeros(frame.buys))
        scale = np.random.default_rng(seed).uniform(1, 3, frame.classes)
        beyond = state.beyond(frame, scale)
        expected = (state.charged - state.margin[frame.cls]) / scale[frame.cls]
        assert np.all(np.isinf(beyond[~state.usable]))
        assert beyond[state.usable] == pytest.approx(expected[state.usable])


@pytest.mark.usefixtures("_both_ways")
def test_prices_fall_just_so_far_that_nobody_wants_what_was_left_out() -> None:
    stopped = 0
    for seed in range(60):
        p = random_problem(seed)
        frame, rng = Frame(p), np.random.default_rng(seed)
        row = rng.exponential(3, frame.rows)
        usable, charged = rng.random(frame.columns) < 0.8, frame.charged(row)
        near = usable & (rng.random(frame.columns) < 0.5)
        margin = np.minimum(frame.least_by_class(np.where(usable, charged, np.inf)), p.penalty)
        floor = floors(frame, near, usable, charged, margin, row)
        assert np.all((floor >= 0.0) & (floor <= row))
        out = usable & ~near
        least = margin[frame.cls] - 1e-9 * (1.0 + np.abs(charged))
        assert np.all(frame.charged(floor)[out] >= least[out])
        # A little lower, and somebody would: every price that was stopped is stopped by a column.
        for r in np.flatnonzero((floor > 0.0) & (floor < row)):
            lower = row * (floor[r] / row[r] - 1e-3)
            stopped += 1
            assert np.any(frame.charged(np.maximum(lower, 0.0))[out] < margin[frame.cls][out])
    assert stopped > 20
