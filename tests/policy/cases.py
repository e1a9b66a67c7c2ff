"""Random small estates in which every rule both refuses and accepts, at instants at which laws come and go."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.policy.oracle import BUILTIN, CEDAR

COUNTRIES = ("DE", "FR", "US", "GB", "CH", "JP", "IN")
JURISDICTIONS = ("EU", "EEA", "ADEQUATE", "DACH", "DE", "FR", "US", "CH", "no-such-group")
CATEGORIES = ("personal", "health", "payment")
PURPOSES = ("care", "research", "marketing")
OBLIGATIONS = (
    "encrypt-at-rest",
    "encrypt-in-transit",
    "confidential-computing",
    "own-key",
    "hold-own-key",
    "dedicated",
    "no-spot",
)
SCHEMES = ("ISO27001", "C5")
KINDS = ("public", "private", "on_prem", "edge")
STAGES = ("develop", "prepare", "train", "tune", "serve", "batch")
LAWS = ("eu-us-dpf", "gdpr-art-45", "privacy-shield")
INSTANTS = (
    datetime(2019, 6, 1, tzinfo=UTC),
    datetime(2020, 7, 15, 23, tzinfo=UTC),
    datetime(2020, 7, 16, tzinfo=UTC),
    datetime(2020, 12, 31, 23, tzinfo=UTC),
    datetime(2023, 7, 10, tzinfo=UTC),
    datetime(2026, 11, 24, 8, tzinfo=UTC),
)
"""The day the Privacy Shield fell, the end of Brexit's transition, the day the Data Privacy Framework began."""


@dataclass(frozen=True)
class RandomCase:
    """An estate as plain values, when it is asked about, and what is switched off from outside."""

    estate: dict[str, Any]
    at: datetime
    off: frozenset[str]


def random_case(seed: int) -> RandomCase:
    """The same case for the same seed, on every machine."""
    rng = random.Random(seed)
    at = rng.choice(INSTANTS)
    sites: dict[str, Any] = {}
    for k in range(rng.randint(2, 4)):
        sites[f"site-{k}"] = _twin(rng, sites, at) if sites and rng.random() < 0.5 else _site(rng, at)
    users = [f"users-{k}" for k in range(2)]
    estate = {
        "sites": sites,
        "locations": {name: {"country": rng.choice(COUNTRIES)} for name in users},
        "links": [_link(rng, [*sites, "*"], [*sites, *users, "*"]) for _ in range(rng.randint(1, 6))],
        "datasets": {f"data-{k}": _dataset(rng, list(sites)) for k in range(rng.randint(2, 5))},
        "use_cases": {"main": {"owner": "board", "value": "1 EUR/month"}},
        "settings": {"horizon": rng.choice([24.0, 730.0, 8760.0])},
    }
    estate["workloads"] = _workloads(rng, estate["datasets"], users, at)
    estate["rules"] = {f"rule-{k}": _rule(rng, estate, at) for k in range(rng.choice([0, 0, 1, 2, 3]))}
    off = [law for law in LAWS if rng.random() < 0.1]
    off += [rule for rule in [*BUILTIN, "transit", "declassification"] if rng.random() < 0.03]
    off += [rule for rule in estate["rules"] if rng.random() < 0.1]
    return RandomCase(estate, at, frozenset(off))


def _some(rng: random.Random, of: tuple[str, ...], chance: float) -> list[str]:
    return [item for item in of if rng.random() < chance]


def _site(rng: random.Random, at: datetime) -> dict[str, Any]:
    site: dict[str, Any] = {"kind": rng.choice(KINDS), "country": rng.choice(COUNTRIES)}
    _maybe(rng, site, "operator", lambda: rng.choice(["self", "cloud-a", "cloud-b"]), 0.8)
    _maybe(rng, site, "operator_country", lambda: rng.choice(COUNTRIES), 0.75)
    _maybe(rng, site, "parent_country", lambda: rng.choice(COUNTRIES), 0.75)
    _maybe(rng, site, "certificates", lambda: _certificates(rng, at), 0.7)
    fields = ("at_rest", "in_transit", "in_use")
    _maybe(
        rng, site, "encryption", lambda: {f: rng.random() < 0.7 for f in fields if rng.random() < 0.9}, 0.85
    )
    _maybe(
        rng, site, "key_custody", lambda: rng.choice(["provider", "customer_managed", "held_your_own"]), 0.8
    )
    _maybe(rng, site, "tenancy", lambda: rng.choice(["shared", "dedicated", "own"]), 0.8)
    _maybe(rng, site, "administrators", lambda: _people(rng), 0.8)
    _maybe(rng, site, "clearance", lambda: rng.randint(0, 4), 0.9)
    _maybe(rng, site, "exit_effort", lambda: float(rng.choice([0, 40, 150, 400])), 0.5)
    return site


