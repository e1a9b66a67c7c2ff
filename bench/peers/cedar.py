"""All rules as one Cedar policy set, asked for one dataset at one site at a time.

This is how a policy engine is used when a service asks it for each decision.  Policies and entities are
parsed once beforehand.  What Cedar cannot say is put into attributes, as its users do: country groups are
resolved to countries, labels are joined over the lineage, and certificates are held against the one date
that is asked about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import cedarpy
import numpy as np
from numpy.typing import NDArray

from situs.facts import Facts
from situs.model.estate import Site
from situs.model.intent import Intent
from situs.model.label import HIGHEST_LEVEL, Label

BUILTIN = """
permit (principal, action, resource);
forbid (principal, action, resource)
when { principal has allowed && !principal.allowed.contains(resource.country) };
forbid (principal, action, resource)
when { principal has allowed && !(resource.key_custody == "held_your_own" && resource.encrypted_in_use) &&
  !(resource has operator_country && principal.allowed.contains(resource.operator_country)) &&
  !(resource.operator == "self" && !(resource has operator_country)) };
forbid (principal, action, resource)
when { principal has allowed && !(resource.key_custody == "held_your_own" && resource.encrypted_in_use) &&
  !(resource has parent_country && principal.allowed.contains(resource.parent_country)) &&
  !(resource.operator == "self" && !(resource has parent_country)) };
forbid (principal, action, resource)
when { principal has pinned && !principal.pinned.contains(resource.name) };
forbid (principal, action, resource)
when { !resource.certified_to_the_end.containsAll(principal.certificates) };
forbid (principal, action, resource)
when { principal has allowed && principal.level >= 3 &&
  !principal.allowed.containsAll(resource.administrators) };
forbid (principal, action, resource) when { resource.clearance < principal.level };
forbid (principal, action, resource)
when { principal.obligations.contains("dedicated") && resource.tenancy == "shared" };
forbid (principal, action, resource)
when { (principal.level >= 3 || principal.obligations.contains("encrypt-at-rest")) &&
  !resource.encrypted_at_rest };
forbid (principal, action, resource)
when { (principal.level >= 3 || principal.obligations.contains("encrypt-in-transit")) &&
  !resource.encrypted_in_transit };
forbid (principal, action, resource)
when { principal.obligations.contains("confidential-computing") && !resource.encrypted_in_use };
forbid (principal, action, resource)
when { resource.operator != "self" && principal.obligations.contains("hold-own-key") &&
  resource.key_custody != "held_your_own" };
forbid (principal, action, resource)
when { resource.operator != "self" && (principal.level >= 4 || principal.obligations.contains("own-key")) &&
  resource.key_custody == "provider" };
