"""Deadlines, windows, tariffs, transfers and hardware that comes later."""

from __future__ import annotations

from datetime import datetime

import pytest

from situs.model.plan import Fit, Plan
from tests.planner.by_hand.small import (
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

HALL = site(
    {"own": owned(basis={"busy": 10_000})},
    electricity={
        "price": "0.30 EUR/kWh",
        "bands": [{"from_hour": 22, "to_hour": 6, "price": "0.10 EUR/kWh"}],
    },
)
"""10 kW while it works; nights cost a third."""


def _start(plan: Plan, workload: str = "w") -> str:
    start = plan.decision(workload).assignments[0].start
    return "now" if start is None else f"{start:%d %H:%M}"


@pytest.mark.parametrize(
    ("window", "start", "cost"),
    [
        ({"deadline": "2026-11-24T08:00Z"}, "23 22:00", 4.0),
        ({"deadline": "2026-11-23T20:00Z"}, "now", 12.0),
        ({"earliest": "2026-11-24T04:00Z", "deadline": "2026-11-24T10:00Z"}, "24 04:00", 2 * 1.0 + 2 * 3.0),
        ({"earliest": "2026-11-24T04:00Z"}, "24 22:00", 4.0),
    ],
)
def test_a_night_tariff_wins_where_there_is_time(window: dict[str, str], start: str, cost: float) -> None:
    plan = planned(estate({"a": HALL}, {"w": once(4.0, **window)}))
    assert _start(plan) == start
    assert plan.cost == costs(cost)


def test_own_hardware_is_waited_for_until_the_deadline() -> None:
    pools = {"od": rented(), "own": owned(available_from="2026-11-24T08:00Z")}
    waits = planned(estate({"a": site(pools)}, {"w": once(4.0, deadline="2026-11-25T08:00Z")}))
    assert (where(waits)["w"], _start(waits), waits.cost) == ("a/own", "24 08:00", 0)
    assert waits.decision("w").fit is Fit.AT
    assert waits.decision("w").at == datetime.fromisoformat("2026-11-24T08:00Z")
    hurries = planned(estate({"a": site(pools)}, {"w": once(4.0, deadline="2026-11-24T04:00Z")}))
    assert (where(hurries)["w"], _start(hurries), hurries.cost) == ("a/od", "now", 4)


def test_one_job_waits_until_another_has_left_the_own_node() -> None:
    pools = {"od": rented(), "own": owned()}
    work = {name: once(4.0, deadline="2026-11-23T20:00Z") for name in ("v", "w", "x")}
    plan = planned(estate({"a": site(pools)}, work))
    # Three times four hours end at eight in the evening, so nothing has to be rented.
    assert set(where(plan).values()) == {"a/own"}
    assert sorted(_start(plan, name) for name in work) == ["23 12:00", "23 16:00", "now"]
    # With an hour less only two fit.
    tight = {name: once(4.0, deadline="2026-11-23T19:00Z") for name in work}
    plan = planned(estate({"a": site(pools)}, tight))
    assert sorted(where(plan).values()) == ["a/od", "a/own", "a/own"]
    assert plan.cost == costs(4)


SLOW_LINK = [link(bandwidth=0.01)]
"""45 GB take ten hours."""
TWO = {"a": site({"dear": rented("9 EUR/h")}), "b": site({"n": rented()})}


@pytest.mark.parametrize(
    ("deadline", "place"), [("2026-11-23T22:00Z", "b/n"), ("2026-11-23T21:59Z", "a/dear")]
)
def test_a_transfer_counts_against_the_deadline(deadline: str, place: str) -> None:
    # Ten hours for the data and four to run.
    plan = planned(estate(TWO, {"w": once(4.0, deadline=deadline, inputs=[{"dataset": "d"}])}, SLOW_LINK,
                          datasets={"d": data(45.0)}))  # fmt: skip
    assert where(plan) == {"w": place}


def test_a_copy_comes_over_while_the_work_waits_for_its_window() -> None:
    # The window opens in twelve hours and closes five later; the copy is there after ten.
    window = {"earliest": "2026-11-23T20:00Z", "deadline": "2026-11-24T01:00Z"}
    plan = planned(estate(TWO, {"w": once(4.0, **window, inputs=[{"dataset": "d"}])}, SLOW_LINK,
                          datasets={"d": data(45.0)}))  # fmt: skip
    assert where(plan) == {"w": "b/n"}
    assert plan.decision("w").assignments[0].reads == {"d": "b"}
    assert _start(plan) == "23 20:00"


def test_results_must_be_home_by_the_deadline() -> None:
    # Two copies of the result are wanted where they are not: 45 GB out again take ten hours.
    out = {"outputs": [{"dataset": "r"}]}
    results = {"r": {"size_gb": 45.0, "label": {"level": 1}, "max_copies": 1}}
    sites = TWO | {"b": site({"n": rented()}, storage={"price": "0 EUR/GB-month", "capacity_gb": 1.0})}
    late = planned(
        estate(sites, {"w": once(4.0, deadline="2026-11-23T22:00Z", **out)}, SLOW_LINK, datasets=results)
    )
    assert where(late) == {"w": "b/n"}
    early = planned(
        estate(sites, {"w": once(4.0, deadline="2026-11-23T21:00Z", **out)}, SLOW_LINK, datasets=results)
    )
    assert where(early) == {"w": "a/dear"}


def test_nodes_that_must_come_up_take_their_time() -> None:
    pools = {"n": rented(startup=3600)}
    for deadline, fit in (("2026-11-23T12:30Z", Fit.NEVER), ("2026-11-23T13:00Z", Fit.AFTER_SCALE_UP)):
        sites = {"a": site(pools)}
        plan = planned(estate(sites, {"w": once(4.0, deadline=deadline), "other": job()}))
        assert plan.decision("w").fit is fit


def test_a_service_waits_for_hardware_only_where_nothing_is_there() -> None:
    comes = owned(available_from="2026-12-03T08:00Z")
    plan = planned(estate({"a": site({"own": comes})}, {"w": service()}))
    assert plan.decision("w").fit is Fit.AT
    assert plan.decision("w").at == datetime.fromisoformat("2026-12-03T08:00Z")
    # Free hardware in ten days is no reason not to serve until then.
    plan = planned(estate({"a": site({"od": rented(), "own": comes})}, {"w": service()}))
    assert where(plan) == {"w": "a/od"}
    assert plan.decision("w").fit is Fit.NOW
    assert plan.cost == costs(730)


def test_who_finds_no_room_now_gets_it_when_hardware_comes() -> None:
    # One node now and one in ten days: what is worth more goes first, the other waits for the second.
    pools = {"now": owned(), "later": owned(available_from="2026-12-03T08:00Z")}
    worth = {name: service(value=f"{value} EUR/month") for name, value in (("less", 10), ("more", 20))}
    plan = planned(estate({"a": site(pools)}, worth))
    assert where(plan) == {"less": "a/later", "more": "a/now"}
    assert (plan.decision("less").fit, plan.decision("less").alone) == (Fit.AT, Fit.NOW)
    assert plan.decision("less").assignments[0].hours == pytest.approx(730 - 240)
