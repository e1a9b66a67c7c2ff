"""The built-in rules: each looks at one aspect of a subject and refuses sites by one fact.

A rule is asked once for each distinct aspect, not for each subject: a thousand datasets with five label
levels cost five looks at every site.  The order of the tuple is the order of dominance: what is hardest to
change comes first, and is named as the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime

from situs.facts import Facts
from situs.model.estate import KeyCustody, Site, Tenancy
from situs.model.network import Network
from situs.policy.subject import Subject

Details = Mapping[str, str] | None
"""what to say about a refusal; None: the site is accepted"""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What rules may look at besides subject and site."""

    facts: Facts
    at: datetime
    off: frozenset[str]
    network: Network

    def countries(self, jurisdictions: frozenset[str]) -> frozenset[str]:
        """Countries that a set of countries and country groups stands for now. An unknown group is nobody."""
        found: set[str] = set()
        for name in jurisdictions:
            group = self.facts.group(name, self.at, self.off)
            found |= {name} if group is None else group
        return frozenset(found)


@dataclass(frozen=True)
class BuiltinRule:
    """One rule. ``aspect`` gives what it looks at, None when it has nothing to say about the subject."""

    id: str
    title: str
    anchor: str
    aspect: Callable[[Subject], Hashable]
    refuses: Callable[[Surroundings, Hashable, str, Site], Details]


PROTECTED_LEVEL = 3
"""From "restricted" on, encryption and known administrators are required even where no label asks for them."""

CUSTODY_RANK = {KeyCustody.PROVIDER: 0, KeyCustody.CUSTOMER_MANAGED: 1, KeyCustody.HELD_YOUR_OWN: 2}


def _location(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, frozenset)
    if site.country in around.countries(aspect):
        return None
    return {"country": site.country, "allowed": _listed(aspect)}


def _operator(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, frozenset)
    if site.key_custody is KeyCustody.HELD_YOUR_OWN and site.encryption.in_use:
        return None
    allowed = around.countries(aspect)
    for who, country in (("operator", site.operator_country), ("parent", site.parent_country)):
        if country is None and site.operator == "self":
            continue
        if country is None or country not in allowed:
            return {
                "who": who,
                "operator": site.operator,
                "country": country or "?",
                "allowed": _listed(aspect),
                "fix": "key_custody=held_your_own, encryption.in_use=true",
            }
    return None


def _pinned(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, tuple)
    return None if name in aspect else {"sites": ", ".join(aspect), "fix": "may_leave=true"}


def _purpose(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, tuple)
    allowed, purpose = aspect
    if purpose is not None and purpose in allowed:
        return None
    return {"purpose": purpose or "?", "allowed": _listed(allowed)}


def _certificate(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, tuple)
    schemes, until = aspect
    for scheme in sorted(schemes):
        covered = around.at
        # Certificates of one scheme may follow each other without a gap.
        for held in sorted(site.certificates, key=lambda c: (c.valid_from, c.valid_until)):
            if held.scheme == scheme and held.valid_from <= covered < held.valid_until:
                covered = held.valid_until
        if covered < until or covered == around.at:
            lapses = "" if covered == around.at else f"{covered:%Y-%m-%d}"
            return {"scheme": scheme, "until": f"{until:%Y-%m-%d}", "lapses": lapses}
    return None


def _administrators(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, frozenset)
    people = site.administrators
    if people.employer == "self" and not people.countries:
        return None
    strangers = people.countries - around.countries(aspect)
    if people.countries and not strangers:
        return None
    return {"countries": _listed(strangers) if strangers else "?", "allowed": _listed(aspect)}


def _clearance(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, int)
    if site.clearance >= aspect:
        return None
    return {"level": str(aspect), "clearance": str(site.clearance), "fix": f"clearance={aspect}"}


