"""Where people begin: an estate in which there is nothing to decide yet is no error."""

from __future__ import annotations

from decimal import Decimal

import pytest

from situs.model.intent import Intent
from situs.planner.analysis.compare import compare
from situs.planner.analysis.pareto import pareto
from situs.planner.analysis.usecases import ranked_use_cases
from situs.planner.check import check_bound, check_placement
from situs.planner.decide import decide
from situs.report import board
from tests.planner.by_hand.small import AT, FACTS, costs, estate, job, owned, rented, service, site, where

TOO_LARGE = service(shapes=[{"cpu": 900.0, "memory": 8.0}])
NOTHING = {
    "nothing at all": estate({}, {}),
    "no workload": estate({"a": site({"n": rented()})}, {}),
    "no place": estate({}, {"w": job()}),
    "no pool": estate({"a": site({})}, {"w": job()}),
    "too large for all": estate({"a": site({"n": rented()})}, {"w": TOO_LARGE}),
}


@pytest.mark.parametrize("intent", NOTHING.values(), ids=list(NOTHING))
def test_the_plan_is_empty_and_proven(intent: Intent) -> None:
    decided = decide(intent, FACTS, AT, gap=0.0)
    assert where(decided.plan) == dict.fromkeys(intent.workloads, "-")
    assert (decided.plan.status, decided.plan.cost, decided.plan.gap) == ("optimal", 0, 0.0)
    assert check_placement(decided.candidates.problem, decided.solution.placement).cost == 0.0
    assert check_bound(decided.candidates.problem, decided.solution.certificate) == 0.0
    assert "<html" in board(decided, intent, FACTS, "en")
    assert pareto(decided, ("cost", "control"))
    assert ranked_use_cases(decided, budget_share=0.5) == ()


def test_what_is_owned_is_paid_for_before_anything_runs() -> None:
    plan = decide(estate({"a": site({"n": owned("7300 EUR")})}, {}), FACTS, AT).plan
    assert plan.cost == costs(7300 / 60)


def test_ways_that_place_nothing_stand_beside_the_plan() -> None:
    intent = estate({"a": site({"n": rented()})}, {"w": job()})
    ways = {way.name: way for way in compare(decide(intent, FACTS, AT), intent, FACTS)}
    assert (ways["all-in-house"].left_out, ways["all-in-house"].cost_per_month) == (("w",), Decimal(0))
    assert ways["plan"].cost_per_month == costs(100)


def test_where_nothing_is_scarce_the_cheapest_is_taken() -> None:
    """Rented as many as wanted, there is no limit to share, and no line for one in the problem."""
    intent = estate(
        {"a": site({"n": rented(limit=None)}), "b": site({"n": rented("0.5 EUR/h", limit=None)})},
        {"w": job()},
    )
    decided = decide(intent, FACTS, AT, gap=0.0)
    assert not len(decided.candidates.problem.row_capacity)
    assert where(decided.plan) == {"w": "b/n"}
    assert decided.plan.cost == costs(50)
    assert check_bound(decided.candidates.problem, decided.solution.certificate) == pytest.approx(50.0)
