"""What one estate allows that the one before did not: a pure comparison, for which two people are asked.

A change whose effect cannot be told counts: whoever only makes things stricter loses a moment, and nobody slips a
laxer rule through as an edit of its wording.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from situs.control.withdrawn import as_written
from situs.model.estate import Site
from situs.model.intent import Intent
from situs.model.label import Label
from situs.model.plan import Plan
from situs.model.usecase import Separation

STRICTER: Mapping[Separation | None, int] = {None: 0, "never": 0, "others": 1, "always": 2}
OF_SITES = (
    "kind", "operator", "country", "operator_country", "parent_country", "certificates", "encryption", "key_custody",
    "tenancy", "administrators", "clearance",
)  # fmt: skip
"""What rules go by of a site."""
OF_WORK = ("stage", "use_case", "purpose")
"""What rules go by of a workload, besides its label."""


def loosened(before: Intent, after: Intent, was: Plan, now: Plan) -> list[str]:
    """Sentences, one for each thing that is or may be laxer in what comes ``after``."""
    old, new = as_written(before), as_written(after)
    return [
        *_rules(old, new),
        *(f"{name} is switched off" for name in sorted(now.provenance.off - was.provenance.off)),
        *_labels(old, new),
        *_facts_of_sites(old.sites, new.sites),
        *_leave(old, new),
    ]


def _rules(old: Intent, new: Intent) -> Iterator[str]:
    for name, rule in sorted(old.rules.items()):
        if name not in new.rules:
            yield f"the rule {name} is left out"
        elif new.rules[name] != rule:
            yield f"the rule {name} is changed"
    for name, rule in sorted(new.rules.items()):
        if name not in old.rules and rule.off:
            yield f"the new rule {name} switches off {', '.join(sorted(rule.off))}"


def _labels(old: Intent, new: Intent) -> Iterator[str]:
    for what, were, are in (
        ("dataset", old.datasets, new.datasets),
        ("workload", old.workloads, new.workloads),
    ):
        for name in sorted(set(were) & set(are)):
            if _laxer(were[name].label, are[name].label):
                yield f"the label of the {what} {name} is laxer"
    for name in sorted(set(old.datasets) & set(new.datasets)):
        if new.datasets[name].declassified not in (None, old.datasets[name].declassified):
            yield f"the dataset {name} is declassified"
    for name in sorted(set(old.workloads) & set(new.workloads)):
        one, other = old.workloads[name], new.workloads[name]
        changed = [field for field in OF_WORK if getattr(one, field) != getattr(other, field)]
        if changed:
            yield f"rules may see {name} as another thing: its {', '.join(changed)} is changed"


def _laxer(was: Label | None, now: Label | None) -> bool:
    if was is None:
        # Without a label of its own it has that of its inputs, or the highest; one of its own may be lower.
        return now is not None
    return now is None or was.join(now) != now


def _facts_of_sites(old: Mapping[str, Site], new: Mapping[str, Site]) -> Iterator[str]:
    for name in sorted(set(old) & set(new)):
        changed = [field for field in OF_SITES if getattr(old[name], field) != getattr(new[name], field)]
        if changed:
            yield f"what rules go by of the site {name} is changed: {', '.join(changed)}"


def _leave(old: Intent, new: Intent) -> Iterator[str]:
    if STRICTER[new.settings.separation] < STRICTER[old.settings.separation]:
        yield _weaker("the settings", old.settings.separation, new.settings.separation)
    for name, case in sorted(new.use_cases.items()):
        before: Any = old.use_cases.get(name)
        if case.automatic is not None and (before is None or before.automatic != case.automatic):
            yield f"the use case {name} gives leave for changes without a person"
        if before is not None and STRICTER[case.separation] < STRICTER[before.separation]:
            yield _weaker(f"the use case {name}", before.separation, case.separation)


def _weaker(whose: str, was: Separation | None, now: Separation | None) -> str:
    return f"{whose} asked for separation {was!r} and would ask for {now or 'never'!r}"
