"""Rules that do not refuse one subject at one site: those that tie several together, and those about paths,
machines and signatures.  The planner and the labels carry them out; here they are listed and described.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class JointRule:
    """One such rule."""

    id: str
    title: str
    anchor: str
    joint: bool
    """it ties workloads together instead of refusing single places"""
    checks: str
    exceptions: str
    lift: str


JOINT: tuple[JointRule, ...] = (
    JointRule(
        "spread",
        "Copies are not all in one place",
        "service's requirement",
        True,
        "Of the units of a workload, or of all workloads that name the same `spread` group, at most `at_most` "
        "are at one site, operator, country or power zone (`over`).",
        "Where members of a group disagree, the strictest number counts.",
        "Raise `at_most`, or add a site in another place.",
    ),
    JointRule(
        "concentration",
        "No operator has more than its share",
        "DORA Art. 28",
        True,
        "Of all units, each operator has at most the share that a rule's `max_operator_share` gives it (`*`: "
        "each).",
        "Own sites (`operator: self`) count only where they are named.",
        "Raise the share, or add a site of another operator.",
    ),
    JointRule(
        "budget",
        "Use cases and workloads stay within their budgets",
        "budget",
        True,
        "What a workload, and all workloads of a use case together, cost a month is within their `budget`.",
        "Without a budget there is no limit.",
        "Raise the budget.",
    ),
    JointRule(
        "transit",
        "Data cross only allowed countries, or are encrypted with own keys",
        "GDPR Art. 44",
        False,
        "A dataset whose label names `jurisdictions` goes only over links that cross (`crosses`) no other "
        "countries.",
        "Both ends encrypt in transit, with keys the customer holds (`key_custody: held_your_own`, or an own "
        "site).",
        "Encrypt in transit with your own keys at both ends, or use another path.",
    ),
    JointRule(
        "spot-availability",
        "What must be there is not on spot capacity",
        "service's requirement",
        False,
        "A workload with an `availability` of 99.9 % or more, or with the obligation `no-spot` in its label, "
        "does not run on spot capacity.",
        "None.",
        "Use on-demand capacity, or ask for less.",
    ),
    JointRule(
        "declassification",
        "A lower label counts only when somebody signed it",
        "house rule",
        False,
        "A dataset's `declassified` label takes the place of the inherited one only with the name of who "
        "signed (`declassified_by`).",
        "None.",
        "Have the owner of the data sign with their name.",
    ),
)
