"""Contracts told apart case by case: what the cases prove together, on problems small enough to know the answer."""

from __future__ import annotations

import numpy as np
import pytest

from situs.planner.check import check_bound
from situs.planner.problem import Problem
from situs.planner.solve import serving
from situs.planner.solve.cases import leaves
from situs.planner.solve.frame import Frame
from situs.planner.solve.library import SolverFault
from situs.planner.solve.market import DEAREST
from situs.planner.solve.pricing import Pricing, price
from situs.planner.solve.serving import Cases
from tests.planner.oracle import brute_force, random_problem

SEEDS = [seed for seed in range(1500) if len(serving.serving(Frame(random_problem(seed))))]
"""Of problems with opens that only purchases need."""


def told_apart(problem: Problem) -> tuple[Pricing, Cases] | None:
    frame = Frame(problem)
    try:
        pricing = price(frame)
    except SolverFault:
        return None
    cases = Cases(frame, pricing, lambda: False)
    cases.tell_apart()
    return pricing, cases


def test_cases_prove_no_more_than_the_optimum_and_often_more_than_prices_alone() -> None:
    several, better = 0, 0
    for seed in SEEDS:
        problem = random_problem(seed)
        expected, found = brute_force(problem), told_apart(problem)
        if expected is None or found is None:
            continue
        pricing, cases = found
        if pricing.state.prices.row.max(initial=0.0) >= DEAREST:
            # Where nothing is dear enough, numbers are too large to be added up exactly.
            continue
        certificate, slack = cases.certificate(), 1e-7 * max(1.0, abs(expected.cost))
        bound = check_bound(problem, certificate)
        assert certificate.bound - slack <= bound <= expected.cost + slack, f"seed {seed}"
        assert certificate.bound >= pricing.state.proof.value, f"seed {seed}"
        several += len(certificate.leaves) > 1
        better += certificate.bound > pricing.state.proof.value + 1e-3 * abs(expected.cost)
    assert several > 20, several
    assert better > 5, better


def test_the_least_case_has_all_decided_and_prices_of_its_own() -> None:
    number = 0
    for seed in SEEDS:
        problem = random_problem(seed)
        found = told_apart(problem)
        if found is None:
            continue
        number += 1
        cases, opens = found[1], serving.serving(Frame(problem))
        opened, fixed = cases.opens(cases.least)
        assert np.all(fixed[opens])
        assert cases.least.wanted is not None
        sides = {side.index: side.high for side in cases.least.sides}
        assert sides == {int(f): bool(opened[f]) for f in opens}, f"seed {seed}"
        # Every case there is stands in the proof, and none twice.
        told = [
            frozenset((side.index, side.high) for side in sides)
            for _, sides in leaves(cases.certificate().tree)
        ]
        assert len(set(told)) == len(told)
    assert number > 20, number


def test_told_to_stop_it_proves_what_was_known(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(random_problem(SEEDS[0]))
    pricing = price(frame)
    cases = Cases(frame, pricing, lambda: True)
    cases.tell_apart()
    assert cases.certificate().bound == pricing.state.proof.value
    # And where there would be too many, some stay undecided.
    monkeypatch.setattr(serving, "MOST_CASES", 2)
    some = next(seed for seed in SEEDS if len(serving.serving(Frame(random_problem(seed)))) > 1)
    found = told_apart(random_problem(some))
    assert found is not None
    assert len(found[1].certificate().leaves) == 2