def _twin(rng: random.Random, sites: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A site that differs from another in one field only: what looks the same to a rule must be the same."""
    other, fresh = rng.choice(list(sites.values())), _site(rng, at)
    field = rng.choice([field for field in fresh if fresh[field] != other.get(field)] or ["country"])
    return {**other, field: fresh[field]}


def _maybe(rng: random.Random, into: dict[str, Any], field: str, value: Any, chance: float) -> None:
    if rng.random() < chance:
        into[field] = value()


def _people(rng: random.Random) -> dict[str, Any]:
    people: dict[str, Any] = {}
    _maybe(rng, people, "employer", lambda: rng.choice(["self", "operator", "third_party"]), 0.8)
    _maybe(rng, people, "countries", lambda: rng.sample(COUNTRIES, rng.randint(1, 2)), 0.6)
    return people


def _certificates(rng: random.Random, at: datetime) -> list[dict[str, Any]]:
    """Ends, beginnings and the plan's instants often fall on the same day: the boundaries are the point."""
    days = (-400, -30, -1, 0, 1, 29, 30, 31, 365, 366, 900)
    found = []
    for _ in range(rng.randint(1, 4)):
        begin, end = sorted(rng.sample(days, 2))
        certificate = {"scheme": rng.choice(SCHEMES)}
        for field, day in (("valid_from", begin), ("valid_until", end)):
            certificate[field] = (at + timedelta(days=day)).isoformat()
        found.append(certificate)
    return found


def _label(rng: random.Random) -> dict[str, Any]:
    label: dict[str, Any] = {}
    _maybe(rng, label, "level", lambda: rng.randint(0, 4), 0.9)
    _maybe(rng, label, "categories", lambda: _some(rng, CATEGORIES, 0.4), 0.5)
    _maybe(rng, label, "jurisdictions", lambda: _some(rng, JURISDICTIONS, 0.35), 0.35)
    _maybe(rng, label, "purposes", lambda: _some(rng, PURPOSES, 0.6), 0.25)
    _maybe(rng, label, "obligations", lambda: _some(rng, OBLIGATIONS, 0.25), 0.5)
    _maybe(rng, label, "certificates", lambda: _some(rng, SCHEMES, 0.4), 0.4)
    return label


def _dataset(rng: random.Random, sites: list[str]) -> dict[str, Any]:
    dataset: dict[str, Any] = {"size_gb": 1.0}
    _maybe(rng, dataset, "label", lambda: _label(rng), 0.8)
    _maybe(rng, dataset, "replicas", lambda: rng.sample(sites, rng.randint(1, 2)), 0.7)
    _maybe(rng, dataset, "may_leave", lambda: rng.random() < 0.6, 0.5)
    _maybe(rng, dataset, "declassified", lambda: _label(rng), 0.2)
    _maybe(rng, dataset, "declassified_by", lambda: "owner", 0.5)
    return dataset


def _workloads(
    rng: random.Random, datasets: dict[str, Any], users: list[str], at: datetime
) -> dict[str, Any]:
    """Each reads data of lower number than it writes, so that no data come from themselves."""
    names = list(datasets)
    written: set[str] = set()
    workloads: dict[str, Any] = {}
    for k in range(rng.randint(1, 4)):
        border = rng.randint(0, len(names))
        workload: dict[str, Any] = {"stage": rng.choice(STAGES)}
        workload["inputs"] = [{"dataset": name} for name in names[:border] if rng.random() < 0.6]
        free = [name for name in names[border:] if name not in written]
        if free and rng.random() < 0.7:
            output = rng.choice(free)
            written.add(output)
            workload["outputs"] = [{"dataset": output}]
        if rng.random() < 0.6:
            workload["job"] = {"work": 1.0}
            days = rng.choice([None, 1, 29, 30, 31, 366])
            if days is not None:
                workload["job"]["deadline"] = (at + timedelta(days=days)).isoformat()
        else:
            workload["service"] = {"requests_per_s": 1.0}
        _maybe(rng, workload, "label", lambda: _label(rng), 0.4)
        _maybe(rng, workload, "purpose", lambda: rng.choice(PURPOSES), 0.7)
        _maybe(rng, workload, "use_case", lambda: "main", 0.4)
        _maybe(rng, workload, "latency", lambda: [_limit(rng, users) for _ in range(rng.randint(1, 2))], 0.4)
        workloads[f"work-{k}"] = workload
    return workloads


def _limit(rng: random.Random, users: list[str]) -> dict[str, Any]:
    return {"location": rng.choice(users), "limit": float(rng.choice([10, 20, 40]))}


def _link(rng: random.Random, sources: list[str], targets: list[str]) -> dict[str, Any]:
    link: dict[str, Any] = {"from": rng.choice(sources), "to": rng.choice(targets)}
    _maybe(rng, link, "latency", lambda: float(rng.choice([5, 10, 20, 40, 41])), 0.8)
    _maybe(rng, link, "crosses", lambda: rng.sample(COUNTRIES, rng.randint(1, 2)), 0.5)
    if link["to"].startswith("site") and link["from"] != "*":
        _maybe(rng, link, "both_ways", lambda: True, 0.4)
    return link


def _rule(rng: random.Random, estate: dict[str, Any], at: datetime) -> dict[str, Any]:
    rule: dict[str, Any] = {"title": "A rule of the house"}
    _maybe(rng, rule, "applies_to", lambda: _about(rng, estate), 0.6)
    what = rng.choice(["only_at", "never_at", "min_control", "off", "both", *["cedar"] * 4])
    if what in ("only_at", "both"):
        rule["only_at"] = _where(rng, estate)
    if what in ("never_at", "both"):
        rule["never_at"] = _where(rng, estate)
    if what == "min_control":
        rule["min_control"] = rng.choice([0.25, 0.5, 0.525, 0.75])
    if what == "cedar":
        rule["cedar"] = rng.choice(list(CEDAR))
    if what == "off":
        rule["off"] = rng.sample([*BUILTIN, *LAWS, "transit", "declassification"], rng.randint(1, 2))
    for field in ("valid_from", "valid_until"):
        _maybe(
            rng, rule, field, lambda: (at + timedelta(hours=rng.choice([-48, -1, 0, 1, 48]))).isoformat(), 0.2
        )
    return rule


def _about(rng: random.Random, estate: dict[str, Any]) -> dict[str, Any]:
    match: dict[str, Any] = {}
    _maybe(rng, match, "name", lambda: rng.sample([*estate["workloads"], *estate["datasets"]], 2), 0.3)
    _maybe(rng, match, "stage", lambda: rng.sample(STAGES, 3), 0.25)
    _maybe(rng, match, "use_case", lambda: ["main"], 0.15)
    _maybe(rng, match, "category", lambda: rng.sample(CATEGORIES, 1), 0.25)
    _maybe(rng, match, "min_level", lambda: rng.randint(0, 4), 0.3)
    return match


def _where(rng: random.Random, estate: dict[str, Any]) -> dict[str, Any]:
    match: dict[str, Any] = {}
    _maybe(rng, match, "name", lambda: rng.sample(list(estate["sites"]), 2), 0.25)
    _maybe(rng, match, "kind", lambda: rng.sample(KINDS, 2), 0.4)
    _maybe(rng, match, "operator", lambda: [rng.choice(["self", "cloud-a"])], 0.25)
    _maybe(rng, match, "country", lambda: rng.sample(JURISDICTIONS, 2), 0.4)
    _maybe(rng, match, "certificate", lambda: rng.sample(SCHEMES, 1), 0.25)
    return match
