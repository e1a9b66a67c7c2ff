"""Estates so small that the answer to "why not there" can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from situs.model.intent import Intent

HOURS_PER_MONTH = 730.0


def site(price: str, **more: Any) -> dict[str, Any]:
    """A site with one pool of 8-core nodes rented by the hour."""
    pool = {
        "node": {"cpu": 8.0, "memory": 32.0},
        "price": {"basis": "on_demand", "price": price},
        "limit": 9,
    }
    return {
        "kind": "public",
        "operator": "cloud",
        "country": "DE",
        "operator_country": "DE",
        "parent_country": "DE",
        "clearance": 2,
        "encryption": {"at_rest": True, "in_transit": True},
        "pools": {"nodes": {**pool, **more.pop("pool", {})}},
        **more,
    }


def job(**more: Any) -> dict[str, Any]:
    """A workload that fills a node for 100 hours a month."""
    return {
        "stage": "train",
        "shapes": [{"cpu": 8.0, "memory": 8.0}],
        "label": {"level": 1},
        "job": {"work": 100.0, "per_month": 1.0},
        **more,
    }


def estate(sites: Mapping[str, Any], workloads: Mapping[str, Any], **more: Any) -> Intent:
    """Sites that reach each other for nothing."""
    return Intent.model_validate(
        {
            "sites": dict(sites),
            "workloads": dict(workloads),
            "links": [{"from": "*", "to": "*", "latency": 10.0, "bandwidth": 1.0, "price": "0 EUR/GB"}],
            "settings": {"currency": "EUR"},
            **more,
        }
    )
