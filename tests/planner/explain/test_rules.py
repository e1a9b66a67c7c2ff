"""Each refusal of a rule has a nearest change, and with it the rule refuses no more."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from situs.facts import load
from situs.model.intent import Intent
from situs.model.refusal import Refusal
from situs.planner.compile.world import World
from situs.planner.explain.edits import apply
from situs.planner.explain.model import Change
from situs.planner.explain.rules import lift_rule
from situs.planner.explain.smaller import smaller
from situs.planner.explain.wording.changes import say_change
from situs.policy import Policy
from tests.policy.cases import random_case
from tests.policy.small import AT, estate, policy
from tests.policy.test_builtin import IN_EU, REFUSED, certified, each

GIVES_UP = ("/rules/exception-", "/rules/house/valid_until")
"""Where no remedy is found, an exception is put on record, or the rule of the house is ended."""


def lifted(intent: Intent) -> Change:
    """The change for the only rule that keeps ``work`` from ``there``."""
    world = World(intent, load(), AT)
    (refusal,) = world.policy.workload_refusals("work", "there")
    change = lift_rule(world, "work", "there", refusal)
    assert change is not None
    assert change.rule == refusal.rule
    assert policy(apply(intent, change.edits)).workload_refusals("work", "there") == ()
    for language in ("en", "de"):
        assert "{" not in say_change(change, language)
    return change


@pytest.mark.parametrize(("rule", "case"), each(REFUSED))
def test_every_rule_has_a_remedy_that_is_no_exception(rule: str, case: dict[str, Any]) -> None:
    change = lifted(estate(**case))
    assert not any(edit.path.startswith(GIVES_UP) for edit in change.edits)
    less = smaller(change)
    if less is not None:
        assert policy(apply(estate(**case), less.edits)).workload_refusals("work", "there"), "not the nearest"


REMEDIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a clearance is raised to what is asked": (
        {"label": {"level": 3}, "site": {"clearance": 1}},
        {"/sites/there/clearance": 3},
    ),
    "keys and memory together": (
        {"label": IN_EU, "site": {"parent_country": "US", "key_custody": "provider", "encryption": {}}},
        {"/sites/there/encryption/in_use": True, "/sites/there/key_custody": "held_your_own"},
    ),
    "three kinds of encryption": (
        {"label": {"level": 3, "obligations": ["confidential-computing"]}, "site": {"encryption": {}}},
        {f"/sites/there/encryption/{kind}": True for kind in ("at_rest", "in_transit", "in_use")},
    ),
    "of two employers' people those abroad go": (
        {
            "label": {"level": 3, "jurisdictions": ["DE"]},
            "site": {"administrators": {"employer": "self", "countries": ["DE", "IN"]}},
        },
        {"/sites/there/administrators/countries": ["DE"]},
    ),
    "the country is added to every label that lacks it": (
        {
            "label": IN_EU,
            "site": {"country": "CH"},
            "workload": {"label": {"level": 1, "jurisdictions": ["EU", "US"]}},
        },
        {
            "/datasets/data/label/jurisdictions": ["CH", "EU"],
            "/workloads/work/label/jurisdictions": ["CH", "EU", "US"],
        },
    ),
    "consent for the purpose that is meant": (
        {"label": {"level": 1, "purposes": []}, "workload": {"purpose": "care"}},
        {"/datasets/data/label/purposes": ["care"]},
    ),
    "a purpose and the consent that it lacks": (
        {
            "label": {"level": 1, "purposes": ["care"]},
            "workload": {"label": {"level": 1, "purposes": ["research"]}},
        },
        {"/workloads/work/purpose": "care", "/workloads/work/label/purposes": ["care", "research"]},
    ),
    "a signature": (
        {
            "label": IN_EU,
            "site": {"country": "CH"},
            "dataset": {"declassified": {"level": 1}, "owner": "Dr. Weber"},
        },
        {"/datasets/data/declassified_by": "Dr. Weber"},
    ),
    "the certificate that lapses first is prolonged": (
        {
            "label": {"level": 1, "certificates": ["C5"]},
            "site": {
                "certificates": [
                    certified(AT + timedelta(days=9), AT + timedelta(days=900)),
                    certified(AT - timedelta(days=9), AT + timedelta(days=8)),
                ]
            },
        },
        {"/sites/there/certificates/1/valid_until": (AT + timedelta(days=9)).isoformat()},
    ),
    "keys for a rule about control": (
        {"site": {"key_custody": "provider"}, "rules": {"house": {"title": "House", "min_control": 0.9}}},
        {"/sites/there/key_custody": "held_your_own"},
    ),
    "a certificate for a rule about certified sites": (
        {"rules": {"house": {"title": "House", "only_at": {"certificate": ["C5"]}}}},
        {
            "/sites/there/certificates/-": {
                "scheme": "C5",
                "valid_from": AT.isoformat(),
                "valid_until": (AT + timedelta(seconds=1)).isoformat(),
            }
        },
    ),
    "a rule that no change of the site can meet ends": (
        {"rules": {"house": {"title": "House", "never_at": {"country": ["DE"]}}}},
        {"/rules/house/valid_until": AT.isoformat()},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REMEDIES)
def test_the_nearest_change_is(name: str) -> None:
    case, edits = REMEDIES[name]
    assert {edit.path: edit.value for edit in lifted(estate(**case)).edits} == edits


def test_a_certificate_is_prolonged_to_the_last_second() -> None:
    """One second less, and the rule still refuses."""
    held = [certified(AT, AT + timedelta(days=3))]
    intent = estate({"level": 1, "certificates": ["C5"]}, {"certificates": held})
    (edit,) = lifted(intent).edits
    shorter = datetime.fromisoformat(str(edit.value)) - timedelta(seconds=1)
    less = edit.model_copy(update={"value": shorter.isoformat()})
    assert [r.rule for r in policy(apply(intent, [less])).workload_refusals("work", "there")] == [
        "certificate"
    ]


def test_labels_along_the_lineage_are_changed_where_they_are_written() -> None:
    """The model inherits from patients' data two steps back; that is where the country has to be added."""
    base = estate()
    content = base.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    content["sites"]["there"]["country"] = "CH"
    content["datasets"] = {
        "patients": {"size_gb": 1, "label": {"level": 1, "jurisdictions": ["EU"]}},
        "features": {"size_gb": 1},
    }
    step = {"stage": "prepare", "job": {"work": 1}}
    content["workloads"] = {
        "prepare": {**step, "inputs": [{"dataset": "patients"}], "outputs": [{"dataset": "features"}]},
        "work": {**step, "inputs": [{"dataset": "features"}]},
    }
    change = lifted(Intent.model_validate(content))
    assert [edit.path for edit in change.edits] == ["/datasets/patients/label/jurisdictions"]


