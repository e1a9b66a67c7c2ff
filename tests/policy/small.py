"""The smallest estate a rule can be asked about: one site, one dataset that lies elsewhere, one workload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from situs.facts import load
from situs.model.intent import Intent
from situs.policy import Policy

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
HORIZON_H = 30 * 24.0

TRUSTED: Mapping[str, Any] = {
    "kind": "public",
    "operator": "cloud",
    "country": "DE",
    "operator_country": "DE",
    "parent_country": "DE",
    "clearance": 4,
    "encryption": {"at_rest": True, "in_transit": True, "in_use": True},
    "key_custody": "held_your_own",
    "tenancy": "dedicated",
    "administrators": {"employer": "operator", "countries": ["DE"]},
}
"""A rented site that no rule has anything against."""


def estate(
    label: Mapping[str, Any] | None = None,
    site: Mapping[str, Any] | None = None,
    dataset: Mapping[str, Any] | None = None,
    workload: Mapping[str, Any] | None = None,
    **more: Any,
) -> Intent:
    """``there`` is a trusted site but for ``site``; ``work`` reads ``data``, which have the label."""
    return Intent.model_validate(
        {
            "sites": {"there": {**TRUSTED, **(site or {})}, "home": dict(TRUSTED)},
            "locations": {"users": {"country": "DE"}},
            "datasets": {
                "data": {
                    "size_gb": 1,
                    "label": {"level": 0} if label is None else dict(label),
                    **(dataset or {}),
                }
            },
            "workloads": {
                "work": {
                    "stage": "train",
                    "job": {"work": 1},
                    "inputs": [{"dataset": "data"}],
                    **(workload or {}),
                }
            },
            "settings": {"horizon": HORIZON_H},
            **more,
        }
    )


def policy(intent: Intent, off: Iterable[str] = (), at: datetime = AT) -> Policy:
    """The rules over an estate, with the packaged facts."""
    return Policy(intent, load(), at, frozenset(off))


def refusing(intent: Intent, off: Iterable[str] = (), at: datetime = AT, dataset: bool = False) -> list[str]:
    """Ids of the rules that keep ``work`` (or ``data``) from ``there``."""
    rules = policy(intent, off, at)
    found = rules.dataset_refusals("data", "there") if dataset else rules.workload_refusals("work", "there")
    mask = rules.dataset_mask("data") if dataset else rules.workload_mask("work")
    assert bool(mask[rules.sites.index("there")]) == (not found)
    return [refusal.rule for refusal in found]
