"""Rules that users write as selectors, and how much control a place gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from situs.facts import load
from situs.model.estate import Site
from situs.model.rule import Rule
from situs.planner.compile.candidates import candidates
from situs.planner.compile.world import World
from situs.policy import control, say
from tests.policy.small import AT, TRUSTED, estate, policy, refusing

VALID = {"valid_from": AT.isoformat(), "valid_until": (AT + timedelta(days=1)).isoformat()}
LAPSED = {"valid_from": (AT - timedelta(days=1)).isoformat(), "valid_until": AT.isoformat()}


def refused(rule: dict[str, Any], site: dict[str, Any] | None = None, **more: Any) -> bool:
    """Whether the rule, the estate's only one, keeps ``work`` from ``there``."""
    found = refusing(estate(site=site, rules={"house": {"title": "House rule", **rule}}, **more))
    assert found in ([], ["house"])
    return bool(found)


SELECTORS = [
    ({"name": ["there"]}, {}, {"name": ["home"]}),
    ({"kind": ["public", "edge"]}, {"kind": "edge"}, {"kind": ["on_prem"]}),
    ({"operator": ["cloud"]}, {}, {"operator": ["self"]}),
    ({"country": ["EU"]}, {"country": "FR"}, {"country": ["DACH", "US"]}),
    ({"country": ["FR"]}, {"country": "FR"}, {"country": ["DE"]}),
    ({"certificate": ["C5"]}, {"certificates": [{"scheme": "C5", **VALID}]}, {"certificate": ["HDS"]}),
    ({"kind": ["public"], "country": ["DE"]}, {}, {"kind": ["public"], "country": ["FR"]}),
]


@pytest.mark.parametrize(("meant", "site", "other"), SELECTORS)
def test_a_site_is_meant_when_every_field_holds(
    meant: dict[str, Any], site: dict[str, Any], other: dict[str, Any]
) -> None:
    assert not refused({"only_at": meant}, site)
    assert refused({"only_at": other}, site)
    assert refused({"never_at": meant}, site)
    assert not refused({"never_at": other}, site)


def test_a_certificate_that_has_lapsed_is_none() -> None:
    assert refused({"only_at": {"certificate": ["C5"]}}, {"certificates": [{"scheme": "C5", **LAPSED}]})


ABOUT = [
    ({"name": ["work"]}, True),
    ({"name": ["data"]}, False),
    ({"stage": ["train", "serve"]}, True),
    ({"stage": ["serve"]}, False),
    ({"use_case": ["main"]}, True),
    ({"use_case": ["other"]}, False),
    ({"category": ["health", "payment"]}, True),
    ({"category": ["payment"]}, False),
    ({"min_level": 2}, True),
    ({"min_level": 3}, False),
    ({"stage": ["train"], "min_level": 3}, False),
]


@pytest.mark.parametrize(("applies_to", "meant"), ABOUT)
def test_a_rule_is_about_what_it_applies_to(applies_to: dict[str, Any], meant: bool) -> None:
    more = {
        "label": {"level": 2, "categories": ["health"]},
        "workload": {"use_case": "main"},
        "use_cases": {"main": {"owner": "board", "value": "1 EUR/month"}},
    }
    assert refused({"applies_to": applies_to, "never_at": {"name": ["there"]}}, **more) == meant


def test_a_rule_about_stages_leaves_data_alone() -> None:
    intent = estate(
        rules={"r": {"title": "R", "applies_to": {"stage": ["train"]}, "never_at": {"name": ["there"]}}}
    )
    assert refusing(intent) == ["r"]
    assert refusing(intent, dataset=True) == []


def test_two_equal_workloads_may_be_under_different_rules() -> None:
    """The planner takes equal workloads for one class; a rule by name makes them unequal."""
    work = {"stage": "train", "job": {"work": 1}, "label": {"level": 0}}
    intent = estate(
        rules={"r": {"title": "R", "applies_to": {"name": ["one"]}, "never_at": {"name": ["there"]}}}
    )
    pool = {"node": {"cpu": 8, "memory": 32}, "price": {"basis": "on_demand", "price": "1 EUR/h"}}
    content = intent.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    content["workloads"] = {"one": work, "two": work}
    for site in content["sites"].values():
        site["pools"] = {"nodes": pool}
    world = World(type(intent).model_validate(content), load(), AT)
    classes = candidates(world).classes
    assert sorted(entry.names for entry in classes) == [("one",), ("two",)]


@pytest.mark.parametrize(
    ("field", "match", "wrong"),
    [
        ("applies_to", {"kind": ["public"]}, "kind"),
        ("applies_to", {"country": ["DE"]}, "country"),
        ("never_at", {"category": ["health"]}, "category"),
        ("only_at", {"stage": ["train"]}, "stage"),
        ("only_at", {"min_level": 2}, "min_level"),
    ],
)
def test_a_field_that_means_nothing_there_is_refused(field: str, match: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=f"{field} cannot select by {wrong}"):
        Rule.model_validate({"title": "R", "min_control": 0.5, field: match})


@pytest.mark.parametrize("match", [{"kind": ["publik"]}, {"kind": ["ON_PREM"]}])
def test_a_kind_that_does_not_exist_is_refused(match: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"title": "R", "never_at": match})


class TestControl:
    """35 % keys, 25 % administrators, 25 % law, 15 % way out."""

    def test_an_own_site_gives_all(self) -> None:
        own = Site.model_validate(
            {"kind": "on_prem", "country": "DE", "administrators": {"employer": "self"}}
        )
        assert control(own).score == 1.0

    def test_somebody_elses_gives_what_its_parts_give(self) -> None:
        rented = Site.model_validate(
            {
                **TRUSTED,
                "key_custody": "customer_managed",
                "parent_country": "US",
                "encryption": {},
                "exit_effort": 50,
            }
        )
        assert control(rented).score == pytest.approx(0.35 * 0.5 + 0.25 * 0 + 0.25 * 0.5 + 0.15 * 0.75)

    @pytest.mark.parametrize(
        ("least", "expected"), [(0.95, False), (0.950001, True), (1, True), (0.5, False)]
    )
    def test_a_rule_asks_for_a_least_score(self, least: float, expected: bool) -> None:
        score = control(Site.model_validate(TRUSTED)).score
        assert score == 0.95
        assert refused({"min_control": least}) == expected


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"only_at": {"country": ["FR", "AT"]}}, "allows only sites with country AT, FR; there has DE"),
        ({"never_at": {"kind": ["public"]}}, "keeps out of sites with kind public; there has public"),
        ({"min_control": 0.99}, "asks for a control of 0.99; there has 0.95"),
        (
            {
                "cedar": '@id("no-cloud") forbid (principal, action, resource) when { resource.operator == "cloud" };'
            },
            "policy no-cloud, refuses there: operator = cloud (forbidden)",
        ),
    ],
)
def test_a_refusal_names_the_rule_its_title_and_the_fact(rule: dict[str, Any], said: str) -> None:
    rules = {"house": {"title": "Keep it home", "anchor": "board 2026-04", **rule}}
    (refusal,) = policy(estate(rules=rules)).workload_refusals("work", "there")
    assert (refusal.rule, refusal.anchor, refusal.source) == ("house", "board 2026-04", "rules/house")
    assert said in say(refusal).reason
    assert "house (Keep it home)" in say(refusal).reason
    german = say(refusal, "de")
    assert "Regel house (Keep it home)" in german.reason and "{" not in german.reason + german.fix
    assert "house" in say(refusal).fix
