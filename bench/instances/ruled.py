"""An estate full of rules: sites of every custody and country, data of every label, laws and house rules.

Levels, countries and certificates are drawn apart, so that few labels are equal; a third of the data are
made from others and inherit.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from situs.model.intent import Intent

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
COUNTRIES = ("DE", "FR", "NL", "SE", "IE", "CH", "GB", "US", "JP", "IN", "SG", "BR")
JURISDICTIONS = ("EU", "EEA", "ADEQUATE", "DACH", "US", "JP")
CATEGORIES = ("personal", "health", "payment", "export-controlled", "research")
OBLIGATIONS = (
    "encrypt-at-rest",
    "encrypt-in-transit",
    "confidential-computing",
    "own-key",
    "hold-own-key",
    "dedicated",
)
SCHEMES = ("ISO27001", "C5", "HDS", "SOC2")

RULES: dict[str, dict[str, Any]] = {
    "health-at-home": {
        "title": "Health records stay in sites we run or that give us control",
        "applies_to": {"category": ["health"]},
        "min_control": 0.4,
    },
    "no-edge-for-secrets": {
        "title": "Restricted data are not kept at the edge",
        "applies_to": {"min_level": 3},
        "never_at": {"kind": ["edge"]},
    },
    "payment": {
        "title": "Payment data only where the house has looked",
        "cedar": (
            'forbid (principal, action, resource) when { principal.categories.contains("payment") }\n'
            "unless { resource.clearance >= 2 && resource.encrypted_at_rest };"
        ),
    },
    "export": {
        "title": "Export-controlled data under no foreign parent",
        "cedar": (
            'forbid (principal, action, resource) when { principal.categories.contains("export-controlled") &&\n'
            '  (!(resource has parent_country) || !resource.parent_groups.contains("EU")) };'
        ),
    },
    "shared-machines": {
        "title": "What is above the site's class needs machines of its own",
        "cedar": (
            "forbid (principal is Dataset, action, resource)\n"
            'when { principal.level >= resource.clearance && resource.tenancy == "shared" };'
        ),
    },
}


def ruled_estate(sites: int, datasets: int, seed: int) -> Intent:
    """So many sites and datasets, and as many workloads as make a third of the datasets."""
    rng = np.random.default_rng(seed)
    names = [f"site-{k:03d}" for k in range(sites)]
    content: dict[str, Any] = {
        "sites": {name: _site(rng) for name in names},
        "datasets": {f"data-{k:04d}": _dataset(rng, names) for k in range(datasets)},
        "workloads": {},
        "rules": RULES,
    }
    given = datasets - datasets // 3
    for k in range(given, datasets):
        # What is made has no label of its own and no place yet.
        content["datasets"][f"data-{k:04d}"] = {"size_gb": 1}
        inputs = [
            f"data-{int(i):04d}" for i in rng.choice(k, size=min(k, int(rng.integers(1, 3))), replace=False)
        ]
        content["workloads"][f"work-{k:04d}"] = {
            "stage": "prepare",
            "job": {"work": 1},
            "inputs": [{"dataset": name} for name in inputs],
            "outputs": [{"dataset": f"data-{k:04d}"}],
        }
    return Intent.model_validate(content)


def _some(rng: np.random.Generator, of: tuple[str, ...], chance: float) -> list[str]:
    return [item for item in of if rng.random() < chance]


def _site(rng: np.random.Generator) -> dict[str, Any]:
    kind = str(rng.choice(["public", "public", "private", "on_prem", "edge"]))
    own = kind in ("on_prem", "edge")
    country = str(rng.choice(COUNTRIES))
    home = country if own else str(rng.choice(COUNTRIES))
    site: dict[str, Any] = {
        "kind": kind,
        "operator": "self" if own else f"operator-{int(rng.integers(12))}",
        "country": country,
        "operator_country": home,
        "clearance": int(rng.integers(1, 5)),
        "encryption": {field: bool(rng.random() < 0.8) for field in ("at_rest", "in_transit", "in_use")},
        "key_custody": str(rng.choice(["provider", "customer_managed", "held_your_own"])),
        "tenancy": "own" if own else str(rng.choice(["shared", "dedicated"])),
        "administrators": {"employer": "self" if own else "operator", "countries": [home]},
        "exit_effort": float(rng.integers(0, 240)),
    }
    if rng.random() < 0.9:
        site["parent_country"] = home if rng.random() < 0.7 else str(rng.choice(COUNTRIES))
    site["certificates"] = [
        {
            "scheme": scheme,
            "valid_from": (AT - timedelta(days=int(rng.integers(1, 900)))).isoformat(),
            "valid_until": (AT + timedelta(days=int(rng.integers(1, 120)))).isoformat(),
        }
        for scheme in _some(rng, SCHEMES, 0.7)
    ]
    return site


def _dataset(rng: np.random.Generator, sites: list[str]) -> dict[str, Any]:
    label: dict[str, Any] = {"level": int(rng.integers(0, 5)), "categories": _some(rng, CATEGORIES, 0.25)}
    if rng.random() < 0.6:
        label["jurisdictions"] = sorted(
            {*_some(rng, JURISDICTIONS, 0.4), *(str(c) for c in rng.choice(COUNTRIES, size=4))}
        )
    label["obligations"] = _some(rng, OBLIGATIONS, 0.1)
    label["certificates"] = _some(rng, SCHEMES, 0.15)
    replicas = [
        str(name) for name in rng.choice(sites, size=min(len(sites), int(rng.integers(1, 4))), replace=False)
    ]
    return {"size_gb": 1, "label": label, "replicas": replicas, "may_leave": bool(rng.random() < 0.9)}
