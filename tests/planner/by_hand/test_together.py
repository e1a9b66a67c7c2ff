"""Limits that tie workloads together, what does not fit together, and what can be nowhere."""

from __future__ import annotations

import pytest

from situs.model.plan import Fit
from situs.planner.decide import decide
from situs.planner.explain import conflicts
from tests.planner.by_hand.small import (
    AT,
    FACTS,
    Block,
    costs,
    data,
    estate,
    job,
    link,
    once,
    owned,
    places,
    planned,
    rented,
    service,
    site,
    where,
)

CHEAP_AND_DEAR = {"a": site({"n": rented()}), "b": site({"n": rented("5 EUR/h")})}
NEAR_USERS = [link(), link("b", "users", latency=2.0)]
USERS = {"users": {"country": "DE"}}
FILLER = {"filler": job()}
"""Something that has a place, whatever becomes of the rest."""


def test_a_latency_limit_outbids_the_price() -> None:
    near = service(latency=[{"location": "users", "limit": 5.0}])
    plan = planned(estate(CHEAP_AND_DEAR, {"w": near}, NEAR_USERS, locations=USERS))
    assert where(plan) == {"w": "b/n"}
    assert plan.decision("w").assignments[0].latency_ms == 2.0


@pytest.mark.parametrize(("at_most", "at_b"), [(1, 1), (2, 0)])
def test_copies_are_spread_over_sites(at_most: int, at_b: int) -> None:
    spread = [{"over": "site", "at_most": at_most}]
    plan = planned(estate(CHEAP_AND_DEAR, {"w": service(count=2, spread=spread)}))
    assert places(plan.decision("w")).get("b/n", 0) == at_b


@pytest.mark.parametrize("over", ["operator", "country", "power_zone"])
def test_copies_are_spread_over_what_sites_share(over: str) -> None:
    # a and b share everything, c is dearer and shares nothing: one of two has to go there.
    shared = {"operator": "one", "country": "DE", "power_zone": "grid-1"}
    other = {"operator": "two", "country": "FR", "power_zone": "grid-2"}
    sites = {
        "a": site({"n": rented()}, **shared),
        "b": site({"n": rented()}, **shared),
        "c": site({"n": rented("5 EUR/h")}, **{**shared, over: other[over]}),
    }
    plan = planned(estate(sites, {"w": service(count=2, spread=[{"over": over, "at_most": 1}])}))
    assert places(plan.decision("w")).get("c/n") == 1


def test_workloads_that_name_one_group_are_spread_together() -> None:
    spread = [{"over": "site", "group": "pair", "at_most": 1}]
    work = {"v": service(spread=spread), "w": service(spread=spread)}
    assert sorted(where(planned(estate(CHEAP_AND_DEAR, work))).values()) == ["a/n", "b/n"]


def test_affinity_follows_the_one_that_has_no_choice() -> None:
    work = {"tied": service(latency=[{"location": "users", "limit": 5.0}]), "w": service(affinity=["tied"])}
    plan = planned(estate(CHEAP_AND_DEAR, work, NEAR_USERS, locations=USERS))
    assert where(plan) == {"tied": "b/n", "w": "b/n"}


def test_one_provider_may_have_its_share_only() -> None:
    sites = {
        "a": site({"n": rented()}, operator="one"),
        "b": site({"n": rented("5 EUR/h")}, operator="two"),
    }
    rules = {"share": {"title": "Half", "max_operator_share": {"one": 0.5}}}
    plan = planned(estate(sites, {"w": service(count=4)}, rules=rules))
    assert places(plan.decision("w")) == {"a/n": 2, "b/n": 2}


def _sized(cpu: float, **more: object) -> Block:
    return service(shapes=[{"cpu": cpu, "memory": 1.0}], **more)


