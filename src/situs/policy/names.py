"""The ids of rules and laws: each stands for one thing, and what is switched off is there."""

from __future__ import annotations

from collections.abc import Iterator

from situs.facts import Facts
from situs.model.error import Problem
from situs.model.intent import Intent
from situs.policy.builtin import BUILTIN
from situs.policy.joint import JOINT
from situs.policy.meant import meant

BUILTIN_IDS = frozenset({rule.id for rule in BUILTIN} | {rule.id for rule in JOINT})


def name_problems(
    intent: Intent, facts: Facts, off: frozenset[str] = frozenset()
) -> Iterator[tuple[tuple[str, ...], Problem]]:
    """What is wrong with the names of rules and with what they or ``off`` switch off, each with its path."""
    ours = BUILTIN_IDS | facts.laws()
    for item in sorted(off - ours - intent.rules.keys()):
        yield (), _nothing(item, ours | intent.rules.keys())
    for name, rule in sorted(intent.rules.items()):
        if name in ours:
            what = f"rule {name!r} has the id of a built-in rule or law"
            yield ("rules", name), Problem(what, fix="give it a name of its own")
        for item in sorted(rule.off - ours):
            problem = _nothing(item, ours)
            if item in intent.rules:
                # Whether it counts would depend on whether the one that ends it is itself ended by another.
                what = f"rule {name!r} cannot switch off {item!r}, which is a rule of the estate"
                problem = Problem(what, fix=f"end {item} itself: valid_until")
            yield ("rules", name, "off"), problem


def _nothing(item: str, known: frozenset[str]) -> Problem:
    return Problem(f"there is no law or rule {item!r} to switch off", fix=meant(item, known))
