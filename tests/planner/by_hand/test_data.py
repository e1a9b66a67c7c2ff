"""Move the data, copy it, or bring the work to it: whichever is cheapest, and why."""

from __future__ import annotations

from decimal import Decimal

import pytest

from situs.model.plan import Part
from tests.planner.by_hand.small import (
    Block,
    costs,
    data,
    estate,
    job,
    link,
    planned,
    rented,
    service,
    site,
    where,
)

NEAR, FAR = "1.5 EUR/h", "1 EUR/h"
"""At the data, and 100 hours cheaper by 50 EUR away from them."""


def _sites(**at_b: object) -> Block:
    return {"a": site({"n": rented(NEAR)}), "b": site({"n": rented(FAR)}, **at_b)}


def _changes(intent: object) -> dict[str, str]:
    plan = planned(intent)  # type: ignore[arg-type]
    return {f"{r.dataset}@{r.site}": r.change for r in plan.replicas}


def test_work_goes_to_the_data_when_sending_them_costs_more_than_it_saves() -> None:
    # 1,000 GB at 9 cents are 90 EUR; the other place is 50 EUR cheaper.
    plan = planned(estate(_sites(), {"w": job(inputs=[{"dataset": "d"}])}, [link(price="0.09 EUR/GB")],
                          datasets={"d": data()}))  # fmt: skip
    assert where(plan) == {"w": "a/n"}
    assert plan.cost == costs(150)
    assert plan.decision("w").reason == "cheapest-with-data"


def test_a_little_is_read_over_the_link() -> None:
    # 20 GB at 9 cents are 1.80 EUR.
    plan = planned(estate(_sites(), {"w": job(inputs=[{"dataset": "d", "reads_gb": 20}])},
                          [link(price="0.09 EUR/GB")], datasets={"d": data()}))  # fmt: skip
    assert where(plan) == {"w": "b/n"}
    assert plan.decision("w").assignments[0].reads == {"d": "a"}
    assert plan.cost == costs(100 + 1.8)


def test_what_is_read_often_is_copied_once() -> None:
    # Ten runs of 60 h: 300 EUR cheaper at b. Reading each time costs 900, one copy 90.
    often = {"work": 60.0, "per_month": 10.0}
    intent = estate(_sites(), {"w": job(job=often, inputs=[{"dataset": "d"}])}, [link(price="0.09 EUR/GB")],
                    datasets={"d": data()})  # fmt: skip
    plan = planned(intent)
    assert where(plan) == {"w": "b/n"}
    assert plan.cost == costs(600 + 90)
    created = next(r for r in plan.replicas if r.site == "b")
    assert (created.change, created.source, created.costs) == ("create", "a", {Part.TRANSFER: 90})


def test_data_move_when_keeping_two_copies_costs() -> None:
    # A copy at a costs 100 EUR a month to keep, and nothing needs it there.
    sites = _sites()
    sites["a"]["storage"] = {"price": "0.1 EUR/GB-month"}
    often = {"work": 60.0, "per_month": 10.0}
    intent = estate(sites, {"w": job(job=often, inputs=[{"dataset": "d"}])}, [link(price="0.09 EUR/GB")],
                    datasets={"d": data()})  # fmt: skip
    assert _changes(intent) == {"d@a": "drop", "d@b": "create"}
    assert planned(intent).cost == costs(600 + 90)


def test_a_copy_stays_for_those_that_must_have_it_at_their_site() -> None:
    # v must be near users at a and may not read over links; w alone would have taken the data with it.
    sites = _sites()
    sites["a"]["storage"] = {"price": "0.1 EUR/GB-month"}
    local = job(inputs=[{"dataset": "d", "remote": False}], latency=[{"location": "users", "limit": 5.0}])
    often = job(job={"work": 60.0, "per_month": 10.0}, inputs=[{"dataset": "d"}])
    intent = estate(sites, {"v": local, "w": often},
                    [link(price="0.09 EUR/GB"), link("a", "users", latency=2.0)],
                    datasets={"d": data()}, locations={"users": {"country": "DE"}})  # fmt: skip
    plan = planned(intent)
    assert where(plan) == {"v": "a/n", "w": "b/n"}
    assert plan.cost == costs(150 + 600 + 90 + 100)


def test_data_that_may_not_leave_draw_the_work_to_them() -> None:
    often = {"work": 60.0, "per_month": 10.0}
    plan = planned(estate(_sites(), {"w": job(job=often, inputs=[{"dataset": "d"}])},
                          [link(price="0.09 EUR/GB")], datasets={"d": data(may_leave=False)}))  # fmt: skip
    assert where(plan) == {"w": "a/n"}
    assert plan.cost == costs(900)


def test_two_copies_are_kept_where_two_are_asked_for() -> None:
    # The second copy costs its transfer; once it is there, the cheaper pool beside it is for free.
    plan = planned(estate(_sites(), {"w": job(inputs=[{"dataset": "d"}])}, [link(price="0.09 EUR/GB")],
                          datasets={"d": data(min_copies=2)}))  # fmt: skip
    assert {r.site: r.change for r in plan.replicas} == {"a": "keep", "b": "create"}
    assert where(plan) == {"w": "b/n"}
    assert plan.cost == costs(100 + 90)