def _tenancy(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    if site.tenancy in (Tenancy.DEDICATED, Tenancy.OWN):
        return None
    return {"tenancy": site.tenancy.value, "fix": "tenancy=dedicated"}


def _encryption(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, frozenset)
    has = {
        "encrypt-at-rest": site.encryption.at_rest,
        "encrypt-in-transit": site.encryption.in_transit,
        "confidential-computing": site.encryption.in_use,
    }
    missing = sorted(wanted for wanted in aspect if not has[wanted])
    if not missing:
        return None
    field = {
        "encrypt-at-rest": "at_rest",
        "encrypt-in-transit": "in_transit",
        "confidential-computing": "in_use",
    }
    return {"missing": ", ".join(missing), "fix": ", ".join(f"encryption.{field[m]}=true" for m in missing)}


def _custody(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, KeyCustody)
    if site.operator == "self" or CUSTODY_RANK[site.key_custody] >= CUSTODY_RANK[aspect]:
        return None
    return {"custody": site.key_custody.value, "needed": aspect.value, "fix": f"key_custody={aspect.value}"}


def _latency(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    assert isinstance(aspect, tuple)
    for location, limit in aspect:
        link = around.network.link(name, location)
        known = link.latency if link is not None else None
        if known is None or known > limit:
            return {
                "location": location,
                "limit": f"{limit:g}",
                "latency": "?" if known is None else f"{known:g}",
            }
    return None


def _wanted_encryption(subject: Subject) -> Hashable:
    wanted = subject.label.obligations & {"encrypt-at-rest", "encrypt-in-transit", "confidential-computing"}
    if subject.label.level >= PROTECTED_LEVEL:
        wanted |= {"encrypt-at-rest", "encrypt-in-transit"}
    return wanted or None


def _wanted_custody(subject: Subject) -> Hashable:
    if "hold-own-key" in subject.label.obligations:
        return KeyCustody.HELD_YOUR_OWN
    if "own-key" in subject.label.obligations or subject.label.level >= 4:
        return KeyCustody.CUSTOMER_MANAGED
    return None


def _if_protected(subject: Subject) -> Hashable:
    return subject.label.jurisdictions if subject.label.level >= PROTECTED_LEVEL else None


BUILTIN: tuple[BuiltinRule, ...] = (
    BuiltinRule(
        "jurisdiction-location", "Data stay in the jurisdictions their label allows", "GDPR Art. 44",
        lambda s: s.label.jurisdictions, _location,
    ),
    BuiltinRule(
        "jurisdiction-operator", "No operator or parent company under a law the label does not allow",
        "GDPR Art. 48", lambda s: s.label.jurisdictions, _operator,
    ),
    BuiltinRule(
        "may-not-leave", "Data that may not leave stay where they are", "owner's decision",
        lambda s: s.pinned, _pinned,
    ),
    BuiltinRule(
        "purpose", "Data serve only the purposes they were given for", "GDPR Art. 5(1)(b)",
        lambda s: (s.label.purposes, s.purpose) if s.kind == "workload" and s.label.purposes is not None else None,
        _purpose,
    ),
    BuiltinRule(
        "certificate", "The site is certified for the whole time the data are there", "label's certificates",
        lambda s: (s.label.certificates, s.until) if s.label.certificates else None, _certificate,
    ),
    BuiltinRule(
        "administrators", "Who can log in sits in an allowed jurisdiction", "GDPR Art. 32",
        _if_protected, _administrators,
    ),
    BuiltinRule(
        "clearance", "The site is approved for the label's level", "house rule", lambda s: s.label.level or None,
        _clearance,
    ),
    BuiltinRule(
        "tenancy", "Nobody else is on the same machines", "label's obligations",
        lambda s: "dedicated" if "dedicated" in s.label.obligations else None, _tenancy,
    ),
    BuiltinRule(
        "encryption", "Data are encrypted as label and level ask", "GDPR Art. 32", _wanted_encryption, _encryption,
    ),
    BuiltinRule(
        "key-custody", "The keys are in the customer's hands as label and level ask", "label's obligations",
        _wanted_custody, _custody,
    ),
    BuiltinRule(
        "latency-limit", "Users are near enough", "service's requirement", lambda s: s.latency or None, _latency,
    ),
)  # fmt: skip


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "—"
