"""Rules that users write: selectors, a least control score, and Cedar."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import cedarpy

from situs.facts import Facts
from situs.model.error import InputError
from situs.model.estate import Site
from situs.model.rule import Match, Rule
from situs.policy.control import control
from situs.policy.subject import Subject

ACTION = 'Action::"place"'


def in_force(rule: Rule, at: datetime) -> bool:
    """Whether the rule holds at an instant."""
    return (rule.valid_from is None or rule.valid_from <= at) and (
        rule.valid_until is None or at < rule.valid_until
    )


def applies(match: Match | None, subject: Subject) -> bool:
    """Whether a rule is about a subject; without a selector it is about all."""
    if match is None:
        return True
    return (
        (not match.name or subject.name in match.name)
        and (not match.stage or subject.stage in match.stage)
        and (not match.use_case or subject.use_case in match.use_case)
        and (not match.category or bool(match.category & subject.label.categories))
        and (match.min_level is None or subject.label.level >= match.min_level)
    )


def selects(match: Match, name: str, site: Site, facts: Facts, at: datetime) -> bool:
    """Whether a site is meant by a selector."""
    countries: set[str] = set()
    for country in match.country:
        group = facts.group(country, at)
        countries |= {country} if group is None else group
    held = {c.scheme for c in site.certificates if c.valid_from <= at < c.valid_until}
    return (
        (not match.name or name in match.name)
        and (not match.kind or site.kind.value in match.kind)
        and (not match.operator or site.operator in match.operator)
        and (not match.country or site.country in countries)
        and (not match.certificate or bool(match.certificate & held))
    )


class CedarRule:
    """A rule's Cedar text, parsed once. What is not permitted by an error is denied."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        try:
            # Cedar denies what nothing permits; situs' own rules have permitted everything else already.
            self._policies = cedarpy.PolicySet.from_str(f"permit(principal, action, resource);\n{text}")
        except Exception as error:
            raise InputError(f"rule {name}: the Cedar text cannot be read: {error}") from None

    def refusals(self, subjects: list[Subject], sites: dict[str, Site]) -> list[list[str | None]]:
        """For every subject and site None, or why it is refused."""
        entities = cedarpy.Entities.from_json_str(
            json.dumps(
                [_entity(s) for s in subjects] + [_site_entity(name, site) for name, site in sites.items()]
            )
        )
        requests = [
            {
                "principal": {"type": _type(subject), "id": subject.name},
                "action": ACTION,
                "resource": {"type": "Site", "id": name},
                "context": {},
            }
            for subject in subjects
            for name in sites
        ]
        results = cedarpy.is_authorized_batch(requests, self._policies, entities)
        reasons = [_reason(result) for result in results]
        width = len(sites)
        return [reasons[k * width : (k + 1) * width] for k in range(len(subjects))]


def _reason(result: Any) -> str | None:
    # Cedar skips a forbid that fails to evaluate: an error must therefore count as a denial here.
    if result.diagnostics.errors:
        return f"error: {result.diagnostics.errors[0]}"
    return None if result.decision == cedarpy.Decision.Allow else "forbidden"


def _type(subject: Subject) -> str:
    return "Workload" if subject.kind == "workload" else "Dataset"


def _entity(subject: Subject) -> dict[str, Any]:
    label = subject.label
    return {
        "uid": {"type": _type(subject), "id": subject.name},
        "attrs": {
            "level": label.level,
            "categories": sorted(label.categories),
            "jurisdictions": sorted(label.jurisdictions or ()),
            "purposes": sorted(label.purposes or ()),
            "obligations": sorted(label.obligations),
            "stage": subject.stage or "",
            "use_case": subject.use_case or "",
            "purpose": subject.purpose or "",
        },
        "parents": [],
    }


def _site_entity(name: str, site: Site) -> dict[str, Any]:
    return {
        "uid": {"type": "Site", "id": name},
        "attrs": {
            "kind": site.kind.value,
            "operator": site.operator,
            "country": site.country,
            "operator_country": site.operator_country or "",
            "parent_country": site.parent_country or "",
            "certificates": sorted({c.scheme for c in site.certificates}),
            "key_custody": site.key_custody.value,
            "tenancy": site.tenancy.value,
            "encrypted_at_rest": site.encryption.at_rest,
            "encrypted_in_transit": site.encryption.in_transit,
            "encrypted_in_use": site.encryption.in_use,
            "clearance": site.clearance,
            "power_zone": site.power_zone or "",
            "control_percent": round(100 * control(site).score),
        },
        "parents": [],
    }