@pytest.mark.parametrize(("value", "left_out"), [(300, "large"), (200, "small")])
def test_left_out_is_what_is_worth_least_for_the_room(value: int, left_out: str) -> None:
    # The node holds one large workload worth 1,000 EUR a month, or four small ones.
    work = {
        "large": _sized(8.0, value="1000 EUR/month"),
        "small": _sized(2.0, count=4, value=f"{value} EUR/month"),
    }
    decided = decide(estate({"a": site({"own": owned()})}, work), FACTS, AT, gap=0.0)
    assert where(decided.plan)[left_out] == "-"
    decision = decided.plan.decision(left_out)
    assert (decision.fit, decision.alone, decision.reason) == (Fit.NEVER, Fit.NOW, "scarce-capacity")
    assert decision.worth == costs(1000 if left_out == "large" else value)
    # The joint view: each fits, both do not, and why.
    (conflict,) = conflicts(decided)
    assert conflict.workloads == ("large", "small")
    assert [limit.rule for limit in conflict.limits] == ["pool"]


def test_a_dear_place_that_it_cannot_have_makes_nothing_more_important() -> None:
    # The node at a is for one of both. "less" might also be at b for 43,800 EUR a month, were there the money.
    sites = {
        "a": site({"n": rented("0.5 EUR/h", limit=1)}),
        "b": site({"n": rented("60 EUR/h")}, clearance=1),
    }
    work = {
        "less": service(value="100 EUR/month", use_case="u"),
        "more": service(value="1000 EUR/month", label={"level": 2}),
    }
    plan = planned(
        estate(
            sites, work, use_cases={"u": {"owner": "o", "value": "1 EUR/month", "budget": "500 EUR/month"}}
        )
    )
    assert where(plan) == {"less": "-", "more": "a/n"}


def test_what_its_money_pays_for_is_not_left_out() -> None:
    # It is worth less than it costs, and has its place all the same: that it shall run was decided already.
    plan = planned(estate({"a": site({"n": rented()})}, {"w": service(value="1 EUR/month")}))
    assert where(plan) == {"w": "a/n"}


def test_a_node_is_bought_rather_than_work_left_out() -> None:
    # Nothing else could run it, and the node costs 121.67 EUR a month, its work nothing.
    plan = planned(estate({"a": site({"own": owned("7300 EUR", count=0, limit=1)})}, {"w": service()}))
    assert where(plan) == {"w": "a/own"}
    assert plan.cost == costs(7300 / 60)


def test_data_are_copied_rather_than_work_left_out() -> None:
    # The copy costs 900 EUR, the work 100.
    must_have = job(inputs=[{"dataset": "d", "remote": False}])
    sites = {"a": site({}), "b": site({"n": rented()})}
    plan = planned(estate(sites, {"w": must_have}, [link(price="0.9 EUR/GB")], datasets={"d": data()}))
    assert where(plan) == {"w": "b/n"}
    assert plan.cost == costs(100 + 900)


def test_a_node_is_bought_rather_than_hardware_waited_for() -> None:
    comes = owned(available_from="2026-12-03T08:00Z")
    pools = {"buy": owned("7300 EUR", count=0, limit=1), "comes": comes}
    plan = planned(estate({"a": site(pools)}, {"w": service()}))
    assert where(plan) == {"w": "a/buy"}
    assert plan.decision("w").fit is Fit.AFTER_SCALE_UP


@pytest.mark.parametrize(("first", "second"), [(10, 90), (90, 10)])
def test_priority_decides_where_no_value_is_known(first: int, second: int) -> None:
    work = {"v": service(priority=first), "w": service(priority=second)}
    plan = planned(estate({"a": site({"own": owned()})}, work))
    assert where(plan)["v"] == ("a/own" if first > second else "-")


def test_the_value_of_a_use_case_counts_for_its_workloads() -> None:
    cases = {name: {"owner": "o", "value": f"{value} EUR/month"} for name, value in (("p", 100), ("q", 5000))}
    work = {"v": service(use_case="p"), "w": service(use_case="q")}
    plan = planned(estate({"a": site({"own": owned()})}, work, use_cases=cases))
    assert where(plan) == {"v": "-", "w": "a/own"}
    assert plan.decision("v").worth == costs(150)


