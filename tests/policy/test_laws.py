"""Laws and rules come and go: by the date of the plan, by a drill, by a rule of the estate."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from situs.model.error import InputError
from situs.policy import say
from tests.policy.small import AT, estate, policy, refusing

US = {
    "country": "US",
    "operator_country": "US",
    "parent_country": "US",
    "administrators": {"countries": ["US"]},
}
LOCAL = ["jurisdiction-location"]
ADEQUATE = {"label": {"level": 1, "jurisdictions": ["ADEQUATE"]}, "site": US}


@pytest.mark.parametrize(
    ("day", "refused"),
    [
        (datetime(2015, 10, 5, 23, 59, 59, tzinfo=UTC), []),
        (datetime(2015, 10, 6, tzinfo=UTC), LOCAL),
        (datetime(2016, 7, 12, tzinfo=UTC), []),
        (datetime(2020, 7, 15, tzinfo=UTC), []),
        (datetime(2020, 7, 16, tzinfo=UTC), LOCAL),
        (datetime(2023, 7, 9, tzinfo=UTC), LOCAL),
        (datetime(2023, 7, 10, tzinfo=UTC), []),
    ],
)
def test_adequacy_of_one_country_through_three_laws(day: datetime, refused: list[str]) -> None:
    assert refusing(estate(**ADEQUATE), at=day) == refused


def test_a_law_can_be_switched_off_for_a_drill() -> None:
    assert refusing(estate(**ADEQUATE)) == []
    assert refusing(estate(**ADEQUATE), off=["eu-us-dpf"]) == LOCAL
    assert refusing(estate(**ADEQUATE), off=["privacy-shield"]) == []


def test_the_refusal_names_the_law_that_is_missing() -> None:
    (refusal,) = policy(estate(**ADEQUATE), off=["eu-us-dpf"]).workload_refusals("work", "there")
    assert refusal.details["law"] == "eu-us-dpf"
    assert say(refusal).reason.endswith("US would count by eu-us-dpf, which is off or not in force")
    assert "eu-us-dpf" in say(refusal, "de").reason
    (refusal,) = policy(estate(**ADEQUATE), at=datetime(2021, 1, 1, tzinfo=UTC)).workload_refusals(
        "work", "there"
    )
    assert refusal.details["law"] == "eu-us-dpf", "the one that is still to come"


def test_a_group_is_named_as_the_source_with_its_date() -> None:
    (refusal,) = policy(estate({"level": 1, "jurisdictions": ["EU"]}, {"country": "CH"})).workload_refusals(
        "work", "there"
    )
    assert refusal.source is not None
    path, _, catalogue = refusal.source.partition("; ")
    assert path == "sites/there/country"
    assert catalogue.startswith("groups 20")


@pytest.mark.parametrize("off", ["eu-us-dpf", "jurisdiction-location"])
def test_a_rule_of_the_estate_switches_laws_and_rules_off_while_it_is_in_force(off: str) -> None:
    more = {"rules": {"drill": {"title": "Drill", "off": [off], "valid_until": AT.isoformat()}}}
    site = US if off == "eu-us-dpf" else {**US, "country": "IN"}
    intent = estate(ADEQUATE["label"], site, **more)
    before = datetime(2026, 1, 1, tzinfo=UTC)
    assert (refusing(intent, at=before) == LOCAL) == (off == "eu-us-dpf")
    assert (refusing(intent, at=AT) == LOCAL) == (off != "eu-us-dpf"), "its end is not part of it"
    assert (refusing(intent, at=before, off=["drill"]) == LOCAL) == (off != "eu-us-dpf")


def test_a_law_that_is_off_counts_in_selectors_and_in_cedar_too() -> None:
    forbid = 'forbid (principal, action, resource) unless { resource.groups.contains("ADEQUATE") };'
    for rule in ({"only_at": {"country": ["ADEQUATE"]}}, {"cedar": forbid}):
        intent = estate(site=US, rules={"adequate": {"title": "Adequate only", **rule}})
        assert refusing(intent) == []
        assert refusing(intent, off=["eu-us-dpf"]) == ["adequate"]


def test_what_is_not_there_cannot_be_switched_off() -> None:
    with pytest.raises(InputError, match=r"no law or rule 'eu-us-dfp'.*did you mean eu-us-dpf"):
        policy(estate(), off=["eu-us-dfp"])
    with pytest.raises(InputError, match=r"no law or rule 'clearence'.*did you mean clearance"):
        policy(estate(rules={"drill": {"title": "Drill", "off": ["clearence"]}}))


def test_rules_of_the_estate_are_ended_and_not_switched_off_by_each_other() -> None:
    """Else it would depend on a third one whether the second counts."""
    rules = {"a": {"title": "A", "off": ["b"]}, "b": {"title": "B", "off": ["clearance"]}}
    with pytest.raises(InputError, match=r"'a' cannot switch off 'b'.*valid_until"):
        policy(estate(rules=rules))


@pytest.mark.parametrize("name", ["clearance", "spread", "eu-us-dpf"])
def test_a_rule_may_not_take_the_id_of_another(name: str) -> None:
    with pytest.raises(InputError, match="give it a name of its own"):
        policy(estate(rules={name: {"title": "Mine", "min_control": 0.5}}))


def test_declassification_without_a_name_counts_when_its_rule_is_off() -> None:
    intent = estate({"level": 4}, {"clearance": 1}, {"declassified": {"level": 1}})
    assert refusing(intent) == ["clearance"]
    assert refusing(intent, off=["declassification"]) == []