PARTS = 2
SEEDS = 60


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_the_change_lifts_the_refusal_in_random_estates(part: int) -> None:
    """An exception is the last resort: among built-in rules hardly ever needed."""
    gave_up: Counter[bool] = Counter()
    for seed in range(part, SEEDS, PARTS):
        _lifts_all(seed, gave_up)
    assert gave_up[False] > 50 * gave_up[True]


@pytest.mark.slow
def test_the_change_lifts_the_refusal_in_many_random_estates() -> None:
    for seed in range(SEEDS, 1000):
        _lifts_all(seed, Counter())


def _lifts_all(seed: int, gave_up: Counter[bool]) -> None:
    case = random_case(seed)
    world = World(Intent.model_validate(case.estate), load(), case.at, case.off)
    for workload in case.estate["workloads"]:
        for site in case.estate["sites"]:
            before = world.policy.workload_refusals(workload, site)
            for refusal in before:
                change = lift_rule(world, workload, site, refusal)
                assert change is not None, f"case {seed}: {refusal}"
                changed = Policy(apply(world.intent, change.edits), world.facts, case.at, case.off)
                after = changed.workload_refusals(workload, site)
                what = f"case {seed}: {workload} at {site}: {refusal} by {change}"
                assert _fewer(refusal, before, after), what
                assert all("{" not in say_change(change, language) for language in ("en", "de")), what
                gave_up[any(edit.path.startswith("/rules/exception-") for edit in change.edits)] += 1


def _fewer(refusal: Refusal, before: tuple[Refusal, ...], after: tuple[Refusal, ...]) -> bool:
    """The rule says less, and no other says more."""
    counted = Counter(r.rule for r in after)
    counted.subtract(r.rule for r in before)
    return counted[refusal.rule] < 0 and all(count <= 0 for count in counted.values())
