"""Whole purchases decided by a linear program: its cuts and its proofs, on problems small enough to know the answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from situs.planner.certificate import Certificate
from situs.planner.check import check_bound
from situs.planner.check.cuts import wrong_cuts
from situs.planner.problem import Problem
from situs.planner.solve import wholes
from situs.planner.solve.block_cuts import block_rows, broken_cuts
from situs.planner.solve.core import Core, Stuck
from situs.planner.solve.cut_lp import Point
from situs.planner.solve.cut_rows import cut_rows
from situs.planner.solve.frame import Frame
from situs.planner.solve.library import SolverFault
from situs.planner.solve.pricing import Pricing, price
from situs.planner.solve.relaxation import no_prices
from situs.planner.solve.wholes import Wholes
from tests.planner.oracle import brute_force, random_problem


def single(seed: int) -> Problem:
    """A random problem whose classes have one unit each, as cuts of blocks ask for."""
    problem = random_problem(seed)
    return replace(problem, count=np.ones_like(problem.count))


def priced_problem(seed: int) -> tuple[Frame, Pricing] | None:
    frame = Frame(single(seed))
    try:
        return frame, price(frame)
    except SolverFault:
        return None


def test_every_certificate_on_the_way_is_below_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions however small are proven here, so that trees have several leaves."""
    monkeypatch.setattr(wholes, "WORTH_PROVING", 1e-9)
    leaves, cuts = 0, 0
    for seed in range(60):
        known = priced_problem(seed)
        expected = brute_force(single(seed))
        if known is None or expected is None:
            continue
        frame, pricing = known
        proofs: list[Certificate] = []
        with suppress(Stuck):
            Wholes(frame, pricing, lambda: False, proofs.append).decide()
        slack = 1e-7 * max(1.0, abs(expected.cost))
        for proof in proofs:
            bound = check_bound(frame.problem, proof)
            assert bound >= proof.bound - slack, f"seed {seed}"
            assert bound <= expected.cost + slack, f"seed {seed}"
        leaves = max(leaves, *(len(proof.leaves) for proof in proofs), 0)
        cuts = max(cuts, *(len(proof.cuts) for proof in proofs), 0)
    assert leaves > 1, leaves
    assert cuts > 0, cuts


def test_decisions_are_whole_and_within_their_limits() -> None:
    decided = 0
    for seed in range(40):
        known = priced_problem(seed)
        if known is None or brute_force(single(seed)) is None:
            continue
        frame, pricing = known
        try:
            found, guide = Wholes(frame, pricing, lambda: False, lambda proof: None).decide()
        except Stuck:
            continue
        p = frame.problem
        whole = found.bought[p.buy_integer]
        assert np.array_equal(whole, np.round(whole)) and np.all(whole <= p.buy_limit[p.buy_integer] + 1e-9)
        assert np.all(found.bought >= 0) and guide.bound == guide.proof.value
        decided += 1
    assert decided > 20


def test_cuts_follow_from_their_rows_whatever_point_asks_for_them() -> None:
    rng = np.random.default_rng(5)
    found = []
    for seed in range(240):
        frame = Frame(single(seed))
        p = frame.problem
        units = rng.random(frame.columns) * (rng.random(frame.columns) < 0.7)
        point = Point(
            0.0,
            units,
            rng.random(frame.buys) * p.buy_limit,
            np.ones(frame.opens),
            no_prices(frame),
            np.zeros(frame.classes),
        )
        cuts = tuple(broken_cuts(block_rows(cut_rows(frame)), point))
        assert not list(wrong_cuts(p, cuts)), f"seed {seed}"
        found += cuts
    assert len(found) > 10


def test_a_core_without_time_still_decides() -> None:
    frame, pricing = priced_problem(7) or pytest.fail("this problem has prices")
    found, _ = Wholes(frame, pricing, lambda: True, lambda proof: None).decide()
    whole = found.bought[frame.problem.buy_integer]
    assert np.array_equal(whole, np.round(whole))


def test_opens_that_do_not_fit_together_are_set_free() -> None:
    """Prices may choose opens that overfill a row: then the linear program chooses all."""
    for seed in range(120):
        known = priced_problem(seed)
        if known is None or brute_force(single(seed)) is None:
            continue
        core = Core(*known)
        assert core.possible() is not None, f"seed {seed}"
