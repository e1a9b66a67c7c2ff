"""A move has a bill, and happens when it saves more; what has just moved stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.planner.by_hand.small import (
    Block,
    costs,
    estate,
    job,
    link,
    places,
    planned,
    rented,
    service,
    site,
    where,
)

HERE = {"site": "a", "pool": "n"}
TEN_HOURS_AGO = "2026-11-22T22:00Z"


def _sites(price_at_b: str, **pool_at_b: Any) -> Block:
    return {"a": site({"n": rented("1 EUR/h")}), "b": site({"n": rented(price_at_b, **pool_at_b)})}


@pytest.mark.parametrize(
    ("payback", "place", "cost"),
    # 73 EUR a month cheaper; two hours of people cost 150 EUR, which three months earn back and two do not.
    [(3.0, "b/n", 657 + 150 / 3), (2.0, "a/n", 730.0)],
)
def test_a_move_must_pay_within_its_time(payback: float, place: str, cost: float) -> None:
    plan = planned(estate(_sites("0.9 EUR/h"), {"w": service(current=HERE)}, settings={"payback": payback}))
    assert where(plan) == {"w": place}
    assert plan.cost == costs(cost)
    if place == "a/n":
        assert not plan.moves
        assert plan.decision("w").reason == "stays-move-does-not-pay"
    else:
        (move,) = plan.moves
        assert (move.source, move.target, move.saving_per_month) == ("a", "b", costs(73))
        assert move.bill["people"] == costs(150)


def test_the_bill_has_four_parts() -> None:
    # 100 GB at 9 cents; an hour to start and 800 s to send at 1 Gbit/s, at 30 EUR an hour away; two hours of
    # people; a checkpoint every four hours loses two on average, at the new price and away as well.
    moved = job(
        current=HERE,
        job={"work": 700.0, "per_month": 1.0},
        state_gb=90,
        checkpoint={"size_gb": 10, "interval": 4.0},
        downtime_cost="30 EUR",
    )
    plan = planned(
        estate(_sites("0.5 EUR/h", startup=3600), {"w": moved}, [link(price="0.09 EUR/GB", bandwidth=1.0)])
    )
    (move,) = plan.moves
    assert move.bill == {
        "transfer": costs(9),
        "downtime": costs((1 + 800 / 3600 + 2) * 30),
        "lost_work": costs(2 * 0.5),
        "people": costs(150),
    }


def test_without_checkpoints_all_is_lost_since_it_began() -> None:
    running = job(current={**HERE, "since": TEN_HOURS_AGO}, job={"work": 700.0, "per_month": 1.0})
    (move,) = planned(estate(_sites("0.5 EUR/h"), {"w": running})).moves
    assert move.bill["lost_work"] == costs(10 * 0.5)


def test_minimum_run_time_holds_until_it_is_over() -> None:
    work = {
        name: service(current={**HERE, "since": TEN_HOURS_AGO}, min_runtime=hours)
        for name, hours in (("held", 11.0), ("free", 9.0))
    }
    plan = planned(estate(_sites("0.5 EUR/h"), work))
    assert where(plan) == {"free": "b/n", "held": "a/n"}
    assert plan.decision("held").reason == "held-by-minimum-runtime"


def test_cool_down_and_fail_back() -> None:
    work = {
        "hot": service(current={**HERE, "last_moved": TEN_HOURS_AGO}),
        "cool": service(current={**HERE, "last_moved": "2026-11-01T00:00Z"}),
    }
    assert where(planned(estate(_sites("0.5 EUR/h"), work))) == {"cool": "b/n", "hot": "a/n"}
    stays = planned(estate(_sites("0.5 EUR/h"), work, settings={"fail_back": False}))
    assert where(stays) == {"cool": "a/n", "hot": "a/n"}


def test_nothing_is_held_where_it_may_not_be() -> None:
    sites = _sites("2 EUR/h")
    sites["a"]["clearance"] = 0
    plan = planned(estate(sites, {"w": service(current={**HERE, "since": TEN_HOURS_AGO}, min_runtime=24.0)}))
    assert where(plan) == {"w": "b/n"}
    assert plan.moves[0].saving_per_month is None


def test_units_that_find_no_room_stay_and_only_those_that_move_are_billed() -> None:
    plan = planned(estate(_sites("0.5 EUR/h", limit=2), {"w": service(current=HERE, count=3)}))
    assert places(plan.decision("w")) == {"a/n": 1, "b/n": 2}
    (move,) = plan.moves
    assert (move.units, sum(move.bill.values())) == (2, Decimal(300))
    assert plan.cost == costs(730 + 2 * 365 + 300 / 6)