def test_storage_that_is_full_keeps_a_copy_out() -> None:
    often = {"work": 60.0, "per_month": 10.0}
    sites = _sites(storage={"price": "0 EUR/GB-month", "capacity_gb": 900.0})
    plan = planned(estate(sites, {"w": job(job=often, inputs=[{"dataset": "d"}])},
                          [link(price="0.09 EUR/GB")], datasets={"d": data()}))  # fmt: skip
    # Reading 1,000 GB ten times would cost 900 EUR more than staying.
    assert where(plan) == {"w": "a/n"}


def test_what_users_are_sent_is_paid_for() -> None:
    # 1,000 GB to users: 90 EUR from a, nothing from b, whose nodes cost 36.50 EUR a month more.
    links = [link(), link("a", "users", "0.09 EUR/GB"), link("b", "users", "0 EUR/GB")]
    sites = {"a": site({"n": rented("1 EUR/h")}), "b": site({"n": rented("1.05 EUR/h")})}
    asked = {"requests_per_s": 1, "gb_per_month": 1000}
    near = service(service=asked, latency=[{"location": "users", "limit": 50.0}])
    plan = planned(estate(sites, {"w": near}, links, locations={"users": {"country": "DE"}}))
    assert where(plan) == {"w": "b/n"}
    assert plan.cost == costs(730 * 1.05)

    only_a = planned(
        estate({"a": sites["a"]}, {"w": near}, links[:2], locations={"users": {"country": "DE"}})
    )
    assert only_a.cost == costs(730 + 90)


def test_what_anybody_is_sent_goes_over_the_link_to_all() -> None:
    asked = service(service={"requests_per_s": 1, "gb_per_month": 100})
    plan = planned(estate({"a": site({"n": rented()})}, {"w": asked}, [link("a", "*", "0.05 EUR/GB")]))
    assert plan.cost == costs(730 + 5)


def test_egress_tiers_are_paid_exactly() -> None:
    # Free up to 100 GB, then 10 cents for the next 500 that are paid for, then 5 cents.
    tiered = {
        "from": "a", "to": "b", "latency": 1.0, "free_gb": 100,
        "tiers": [{"up_to_gb": 500, "price": "0.1 EUR/GB"}, {"price": "0.05 EUR/GB"}],
    }  # fmt: skip
    sites = {"a": site({}), "b": site({"n": rented()}, storage={"price": "1 EUR/GB-month"})}
    reads = [{"dataset": "d", "reads_gb": 400}]
    for units, egress in ((1, 300 * 0.1), (3, 500 * 0.1 + 600 * 0.05)):
        plan = planned(estate(sites, {"w": job(count=units, inputs=reads)}, [tiered, link("b", "a", None)],
                              datasets={"d": data(5000, max_copies=1)}))  # fmt: skip
        assert plan.cost == costs(100 * units + egress)
        assert plan.shared_transfer == costs(egress)


def _sent(*links: Block) -> Decimal:
    """What 2 x 100 GB cost that two services read from a public operator, at most one beside each pool."""
    egress = {"operator": "aws", "region": "eu-central-1"}
    sites = {
        "a": site({}, **egress),
        "b": site({"n": rented(limit=1)}, operator="self"),
        "c": site({"n": rented(limit=1)}, operator="self"),
    }
    work = {name: service(inputs=[{"dataset": "d", "reads_gb": 100}]) for name in ("v", "w")}
    intent = estate(sites, work, links, {"currency": "USD"}, datasets={"d": data(5000, max_copies=1)})
    return planned(intent).shared_transfer


@pytest.mark.parametrize(
    "links",
    [
        [link(price=None)],
        [link("a", "*", None), link()],
        [link("a", "b", None), link("a", "c", None), link()],
        [link("b", "a", None, both_ways=True), link("c", "a", None, both_ways=True)],
    ],
)
def test_an_operator_gives_its_free_volume_once_whatever_the_links(links: list[Block]) -> None:
    # 100 of the 200 GB are free, the others cost 9 cents.
    assert _sent(*links) == costs(100 * 0.09)


def test_copies_that_no_storage_holds_are_missing_and_that_is_said() -> None:
    # 1,000 GB should be in two places; b has room for 900.
    sites = _sites(storage={"price": "0 EUR/GB-month", "capacity_gb": 900.0})
    plan = planned(estate(sites, {"w": job()}, datasets={"d": data(min_copies=2)}))
    assert [(r.site, r.change) for r in plan.replicas] == [("a", "keep")]
    (unmet,) = plan.unmet
    assert (unmet.rule, unmet.details["copies"], unmet.details["wanted"]) == ("copies", "1", "2")


def test_copies_that_no_storage_holds_together_are_missing_too() -> None:
    # Each of the two would fit at b alone.
    sites = _sites(storage={"price": "0 EUR/GB-month", "capacity_gb": 1500.0})
    plan = planned(estate(sites, {"w": job()}, datasets={"d": data(min_copies=2), "e": data(min_copies=2)}))
    assert {unmet.details["dataset"] for unmet in plan.unmet} == {"d", "e"}
    assert where(plan) == {"w": "b/n"}


def test_storage_that_is_too_full_today_is_full_and_not_impossible() -> None:
    sites = _sites()
    sites["a"]["storage"] = {"price": "0 EUR/GB-month", "capacity_gb": 100.0}
    plan = planned(
        estate(sites, {"w": job(inputs=[{"dataset": "d", "reads_gb": 1}])}, datasets={"d": data()})
    )
    assert [(r.site, r.change) for r in plan.replicas] == [("a", "keep")]
    assert not plan.unmet
