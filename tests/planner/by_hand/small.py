"""Estates so small that the right plan can be worked out on paper, and what a plan says about them in short.

One job takes a whole node of 8 cores for 100 hours a month; one service takes it all month, 730 hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from situs.facts import load
from situs.model.intent import Intent
from situs.model.plan import Decision, Plan
from situs.planner.decide import decide

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
FACTS = load()

Block = dict[str, Any]


def rented(price: str = "1 EUR/h", **more: Any) -> Block:
    """Up to nine nodes by the hour."""
    return {
        "node": {"cpu": 8.0, "memory": 32.0},
        "price": {"basis": "on_demand", "price": price},
        "limit": 9,
        **more,
    }


def owned(price: str = "0 EUR", *, count: int = 1, basis: Block | None = None, **more: Any) -> Block:
    """Nodes of one's own; without a price they cost their electricity only."""
    return {
        "node": {"cpu": 8.0, "memory": 32.0},
        "price": {"basis": "owned", "price": price, **(basis or {})},
        "count": count,
        **more,
    }


def site(pools: Mapping[str, Any], **more: Any) -> Block:
    """A place that may hold anything; storage costs nothing."""
    return {
        "kind": "public",
        "operator": "cloud",
        "country": "DE",
        "operator_country": "DE",
        "parent_country": "DE",
        "clearance": 4,
        "encryption": {"at_rest": True, "in_transit": True},
        "key_custody": "held_your_own",
        "storage": {"price": "0 EUR/GB-month"},
        "pools": dict(pools),
        **more,
    }


def job(**more: Any) -> Block:
    """100 hours a month on a whole node."""
    return {
        "stage": "train",
        "shapes": [{"cpu": 8.0, "memory": 8.0}],
        "label": {"level": 1},
        "job": {"work": 100.0, "per_month": 1.0},
        **more,
    }


def once(work: float, *, earliest: str | None = None, deadline: str | None = None, **more: Any) -> Block:
    """A job that runs once."""
    window = {"work": work, "earliest": earliest, "deadline": deadline}
    return job(job={key: value for key, value in window.items() if value is not None}, **more)


def service(**more: Any) -> Block:
    """All month on a whole node."""
    return job(**{"job": None, "stage": "serve", "service": {"requests_per_s": 1.0}, **more})


def link(source: str = "*", target: str = "*", price: str | None = "0 EUR/GB", **more: Any) -> Block:
    return {"from": source, "to": target, "latency": 10.0, **({"price": price} if price else {}), **more}


def data(size_gb: float = 1000.0, **more: Any) -> Block:
    """A dataset at site a."""
    return {"size_gb": size_gb, "label": {"level": 1}, "replicas": ["a"], **more}


def estate(
    sites: Mapping[str, Any],
    workloads: Mapping[str, Any],
    links: Sequence[Block] = (),
    settings: Block | None = None,
    **more: Any,
) -> Intent:
    return Intent.model_validate(
        {
            "sites": dict(sites),
            "workloads": dict(workloads),
            "links": list(links) or [link()],
            "settings": {"currency": "EUR", **(settings or {})},
            **more,
        }
    )


def planned(intent: Intent, at: datetime = AT, **how: Any) -> Plan:
    return decide(intent, FACTS, at, gap=0.0, **how).plan


def places(decision: Decision) -> dict[str, int]:
    """``{"site/pool": units}``"""
    units: Counter[str] = Counter()
    for a in decision.assignments:
        units[f"{a.site}/{a.pool}"] += a.units
    return dict(units)


def where(plan: Plan) -> dict[str, str]:
    """The one place of every workload, or ``-`` for what is left out."""
    return {d.workload: "+".join(places(d)) or "-" for d in plan.decisions}


def costs(amount: float) -> Any:
    """An amount up to a cent."""
    return pytest.approx(Decimal(str(amount)), abs=Decimal("0.01"))
