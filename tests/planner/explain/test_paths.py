"""Rules about paths, machines and signatures: each refuses, each is named, and what is offered lifts it."""

from __future__ import annotations

from typing import Any

import pytest

from bench.instances.small_estates import AT
from situs.facts import load
from situs.model.intent import Intent
from situs.planner.decide import decide
from situs.planner.explain import Edit, WhyNot, apply, why_not
from situs.planner.explain.wording import say, say_offer
from tests.planner.explain.small import estate, job, site

HERE, THERE = site("1.25 EUR/h"), site("1.00 EUR/h")
IN_EU = {"level": 1, "jurisdictions": ["EU"]}
READS = job(inputs=[{"dataset": "data"}])


def crossing(**more: Any) -> Intent:
    """``there`` is cheaper, but the way to it crosses Switzerland."""
    ways = [
        {"from": "here", "to": "there", "both_ways": True, "latency": 10, "price": "0 EUR/GB", "crosses": ["CH"]}
    ]  # fmt: skip
    data = {"size_gb": 1, "label": IN_EU, "replicas": ["here"], **more.pop("data", {})}
    workload = more.pop("workload", READS)
    return estate(
        {"here": {**HERE, **more.pop("here", {})}, "there": {**THERE, **more.pop("there", {})}},
        {"work": workload},
        datasets={"data": data},
        links=ways,
        **more,
    )


def where(intent: Intent, off: frozenset[str] = frozenset()) -> set[str]:
    plan = decide(intent, load(()), AT, off=off, gap=1e-9).plan
    return {assignment.site for assignment in plan.decision("work").assignments}


def asked(intent: Intent) -> WhyNot:
    return why_not(decide(intent, load(()), AT), "work", "there")


def offered(intent: Intent, rule: str) -> set[str]:
    """Paths of the first offer, which is made and decided again."""
    answer = asked(intent)
    assert answer.verdict == "refused"
    assert answer.reasons[0].rule == rule
    assert answer.reasons[0].anchor
    for language in ("en", "de"):
        assert "?" not in say(answer.reasons[0], language) + say_offer(answer.offers[0], "there", language)
    assert answer.offers[0].checked
    assert where(apply(intent, answer.offers[0].edits)) == {"there"}
    return {edit.path for edit in answer.offers[0].edits}


def test_a_stranger_on_the_way_is_named_and_sealing_both_ends_lets_the_data_through() -> None:
    intent = crossing()
    assert where(intent) == {"here"}
    assert where(intent, frozenset({"transit"})) == {"there"}
    assert offered(intent, "transit") == {"/sites/here/key_custody", "/sites/there/key_custody"}
    assert "crosses CH" in say(asked(intent).reasons[0])
    assert asked(intent).reasons[0].source == "links: here → there"


def test_one_end_that_is_sealed_already_is_left_as_it_is() -> None:
    own = {"operator": "self", "encryption": {"at_rest": True}}
    assert offered(crossing(here=own), "transit") == {
        "/sites/here/encryption/in_transit",
        "/sites/there/key_custody",
    }


def test_what_is_written_crosses_in_the_other_direction() -> None:
    """Results go home over the same way; it is barred for them too."""
    writes = job(outputs=[{"dataset": "data"}], label=IN_EU)
    intent = crossing(workload=writes, data={"label": None, "max_copies": 1})
    assert where(intent) == {"here"}
    assert offered(intent, "transit") == {"/sites/here/key_custody", "/sites/there/key_custody"}
    assert asked(intent).reasons[0].source == "links: there → here"


def test_an_allowed_country_may_be_crossed() -> None:
    assert where(crossing(data={"label": {"level": 1, "jurisdictions": ["EU", "CH"]}})) == {"there"}


def test_where_only_strangers_lie_between_work_and_data_the_rule_is_what_needs_lifting() -> None:
    """Where the data are it must not run and cannot run; elsewhere only the way is barred."""
    intent = crossing(here={"pools": {}, "clearance": 0}, workload={**READS, "label": {"level": 2}})
    intent = apply(intent, [Edit(path="/workloads/other", value=job())])
    decision = decide(intent, load(()), AT).plan.decision("work")
    assert decision.assignments == ()
    assert [refusal.rule for refusal in decision.needs_lifting] == ["transit"]


SPOT = {"basis": "spot", "price": "0.30 EUR/h", "interruptions_per_hour": 0.01}


@pytest.mark.parametrize(
    "wanted", [{"availability": 0.999}, {"label": {"level": 1, "obligations": ["no-spot"]}}]
)
def test_what_must_be_there_is_not_on_spot_capacity(wanted: dict[str, Any]) -> None:
    service = job(job=None, service={"requests_per_s": 1.0}, stage="serve", **wanted)
    pool = {"price": SPOT, "count": 0}
    intent = estate({"here": HERE, "there": site("1.00 EUR/h", pool=pool)}, {"work": service})
    assert where(intent) == {"here"}
    assert where(intent, frozenset({"spot-availability"})) == {"there"}
    answer = asked(intent)
    assert answer.reasons[0].rule == "spot-availability"
    assert where(apply(intent, answer.offers[0].edits)) == {"there"}


def test_a_little_less_availability_may_be_on_spot_capacity() -> None:
    service = job(job=None, service={"requests_per_s": 1.0}, stage="serve", availability=0.9989)
    there = site("1.00 EUR/h", pool={"price": SPOT})
    assert where(estate({"here": HERE, "there": there}, {"work": service})) == {"there"}


def test_data_that_may_not_leave_leave_when_the_rule_is_off() -> None:
    """A drill switches the rule off for the work and for its data alike."""
    intent = crossing(
        data={"may_leave": False, "label": {"level": 1}},
        workload=job(inputs=[{"dataset": "data", "remote": False}]),
    )
    assert where(intent) == {"here"}
    assert where(intent, frozenset({"may-not-leave"})) == {"there"}
    assert offered(intent, "may-not-leave") == {"/datasets/data/may_leave"}
