"""What does not fit together: the smallest set, and nothing where there is no conflict."""

from __future__ import annotations

from typing import Any

from bench.instances.small_estates import AT
from situs.facts import load
from situs.model.intent import Intent
from situs.planner.decide import Decided, decide
from situs.planner.explain import conflicts, explain
from tests.planner.explain.small import estate, job, site


def service(**more: Any) -> dict[str, Any]:
    return job(job=None, service={"requests_per_s": 1.0}, stage="serve", **more)


def decided(intent: Intent) -> Decided:
    return decide(intent, load(()), AT)


ONE_SECRET_NODE = {
    "vault": site("2.00 EUR/h", clearance=4, key_custody="held_your_own", pool={"limit": 1}),
    "open": site("1.00 EUR/h", clearance=1),
}
SECRET = service(label={"level": 4})


def test_two_that_each_fit_but_not_together() -> None:
    both = {"first": SECRET, "second": SECRET | {"label": {"level": 3}}, "public": service()}
    answer = decided(estate(ONE_SECRET_NODE, both))
    (conflict,) = conflicts(answer)
    # The third has a place of its own and no part in this.
    assert conflict.workloads == ("first", "second")
    assert conflict.left_out in conflict.workloads
    assert [(limit.rule, limit.details["pool"]) for limit in conflict.limits] == [("pool", "nodes")]
    assert explain(answer, conflict.left_out).conflict == conflict
    placed = next(name for name in conflict.workloads if name != conflict.left_out)
    assert explain(answer, placed).conflict is None


def test_each_alone_fits_as_the_conflict_says() -> None:
    for name in ("first", "second"):
        answer = decided(estate(ONE_SECRET_NODE, {name: SECRET, "public": service()}))
        assert conflicts(answer) == ()
        assert all(not decision.unplaced for decision in answer.plan.decisions)


def test_what_may_be_nowhere_is_no_conflict() -> None:
    answer = decided(
        estate({"open": site("1.00 EUR/h", clearance=1)}, {"secret": SECRET, "public": service()})
    )
    assert answer.plan.decision("secret").unplaced
    assert conflicts(answer) == ()
    assert answer.plan.decision("secret").needs_lifting


def test_a_spread_rule_is_part_of_the_conflict() -> None:
    apart = {"spread": [{"over": "site", "group": "pair", "at_most": 1}]}
    sites = {
        "vault": site("2.00 EUR/h", clearance=4, key_custody="held_your_own"),
        "open": site("1.00 EUR/h", clearance=1),
    }
    both = {"first": SECRET | apart, "second": SECRET | apart | {"label": {"level": 3}}}
    (conflict,) = conflicts(decided(estate(sites, both)))
    assert [limit.rule for limit in conflict.limits] == ["spread-group"]
