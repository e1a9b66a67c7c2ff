"""A figure that the checker rejects is not printed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import bench.__main__ as command
import bench.answers
import bench.planner
from bench.child import Ran
from bench.instances import generate
from bench.peers.greedy import cheapest_feasible_first
from situs.planner.certificate import Certificate, Prices
from situs.planner.check import Rejected
from situs.planner.problem import Placement, Problem
from situs.planner.solve import Solution

GREEDY_LIMIT = 0.0005


def _solution(problem: Problem, placement: Placement, bound: float) -> Solution:
    """A claim that only the checker can tell from a proof."""
    none = np.zeros(0, dtype=np.int32)
    prices = Prices(
        row=np.zeros(len(problem.row_capacity)),
        need_class=none,
        need_open=none,
        need_price=np.zeros(0),
        buy=np.zeros(len(problem.buy_cost)),
    )
    certificate = Certificate(bound, (prices,))
    return Solution(placement, certificate, 0.0, "optimal", (), prices)


def _claims_its_bound_is_its_cost(problem: Problem, **_: object) -> Solution:
    placement = cheapest_feasible_first(problem, "marginal")
    return _solution(problem, placement, placement.cost)


def _claims_a_lower_cost(problem: Problem, **_: object) -> Solution:
    placement = cheapest_feasible_first(problem, "marginal")
    return _solution(problem, replace(placement, cost=0.5 * placement.cost), -np.inf)


def _overfills(problem: Problem, **_: object) -> Solution:
    """Everything where it is cheapest, whether there is room or not."""
    owner = problem.variant_class[problem.col_variant]
    order = np.lexsort((problem.col_cost, owner))
    _, first = np.unique(owner[order], return_index=True)
    units = np.zeros(len(problem.col_cost), dtype=np.int64)
    units[order[first]] = 1
    cost = problem.fixed_cost + float(problem.col_cost @ units)
    unplaced = np.zeros(len(problem.count), dtype=np.int64)
    nothing = np.zeros(len(problem.buy_cost)), np.zeros(len(problem.open_cost), dtype=np.bool_)
    return _solution(problem, Placement(units, unplaced, *nothing, cost), -np.inf)


LIES = {
    "bound": (_claims_its_bound_is_its_cost, "bound"),
    "cost": (_claims_a_lower_cost, "claimed cost"),
    "capacity": (_overfills, "overfull"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_rejected_is_no_answer(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    solver, complaint = LIES[lie]
    monkeypatch.setattr(bench.answers, "solve", solver)
    with pytest.raises(Rejected, match=complaint):
        bench.answers.planner_answer(generate("1k", 0, 1.0, "base").problem, GREEDY_LIMIT, 5.0)


@pytest.mark.parametrize("lie", LIES)
def test_its_figures_are_not_printed(
    lie: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    solver, complaint = LIES[lie]
    monkeypatch.setattr(bench.answers, "solve", solver)
    # The lie was told in this process, so the measuring has to stay in it.
    monkeypatch.setattr(
        bench.planner, "run_child", lambda function, *arguments, **_: Ran(function(*arguments), 0.0)
    )
    monkeypatch.setattr("sys.argv", ["bench", "planner-1k", "--seeds", "1"])
    assert command.main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "planner-1k: no further figures" in printed.err
    assert complaint in printed.err
