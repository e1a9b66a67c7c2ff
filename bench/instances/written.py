"""A drawn estate as it would be written down: sections of names and quantities with units.

It is for what depends on the way from files to plan, so every section of the language is in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.instances.catalog import NODE_TYPES

COUNTRIES = ("DE", "FR", "IT", "PL", "US", "CH")
AT = "2026-11-23T08:00:00Z"


def drawn_estate(sites: int, datasets: int, workloads: int, seed: int) -> dict[str, Any]:
    """The sections of an estate with about three pools a site and a few identical workloads."""
    rng = np.random.default_rng([seed, sites, workloads])
    site_names = [f"site-{k:02d}" for k in range(sites)]
    dataset_names = [f"data-{k:03d}" for k in range(datasets)]
    cases = ("imaging", "search", "forecast", "support")
    return {
        "sites": {name: _site(rng, k) for k, name in enumerate(site_names)},
        "locations": {"office": {"country": "DE"}, "branch": {"country": "FR"}},
        "links": [
            {"from": "*", "to": "*", "latency": "40ms", "bandwidth": "10Gbit/s", "price": "0.05 USD/GB"},
            *(_link(rng, name, place) for name in site_names for place in ("office", "branch")),
        ],
        "datasets": {name: _dataset(rng, site_names) for name in dataset_names},
        "workloads": {
            f"work-{k:03d}": _workload(rng, site_names, dataset_names, cases) for k in range(workloads)
        },
        "use_cases": {
            case: {
                "owner": f"head of {case}",
                "value": f"{rng.uniform(1e4, 9e4):.2f} EUR/month",
                "priority": int(rng.integers(10, 90)),
            }
            for case in cases
        },
        "settings": {"currency": "EUR", "at": AT},
    }


def _site(rng: np.random.Generator, number: int) -> dict[str, Any]:
    kind = ("public", "public", "public", "private", "on_prem", "edge")[number % 6]
    own = kind in ("on_prem", "edge")
    country = str(rng.choice(COUNTRIES))
    home = country if own else str(rng.choice(COUNTRIES))
    chosen = rng.choice(len(NODE_TYPES), size=3, replace=False)
    return {
        "kind": kind,
        "operator": "self" if own else f"provider-{number % 5}",
        "country": country,
        "operator_country": home,
        "parent_country": home,
        "clearance": int(rng.integers(2, 5)),
        "encryption": {"at_rest": True, "in_transit": bool(rng.random() < 0.9)},
        "key_custody": str(rng.choice(["provider", "customer_managed", "held_your_own"])),
        "electricity": {"price": f"{rng.uniform(0.1, 0.3):.4f} EUR/kWh"},
        "carbon_g_per_kwh": round(float(rng.uniform(20, 400)), 1),
        "storage": {"price": f"{rng.uniform(0.01, 0.03):.5f} EUR/GB-month"},
        "pools": dict(_pool(rng, int(k), kind) for k in sorted(chosen)),
    }


def _pool(rng: np.random.Generator, number: int, kind: str) -> tuple[str, dict[str, Any]]:
    node = NODE_TYPES[number]
    hourly = rng.uniform(node.usd_per_hour_low, node.usd_per_hour_high) * (node.accelerators or node.vcpus)
    pool: dict[str, Any] = {
        "node": {"cpu": node.vcpus, "memory": f"{node.memory_gib}GiB", "accelerators": node.accelerators}
    }
    if node.accelerators:
        pool["accelerator"] = node.name
        pool["node"]["accelerator_memory"] = f"{node.memory_gib_per_accelerator}GiB"
        pool["speed"] = {"default": round(node.speed * float(rng.uniform(0.9, 1.1)), 3)}
    if kind == "public":
        pool["price"] = {"basis": "on_demand", "price": f"{hourly:.4f} USD/h"}
    elif kind == "private":
        pool["price"] = {"basis": "reserved", "price": f"{0.7 * hourly:.4f} EUR/h", "term": "12 months"}
        pool |= {"count": int(rng.integers(0, 2)), "limit": 4}
    else:
        pool["price"] = {"basis": "owned", "price": f"{hourly * 7000:.0f} EUR", "busy": f"{node.vcpus * 10}W"}
        pool["count"] = int(rng.integers(1, 3))
    return node.name.lower(), pool


def _link(rng: np.random.Generator, site: str, place: str) -> dict[str, Any]:
    return {
        "from": site,
        "to": place,
        "latency": f"{rng.uniform(2, 60):.1f}ms",
        "bandwidth": "10Gbit/s",
        "price": f"{rng.uniform(0.01, 0.09):.4f} USD/GB",
    }


def _dataset(rng: np.random.Generator, sites: list[str]) -> dict[str, Any]:
    label: dict[str, Any] = {"level": int(rng.integers(0, 4))}
    if label["level"] >= 3:
        label |= {"jurisdictions": ["EU", "CH"], "categories": ["personal", "health"]}
    return {
        "size_gb": f"{rng.lognormal(4.5, 1.2):.1f}GB",
        "owner": "head of data",
        "replicas": [str(rng.choice(sites))],
        "label": label,
    }


def _workload(
    rng: np.random.Generator, sites: list[str], datasets: list[str], cases: tuple[str, ...]
) -> dict[str, Any]:
    serves = bool(rng.random() < 0.4)
    workload: dict[str, Any] = {
        "stage": "serve" if serves else "train",
        "use_case": str(rng.choice(cases)),
        "count": int(rng.choice([1, 1, 1, 4])),
        "inputs": [{"dataset": str(rng.choice(datasets)), "reads_gb": f"{rng.lognormal(3, 1):.1f}GB"}],
        "shapes": [
            {
                "name": name,
                "cpu": round(float(rng.uniform(2, 16)) * size, 2),
                "memory": f"{rng.uniform(8, 64) * size:.1f}GiB",
                "accelerators": boards * size,
                "throughput": round(size**0.9, 3),
            }
            for boards in [int(rng.random() < 0.7)]
            for name, size in (("one", 1), ("two", 2))
        ],
    }
    if serves:
        workload["service"] = {"requests_per_s": round(float(rng.uniform(0.5, 3)), 2)}
        if rng.random() < 0.5:
            workload["latency"] = [{"location": "office", "limit": f"{rng.uniform(25, 60):.0f}ms"}]
    else:
        workload["job"] = {"work": f"{rng.lognormal(3.5, 0.7):.1f}h", "per_month": int(rng.integers(1, 5))}
    if rng.random() < 0.4:
        workload["current"] = {"site": str(rng.choice(sites))}
    return workload
