"""Rules in Cedar: what is wrong is told with its place, errors refuse, and asking less changes no answer."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import cedarpy
import pytest

from situs.facts import load
from situs.intent import load as load_intent
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.network import Network
from situs.policy import Policy, check_written
from situs.policy.cedar import compiled, entities_json, site_attributes, subject_attributes
from situs.policy.cedar_text import LONGEST_TEXT, SCHEMA, check_text
from situs.policy.surroundings import Surroundings
from tests.policy.cases import random_case
from tests.policy.small import AT, estate, policy, refusing

ALL = "forbid (principal, action, resource)"

WRONG: dict[str, tuple[str, str, str, str]] = {
    "unknown attribute": (
        f'{ALL} when {{ resource.knd == "edge" }};',
        "1:54",
        "`knd` on entity type `Site`",
        "did you mean kind?",
    ),
    "far from any attribute": (
        f"{ALL} when {{ resource.zzz }};",
        "1:54",
        "`zzz`",
        "there are certificates, clearance",
    ),
    "asked for first": (
        f"{ALL}\nwhen {{ resource has knd }};",
        "2:21",
        "nothing has an attribute `knd`",
        "did you mean kind?",
    ),
    "of workloads only": (
        f'// who serves\n{ALL}\n  when {{ principal.stage == "serve" }};',
        "3:20",
        "`stage` on entity type `Dataset`",
        "principal is Workload && principal.stage",
    ),
    "may be missing": (
        f'{ALL} when {{ resource.parent_country == "US" }};',
        "1:54",
        "optional attribute `parent_country`",
        "resource has parent_country",
    ),
    "a value there is not": (
        f'{ALL} when {{ "publik" == resource.kind }};',
        "1:45",
        "kind is never 'publik'",
        "did you mean public?",
    ),
    "another type": (
        f'{ALL} when {{ resource.clearance < "3" }};',
        "1:1",
        "expected Long but saw String",
        "",
    ),
    "unknown entity type": (
        "forbid (principal is Task, action, resource);",
        "1:22",
        "`Task`",
        "there are Workload, Dataset, Site",
    ),
    "unknown action": (
        'forbid (principal, action == Action::"run", resource);',
        "1:20",
        'Action::"run"',
        'Action::"place"',
    ),
    "no context": (
        f"{ALL} when {{ context.hour < 8 }};",
        "1:53",
        "`hour` in context",
        "ask about principal and resource",
    ),
    "a permit": (f"{ALL};\n  permit (principal, action, resource);", "2:3", "permits something", "unless"),
    "a template": (
        "forbid (principal == ?principal, action, resource);",
        "1:22",
        "templates",
        "in the place of the slot",
    ),
    "the second policy": (f"{ALL};\n{ALL} when {{ resource.knd }};", "2:54", "`knd`", "did you mean kind?"),
    "a lost operand": (f"{ALL} when {{ 1 < }};", "1:49", "unexpected token `}`", "policy reference"),
    "no end": (f"{ALL} when {{ true }}", "1:51", "unexpected end of input", "close it with ;"),
    "no such effect": (f"forbit{ALL[6:]};", "1:1", "invalid policy effect: forbit", "policy reference"),
    "no such method": (
        f"{ALL} when {{ resource.kind.foo() }};",
        "1:59",
        "`foo` is not a valid method",
        "policy reference",
    ),
    "an open string": (f'{ALL} when {{ "x }};', "1:45", "invalid token", "policy reference"),
    "nothing": ("// to come\n", "1:1", "is empty", "write a forbid policy"),
    "far too much": ("/" * (LONGEST_TEXT + 1), "1:1", "letters", "split the rule"),
}


@pytest.mark.parametrize("text, place, what, fix", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place_and_what_would_be_right(
    text: str, place: str, what: str, fix: str
) -> None:
    problem = check_text("house", text)[0]
    assert problem.at is not None
    assert f"{problem.at.line}:{problem.at.column}" == place
    assert problem.what.startswith("rule house: ") and what in problem.what
    assert fix in (problem.fix or "")
    with pytest.raises(InputError) as error:
        policy(estate(rules={"house": {"title": "House", "cedar": text}}))
    assert error.value.exit_code == 2


def test_a_text_in_a_file_is_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "sites: {home: {kind: on_prem, country: DE}}\n"
        "rules:\n"
        "  house:\n"
        "    title: House\n"
        "    cedar: |\n"
        '      forbid (principal, action, resource == Site::"hme");\n'
        "  other:\n"
        "    title: Other\n"
        "    cedar: |\n"
        "      forbid (principal, action, resource)\n"
        "      when { resource.knd };\n"
        "  third: {title: Third, only_at: {country: [EUU]}, off: [clearence]}\n"
    )
    loaded = load_intent(tmp_path)
    with pytest.raises(InputError) as error:
        check_written(loaded.intent, load(), loaded.position)
    told = sorted(str(problem).removeprefix(f"{tmp_path}/") for problem in error.value.problems)
    assert [line.partition(" ")[0] for line in told] == [
        "rules.yaml:12:35:", "rules.yaml:12:52:", "rules.yaml:5:5:", "rules.yaml:9:5:",
    ]  # fmt: skip
    assert "did you mean EU?" in told[0]
    assert "did you mean clearance?" in told[1]
    assert "there is no site 'hme' (did you mean home?)" in told[2]
    assert "(line 2, column 17 of the text) (did you mean kind?)" in told[3]


@pytest.mark.parametrize(
    "where", [{"label": {"jurisdictions": ["Germany"]}}, {"declassified": {"jurisdictions": ["de"]}}]
)
def test_a_country_that_does_not_exist_is_told(where: dict[str, Any]) -> None:
    intent = estate(dataset=where)
    with pytest.raises(InputError, match="there is no country or group of countries"):
        check_written(intent, load(), lambda *path: None)


def test_what_is_right_is_let_through() -> None:
    intent = estate(
        {"level": 1, "jurisdictions": ["EU", "CH"]},
        rules={
            "house": {"title": "House", "cedar": f'{ALL} when {{ resource == Site::"home" }};'},
            "where": {"title": "Where", "never_at": {"country": ["US", "EFTA"]}},
        },
    )
    check_written(intent, load(), lambda *path: None)


def test_an_error_while_evaluating_refuses() -> None:
    """Cedar leaves out a policy that fails, and what is left permits."""
    text = f"{ALL} when {{ resource.clearance * 9223372036854775807 == 0 }};"
    intent = estate(rules={"house": {"title": "House", "cedar": text}})
    assert refusing(intent) == ["house"]
    (refusal,) = policy(intent).workload_refusals("work", "there")
    assert refusal.details["verdict"].startswith("error: ") and "overflow" in refusal.details["verdict"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('principal == Workload::"work"', True),
        ('principal == Dataset::"work"', False),
        ('resource in [Site::"home", Site::"there"]', True),
        ('Site::"home".kind == resource.kind', True),
        ('Dataset::"data".level < principal.level', False),
        ('{type: "Site", id: "there"} == {type: "Site", id: "home"}', False),
    ],
)
def test_names_that_are_spelled_out_count(condition: str, expected: bool) -> None:
    intent = estate(rules={"house": {"title": "House", "cedar": f"{ALL} when {{ {condition} }};"}})
    assert (refusing(intent) == ["house"]) == expected


def test_certificates_are_those_that_are_valid() -> None:
    text = f'{ALL} unless {{ resource.certificates.contains("C5") }};'
    rules = {"house": {"title": "House", "cedar": text}}
    begin, middle, end = "2025-01-01", "2026-11-24T08:00Z", "2027-01-01"
    for first, last, expected in ((begin, end, []), (begin, middle, ["house"]), (middle, end, [])):
        held = [{"scheme": "C5", "valid_from": first, "valid_until": last}]
        assert refusing(estate(site={"certificates": held}, rules=rules)) == expected


@pytest.mark.parametrize(("retention", "expected"), [("29 days", ["house"]), ("30.5 days", []), (None, [])])
def test_rules_can_ask_how_long_data_may_be_kept(retention: str | None, expected: list[str]) -> None:
    text = f"{ALL} when {{ principal has retention_days && principal.retention_days < 30 }};"
    rules = {"house": {"title": "House", "cedar": text}}
    label = {"level": 0} if retention is None else {"level": 0, "retention": retention}
    assert refusing(estate(label, rules=rules)) == expected


def test_rules_can_ask_for_generations_of_hardware() -> None:
    text = f'{ALL} unless {{ resource.generations.contains("Hopper") }};'
    rules = {"house": {"title": "House", "cedar": text}}
    node = {"cpu": 8, "memory": "32Gi"}
    for generation, expected in (("Hopper", []), ("Volta", ["house"])):
        pools = {
            "p": {
                "node": node,
                "generation": generation,
                "count": 1,
                "price": {"basis": "on_demand", "price": "3 EUR/h"},
            }
        }
        assert refusing(estate(site={"pools": pools}, rules=rules)) == expected


def test_a_refusal_names_the_policy_and_what_it_saw() -> None:
    text = (
        f'{ALL} when {{ resource.kind == "edge" }};\n'
        f'@id("restricted-abroad")\n{ALL} when {{ principal.level > 2 && !(resource.country == "DE") }};'
    )
    intent = estate({"level": 3}, {"country": "FR"}, rules={"house": {"title": "House", "cedar": text}})
    (refusal,) = policy(intent).workload_refusals("work", "there")
    assert refusal.details["policy"] == "restricted-abroad"
    assert refusal.details["saw"] == "country = FR, level = 3"


def test_cedar_is_asked_only_for_what_it_can_tell_apart_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    real = cedarpy.is_authorized_batch

    def counted(requests: list[Any], *rest: Any) -> Any:
        asked.append(len(requests))
        return real(requests, *rest)

    monkeypatch.setattr(cedarpy, "is_authorized_batch", counted)
    site = {
        "operator": "cloud",
        "country": "DE",
        "clearance": 4,
        "encryption": {"at_rest": True, "in_transit": True},
    }
    intent = Intent.model_validate(
        {
            # A third of the sites are for level 0 alone, which the built-in rule sees to.
            "sites": {
                f"s{k:02d}": {**site, "kind": ("edge", "public")[k % 2], "clearance": (0, 4, 4)[k % 3]}
                for k in range(30)
            },
            "datasets": {f"d{k:02d}": {"size_gb": 1, "label": {"level": 1 + k % 3}} for k in range(50)},
            "rules": {
                "house": {
                    "title": "House",
                    "cedar": f'{ALL} when {{ principal.level > 1 && resource.kind == "edge" }};',
                }
            },
        }
    )
    rules = Policy(intent, load(), AT)
    for name in intent.datasets:
        rules.dataset_mask(name)
    assert sum(asked) == 3 * 2, "three levels, two kinds"
    assert {r.rule for r in rules.dataset_refusals("d01", "s00")} == {"clearance", "house"}, (
        "all reasons are told"
    )
    assert sum(asked) == 3 * 2


CONDITIONS = (
    "principal.level >= 3",
    "principal.level > resource.clearance",
    'principal.categories.contains("health")',
    'principal.obligations.containsAny(["own-key", "no-spot"])',
    'principal has jurisdictions && principal.jurisdictions.contains("EU")',
    "principal is Workload",
    'principal is Workload && ["serve", "train"].contains(principal.stage)',
    'principal is Workload && principal has purpose && principal.purpose != "care"',
    'principal == Dataset::"data-1"',
    'principal == Workload::"work-0"',
    'resource.kind == "public"',
    'resource in [Site::"site-0", Site::"site-2"]',
    'resource.certificates.contains("C5")',
    'resource has parent_country && resource.parent_country == "US"',
    'resource.operator_groups.contains("EU")',
    "resource.encrypted_in_use",
    "resource.control_percent < 50",
    'resource.country == "DE"',
)


def random_text(rng: random.Random) -> str:
    policies = []
    for _ in range(rng.randint(1, 3)):
        when = f" {rng.choice(['&&', '||'])} ".join(
            f"({c})" for c in rng.sample(CONDITIONS, rng.randint(1, 3))
        )
        policies.append(f"{ALL} {rng.choice(['when', 'unless'])} {{ {when} }};")
    return "\n".join(policies)


@pytest.mark.parametrize("part", range(4))
def test_slices_answer_as_cedar_does_when_asked_for_each_pair(part: int) -> None:
    """The whole text, one question at a time, over entities with all their attributes."""
    for seed in range(part, 120, 4):
        case = random_case(seed)
        text = random_text(random.Random(seed))
        case.estate["rules"] = {"house": {"title": "House", "cedar": text}}
        case.estate["workloads"] = {f"work-{k}": w for k, w in enumerate(case.estate["workloads"].values())}
        intent = Intent.model_validate(case.estate)
        rules = Policy(intent, load(), case.at)
        assert _by_rules(rules, intent) == _one_by_one(rules, intent, text, case.at), f"case {seed}: {text}"


def _by_rules(rules: Policy, intent: Intent) -> set[tuple[str, str]]:
    found = set()
    for names, refusals, mask_of in (
        (intent.workloads, rules.workload_refusals, rules.workload_mask),
        (intent.datasets, rules.dataset_refusals, rules.dataset_mask),
    ):
        for name in names:
            mask = mask_of(name)
            for k, site in enumerate(rules.sites):
                reasons = refusals(name, site)
                assert bool(mask[k]) == (not reasons)
                if any(refusal.rule == "house" for refusal in reasons):
                    found.add((name, site))
    return found


def _one_by_one(rules: Policy, intent: Intent, text: str, at: Any) -> set[tuple[str, str]]:
    around = Surroundings(load(), at, frozenset(), Network(()))
    subjects = [("Workload", name, rules._workload(name)) for name in intent.workloads]
    subjects += [("Dataset", name, rules._dataset(name)) for name in intent.datasets]
    entities = {(kind, name): subject_attributes(subject) for kind, name, subject in subjects}
    entities |= {("Site", name): site_attributes(site, around) for name, site in intent.sites.items()}
    whole = f"permit (principal, action, resource);\n{text}"
    found = set()
    for kind, name, _ in subjects:
        for site in intent.sites:
            request = {
                "principal": {"type": kind, "id": name},
                "action": 'Action::"place"',
                "resource": {"type": "Site", "id": site},
            }
            answer = cedarpy.is_authorized(request, whole, entities_json(entities))
            assert not answer.diagnostics.errors
            if not answer.allowed:
                found.add((name, site))
    return found


def test_all_that_cedar_sees_fits_the_schema_it_is_checked_against() -> None:
    for seed in range(40):
        case = random_case(seed)
        intent = Intent.model_validate(case.estate)
        rules = Policy(intent, load(), case.at, case.off)
        around = Surroundings(load(), case.at, case.off, Network(()))
        entities = {("Site", name): site_attributes(site, around) for name, site in intent.sites.items()}
        entities |= {
            ("Workload", name): subject_attributes(rules._workload(name)) for name in intent.workloads
        }
        entities |= {("Dataset", name): subject_attributes(rules._dataset(name)) for name in intent.datasets}
        assert len(json.loads(entities_json(entities))) == len(entities)
        cedarpy.Entities.from_json_str(entities_json(entities), SCHEMA)


def test_a_text_is_compiled_once() -> None:
    text = f'{ALL} when {{ resource.kind == "edge" }};'
    assert compiled("house", text) is compiled("house", text)
