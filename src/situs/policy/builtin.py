"""The built-in rules: each looks at one aspect of a subject and at one face of a site.

A rule is asked once for each pair of a distinct aspect and a distinct face, not for each subject and site: a
thousand datasets with five label levels, held against two hundred sites with five clearances, cost
twenty-five looks.  The order of the tuple is the order of dominance: what is hardest to change comes first,
and is named as the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from situs.model.estate import KeyCustody, Site
from situs.policy import checks
from situs.policy.checks import Details
from situs.policy.subject import Subject
from situs.policy.surroundings import Surroundings


@dataclass(frozen=True)
class BuiltinRule:
    """One rule that refuses single sites."""

    id: str
    title: str
    anchor: str
    """the law, contract or decision behind it"""
    aspect: Callable[[Subject], Hashable]
    """what the rule looks at in a subject; None when it has nothing to say about it"""
    face: Callable[[str, Site], Hashable]
    """what the rule looks at in a site, and no more"""
    refuses: Callable[[Surroundings, Hashable, str, Site], Details]
    fact: str
    """where in the estate the fact behind a refusal stands; filled in with subject, site and details"""
    checks: str
    """for the reference: what it requires"""
    exceptions: str
    """for the reference: when it does not hold"""
    lift: str
    """for the reference: what would lift a refusal"""


PROTECTED_LEVEL = 3
"""From "restricted" on, encryption and known administrators are required even where no label asks for them."""

OWN_KEY_LEVEL = 4
"""From "special" on, the key is the customer's even where no label asks for it."""


def _jurisdictions(subject: Subject) -> Hashable:
    return subject.label.jurisdictions


def _purpose(subject: Subject) -> Hashable:
    if subject.kind != "workload" or subject.label.purposes is None:
        return None
    return subject.label.purposes, subject.purpose


def _certificates(subject: Subject) -> Hashable:
    return (subject.label.certificates, subject.until) if subject.label.certificates else None


def _encryption(subject: Subject) -> Hashable:
    wanted = subject.label.obligations.intersection(checks.ENCRYPTION)
    if subject.label.level >= PROTECTED_LEVEL:
        wanted |= {"encrypt-at-rest", "encrypt-in-transit"}
    return wanted or None


def _custody(subject: Subject) -> Hashable:
    if "hold-own-key" in subject.label.obligations:
        return KeyCustody.HELD_YOUR_OWN
    if "own-key" in subject.label.obligations or subject.label.level >= OWN_KEY_LEVEL:
        return KeyCustody.CUSTOMER_MANAGED
    return None


def _name(name: str, site: Site) -> Hashable:
    return name


