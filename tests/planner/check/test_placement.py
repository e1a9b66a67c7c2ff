"""A correct placement passes with its cost recomputed; any corruption is rejected with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from situs.planner.check import Rejected, check_placement
from situs.planner.problem import Placement, Problem
from tests.planner.oracle import best_of, brute_force, random_problem


def solved(seed: int) -> tuple[Problem, Placement]:
    problem = random_problem(seed)
    placement = brute_force(problem)
    if placement is None:
        pytest.skip("this seed has no placement")
    return problem, placement


def naive_cost(problem: Problem, placement: Placement) -> float:
    cost = problem.fixed_cost
    cost += sum(float(c) * int(x) for c, x in zip(problem.col_cost, placement.units, strict=True))
    cost += sum(float(c) * int(u) for c, u in zip(problem.penalty, placement.unplaced, strict=True))
    cost += sum(float(c) * float(z) for c, z in zip(problem.buy_cost, placement.bought, strict=True))
    return cost + sum(float(c) for c, y in zip(problem.open_cost, placement.opened, strict=True) if y)


@pytest.mark.parametrize("seed", range(150))
def test_an_optimal_placement_passes_with_its_cost(seed: int) -> None:
    problem, placement = solved(seed)
    checked = check_placement(problem, placement)
    assert checked.cost == pytest.approx(naive_cost(problem, placement), abs=1e-9)
    parts = checked.placement_cost + checked.unplaced_cost + checked.bought_cost + checked.opened_cost
    assert problem.fixed_cost + parts == pytest.approx(checked.cost, abs=1e-9)
    assert checked.units_unplaced == placement.unplaced.sum()


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("change", [-1e-4, 1e-4, np.nan, np.inf])
def test_a_wrong_claim_is_rejected(seed: int, change: float) -> None:
    problem, placement = solved(seed)
    with pytest.raises(Rejected, match="claimed cost"):
        check_placement(problem, replace(placement, cost=placement.cost + change))


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("change", [-1, 1])
def test_a_class_out_of_balance_is_rejected(seed: int, change: int) -> None:
    problem, placement = solved(seed)
    unplaced = placement.unplaced.copy()
    unplaced[seed % len(unplaced)] += change
    with pytest.raises(Rejected, match=f"Class {seed % len(unplaced)} has"):
        check_placement(problem, honest(problem, replace(placement, unplaced=unplaced)))


def honest(problem: Problem, placement: Placement) -> Placement:
    return replace(placement, cost=naive_cost(problem, placement))


def one_workload(**changes: object) -> tuple[Problem, Placement]:
    """One class of three units; a column that needs an open and uses a row that a purchase enlarges."""
    problem = Problem(
        count=np.array([3]),
        penalty=np.array([9.0]),
        variant_class=np.array([0], dtype=np.int32),
        demand=np.array([[2.0]]),
        target_row=np.array([[0]], dtype=np.int32),
        col_variant=np.array([0], dtype=np.int32),
        col_target=np.array([0], dtype=np.int32),
        col_cost=np.array([1.0]),
        col_limit=np.array([2]),
        extra_indptr=np.array([0, 1]),
        extra_row=np.array([1], dtype=np.int32),
        extra_amount=np.array([1.0]),
        need_indptr=np.array([0, 1]),
        need_open=np.array([0], dtype=np.int32),
        row_capacity=np.array([3.0, 2.0]),
        buy_cost=np.array([5.0]),
        buy_limit=np.array([2.0]),
        buy_integer=np.array([True]),
        buy_open=np.array([0], dtype=np.int32),
        buy_indptr=np.array([0, 1]),
        buy_row=np.array([0], dtype=np.int32),
        buy_amount=np.array([1.0]),
        open_cost=np.array([4.0]),
        open_group=np.array([0], dtype=np.int32),
        open_indptr=np.array([0, 0]),
        open_row=np.array([], dtype=np.int32),
        open_amount=np.array([]),
        group_min=np.array([0]),
        group_max=np.array([1]),
        fixed_cost=10.0,
    )
    fields = {
        "units": np.array([2]),
        "unplaced": np.array([1]),
        "bought": np.array([1.0]),
        "opened": np.array([True]),
        "cost": 0.0,
    }
    placement = Placement(**{**fields, **changes})  # type: ignore[arg-type]
    return problem, honest(problem, placement)


def test_the_hand_made_case_passes() -> None:
    problem, placement = one_workload()
    checked = check_placement(problem, placement)
    assert checked.cost == 10 + 2 * 1 + 9 + 5 + 4
    assert checked.row_used.tolist() == [4.0, 2.0]
    assert checked.row_available.tolist() == [4.0, 2.0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"units": np.array([3]), "unplaced": np.array([0])}, "Column 0 has 3 units, more than its limit"),
        ({"units": np.array([-1]), "unplaced": np.array([4])}, "Column 0 has -1 units"),
        ({"units": np.array([4]), "unplaced": np.array([-1])}, "Class 0 has -1 units left out"),
        ({"bought": np.array([0.0])}, "Row 0 is overfull: .*4.0.* used of .*3.0"),
        ({"bought": np.array([3.0])}, "Purchase 0 is .*3.0.*, outside 0 to"),
        ({"bought": np.array([-1.0])}, "Purchase 0 is .*-1.0.*, outside 0 to"),
        ({"bought": np.array([1.5])}, "Purchase 0 is .*1.5.*, but comes in whole units"),
        ({"bought": np.array([1.0 + 1e-12])}, "whole units"),
        ({"bought": np.array([np.nan])}, "Purchase 0 is .*nan"),
        ({"opened": np.array([False])}, "Column 0 is used, but the open 0 it needs is closed"),
        ({"opened": np.array([False])}, "Purchase 0 is made, but the open 0 it needs is closed"),
        ({"units": np.array([2.0])}, "units must be int64"),
        ({"opened": np.array([True, True])}, "opened must be bool of shape"),
    ],
)
def test_each_violation_is_named(changes: dict[str, object], reason: str) -> None:
    problem, placement = one_workload()
    claimed = replace(placement, **changes)  # type: ignore[arg-type]
    with pytest.raises(Rejected, match=reason):
        check_placement(problem, claimed)


def test_groups_hold_their_minimum_and_maximum() -> None:
    problem, placement = one_workload()
    with pytest.raises(Rejected, match="Group 0 has 1 opens, outside 0 to 0"):
        check_placement(replace(problem, group_max=np.array([0])), placement)
    with pytest.raises(Rejected, match="Group 0 has 1 opens, outside 2 to 2"):
        check_placement(replace(problem, group_min=np.array([2]), group_max=np.array([2])), placement)


def test_every_violation_is_named_at_once() -> None:
    problem, placement = one_workload(units=np.array([3]), unplaced=np.array([1]), opened=np.array([False]))
    with pytest.raises(Rejected) as caught:
        check_placement(problem, replace(placement, cost=0.0))
    told = " ".join(caught.value.violations)
    for part in ("Class 0", "more than its limit", "open 0", "Row 0", "Row 1", "claimed cost"):
        assert part in told


def corruptions() -> list[Callable[[Problem, Placement], Placement | None]]:
    def place_one_more(problem: Problem, placement: Placement) -> Placement | None:
        if not len(placement.units):
            return None
        units = placement.units.copy()
        units[0] += 1
        return replace(placement, units=units)

    def buy_out_of_reach(problem: Problem, placement: Placement) -> Placement | None:
        if not len(placement.bought):
            return None
        return replace(placement, bought=problem.buy_limit + 1)

    def forget_purchases(problem: Problem, placement: Placement) -> Placement | None:
        # An optimum buys nothing that it does not need, unless it comes free.
        needed = placement.bought * problem.buy_cost > 0
        return replace(placement, bought=np.where(needed, 0.0, placement.bought)) if needed.any() else None

    def close_everything_in_use(problem: Problem, placement: Placement) -> Placement | None:
        if not (placement.opened & (problem.open_cost > 0)).any():
            return None
        return replace(placement, opened=placement.opened & ~(problem.open_cost > 0))

    return [place_one_more, buy_out_of_reach, forget_purchases, close_everything_in_use]


@pytest.mark.parametrize("corrupt", corruptions())
def test_a_corrupted_optimum_is_rejected_even_with_an_honest_claim(
    corrupt: Callable[[Problem, Placement], Placement | None],
) -> None:
    """What an optimum pays for, it needs: without it something else must break."""
    tried = 0
    for seed in range(250):
        problem = random_problem(seed)
        placement = best_of(seed)
        corrupted = corrupt(problem, placement) if placement is not None else None
        if corrupted is None:
            continue
        tried += 1
        with pytest.raises(Rejected):
            check_placement(problem, honest(problem, corrupted))
    assert tried > 20
