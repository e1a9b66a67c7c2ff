"""Workloads that begin after others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from situs.model.intent import Intent
from situs.model.plan import Assignment, Decision, Fit, Plan
from situs.planner.decide import decide
from situs.planner.explain import conflicts, why_not
from situs.planner.explain.wording import say, say_conflict, say_offer
from tests.planner.by_hand.small import (
    AT,
    FACTS,
    costs,
    data,
    estate,
    job,
    link,
    once,
    owned,
    planned,
    rented,
    service,
    site,
    where,
)

ONE = {"a": site({"n": rented()})}


def _hour(plan: Plan, workload: str) -> float:
    """Hours after the plan's instant."""
    return _start(plan, plan.decision(workload).assignments[0])


def _obstacle(decision: Decision, language: str = "en") -> str:
    return "; ".join(say(refusal, language) for refusal in decision.needs_lifting)


def test_each_of_a_chain_begins_when_the_one_before_has_ended() -> None:
    work = {"z": once(4.0), "m": once(2.0, after=["z"]), "a": once(3.0, after=["m"])}
    plan = planned(estate(ONE, work))
    assert [_hour(plan, name) for name in ("z", "m", "a")] == [0.0, 4.0, 6.0]
    assert plan.decision("a").fit is Fit.AT
    assert plan.decision("a").at == AT + timedelta(hours=6)
    assert plan.cost == costs(9)


def test_reading_the_data_and_waking_nodes_is_part_of_the_time_before() -> None:
    # 45 GB take ten hours, and nodes an hour to come up.
    sites = {"a": site({}), "b": site({"n": rented(startup=3600)})}
    work = {"first": once(4.0, inputs=[{"dataset": "d"}]), "then": once(1.0, after=["first"])}
    plan = planned(estate(sites, work, [link(bandwidth=0.01)], datasets={"d": data(45.0)}))
    assert _hour(plan, "then") == pytest.approx(15.0)


@pytest.mark.parametrize(("count_first", "count_then"), [(1, 1), (5, 1), (1, 5), (3, 4)])
def test_the_last_of_many_ends_before_the_first_of_many_begins(count_first: int, count_then: int) -> None:
    # The own node is there in two hours: free, but the followers would be late if a single unit waited for it.
    work = {
        "first": once(4.0, count=count_first),
        "then": once(4.0, count=count_then, after=["first"], deadline="2026-11-23T17:00Z"),
    }
    pools = {"n": rented(), "free": owned(available_from="2026-11-23T10:00Z")}
    plan = planned(estate({"a": site(pools)}, work))
    ends = [_start(plan, a) + 4.0 for a in plan.decision("first").assignments]
    begins = [_start(plan, a) for a in plan.decision("then").assignments]
    assert max(ends) <= min(begins)
    assert not plan.decision("then").unplaced
    assert max(begins) + 4.0 <= 9.0


def _start(plan: Plan, assignment: Assignment) -> float:
    return 0.0 if assignment.start is None else (assignment.start - plan.at).total_seconds() / 3600.0


def test_the_first_hurries_where_the_follower_would_be_late() -> None:
    # Ten hours at one euro or two hours at six: only the follower's deadline asks for the dear one.
    pools = {"slow": rented(), "fast": rented("6 EUR/h", speed={"default": 5.0})}
    then = once(1.0, after=["first"])
    leisurely = planned(estate({"a": site(pools)}, {"first": once(10.0), "then": then}))
    assert (where(leisurely)["first"], leisurely.cost) == ("a/slow", costs(11))
    then = once(1.0, after=["first"], deadline="2026-11-23T11:00Z")
    hurried = planned(estate({"a": site(pools)}, {"first": once(10.0), "then": then}))
    assert (where(hurried)["first"], where(hurried)["then"]) == ("a/fast", "a/slow")
    assert _hour(hurried, "then") == 2.0
    assert hurried.cost == costs(13)


def test_both_share_one_node_one_after_the_other() -> None:
    work = {"first": once(4.0), "then": once(4.0, after=["first"], deadline="2026-11-23T16:00Z")}
    plan = planned(estate({"a": site({"od": rented(), "own": owned()})}, work))
    assert set(where(plan).values()) == {"a/own"}
    assert _hour(plan, "then") == 4.0


def test_a_deadline_that_is_missed_because_of_the_order_is_said() -> None:
    late = {"deadline": "2026-11-23T13:00Z"}
    assert planned(estate(ONE, {"w": once(4.0, **late)})).decision("w").fit is Fit.NOW
    intent = estate(ONE, {"v": once(2.0), "w": once(4.0, after=["v"], **late)})
    decided = decide(intent, FACTS, AT, gap=0.0)
    decision = decided.plan.decision("w")
    assert (decision.fit, decision.unplaced) == (Fit.NEVER, 1)
    assert _obstacle(decision) == (
        "it starts after v, so on pool n at a it would end 6.0 h from now; the deadline is in 5.0 h"
    )
    assert "beginnt nach v" in _obstacle(decision, "de")
    offer = why_not(decided, "w", "a").offers[0]
    assert say_offer(offer, "a") == "a would win if the deadline were 2026-11-23 14:00:00 UTC."


