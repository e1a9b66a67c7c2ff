"""Each built-in rule: what it lets through, what it refuses, and the value at which it changes its mind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from situs.policy import say
from situs.policy.builtin import BUILTIN
from tests.policy.small import AT, HORIZON_H, estate, policy, refusing

END = AT + timedelta(hours=HORIZON_H)
DAY = timedelta(days=1)
OWN = {"operator": "self", "key_custody": "provider"}
IN_EU = {"level": 1, "jurisdictions": ["EU"]}


def certified(begin: Any, end: Any, scheme: str = "C5") -> dict[str, str]:
    return {"scheme": scheme, "valid_from": begin.isoformat(), "valid_until": end.isoformat()}


ALLOWED: dict[str, list[dict[str, Any]]] = {
    "jurisdiction-location": [
        {"label": IN_EU},
        {"label": {"level": 1, "jurisdictions": ["DE"]}},
        {"label": {"level": 1}, "site": {"country": "IN"}},
    ],
    "jurisdiction-operator": [
        {"label": IN_EU},
        {"label": IN_EU, "site": {"operator_country": "US", "parent_country": "US"}},
        {"label": IN_EU, "site": {**OWN, "operator_country": None, "parent_country": None}},
    ],
    "may-not-leave": [
        {"dataset": {"replicas": ["there"], "may_leave": False}},
        {"dataset": {"replicas": ["home", "there"], "may_leave": False}},
        {"dataset": {"may_leave": False}},
        {"dataset": {"replicas": ["home"], "may_leave": True}},
    ],
    "purpose": [
        {"label": {"level": 1, "purposes": ["care"]}, "workload": {"purpose": "care"}},
        {"label": {"level": 1}, "workload": {"purpose": "anything"}},
    ],
    "certificate": [
        {"label": {"level": 1, "certificates": ["C5"]}, "site": {"certificates": [certified(AT, END)]}},
        {
            "label": {"level": 1, "certificates": ["C5"]},
            "site": {"certificates": [certified(AT + 9 * DAY, END), certified(AT - DAY, AT + 9 * DAY)]},
        },
        {
            "label": {"level": 1, "certificates": ["C5"]},
            "site": {"certificates": [certified(AT, AT + 3 * DAY)]},
            "workload": {"job": {"work": 1, "deadline": (AT + 3 * DAY).isoformat()}},
        },
    ],
    "administrators": [
        {"label": {"level": 3, "jurisdictions": ["DE"]}},
        {"label": {"level": 2, "jurisdictions": ["DE"]}, "site": {"administrators": {"countries": ["IN"]}}},
        {"label": {"level": 3, "jurisdictions": ["DE"]}, "site": {"administrators": {"employer": "self"}}},
    ],
    "clearance": [
        {"label": {"level": 3}, "site": {"clearance": 3}},
        {"label": {"level": 0}, "site": {"clearance": 0}},
    ],
    "tenancy": [
        {"label": {"level": 1, "obligations": ["dedicated"]}},
        {"label": {"level": 1, "obligations": ["dedicated"]}, "site": {"tenancy": "own"}},
        {"label": {"level": 1}, "site": {"tenancy": "shared"}},
    ],
    "encryption": [
        {"label": {"level": 2}, "site": {"encryption": {}}},
        {"label": {"level": 3}, "site": {"encryption": {"at_rest": True, "in_transit": True}}},
        {"label": {"level": 1, "obligations": ["encrypt-at-rest"]}, "site": {"encryption": {"at_rest": True}}},
    ],
    "key-custody": [
        {"label": {"level": 3}, "site": {"key_custody": "provider"}},
        {"label": {"level": 4}, "site": {"key_custody": "customer_managed"}},
        {"label": {"level": 4}, "site": {"key_custody": "provider", "operator": "self"}},
        {"label": {"level": 1, "obligations": ["hold-own-key"]}},
    ],
    "latency-limit": [
        {
            "workload": {"latency": [{"location": "users", "limit": 20}]},
            "links": [{"from": "there", "to": "users", "latency": 20}],
        },
        {"workload": {"latency": []}},
    ],
}  # fmt: skip

REFUSED: dict[str, list[dict[str, Any]]] = {
    "jurisdiction-location": [
        {"label": IN_EU, "site": {"country": "CH"}},
        {"label": {"level": 1, "jurisdictions": []}},
        {"label": {"level": 1, "jurisdictions": ["no-such-group"]}},
    ],
    "jurisdiction-operator": [
        {"label": IN_EU, "site": {"operator_country": "US", "key_custody": "customer_managed"}},
        {"label": IN_EU, "site": {"parent_country": "US", "encryption": {"at_rest": True, "in_transit": True}}},
        {"label": IN_EU, "site": {"parent_country": None, "key_custody": "provider"}},
        {"label": IN_EU, "site": {"operator": "self", "operator_country": "US", "key_custody": "provider"}},
    ],
    "may-not-leave": [{"dataset": {"replicas": ["home"], "may_leave": False}}],
    "purpose": [
        {"label": {"level": 1, "purposes": ["care"]}, "workload": {"purpose": "marketing"}},
        {"label": {"level": 1, "purposes": ["care"]}},
        {"label": {"level": 1, "purposes": []}, "workload": {"purpose": "care"}},
    ],
    "certificate": [
        {"label": {"level": 1, "certificates": ["C5"]}},
        {"label": {"level": 1, "certificates": ["C5"]}, "site": {"certificates": [certified(AT, END - DAY)]}},
        {"label": {"level": 1, "certificates": ["C5"]}, "site": {"certificates": [certified(AT + DAY, END)]}},
        {"label": {"level": 1, "certificates": ["C5"]}, "site": {"certificates": [certified(AT, END, "HDS")]}},
        {
            "label": {"level": 1, "certificates": ["C5"]},
            "site": {"certificates": [certified(AT, AT + DAY), certified(AT + 2 * DAY, END)]},
        },
    ],
    "administrators": [
        {"label": {"level": 3, "jurisdictions": ["DE"]}, "site": {"administrators": {"countries": ["DE", "IN"]}}},
        {"label": {"level": 3, "jurisdictions": ["DE"]}, "site": {"administrators": {}}},
        {
            "label": {"level": 3, "jurisdictions": ["DE"]},
            "site": {"administrators": {"employer": "self", "countries": ["IN"]}},
        },
    ],
    "clearance": [{"label": {"level": 3}, "site": {"clearance": 2}}, {"label": {}, "site": {"clearance": 3}}],
    "tenancy": [{"label": {"level": 1, "obligations": ["dedicated"]}, "site": {"tenancy": "shared"}}],
    "encryption": [
        {"label": {"level": 3}, "site": {"encryption": {"at_rest": True}}},
        {"label": {"level": 3}, "site": {"encryption": {"in_transit": True}}},
        {
            "label": {"level": 1, "obligations": ["confidential-computing"]},
            "site": {"encryption": {"at_rest": True, "in_transit": True}},
        },
    ],
    "key-custody": [
        {"label": {"level": 4}, "site": {"key_custody": "provider"}},
        {"label": {"level": 1, "obligations": ["own-key"]}, "site": {"key_custody": "provider"}},
        {"label": {"level": 1, "obligations": ["hold-own-key"]}, "site": {"key_custody": "customer_managed"}},
    ],
    "latency-limit": [
        {
            "workload": {"latency": [{"location": "users", "limit": 20}]},
            "links": [{"from": "there", "to": "users", "latency": 20.5}],
        },
        {"workload": {"latency": [{"location": "users", "limit": 20}]}, "links": [{"from": "there", "to": "users"}]},
        {"workload": {"latency": [{"location": "users", "limit": 20}]}},
    ],
}  # fmt: skip


def each(cases: dict[str, list[dict[str, Any]]]) -> list[Any]:
    return [
        pytest.param(rule, case, id=f"{rule}-{number}")
        for rule, entries in cases.items()
        for number, case in enumerate(entries)
    ]


def test_every_rule_is_tried_both_ways() -> None:
    assert [rule.id for rule in BUILTIN] == list(ALLOWED) == list(REFUSED)


@pytest.mark.parametrize(("rule", "case"), each(ALLOWED))
def test_what_is_right_is_let_through(rule: str, case: dict[str, Any]) -> None:
    assert refusing(estate(**case)) == []


@pytest.mark.parametrize(("rule", "case"), each(REFUSED))
def test_what_is_wrong_is_refused_by_that_rule_alone(rule: str, case: dict[str, Any]) -> None:
    assert refusing(estate(**case)) == [rule]


@pytest.mark.parametrize(("rule", "case"), each(REFUSED))
def test_data_are_held_to_the_same_rule(rule: str, case: dict[str, Any]) -> None:
    """But for what only work has: a purpose, and users who wait."""
    expected = [] if rule in ("purpose", "latency-limit") else [rule]
    assert refusing(estate(**case), dataset=True) == expected


@pytest.mark.parametrize(("rule", "case"), each(REFUSED))
def test_a_rule_that_is_off_refuses_nothing(rule: str, case: dict[str, Any]) -> None:
    assert refusing(estate(**case), off=[rule]) == []


@pytest.mark.parametrize(("rule", "case"), each(REFUSED))
def test_a_refusal_names_rule_anchor_fact_and_remedy(rule: str, case: dict[str, Any]) -> None:
    intent = estate(**case)
    (refusal,) = policy(intent).workload_refusals("work", "there")
    assert refusal.anchor == next(known.anchor for known in BUILTIN if known.id == rule)
    assert refusal.source is not None
    fact = refusal.source.partition("; ")[0]
    assert fact == "links: there → users" if rule == "latency-limit" else _stands_in(intent, fact)
    for language in ("en", "de"):
        said = say(refusal, language)
        assert said.reason and said.fix and said.reason != said.fix
        assert "{" not in said.reason + said.fix
        # What the estate leaves unknown is said to be unknown, and not shown as a gap in a sentence.
        assert "?" not in said.reason + said.fix


def _stands_in(intent: Any, path: str) -> bool:
    """Whether a path such as ``sites/there/country`` leads to a field of the estate."""
    section, name, field = path.split("/")
    return field in type(getattr(intent, section)[name]).model_fields


def test_a_certificate_that_ends_one_day_before_the_residence_is_named_with_both_days() -> None:
    case = {
        "label": {"level": 1, "certificates": ["C5"]},
        "site": {"certificates": [certified(AT, END - DAY)]},
    }
    (refusal,) = policy(estate(**case)).workload_refusals("work", "there")
    assert refusal.details["lapses"] == f"{END - DAY:%Y-%m-%d}"
    assert refusal.details["until"] == f"{END:%Y-%m-%d}"


def test_the_dominant_reason_comes_first() -> None:
    label = {"level": 4, "jurisdictions": ["EU"], "certificates": ["C5"], "purposes": ["care"]}
    worst = {
        "country": "IN", "operator_country": "US", "clearance": 0, "encryption": {}, "key_custody": "provider",
        "administrators": {}, "tenancy": "shared",
    }  # fmt: skip
    dataset = {"replicas": ["home"], "may_leave": False}
    label["obligations"] = ["dedicated"]
    intent = estate(label, worst, dataset, {"latency": [{"location": "users", "limit": 1}]})
    assert refusing(intent) == [rule.id for rule in BUILTIN]


TRANSIT = {"label": IN_EU, "links": [{"from": "there", "to": "home", "crosses": ["CH"]}]}


class TestTransit:
    """Paths: the countries a link crosses."""

    def _refused(self, case: dict[str, Any], off: tuple[str, ...] = ()) -> bool:
        return bool(policy(estate(**case), off).transfer_refusals("data", "there", "home"))

    def test_a_stranger_on_the_way_is_no_matter_when_all_is_sealed(self) -> None:
        assert not self._refused(TRANSIT)

    @pytest.mark.parametrize("site", [{"key_custody": "customer_managed"}, {"encryption": {"at_rest": True}}])
    def test_one_end_that_is_open_is_enough_to_refuse(self, site: dict[str, Any]) -> None:
        assert self._refused({**TRANSIT, "site": site})

    def test_an_own_site_holds_its_own_keys(self) -> None:
        assert not self._refused({**TRANSIT, "site": {"key_custody": "provider", "operator": "self"}})

    def test_countries_the_label_allows_may_be_crossed(self) -> None:
        links = [{"from": "there", "to": "home", "crosses": ["FR", "AT"]}]
        assert not self._refused({**TRANSIT, "site": {"key_custody": "provider"}, "links": links})

    def test_it_can_be_switched_off(self) -> None:
        assert not self._refused({**TRANSIT, "site": {"key_custody": "provider"}}, off=("transit",))

    def test_it_is_said_in_words(self) -> None:
        intent = estate(**TRANSIT, site={"key_custody": "provider"})
        (refusal,) = policy(intent).transfer_refusals("data", "there", "home")
        assert "crosses CH" in say(refusal).reason
        assert "CH" in say(refusal, "de").reason
