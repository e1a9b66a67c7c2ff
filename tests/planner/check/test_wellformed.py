"""Malformed arrays are refused with every fault as a sentence; well-formed ones pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from situs.planner.check import MalformedProblem, validate_problem
from situs.planner.problem import Problem
from tests.planner.oracle import random_problem


def rich_problem() -> Problem:
    for seed in range(1_000):
        problem = random_problem(seed)
        lists = (problem.extra_row, problem.need_open, problem.buy_row, problem.open_row)
        if all(len(items) > 1 for items in lists) and len(problem.variant_class) > 2:
            return problem
    raise AssertionError("no such seed")


@pytest.mark.parametrize("start", range(0, 500, 100))
def test_random_problems_are_well_formed(start: int) -> None:
    for seed in range(start, start + 100):
        validate_problem(random_problem(seed))


@pytest.mark.parametrize(
    ("name", "at", "value", "reason"),
    [
        ("row_capacity", 0, -1.0, r"row_capacity\[0\] is -1.0, but must be at least 0"),
        ("row_capacity", 1, np.nan, r"row_capacity\[1\] is nan, but must be a number or inf"),
        ("demand", (0, 0), np.inf, r"demand\[0\] is inf, but must be a finite number"),
        ("demand", (0, 0), -0.5, r"demand\[0\] is -0.5"),
        ("col_cost", 0, np.nan, r"col_cost\[0\] is nan"),
        ("penalty", 0, np.inf, r"penalty\[0\] is inf"),
        ("buy_limit", 0, np.inf, r"buy_limit\[0\] is inf"),
        ("buy_cost", 0, -1.0, r"buy_cost\[0\] is -1.0"),
        ("count", 0, 0, r"count\[0\] is 0, but must be at least 1"),
        ("col_limit", 0, -1, r"col_limit\[0\] is -1"),
        ("col_variant", -1, 999, r"col_variant\[\d+\] is 999, but must be from 0 to"),
        ("col_target", 0, -1, r"col_target\[0\] is -1"),
        ("target_row", (0, 0), -2, r"target_row\[0\] is -2, but must be from -1 to"),
        ("extra_row", 0, 99, r"extra_row\[0\] is 99"),
        ("need_open", 0, -1, r"need_open\[0\] is -1"),
        ("buy_open", 0, 50, r"buy_open\[0\] is 50"),
        ("open_group", 0, 50, r"open_group\[0\] is 50"),
        ("group_min", 0, 50, r"Group 0 has a minimum of 50 above"),
        ("variant_class", 0, 1, r"variant_class must not decrease"),
        ("need_indptr", 0, 1, r"need_indptr must start at 0 and never decrease"),
        ("extra_indptr", -1, 0, r"extra_indptr must start at 0 and never decrease"),
    ],
)
def test_each_fault_is_a_sentence(name: str, at: object, value: float, reason: str) -> None:
    problem = rich_problem()
    array = getattr(problem, name).copy()
    array[at] = value
    if name == "variant_class":
        array[:] = 0
        array[0] = 1 if len(problem.count) > 1 else 0
        problem = replace(problem, count=np.array([1, 1]), penalty=np.array([1.0, 1.0]))
        array[0] = 1
    with pytest.raises(MalformedProblem, match=reason):
        validate_problem(replace(problem, **{name: array}))


def test_every_fault_is_named_at_once() -> None:
    problem = rich_problem()
    broken = replace(problem, penalty=problem.penalty * np.nan, row_capacity=problem.row_capacity - 99)
    with pytest.raises(MalformedProblem) as caught:
        validate_problem(broken)
    told = " ".join(caught.value.faults)
    assert "penalty[0] is nan" in told
    assert "row_capacity[0] is" in told


def test_wrong_types_and_lengths_are_named() -> None:
    problem = rich_problem()
    with pytest.raises(MalformedProblem, match=r"col_target must be an array of int32"):
        validate_problem(replace(problem, col_target=problem.col_target.astype(np.int64)))
    with pytest.raises(MalformedProblem, match="col_cost has"):
        validate_problem(replace(problem, col_cost=problem.col_cost[:-1]))
    with pytest.raises(MalformedProblem, match=r"demand has .* resources"):
        validate_problem(replace(problem, demand=np.hstack([problem.demand, problem.demand])))
    with pytest.raises(MalformedProblem, match="fixed_cost is nan"):
        validate_problem(replace(problem, fixed_cost=float("nan")))


def test_an_open_needed_twice_by_a_column_is_refused() -> None:
    """It would be priced twice, and a bound with it would be no bound."""
    problem = rich_problem()
    column = int(np.flatnonzero(np.diff(problem.need_indptr))[0])
    at = int(problem.need_indptr[column])
    indptr = problem.need_indptr.copy()
    indptr[column + 1 :] += 1
    doubled = replace(
        problem, need_open=np.insert(problem.need_open, at, problem.need_open[at]), need_indptr=indptr
    )
    with pytest.raises(MalformedProblem, match=f"Column {column} lists an open twice"):
        validate_problem(doubled)