def test_those_whose_order_leaves_no_time_are_said_to_conflict() -> None:
    # Each may take the own node until noon, when it is asked for by nobody else; both together are too late.
    window = {"deadline": "2026-11-23T16:00Z"}
    pools = {"own": owned(), "later": owned(available_from="2026-11-23T12:00Z")}
    work = {
        "v": once(4.0, **window),
        "w": once(4.0, after=["v"], **window),
        "x": once(4.0, deadline="2026-11-23T12:00Z", value="9000 EUR/month"),
    }
    decided = decide(estate({"a": site(pools)}, work), FACTS, AT, gap=0.0)
    assert where(decided.plan) == {"v": "a/later", "w": "-", "x": "a/own"}
    (conflict,) = conflicts(decided)
    assert conflict.workloads == ("v", "w", "x")
    assert "start of w after v" in say_conflict(conflict)


def test_what_waits_for_something_without_a_place_has_none_and_says_so() -> None:
    work = {
        "v": once(4.0, shapes=[{"cpu": 80.0}]),
        "w": once(4.0, after=["v"]),
        "x": once(4.0, after=["w"]),
    }
    decided = decide(estate(ONE, work), FACTS, AT, gap=0.0)
    assert where(decided.plan) == {"v": "-", "w": "-", "x": "-"}
    assert _obstacle(decided.plan.decision("w")) == "w starts after v, and that does not end within the plan"
    assert _obstacle(decided.plan.decision("x")) == "x starts after w, and that does not end within the plan"
    assert say_offer(why_not(decided, "w", "a").offers[0], "a") == "a would win if w did not wait for v."


def test_what_waits_for_something_that_is_left_out_is_left_out_too() -> None:
    # One node until eight in the evening, and others are worth more.
    pools = {"own": owned(count=1)}
    late = {"deadline": "2026-11-23T12:00Z"}
    work = {
        "big": once(4.0, value="900 EUR/month", **late),
        "small": once(4.0, value="1 EUR/month", **late),
        "then": once(4.0, value="5 EUR/month", after=["small"]),
        "more": once(4.0, value="5 EUR/month", after=["then"]),
    }
    decided = decide(estate({"a": site(pools)}, work), FACTS, AT, gap=0.0)
    plan = decided.plan
    assert where(plan) == {"big": "a/own", "more": "-", "small": "-", "then": "-"}
    assert plan.decision("small").reason == "scarce-capacity"
    assert plan.decision("then").reason == "no-place"
    assert _obstacle(plan.decision("more")) == "more starts after then, and that does not end within the plan"
    assert plan.status == "optimal"
    assert plan.bound <= plan.objective
    assert [conflict.left_out for conflict in conflicts(decided)] == ["small"]


def test_a_service_begins_when_what_it_serves_is_made() -> None:
    plan = planned(estate(ONE, {"train": once(73.0), "serve": service(after=["train"])}))
    assert _hour(plan, "serve") == 73.0
    assert plan.decision("serve").assignments[0].hours == pytest.approx(730 - 73)
    assert plan.cost == costs(730)


def test_a_service_that_is_there_today_runs_on() -> None:
    serve = service(after=["train"], current={"site": "a", "pool": "n"})
    plan = planned(estate(ONE, {"train": once(73.0), "serve": serve}))
    assert plan.decision("serve").fit is Fit.NOW


def test_what_recurs_follows_what_recurs_at_no_time_of_its_own() -> None:
    plan = planned(estate(ONE, {"v": job(), "w": job(after=["v"])}))
    assert {decision.fit for decision in plan.decisions} == {Fit.NOW}
    # What comes once waits for the first run: a hundred hours.
    plan = planned(estate(ONE, {"v": job(), "w": once(4.0, after=["v"])}))
    assert _hour(plan, "w") == 100.0


def test_equal_workloads_with_followers_of_their_own_are_told_apart() -> None:
    work = {
        "p1": once(4.0),
        "p2": once(4.0),
        "s1": once(1.0, after=["p1"], deadline="2026-11-23T13:00Z"),
        "s2": once(1.0, after=["p2"]),
    }
    plan = planned(estate({"a": site({"own": owned()})}, work))
    assert set(where(plan).values()) == {"a/own"}
    for name, other in (("s1", "p1"), ("s2", "p2")):
        assert _hour(plan, name) >= _hour(plan, other) + 4.0
    assert _hour(plan, "p1") == 0.0


def test_an_hour_later_the_order_still_holds() -> None:
    intent = estate(ONE, {"v": once(4.0), "w": once(4.0, after=["v"])})
    first = planned(intent)
    again = planned(intent, at=datetime(2026, 11, 23, 9, tzinfo=UTC), parent=first)
    assert _hour(again, "w") >= _hour(again, "v") + 4.0


def test_a_plan_without_an_order_is_the_same_whatever_the_order_says(any_order: Intent) -> None:
    free = any_order.model_copy(
        update={"workloads": {n: w.model_copy(update={"after": ()}) for n, w in any_order.workloads.items()}}
    )
    assert planned(any_order).cost == planned(free).cost


@pytest.fixture
def any_order() -> Intent:
    """Room and time for all, so that an order costs nothing."""
    names = [f"w{k}" for k in range(8)]
    work = {name: once(float(k + 1), after=names[max(0, k - 3) : k]) for k, name in enumerate(names)}
    return estate({"a": site({"n": rented()}), "b": site({"n": rented("2 EUR/h")})}, work)
