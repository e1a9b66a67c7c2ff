"""On demand, spot, reserved, owned; fixed and growing pools; shapes; energy."""

from __future__ import annotations

import pytest

from situs.model.plan import Fit
from tests.planner.by_hand.small import (
    Block,
    costs,
    estate,
    job,
    owned,
    places,
    planned,
    rented,
    service,
    site,
    where,
)

SPOT = rented(price="0.5 EUR/h") | {
    "price": {"basis": "spot", "price": "0.5 EUR/h", "interruptions_per_hour": 0.1}
}
RESERVED = rented() | {
    "limit": 5,
    "price": {"basis": "reserved", "price": "0.6 EUR/h", "term": 12.0, "upfront": "120 EUR"},
}
"""A node costs 730 x 0.6 + 120 / 12 = 448 EUR a month."""
BOUGHT = owned("7300 EUR", count=0, limit=5)
"""A node costs 7,300 / 60 = 121.67 EUR a month."""


def test_spot_pays_when_little_is_lost() -> None:
    # Half an interval of 2 h and 0.1 h to restart, 0.1 times an hour: 11 % longer. Without checkpoints an
    # interruption loses 50 h.
    sites = {"a": site({"od": rented(), "spot": SPOT})}
    saved = {"size_gb": 1, "interval": 2.0}
    plan = planned(estate(sites, {"saving": job(checkpoint=saved), "losing": job()}))
    assert where(plan) == {"losing": "a/od", "saving": "a/spot"}
    assert plan.cost == costs(100 + 50 * 1.11)


def test_what_must_always_be_there_is_never_spot() -> None:
    sites = {"a": site({"od": rented(), "spot": SPOT})}
    plan = planned(estate(sites, {"w": service(availability=0.999), "v": service(availability=0.99)}))
    assert where(plan)["w"] == "a/od"


@pytest.mark.parametrize(
    ("jobs", "place", "cost"), [(1, "a/od", 100.0), (4, "a/od", 400.0), (5, "a/res", 448.0)]
)
def test_a_reserved_node_pays_once_enough_shares_it(jobs: int, place: str, cost: float) -> None:
    plan = planned(estate({"a": site({"od": rented(), "res": RESERVED})}, {"w": job(count=jobs)}))
    assert where(plan) == {"w": place}
    assert plan.cost == costs(cost)
    assert [(p.pool, p.nodes) for p in plan.purchases] == ([("res", 1)] if place == "a/res" else [])


@pytest.mark.parametrize(("jobs", "place", "cost"), [(1, "a/od", 100.0), (2, "a/own", 7300 / 60)])
def test_a_node_is_bought_when_its_month_is_cheaper(jobs: int, place: str, cost: float) -> None:
    plan = planned(estate({"a": site({"od": rented(), "own": BOUGHT})}, {"w": job(count=jobs)}))
    assert where(plan) == {"w": place}
    assert plan.cost == costs(cost)
    assert plan.decision("w").fit is (Fit.NOW if place == "a/od" else Fit.AFTER_SCALE_UP)
    assert plan.decision("w").reason == "cheapest"


def test_blocks_are_bought_whole_and_the_rest_is_rented() -> None:
    # Nine services: a node of one's own each costs 121.67; only five may be bought.
    plan = planned(estate({"a": site({"od": rented(), "own": BOUGHT})}, {"w": service(count=7)}))
    assert places(plan.decision("w")) == {"a/od": 2, "a/own": 5}
    assert plan.cost == costs(2 * 730 + 5 * 7300 / 60)


@pytest.mark.parametrize("packing", [True, False])
def test_owned_nodes_are_paid_for_whether_shared_or_not(packing: bool) -> None:
    pool = owned("7300 EUR", limit=2, packing=packing)
    plan = planned(estate({"a": site({"od": rented(), "own": pool})}, {"w": service(count=3)}))
    # One node is there, a second is bought, the third service is rented.
    assert places(plan.decision("w")) == {"a/od": 1, "a/own": 2}
    assert plan.cost == costs(730 + 2 * 7300 / 60)
    assert [(p.pool, p.nodes) for p in plan.purchases] == [("own", 1)]


def test_a_reserved_node_that_is_not_shared_still_costs_its_month() -> None:
    alone = RESERVED | {"packing": False}
    plan = planned(estate({"a": site({"od": rented(), "res": alone})}, {"w": job()}))
    assert where(plan) == {"w": "a/od"}
    assert plan.cost == costs(100)


def test_an_idle_node_costs_its_month_too() -> None:
    plan = planned(estate({"a": site({"own": owned("7300 EUR", count=2)})}, {"w": job()}))
    assert plan.cost == costs(2 * 7300 / 60)
    assert [(h.pool, h.nodes, h.used["cpu"]) for h in plan.holdings] == [
        ("own", 2, pytest.approx(100 / 1460, abs=1e-6))
    ]


def test_electricity_goes_by_the_work_and_the_idle_node() -> None:
    # Idle 0.2 kW all month, 1 kW more for 100 h, PUE 1.5, 30 cents.
    hall = site(
        {"own": owned(basis={"idle": 200, "busy": 1200})}, pue=1.5, electricity={"price": "0.30 EUR/kWh"}
    )
    plan = planned(estate({"a": hall}, {"w": job()}))
    assert plan.cost == costs(730 * 0.2 * 1.5 * 0.3 + 100 * 1.5 * 0.3)


def _shapes(*shapes: Block) -> list[Block]:
    return [{"memory": 8.0, **shape} for shape in shapes]


def test_the_cheaper_shape_is_taken() -> None:
    # By the hour a node costs the same, and the large shape is done in a third of the time.
    shapes = _shapes({"name": "fast", "cpu": 8.0, "throughput": 3.0}, {"name": "slow", "cpu": 4.0})
    plan = planned(estate({"a": site({"n": rented()})}, {"w": job(shapes=shapes)}))
    assert plan.decision("w").assignments[0].shape == "fast"
    assert plan.cost == costs(100 / 3)


def test_the_smaller_shape_is_taken_where_room_is_short() -> None:
    shapes = _shapes({"name": "large", "cpu": 8.0}, {"name": "small", "cpu": 4.0})
    plan = planned(estate({"a": site({"own": owned()})}, {"w": service(count=2, shapes=shapes)}))
    assert [(a.shape, a.units) for a in plan.decision("w").assignments] == [("small", 2)]


@pytest.mark.parametrize("scarce", ["cpu", "memory", "accelerators", "disk"])
def test_every_resource_can_be_the_one_that_is_short(scarce: str) -> None:
    # A node holds four of what each wants a quarter of, but only two of the scarce one.
    wants = {"cpu": 2.0, "memory": 8.0, "accelerators": 1.0, "disk": 100.0}
    has = {name: amount * (2 if name == scarce else 4) for name, amount in wants.items()}
    pool = owned(node=has, accelerator="L4")
    overflow = rented(node={name: amount * 4 for name, amount in wants.items()}, accelerator="L4")
    plan = planned(
        estate({"a": site({"od": overflow, "own": pool})}, {"w": service(count=4, shapes=[wants])})
    )
    assert places(plan.decision("w")) == {"a/od": 2, "a/own": 2}
