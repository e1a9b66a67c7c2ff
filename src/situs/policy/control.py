"""Control: how much of a place is in the customer's own hands, as a number with its parts."""

from __future__ import annotations

from situs.model.base import Model
from situs.model.estate import KeyCustody, Site

WEIGHTS = {"keys": 0.35, "administrators": 0.25, "law": 0.25, "exit": 0.15}
"""Keys weigh most: whoever holds them can still refuse everybody else. Administrators and law say who could
make them useless; the effort to leave decides how long one has to put up with it."""

HARD_EXIT_HOURS = 200.0
"""Five weeks of one person for one workload: whoever needs that long to leave, stays."""


class Control(Model):
    """A score from 0 (nothing) to 1 (everything) with the parts it is made of, each 0 to 1."""

    score: float
    keys: float
    administrators: float
    law: float
    exit: float


def control(site: Site) -> Control:
    """The control score of a site."""
    own = site.operator == "self"
    keys = (
        1.0
        if own
        else {KeyCustody.PROVIDER: 0.0, KeyCustody.CUSTOMER_MANAGED: 0.5, KeyCustody.HELD_YOUR_OWN: 1.0}[
            site.key_custody
        ]
    )
    people = {"self": 1.0, "third_party": 0.3, "operator": 0.0}[site.administrators.employer]
    if site.encryption.in_use:
        people = max(people, 0.8)
    home = site.country
    law = 1.0 if own else sum(c == home for c in (site.operator_country, site.parent_country)) / 2
    leave = max(0.0, 1.0 - site.exit_effort / HARD_EXIT_HOURS)
    parts = {"keys": keys, "administrators": people, "law": law, "exit": leave}
    return Control(score=round(sum(WEIGHTS[name] * value for name, value in parts.items()), 6), **parts)
