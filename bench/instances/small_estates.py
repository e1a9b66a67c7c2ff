"""Random small estates in which every kind of reason comes up: rules, hardware, data, time, capacity, cost.

Prices are drawn with many digits, so that two plans rarely cost the same by accident.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from situs.model.intent import Intent

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
COUNTRIES = ("DE", "FR", "US")


def random_estate(seed: int) -> Intent:
    """An estate of three to five sites and four to eight workloads."""
    rng = np.random.default_rng(seed)
    sites = {f"site-{k}": _site(rng, k) for k in range(int(rng.integers(3, 6)))}
    datasets = {f"data-{k}": _dataset(rng, list(sites)) for k in range(int(rng.integers(2, 5)))}
    names = [f"work-{k}" for k in range(int(rng.integers(4, 9)))]
    workloads = {name: _workload(rng, list(sites), list(datasets), names, k) for k, name in enumerate(names)}
    content: dict[str, Any] = {
        "sites": sites,
        "locations": {"users": {"country": "DE"}},
        "links": _links(rng, list(sites)),
        "datasets": datasets,
        "workloads": workloads,
        "use_cases": {"main": {"owner": "board", "value": f"{rng.uniform(2e3, 2e4):.2f} EUR/month"}},
        "settings": {"currency": "EUR"},
    }
    if rng.random() < 0.2:
        content["use_cases"]["main"]["budget"] = f"{rng.uniform(1500, 6000):.2f} EUR/month"
    if rng.random() < 0.25:
        content["rules"] = {
            "no-single-cloud": {
                "title": "No single cloud",
                "max_operator_share": {"*": float(rng.choice([0.3, 0.5]))},
            }
        }
    return Intent.model_validate(content)


def _site(rng: np.random.Generator, number: int) -> dict[str, Any]:
    kind = str(rng.choice(["public", "public", "private", "on_prem", "edge"]))
    own = kind in ("on_prem", "edge")
    country = str(rng.choice(COUNTRIES))
    home = country if own else str(rng.choice(COUNTRIES))
    site: dict[str, Any] = {
        "kind": kind,
        "operator": "self" if own else f"cloud-{number % 3}",
        "country": country,
        "operator_country": home,
        "parent_country": home,
        "clearance": int(rng.integers(1, 5)),
        "encryption": {key: bool(rng.random() < 0.75) for key in ("at_rest", "in_transit", "in_use")},
        "key_custody": str(rng.choice(["provider", "customer_managed", "held_your_own"])),
        "tenancy": "own" if own else str(rng.choice(["shared", "dedicated"])),
        "administrators": {"employer": "self" if own else "operator", "countries": [home]},
        "storage": {"price": f"{rng.uniform(0.01, 0.04):.5f} EUR/GB-month"},
        "electricity": {"price": f"{rng.uniform(0.1, 0.3):.4f} EUR/kWh"},
        "carbon_g_per_kwh": float(round(rng.uniform(20, 400), 1)),
        "pools": {},
    }
    if rng.random() < 0.6:
        begin = AT - timedelta(days=200)
        end = AT + timedelta(days=float(rng.integers(10, 400)))
        site["certificates"] = [
            {"scheme": "ISO27001", "valid_from": begin.isoformat(), "valid_until": end.isoformat()}
        ]
    for name in ("cpu", "gpu") if rng.random() < 0.7 else ("cpu",):
        site["pools"][name] = _owned(rng, name) if own else _rented(rng, name)
    return site


def _node(rng: np.random.Generator, name: str) -> dict[str, Any]:
    cpu = float(rng.choice([8, 16, 32]))
    node = {"cpu": cpu, "memory": cpu * float(rng.choice([2, 4, 8]))}
    if name == "gpu":
        node |= {
            "accelerators": int(rng.choice([1, 2, 4])),
            "accelerator_memory": float(rng.choice([24, 80])),
        }
    return node


def _owned(rng: np.random.Generator, name: str) -> dict[str, Any]:
    count = int(rng.integers(1, 3))
    return _accelerated(
        rng,
        name,
        {
            "node": _node(rng, name),
            "count": count,
            "limit": count + int(rng.integers(0, 3)),
            "price": {
                "basis": "owned",
                "price": f"{rng.uniform(5e3, 4e4):.2f} EUR",
                "life": 48,
                "maintenance": f"{rng.uniform(100, 1000):.2f} EUR/year",
                "idle": 150,
                "busy": 500,
            },
        },
    )


def _rented(rng: np.random.Generator, name: str) -> dict[str, Any]:
    per_hour = rng.uniform(1.0, 6.0) if name == "gpu" else rng.uniform(0.2, 1.5)
    pool: dict[str, Any] = {"node": _node(rng, name)}
    basis = str(rng.choice(["on_demand", "on_demand", "spot", "reserved"]))
    pool["price"] = {"basis": basis, "price": f"{per_hour:.5f} EUR/h"}
    if basis == "reserved":
        pool["price"]["term"] = 12
        pool["count"] = int(rng.integers(0, 2))
        pool["limit"] = pool["count"] + int(rng.integers(1, 4))
    elif rng.random() < 0.4:
        pool["limit"] = int(rng.integers(1, 4))
    return _accelerated(rng, name, pool)


def _accelerated(rng: np.random.Generator, name: str, pool: dict[str, Any]) -> dict[str, Any]:
    if name == "gpu":
        pool["accelerator"] = str(rng.choice(["A100", "H100"]))
        pool["speed"] = {"default": float(rng.choice([1.0, 1.5]))}
    return pool


def _dataset(rng: np.random.Generator, sites: list[str]) -> dict[str, Any]:
    label: dict[str, Any] = {"level": int(rng.integers(0, 4))}
    if rng.random() < 0.3:
        label["jurisdictions"] = ["EU"]
    if rng.random() < 0.25:
        label["obligations"] = [
            str(rng.choice(["encrypt-at-rest", "own-key", "confidential-computing", "no-spot"]))
        ]
    if rng.random() < 0.2:
        label["certificates"] = ["ISO27001"]
    return {
        "size_gb": float(round(rng.uniform(10, 3000), 2)),
        "label": label,
        "replicas": [str(rng.choice(sites))],
        "may_leave": bool(rng.random() < 0.85),
    }


def _workload(
    rng: np.random.Generator, sites: list[str], datasets: list[str], names: list[str], number: int
) -> dict[str, Any]:
    service = rng.random() < 0.5
    shape: dict[str, Any] = {"cpu": float(rng.integers(1, 9)), "memory": float(rng.integers(2, 33))}
    if rng.random() < 0.4:
        shape |= {"accelerators": 1, "accelerator_memory": float(rng.choice([16, 40]))}
    work: dict[str, Any] = {
        "stage": "serve" if service else "train",
        "shapes": [shape],
        "label": {"level": int(rng.integers(0, 3))},
        "use_case": "main",
    }
    if service:
        work["service"] = {"requests_per_s": 1.0}
        if rng.random() < 0.4:
            work["latency"] = [{"location": "users", "limit": float(round(rng.uniform(10, 80), 1))}]
    elif rng.random() < 0.5:
        work["job"] = {"work": float(round(rng.uniform(20, 200), 2)), "per_month": float(rng.integers(1, 4))}
    else:
        hours = float(round(rng.uniform(10, 100), 2))
        deadline = AT + timedelta(hours=hours * float(rng.uniform(0.8, 3.0)))
        work["job"] = {"work": hours, "deadline": deadline.isoformat()}
    if rng.random() < 0.7:
        work["inputs"] = [{"dataset": str(rng.choice(datasets)), "remote": bool(rng.random() < 0.6)}]
    if rng.random() < 0.3:
        since = AT - timedelta(hours=float(rng.integers(1, 400)))
        work["current"] = {"site": str(rng.choice(sites)), "since": since.isoformat()}
        work["min_runtime"] = float(rng.choice([0, 0, 100]))
    if number and rng.random() < 0.15:
        work["affinity"] = [names[int(rng.integers(number))]]
    if rng.random() < 0.2:
        work["spread"] = [{"over": "site", "group": "apart", "at_most": 1}]
    if rng.random() < 0.15:
        work["budget"] = f"{rng.uniform(100, 1500):.2f} EUR/month"
    if rng.random() < 0.15:
        work["count"] = int(rng.integers(2, 4))
    return work


def _links(rng: np.random.Generator, sites: list[str]) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = [
        {
            "from": "*",
            "to": "*",
            "latency": 30.0,
            "bandwidth": float(rng.choice([1.0, 10.0])),
            "price": f"{rng.uniform(0.01, 0.1):.5f} EUR/GB",
        }
    ]
    for site in sites:
        links.append(
            {
                "from": site,
                "to": "users",
                "latency": float(round(rng.uniform(2, 90), 1)),
                "price": "0.01 EUR/GB",
            }
        )
    return links
