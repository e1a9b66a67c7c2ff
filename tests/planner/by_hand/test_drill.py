"""What a drill compares, and what it bills once: moves, also from a site that is gone, and copies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from situs.model.intent import Intent
from situs.planner.analysis.drill import combined
from situs.planner.analysis.whatif import Drill, DrillResult, rehearse
from situs.planner.decide import decide
from tests.planner.by_hand.small import AT, FACTS, costs, data, estate, job, link, rented, service, site

HERE = {"site": "a", "pool": "n"}
SAME = Drill("as it is", lambda intent: intent)


def rehearsed(intent: Intent, drill: Drill) -> DrillResult:
    return rehearse(decide(intent, FACTS, AT, gap=0.0), intent, FACTS, drill, gap=0.0)


def down(name: str) -> Drill:
    return combined(site_down=[name])


def test_what_ran_at_a_lost_site_is_started_again_and_that_has_a_bill() -> None:
    # Half an hour to start, at 30 EUR an hour away; two hours of people for each of two; nothing comes from a.
    sites = {"a": site({"n": rented()}), "b": site({"n": rented("2 EUR/h", startup=1800)})}
    kept = service(count=2, state_gb=90, downtime_cost="30 EUR")
    result = rehearsed(estate(sites, {"w": kept}, [link(price="0.09 EUR/GB", bandwidth=1.0)]), down("a"))
    (move,) = result.moves
    assert (move.workload, move.source, move.target, move.units) == ("w", "a", "b", 2)
    assert move.saving_per_month is None
    assert move.bill == {"transfer": 0, "downtime": costs(2 * 15), "lost_work": 0, "people": costs(2 * 150)}
    assert (result.bill, result.people_hours, result.hours) == (costs(330), 4.0, 0.5)
    assert result.cost_per_month_if_nothing_is_done is None
    assert (result.cost_per_month_before, result.cost_per_month_after) == (costs(1460), costs(2920))


def test_what_was_saved_at_a_lost_site_is_lost_with_it() -> None:
    # Without what was saved, half of 100 hours on average; else two of the four between two checkpoints.
    sites = {"a": site({"n": rented()}), "b": site({"n": rented("2 EUR/h")})}
    saving = job(checkpoint={"size_gb": 10, "interval": 4.0})
    gone = rehearsed(estate(sites, {"w": saving}), down("a"))
    assert gone.moves[0].bill["lost_work"] == costs(50 * 2)
    dear = rehearsed(estate(sites, {"w": saving}), combined(price={"a": Decimal(10)}))
    assert dear.moves[0].bill["lost_work"] == costs(2 * 2)


def test_units_at_a_lost_site_that_find_no_room_do_not_move() -> None:
    sites = {"a": site({"n": rented()}), "b": site({"n": rented("2 EUR/h", limit=1)})}
    result = rehearsed(estate(sites, {"w": service(count=2)}), down("a"))
    assert [(move.units, move.target) for move in result.moves] == [(1, "b")]
    assert result.newly_left_out == ("w",)


def test_the_plans_own_moves_are_paid_for_when_the_drill_begins() -> None:
    sites = {"a": site({"n": rented("2 EUR/h")}), "b": site({"n": rented("1 EUR/h")})}
    intent = estate(sites, {"w": service(current=HERE)})
    assert decide(intent, FACTS, AT, gap=0.0).plan.cost == costs(730 + 150 / 6)
    _changes_nothing(rehearsed(intent, SAME), 730)


def test_so_are_its_copies_also_over_links_whose_price_falls_with_volume() -> None:
    tiers = [{"up_to_gb": 500, "price": "0.2 EUR/GB"}, {"price": "0.1 EUR/GB"}]
    for priced in (link(price="0.15 EUR/GB"), link(price=None, tiers=tiers)):
        intent = _reading_at_b(priced)
        assert decide(intent, FACTS, AT, gap=0.0).plan.cost == costs(100 + 150)
        _changes_nothing(rehearsed(intent, SAME), 100)


def test_work_that_waits_for_a_copy_costs_the_same_before_and_after() -> None:
    # A job that runs once begins when the copy is there: later than it would once the plan is carried out.
    once = {"job": {"work": 100.0}}
    intent = _reading_at_b(link(price="0.15 EUR/GB", bandwidth=1.0), **once)
    assert decide(intent, FACTS, AT, gap=0.0).plan.cost == costs(100 + 150)
    result = rehearsed(intent, SAME)
    assert (result.cost_per_month_before, result.cost_per_month_after) == (costs(100), costs(100))


def test_copies_that_a_drill_makes_are_billed_once() -> None:
    result = rehearsed(_reading_at_b(link(price="0.15 EUR/GB")), down("b"))
    assert (result.replicas_created, result.copies_bill) == (1, costs(150))
    assert [(move.source, move.target) for move in result.moves] == [("b", "c")]
    assert (result.cost_per_month_before, result.cost_per_month_after) == (costs(100), costs(200))


def _reading_at_b(priced: dict[str, Any], **more: Any) -> Intent:
    """1,000 GB at a, which keeps them; work that needs them beside it, at b or for twice as much at c."""
    sites = {"a": site({}), "b": site({"n": rented("1 EUR/h")}), "c": site({"n": rented("2 EUR/h")})}
    work = job(inputs=[{"dataset": "d", "remote": False}], **more)
    return estate(sites, {"w": work}, [priced], datasets={"d": data(1000, min_copies=2)})


def _changes_nothing(result: DrillResult, cost: float) -> None:
    assert (result.moves, result.bill, result.copies_bill) == ((), 0, 0)
    assert result.cost_per_month_before == costs(cost)
    assert result.cost_per_month_if_nothing_is_done == costs(cost)
    assert result.cost_per_month_after == costs(cost)
