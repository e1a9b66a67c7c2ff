"""Why a place is not taken whose own price is lower."""

from __future__ import annotations

from situs.model.intent import Intent
from situs.planner.decide import decide
from situs.planner.explain import explain
from situs.planner.explain.model import RankedAlternative
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


def alternatives(intent: Intent, workload: str) -> dict[str, RankedAlternative]:
    decided = decide(intent, FACTS, AT, gap=0.0)
    return {other.site: other for other in explain(decided, workload).alternatives}


def test_a_machine_that_others_fill_is_not_called_dearer() -> None:
    # One machine of our own costs nothing more to use, and whoever may be nowhere else has it.
    sites = {"a": site({"own": owned()}), "b": site({"n": rented("1 EUR/h")})}
    sites["b"]["clearance"] = 2
    worth = {"value": "9000 EUR/month"}
    work = {"first": service(label={"level": 3}, **worth), "second": service(**worth)}
    (other,) = alternatives(estate(sites, work), "second").values()
    assert (other.site, other.extra_cost, other.reason) == ("a", costs(-730), "capacity")


def test_copies_that_it_would_take_are_the_reason() -> None:
    # 100 EUR less by the hour, and 150 EUR to bring the data there.
    assert _away(rented("1 EUR/h"), link(price="0.15 EUR/GB")) == (costs(-100), "data")


def test_nodes_that_it_would_take_are_the_reason() -> None:
    bought = owned("73000 EUR", count=0, limit=9)
    extra, reason = _away(bought, link())
    assert (extra, reason) == (costs(-200), "nodes")


def test_a_dearer_place_is_called_dearer() -> None:
    assert _away(rented("3 EUR/h"), link()) == (costs(100), "cost")


def _away(pool: Block, way: Block) -> tuple[object, str]:
    """What is said of another place than the one for 200 EUR beside 1,000 GB of data."""
    sites = {"a": site({"n": rented("2 EUR/h")}), "b": site({"n": pool})}
    reader = job(inputs=[{"dataset": "d", "remote": False}])
    (other,) = alternatives(estate(sites, {"w": reader}, [way], datasets={"d": data()}), "w").values()
    return other.extra_cost, other.reason
