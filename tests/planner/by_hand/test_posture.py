"""What looks like an accident, each with its evidence and its euros, on estates that hold one accident each."""

from __future__ import annotations

from typing import Any

from situs.model.intent import Intent
from situs.planner.analysis.finding import Finding
from situs.planner.analysis.posture import posture
from situs.planner.decide import decide
from tests.planner.by_hand.small import (
    AT,
    FACTS,
    Block,
    costs,
    data,
    estate,
    job,
    link,
    owned,
    rented,
    service,
    site,
)

STORED = {"price": "0.1 EUR/GB-month"}
"""1,000 GB are 100 EUR a month."""
USED = {"use_case": "u"}
USE_CASES = {"u": {"owner": "o", "value": "1 EUR/month"}}


def found(intent: Intent) -> dict[tuple[str, str], Finding]:
    decided = decide(intent, FACTS, AT, gap=0.0)
    return {(f.kind, f.what): f for f in posture(decided, intent).findings}


def small(sites: Block, workloads: Block, *links: Block, **more: Any) -> Intent:
    return estate(sites, workloads, links, use_cases=USE_CASES, **more)


def test_a_risk_that_costs_nothing_tells_what_hangs_on_it() -> None:
    # Reading over the link is free; the work that does costs 100 EUR a month, with or without a label.
    sites = {"a": site({}, operator="self"), "b": site({"n": rented()}, operator="self")}
    reader = job(inputs=[{"dataset": "d", "reads_gb": 200}], **USED)
    for labelled in (data(10_000), {"size_gb": 10_000, "replicas": ["a"]}):
        one_copy = {"d": {**labelled, "max_copies": 1}}
        risks = list(found(small(sites, {"w": reader}, link(), datasets=one_copy)).values())
        assert risks
        for risk in risks:
            assert (risk.per_month, risk.at_stake_per_month) == (0, costs(100)), risk


def test_data_in_one_place_that_work_elsewhere_fetches_are_a_silo() -> None:
    # 200 of 10,000 GB are read ten times a month at 9 cents: 180 EUR; sending all of them would be 900.
    sites = {"a": site({}, operator="self"), "b": site({"n": rented()}, operator="self")}
    often = job(job={"work": 10.0, "per_month": 10.0}, inputs=[{"dataset": "d", "reads_gb": 200}], **USED)
    got = found(small(sites, {"w": often}, link(price="0.09 EUR/GB"), datasets={"d": data(10_000)}))
    silo = got["silo", "d"]
    assert silo.evidence == ("only at a", "read over a link by w at b")
    assert silo.per_month == costs(180)
    assert list(got) == [("silo", "d")]


def test_a_copy_that_nothing_reads_is_a_duplicate_with_its_rent() -> None:
    sites = {"a": site({"n": rented()}, storage=STORED), "b": site({}, storage=STORED)}
    work = {"w": job(inputs=[{"dataset": "d", "remote": False}], **USED)}
    got = found(small(sites, work, datasets={"d": data(1000, replicas=["a", "b"])}))
    duplicate = got["duplicate", "d at b"]
    assert duplicate.evidence == ("1,000 GB that nothing reads there", "2 copies")
    assert duplicate.per_month == duplicate.at_stake_per_month == costs(100)


def test_the_only_copy_in_the_wrong_place_is_no_duplicate() -> None:
    # 1,000 GB cost 100 EUR at a and 20 at b, where the work is.
    sites = {
        "a": site({}, storage=STORED, operator="self"),
        "b": site({"n": rented()}, storage={"price": "0.02 EUR/GB-month"}, operator="self"),
    }
    work = {"w": job(inputs=[{"dataset": "d"}], **USED)}
    got = found(small(sites, work, datasets={"d": data(1000)}))
    assert list(got) == [("misplaced", "d")]
    assert got["misplaced", "d"].evidence == ("at a, better at b",)
    assert got["misplaced", "d"].per_month == costs(80)


def test_work_in_the_wrong_place_tells_what_moving_saves() -> None:
    sites = {"a": site({"n": rented("2 EUR/h")}), "b": site({"n": rented("1 EUR/h")})}
    got = found(small(sites, {"w": service(current={"site": "a", "pool": "n"}, **USED)}))
    assert got["misplaced", "w"].per_month == costs(730)
    assert got["misplaced", "w"].evidence == ("at a, better at b", "saves 730.00 a month before its bill")


def test_half_idle_machines_cost_the_idle_part() -> None:
    # One node of 121.67 EUR a month, used for 100 of 730 hours.
    got = found(small({"a": site({"own": owned("7300 EUR")})}, {"w": job(**USED)}))
    assert got["idle", "a/own"].per_month == costs(7300 / 60 * (1 - 100 / 730))


def test_one_provider_with_most_of_the_money_is_a_risk_and_no_cost() -> None:
    sites = {
        "a": site({"n": rented(limit=3)}, operator="one"),
        "b": site({"n": rented("1.01 EUR/h")}, operator="two"),
    }
    got = found(small(sites, {"w": service(count=4, **USED)}))
    concentrated = got["concentration", "one"]
    assert (concentrated.per_month, concentrated.evidence[0]) == (0, "75% of what is paid to others")
    assert concentrated.at_stake_per_month == costs(3 * 730)
    assert ("concentration", "two") not in got


def test_work_of_no_use_case_and_data_without_a_label_are_named() -> None:
    work = {"w": job(owner="Ada", inputs=[{"dataset": "d"}])}
    got = found(small({"a": site({"n": rented()})}, work, datasets={"d": {"size_gb": 1, "replicas": ["a"]}}))
    assert got["orphan", "w"].evidence == ("no use case", "owner: Ada")
    assert got["orphan", "w"].per_month == costs(100)
    assert got["unlabelled", "d"].evidence == ("treated as the highest class", "no owner")


def test_an_estate_that_is_where_it_should_be_shows_nothing() -> None:
    intent = small(
        {"a": site({"n": rented()}, operator="self")},
        {"w": service(current={"site": "a", "pool": "n"}, **USED)},
    )
    answer = posture(decide(intent, FACTS, AT, gap=0.0), intent)
    assert (answer.findings, answer.by_design, answer.avoidable_per_month) == ((), 1.0, 0)