"""

HOUSE = """
forbid (principal, action, resource)
when { principal.categories.contains("health") && resource.control_millionths < 400000 };
forbid (principal, action, resource) when { principal.level >= 3 && resource.kind == "edge" };
"""
"""The two house rules that are no Cedar: a least control, and a kind of site."""


class CedarPeer:
    """The rules over an estate of :func:`bench.instances.ruled.ruled_estate`."""

    def __init__(self, intent: Intent, facts: Facts, at: datetime) -> None:
        self.sites = sorted(intent.sites)
        self.datasets = sorted(intent.datasets)
        end = at + timedelta(hours=intent.settings.horizon)
        own = [rule.cedar for rule in intent.rules.values() if rule.cedar is not None]
        self._policies = cedarpy.PolicySet.from_str("\n".join([BUILTIN, HOUSE, *own]))
        entities = [_site(name, intent.sites[name], facts, at, end) for name in self.sites]
        labels = _labels(intent)
        entities += [_dataset(name, labels[name], intent, facts, at) for name in self.datasets]
        self._entities = cedarpy.Entities.from_json_str(json.dumps(entities))

    def one_at_a_time(self) -> NDArray[np.bool_]:
        """(D, S) which sites each dataset may be at, one question after the other."""
        answers = [
            cedarpy.is_authorized(request, self._policies, self._entities) for request in self._requests()
        ]
        return self._table(answers)

    def in_one_batch(self) -> NDArray[np.bool_]:
        """(D, S) the same, all questions at once."""
        return self._table(
            cedarpy.is_authorized_batch(list(self._requests()), self._policies, self._entities)
        )

    def _requests(self) -> Iterator[dict[str, Any]]:
        for dataset in self.datasets:
            for site in self.sites:
                yield {
                    "principal": {"type": "Dataset", "id": dataset},
                    "action": 'Action::"place"',
                    "resource": {"type": "Site", "id": site},
                }

    def _table(self, answers: list[Any]) -> NDArray[np.bool_]:
        errors = [error for answer in answers for error in answer.diagnostics.errors]
        if errors:
            raise RuntimeError(f"Cedar could not evaluate: {errors[0]}")
        return np.asarray([answer.allowed for answer in answers]).reshape(len(self.datasets), len(self.sites))


def _site(name: str, site: Site, facts: Facts, at: datetime, end: datetime) -> dict[str, Any]:
    # The drawn sites have at most one certificate of a scheme, so none follows another.
    certificates = [c for c in site.certificates if c.valid_from <= at]
    attributes = {
        "name": name,
        "kind": site.kind.value,
        "operator": site.operator,
        "country": site.country,
        "operator_country": site.operator_country,
        "parent_country": site.parent_country,
        "parent_groups": [
            group for group in facts.groups() if site.parent_country in (facts.group(group, at) or ())
        ],
        "certified_to_the_end": [c.scheme for c in certificates if end <= c.valid_until],
        "administrators": sorted(site.administrators.countries),
        "key_custody": site.key_custody.value,
        "tenancy": site.tenancy.value,
        "encrypted_at_rest": site.encryption.at_rest,
        "encrypted_in_transit": site.encryption.in_transit,
        "encrypted_in_use": site.encryption.in_use,
        "clearance": site.clearance,
        "control_millionths": round(1_000_000 * _control(site)),
    }
    return _entity("Site", name, attributes)


def _control(site: Site) -> float:
    """The published formula: keys 35 %, administrators 25 %, law 25 %, way out 15 %."""
    own = site.operator == "self"
    keys = 1.0 if own else {"provider": 0.0, "customer_managed": 0.5, "held_your_own": 1.0}[site.key_custody]
    people = 1.0 if site.administrators.employer == "self" else 0.0
    if site.encryption.in_use:
        people = max(people, 0.8)
    same = (site.operator_country == site.country) + (site.parent_country == site.country)
    leave = max(0.0, 1.0 - site.exit_effort / 200.0)
    return 0.35 * keys + 0.25 * people + 0.25 * (1.0 if own else same / 2) + 0.15 * leave


def _labels(intent: Intent) -> dict[str, Label]:
    """Joined over the lineage; each dataset is made from such of lower number."""
    maker = {w.outputs[0].dataset: w for w in intent.workloads.values()}
    labels: dict[str, Label] = {}
    for name in sorted(intent.datasets):
        label = intent.datasets[name].label
        if name not in maker:
            labels[name] = label or Label(level=HIGHEST_LEVEL)
            continue
        labels[name] = Label(level=0)
        for item in maker[name].inputs:
            labels[name] = labels[name].join(labels[item.dataset])
    return labels


def _dataset(name: str, label: Label, intent: Intent, facts: Facts, at: datetime) -> dict[str, Any]:
    dataset = intent.datasets[name]
    allowed = None
    if label.jurisdictions is not None:
        groups = {j: facts.group(j, at) for j in label.jurisdictions}
        allowed = sorted({c for j, group in groups.items() for c in (group if group is not None else [j])})
    attributes = {
        "level": label.level,
        "categories": sorted(label.categories),
        "allowed": allowed,
        "obligations": sorted(label.obligations),
        "certificates": sorted(label.certificates),
        "pinned": list(dataset.replicas) if dataset.replicas and not dataset.may_leave else None,
    }
    return _entity("Dataset", name, attributes)


def _entity(kind: str, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in attributes.items() if value is not None}
    return {"uid": {"type": kind, "id": name}, "attrs": known, "parents": []}
