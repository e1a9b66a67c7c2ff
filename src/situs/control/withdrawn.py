"""Sites that are to get no work for a while, put as rules, so that a plan says why it goes around them.

The planner knows nothing of drains and outages; it knows rules.  A rule that keeps all work off a site makes
plans that are explained, priced and recorded like any other, and it goes when its cause does.
"""

from __future__ import annotations

from collections.abc import Mapping

from situs.model.intent import Intent
from situs.model.rule import Match, Rule
from situs.model.workload import Stage

PREFIX = "withdrawn-by-situs-"
"""of the ids of these rules, which are the control plane's own"""


def withdrawn(intent: Intent, causes: Mapping[str, str]) -> Intent:
    """The estate with a rule for each of these sites. ``causes``: site -> why, as the rule's title."""
    rules = {
        f"{PREFIX}{site}": Rule(
            title=cause,
            owner="situs",
            applies_to=Match(stage=frozenset(Stage)),
            never_at=Match(name=frozenset({site})),
        )
        for site, cause in sorted(causes.items())
        if site in intent.sites
    }
    return intent.model_copy(update={"rules": {**as_written(intent).rules, **rules}})


def as_written(intent: Intent) -> Intent:
    """The estate as people wrote it."""
    rules = {name: rule for name, rule in intent.rules.items() if not name.startswith(PREFIX)}
    return intent if len(rules) == len(intent.rules) else intent.model_copy(update={"rules": rules})
