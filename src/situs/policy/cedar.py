"""Rules in Cedar: checked against a schema when they are read, asked only for what they can tell apart.

A forbidding policy sees a subject and a site through the attributes it reads, and through their names only
where it spells one out.  Whatever looks the same to it gets the same answer, so it is asked once for each
pair of looks.  Two traps of Cedar are closed here: what nothing permits is denied, so each policy is asked
beside one that permits all; and a policy that fails to evaluate is skipped, so an error counts as a refusal.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cedarpy

from situs.model.error import InputError
from situs.model.estate import Site
from situs.policy.cedar_text import check_text, parts
from situs.policy.control import control
from situs.policy.subject import Subject
from situs.policy.surroundings import Surroundings

ACTION = 'Action::"place"'
PERMIT_ALL = {
    "effect": "permit",
    "principal": {"op": "All"},
    "action": {"op": "All"},
    "resource": {"op": "All"},
    "conditions": [],
}
Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class CedarPolicy:
    """One forbidding policy of a rule's Cedar text."""

    name: str
    """its ``@id``, else its number in the text"""
    policies: Any
    """it and one that permits all, parsed"""
    reads: frozenset[str]
    """attributes it looks at"""
    names: frozenset[tuple[str, str]]
    """entities (type, name) it spells out"""

    def look(self, kind: str, name: str, attributes: Attributes) -> Hashable:
        """All that the policy can see of an entity: equal looks get equal answers."""
        seen = tuple((key, _frozen(attributes.get(key))) for key in sorted(self.reads))
        return kind, name if (kind, name) in self.names else None, seen

    def seen(self, subject: Attributes, site: Attributes) -> str:
        """What it looks at and what stands there, in words: the facts behind its refusal."""
        found = [
            f"{key} = {_shown(of[key])}" for key in sorted(self.reads) for of in (subject, site) if key in of
        ]
        return ", ".join(found) or "—"

    def refuses(self, subject: str, kind: str, sites: Iterable[str], entities: Any) -> list[str | None]:
        """For each site None, or what Cedar says against it. ``entities`` are parsed and hold them all."""
        requests = [
            {
                "principal": {"type": kind, "id": subject},
                "action": ACTION,
                "resource": {"type": "Site", "id": name},
            }
            for name in sites
        ]
        results = cedarpy.is_authorized_batch(requests, self.policies, entities)
        return [_verdict(result) for result in results]


def _verdict(result: Any) -> str | None:
    if result.diagnostics.errors:
        return f"error: {result.diagnostics.errors[0]}"
    return None if result.decision == cedarpy.Decision.Allow else "forbidden"


@lru_cache(maxsize=256)
def compiled(rule: str, text: str) -> tuple[CedarPolicy, ...]:
    """The policies of a rule's Cedar text. Raises InputError with the place in the text and what is right."""
    problems = check_text(rule, text)
    if problems:
        raise InputError(problems)
    parsed = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    found = []
    for number, policy in enumerate((parsed[key] for key in sorted(parsed, key=_number)), 1):
        body = {
            "staticPolicies": {"permit": PERMIT_ALL, "forbid": policy},
            "templates": {},
            "templateLinks": [],
        }
        found_parts = list(parts(policy))
        found.append(
            CedarPolicy(
                name=policy.get("annotations", {}).get("id") or str(number),
                policies=cedarpy.PolicySet.from_json_str(json.dumps(body)),
                reads=frozenset(part["attr"] for part in found_parts if isinstance(part.get("attr"), str)),
                names=frozenset(
                    (part["type"], part["id"])
                    for part in found_parts
                    if isinstance(part.get("type"), str) and isinstance(part.get("id"), str)
                ),
            )
        )
    return tuple(found)


def _number(key: str) -> int:
    return int(key.removeprefix("policy"))


def entity_type(subject: Subject) -> str:
    """The subject's Cedar type."""
    return "Workload" if subject.kind == "workload" else "Dataset"


def subject_attributes(subject: Subject) -> Attributes:
    """A subject as Cedar sees it. What is not limited or not known is left out."""
    label = subject.label
    values: dict[str, Any] = {
        "level": label.level,
        "categories": sorted(label.categories),
        "jurisdictions": _sorted(label.jurisdictions),
        "purposes": _sorted(label.purposes),
        # Rounded down: gone a little early is gone in time.
        "retention_days": None if label.retention is None else int(label.retention),
        "obligations": sorted(label.obligations),
        "certificates": sorted(label.certificates),
        "stage": subject.stage,
        "use_case": subject.use_case,
        "purpose": subject.purpose,
    }
    return {key: value for key, value in values.items() if value is not None}


def site_attributes(site: Site, around: Surroundings) -> Attributes:
    """A site as Cedar sees it. What is not known is left out."""
    values: dict[str, Any] = {
        "kind": site.kind.value,
        "operator": site.operator,
        "country": site.country,
        "groups": around.groups_of(site.country),
        "operator_country": site.operator_country,
        "operator_groups": around.groups_of(site.operator_country),
        "parent_country": site.parent_country,
        "parent_groups": around.groups_of(site.parent_country),
        "certificates": sorted(
            {c.scheme for c in site.certificates if c.valid_from <= around.at < c.valid_until}
        ),
        "key_custody": site.key_custody.value,
        "tenancy": site.tenancy.value,
        "encrypted_at_rest": site.encryption.at_rest,
        "encrypted_in_transit": site.encryption.in_transit,
        "encrypted_in_use": site.encryption.in_use,
        "clearance": site.clearance,
        "generations": sorted({pool.generation for pool in site.pools.values() if pool.generation}),
        "power_zone": site.power_zone,
        # Rounded down, so that a site never looks better than it is.
        "control_percent": int(100 * control(site).score + 1e-9),
    }
    return {key: value for key, value in values.items() if value is not None}


def _sorted(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _frozen(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list) else value


def entities_json(entities: Mapping[tuple[str, str], Attributes]) -> str:
    """Entities, by type and name, as Cedar reads them."""
    return json.dumps(
        [
            {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": []}
            for (kind, name), attributes in entities.items()
        ]
    )
