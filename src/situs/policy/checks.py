"""What the built-in rules ask of a site, one function each.

A check gets the aspect of the subject that its rule looks at, and the site; it gives None where the site
will do, else the values that the refusal is worded with.  It may look only at the face of the site that its
rule names in :mod:`situs.policy.builtin`: sites with one face are looked at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from situs.model.estate import Encryption, KeyCustody, Site, Tenancy
from situs.policy.surroundings import Surroundings

Details = Mapping[str, str] | None
"""what to say about a refusal; None: the site is accepted"""

CUSTODY_RANK = {KeyCustody.PROVIDER: 0, KeyCustody.CUSTOMER_MANAGED: 1, KeyCustody.HELD_YOUR_OWN: 2}

ENCRYPTION = {
    "encrypt-at-rest": "at_rest",
    "encrypt-in-transit": "in_transit",
    "confidential-computing": "in_use",
}
"""obligation of a label -> field of a site's encryption"""


def location(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """The site's country is one that the label allows."""
    assert isinstance(aspect, frozenset)
    if site.country in around.countries(aspect):
        return None
    return {"country": site.country, "allowed": listed(aspect)}


def operator(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """Operator and parent are under laws the label allows, or can read nothing."""
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
                "allowed": listed(aspect),
            }
    return None


def pinned(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """Every dataset that may not leave is at the site already."""
    assert isinstance(aspect, tuple)
    for dataset, replicas in aspect:
        if name not in replicas:
            return {"dataset": dataset, "sites": ", ".join(replicas)}
    return None


def purpose(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """The workload's purpose is one that the data were given for, wherever it runs."""
    assert isinstance(aspect, tuple)
    allowed, stated = aspect
    if stated is not None and stated in allowed:
        return None
    return {"purpose": stated or "?", "allowed": listed(allowed)}


def certificate(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """Each scheme is certified from now to the end of the residence without a gap."""
    assert isinstance(aspect, tuple)
    schemes, until = aspect
    for scheme in sorted(schemes):
        covered = around.at
        # Certificates of one scheme may follow each other without a gap.
        for held in sorted(site.certificates, key=lambda c: (c.valid_from, c.valid_until)):
            if held.scheme == scheme and held.valid_from <= covered < held.valid_until:
                covered = held.valid_until
        if covered < until or covered == around.at:
            lapses = "—" if covered == around.at else f"{covered:%Y-%m-%d}"
            return {"scheme": scheme, "until": f"{until:%Y-%m-%d}", "lapses": lapses}
    return None


def administrators(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """All who can log in with all rights sit in a country the label allows."""
    assert isinstance(aspect, frozenset)
    people = site.administrators
    if people.employer == "self" and not people.countries:
        return None
    strangers = people.countries - around.countries(aspect)
    if people.countries and not strangers:
        return None
    return {"countries": listed(strangers) if strangers else "?", "allowed": listed(aspect)}


def clearance(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """The site is approved for the label's level."""
    assert isinstance(aspect, int)
    if site.clearance >= aspect:
        return None
    return {"level": str(aspect), "clearance": str(site.clearance)}


def tenancy(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """The machines are the customer's alone."""
    return None if site.tenancy in (Tenancy.DEDICATED, Tenancy.OWN) else {"tenancy": site.tenancy.value}


def encryption(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """All kinds of encryption that are asked for are there."""
    assert isinstance(aspect, frozenset)
    missing = sorted(wanted for wanted in aspect if not encrypts(site.encryption, wanted))
    return {"missing": ", ".join(missing)} if missing else None


def custody(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """The keys are at least as much in the customer's hands as asked; at an own site they are altogether."""
    assert isinstance(aspect, KeyCustody)
    if site.operator == "self" or CUSTODY_RANK[site.key_custody] >= CUSTODY_RANK[aspect]:
        return None
    return {"custody": site.key_custody.value, "needed": aspect.value}


def latency(around: Surroundings, aspect: Hashable, name: str, site: Site) -> Details:
    """Every location of users is within its limit; an unknown latency is within none."""
    assert isinstance(aspect, tuple)
    for place, limit in aspect:
        link = around.network.link(name, place)
        known = link.latency if link is not None else None
        if known is None or known > limit:
            return {
                "location": place,
                "limit": f"{limit:g}",
                "latency": "?" if known is None else f"{known:g}",
            }
    return None


def encrypts(encryption: Encryption, obligation: str) -> bool:
    """Whether a site's encryption meets an obligation of a label."""
    return bool(getattr(encryption, ENCRYPTION[obligation]))


def listed(names: frozenset[str]) -> str:
    """Names as they stand in a sentence."""
    return ", ".join(sorted(names)) or "—"