BUILTIN: tuple[BuiltinRule, ...] = (
    BuiltinRule(
        "jurisdiction-location",
        "Data stay in the jurisdictions their label allows",
        "GDPR Art. 44",
        _jurisdictions,
        lambda name, site: site.country,
        checks.location,
        "sites/{site}/country",
        "Where the label names `jurisdictions`, the site's `country` is one of them or a member of one of the "
        "country groups among them, at the instant of the plan.",
        "A label without `jurisdictions` allows all; an empty list allows none.",
        "Use a site in an allowed country, or have the owner of the data allow the site's country.",
    ),
    BuiltinRule(
        "jurisdiction-operator",
        "No operator or parent company under a law the label does not allow",
        "GDPR Art. 48",
        _jurisdictions,
        lambda name, site: (
            site.operator,
            site.operator_country,
            site.parent_country,
            site.key_custody,
            site.encryption.in_use,
        ),
        checks.operator,
        "sites/{site}/{who}_country",
        "Where the label names `jurisdictions`, `operator_country` and `parent_country` of the site are among "
        "them too. Unknown counts as not allowed.",
        "The customer holds the keys (`key_custody: held_your_own`) and memory is encrypted against the "
        "operator (`encryption.in_use`): then there is nothing the operator could hand over. At own sites "
        "(`operator: self`) an unknown country is no obstacle.",
        "Hold your own keys and use confidential computing there, use an operator from an allowed country, or "
        "have the owner of the data allow the country.",
    ),
    BuiltinRule(
        "may-not-leave",
        "Data that may not leave stay where they are",
        "owner's decision",
        lambda subject: subject.pinned or None,
        _name,
        checks.pinned,
        "datasets/{dataset}/may_leave",
        "A dataset with `may_leave: false` has replicas only where it has them already, and workloads that "
        "read it run there.",
        "A dataset without any replica yet may get its first one anywhere.",
        "Bring the work to the data, or have the owner set `may_leave: true`.",
    ),
    BuiltinRule(
        "purpose",
        "Data serve only the purposes they were given for",
        "GDPR Art. 5(1)(b)",
        _purpose,
        lambda name, site: None,
        checks.purpose,
        "workloads/{subject}/purpose",
        "Where the label names `purposes`, the workload's `purpose` is one of them. A workload without a "
        "purpose has none of them.",
        "Datasets are not asked: storing is not a purpose of its own.",
        "State one of the allowed purposes, or get consent for the one that is meant and add it to the label.",
    ),
    BuiltinRule(
        "certificate",
        "The site is certified for the whole time the data are there",
        "label's certificates",
        _certificates,
        lambda name, site: site.certificates,
        checks.certificate,
        "sites/{site}/certificates",
        "For each scheme in the label's `certificates`, the site has certificates that are valid from the "
        "plan's instant to the end of the residence: a job's deadline, else the end of the plan's horizon.",
        "Certificates of one scheme may follow each other, without a gap.",
        "Have the site certified, or the certificate renewed beyond the end of the residence.",
    ),
    BuiltinRule(
        "administrators",
        "Who can log in sits in an allowed jurisdiction",
        "GDPR Art. 32",
        lambda subject: subject.label.jurisdictions if subject.label.level >= PROTECTED_LEVEL else None,
        lambda name, site: (site.administrators.employer, site.administrators.countries),
        checks.administrators,
        "sites/{site}/administrators",
        "From level 3 on, where the label names `jurisdictions`, all countries in which the site's "
        "`administrators` sit are among them. Unknown counts as not allowed.",
        "Of own people (`employer: self`) the countries need not be given.",
        "Have the site administered from allowed countries or by own people.",
    ),
    BuiltinRule(
        "clearance",
        "The site is approved for the label's level",
        "house rule",
        lambda subject: subject.label.level or None,
        lambda name, site: site.clearance,
        checks.clearance,
        "sites/{site}/clearance",
        "The site's `clearance` is at least the label's `level`. What nobody has labelled has the highest "
        "level.",
        "Level 0 needs no clearance.",
        "Approve the site for the level, or have the owner sign a lower label (`declassified`).",
    ),
    BuiltinRule(
        "tenancy",
        "Nobody else is on the same machines",
        "label's obligations",
        lambda subject: "dedicated" if "dedicated" in subject.label.obligations else None,
        lambda name, site: site.tenancy,
        checks.tenancy,
        "sites/{site}/tenancy",
        "Where the label has the obligation `dedicated`, the site's `tenancy` is `dedicated` or `own`.",
        "None.",
        "Rent dedicated machines at the site.",
    ),
    BuiltinRule(
        "encryption",
        "Data are encrypted as label and level ask",
        "GDPR Art. 32",
        _encryption,
        lambda name, site: (site.encryption.at_rest, site.encryption.in_transit, site.encryption.in_use),
        checks.encryption,
        "sites/{site}/encryption",
        "The site offers what the label's obligations `encrypt-at-rest`, `encrypt-in-transit` and "
        "`confidential-computing` ask for. From level 3 on the first two are asked for in any case.",
        "None.",
        "Switch on what is missing.",
    ),
    BuiltinRule(
        "key-custody",
        "The keys are in the customer's hands as label and level ask",
        "label's obligations",
        _custody,
        lambda name, site: (site.operator == "self", site.key_custody),
        checks.custody,
        "sites/{site}/key_custody",
        "The obligation `hold-own-key` asks for `key_custody: held_your_own`; the obligation `own-key`, and "
        "level 4 in any case, for at least `customer_managed`.",
        "At own sites (`operator: self`) all keys are the customer's.",
        "Change the key custody at the site.",
    ),
    BuiltinRule(
        "latency-limit",
        "Users are near enough",
        "service's requirement",
        lambda subject: subject.latency or None,
        _name,
        checks.latency,
        "links: {site} → {location}",
        "For each of the workload's `latency` limits, the link from the site to the location of the users is "
        "within it. Unknown counts as too far.",
        "None.",
        "Raise the limit, or use a site that is nearer.",
    ),
)