def test_a_budget_holds_for_all_units_together() -> None:
    plan = planned(estate({"a": site({"n": rented()})}, {"w": job(count=3, budget="250 EUR/month")}))
    assert places(plan.decision("w")) == {"a/n": 2}
    assert plan.decision("w").unplaced == 1


def test_the_budget_of_a_use_case_goes_to_what_is_worth_more() -> None:
    cases = {"u": {"owner": "o", "value": "1 EUR/month", "budget": "120 EUR/month"}}
    work = {
        name: job(use_case="u", value=f"{value} EUR/month") for name, value in (("less", 500), ("more", 600))
    }
    plan = planned(estate({"a": site({"n": rented()})}, work, use_cases=cases))
    assert where(plan) == {"less": "-", "more": "a/n"}


def test_two_that_each_fit_may_not_fit_together() -> None:
    decided = decide(
        estate({"a": site({"own": owned()})}, {"v": _sized(5.0), "w": _sized(4.0)}), FACTS, AT, gap=0.0
    )
    out = next(d for d in decided.plan.decisions if d.unplaced)
    assert (out.fit, out.alone) == (Fit.NEVER, Fit.NOW)
    assert conflicts(decided)[0].workloads == ("v", "w")


@pytest.mark.parametrize(
    ("workload", "sites", "rules"),
    [
        # a would need a higher clearance; b a larger node and a higher clearance.
        (
            {"label": {"level": 4}},
            {"a": {"clearance": 3}, "b": {"clearance": 3, "small": True}},
            ["clearance"],
        ),
        ({"label": {"level": 4}}, {"a": {"clearance": 3}, "b": {"small": True}}, ["clearance"]),
        ({"budget": "100 EUR/month"}, {"a": {}}, ["own-budget"]),
        ({"latency": [{"location": "users", "limit": 5.0}]}, {"a": {}}, ["latency-limit"]),
        ({"shapes": [{"cpu": 9.0, "memory": 64.0}]}, {"a": {}}, ["node-too-small", "node-too-small"]),
    ],
)
def test_what_can_be_nowhere_names_the_smallest_set_that_stands_in_the_way(
    workload: Block, sites: Block, rules: list[str]
) -> None:
    tiny = {"cpu": 8.0, "memory": 1.0}
    built = {
        name: site({"n": rented(node=tiny) if more.pop("small", False) else rented()}, **more)
        for name, more in sites.items()
    }
    plan = planned(
        estate(built, {"w": service(**workload), **FILLER}, [link(), link("a", "users")], locations=USERS)
    )
    decision = plan.decision("w")
    assert (decision.fit, decision.alone, decision.reason) == (Fit.NEVER, Fit.NEVER, "no-place")
    assert [refusal.rule for refusal in decision.needs_lifting] == rules


def test_a_deadline_that_nothing_makes_is_named_with_its_hours() -> None:
    plan = planned(
        estate({"a": site({"n": rented()})}, {"w": once(100.0, deadline="2026-11-24T08:00Z"), **FILLER})
    )
    (refusal,) = plan.decision("w").needs_lifting
    assert refusal.rule == "window"
    assert (refusal.details["end_hours"], refusal.details["latest_hours"]) == ("100.0", "24.0")


def test_data_that_cannot_come_are_named() -> None:
    sites = {"a": site({}), "b": site({"n": rented()})}
    plan = planned(
        estate(sites, {"w": job(inputs=[{"dataset": "d"}]), **FILLER}, [link("a", "elsewhere")],
               datasets={"d": data()}, locations={"elsewhere": {"country": "DE"}})
    )  # fmt: skip
    assert [refusal.rule for refusal in plan.decision("w").needs_lifting] in (["data-reach"], ["no-pool"])
