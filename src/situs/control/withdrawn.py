"""Sites that are to get no work for a while, put as rules, so that a plan says why it goes around them.

The planner knows nothing of drains, outages and cancelled moves; it knows rules.  A rule that keeps all work off a site
makes plans that are explained, priced and recorded like any other, and it goes when its cause does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from situs.facts import Facts
from situs.model.intent import Intent
from situs.model.rule import Match, Rule
from situs.model.workload import Stage
from situs.policy import Policy

PREFIX = "withdrawn-by-situs-"
"""of the ids of these rules, which are the control plane's own"""
STAYS = "kept-by-situs-"
"""of those that keep a workload where it is"""


def withdrawn(
    intent: Intent, causes: Mapping[str, str], only: Mapping[str, frozenset[str]] | None = None
) -> Intent:
    """The estate with a rule for each of these sites. ``causes``: site -> why, as the rule's title.

    In place of all such rules that it has.

    ``only``: site -> workloads that are kept off it; a site that is not named there: all.
    """
    only = only or {}
    rules = {
        f"{PREFIX}{site}": Rule(
            title=cause,
            owner="situs",
            applies_to=Match(stage=frozenset(Stage), name=only.get(site, frozenset())),
            never_at=Match(name=frozenset({site})),
        )
        for site, cause in sorted(causes.items())
        if site in intent.sites and only.get(site) != frozenset()
    }
    return intent.model_copy(update={"rules": {**as_written(intent).rules, **rules}})


def kept_there(intent: Intent, causes: Mapping[str, str], sites: Mapping[str, frozenset[str]]) -> Intent:
    """The estate with a rule more for each of these workloads. ``causes``: why it stays at its ``sites``."""
    rules = {
        f"{STAYS}{name}": Rule(
            title=cause,
            owner="situs",
            applies_to=Match(name=frozenset({name})),
            only_at=Match(name=sites[name]),
        )
        for name, cause in sorted(causes.items())
        if name in intent.workloads and sites[name] & frozenset(intent.sites)
    }
    return intent.model_copy(update={"rules": {**intent.rules, **rules}})


def may_leave(
    intent: Intent, facts: Facts, at: datetime, off: frozenset[str], closed: frozenset[str]
) -> frozenset[str]:
    """Workloads that the rules allow at a site that is not closed.

    The others keep their place when its site is lost: a plan without them would only lose them.
    """
    written = as_written(intent)
    policy, open_sites = Policy(written, facts, at, off), sorted(set(written.sites) - closed)
    return frozenset(
        name
        for name in written.workloads
        if any(not policy.workload_refusals(name, site) for site in open_sites)
    )


def as_written(intent: Intent) -> Intent:
    """The estate as people wrote it."""
    rules = {name: rule for name, rule in intent.rules.items() if not name.startswith((PREFIX, STAYS))}
    return intent if len(rules) == len(intent.rules) else intent.model_copy(update={"rules": rules})
