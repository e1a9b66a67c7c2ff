"""Are the rules and labels that somebody wrote ones that can ever mean something.

Most of these mistakes refuse too much or nothing at all without a word: a country that does not exist, a law
that nobody knows, a site that a Cedar text spells wrongly.  They are told with the place they stand at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from situs.facts import Facts
from situs.model.error import InputError, Position, Problem
from situs.model.intent import Intent
from situs.model.label import Label
from situs.policy.cedar import compiled
from situs.policy.cedar_text import check_text
from situs.policy.known import unknown_names
from situs.policy.meant import meant
from situs.policy.names import name_problems

Where = Callable[..., Position | None]
"""the place in the files of what stands at a path: ``where("rules", "home", "cedar")``"""


def check_written(intent: Intent, facts: Facts, where: Where) -> None:
    """Raises InputError with everything that is wrong with rules, and with the names of countries and
    currencies, each at its place."""
    problems = [replace(problem, at=where(*path)) for path, problem in name_problems(intent, facts)]
    problems.extend(replace(problem, at=where(*path)) for path, problem in unknown_names(intent, facts))
    problems.extend(_cedar(intent, where))
    for path, countries in _jurisdictions(intent):
        problems.extend(_unknown_countries(countries, facts, where(*path)))
    if problems:
        raise InputError(problems)


def _cedar(intent: Intent, where: Where) -> Iterator[Problem]:
    known: Mapping[str, Mapping[str, object]] = {
        "Site": intent.sites,
        "Workload": intent.workloads,
        "Dataset": intent.datasets,
    }
    for rule, entry in intent.rules.items():
        if entry.cedar is None:
            continue
        at = where("rules", rule, "cedar")
        wrong = check_text(rule, entry.cedar)
        for problem in wrong:
            inside = problem.at
            shown = f" (line {inside.line}, column {inside.column} of the text)" if inside and at else ""
            yield replace(problem, what=problem.what + shown, at=at or inside)
        policies = () if wrong else compiled(rule, entry.cedar)
        for kind, name in sorted({pair for policy in policies for pair in policy.names}):
            if kind in known and name not in known[kind]:
                what = f"rule {rule}: Cedar: there is no {kind.lower()} {name!r}"
                yield Problem(what, at, meant(name, known[kind]))


def _jurisdictions(intent: Intent) -> Iterator[tuple[tuple[str, ...], Iterable[str]]]:
    """Where countries and groups of countries are named, and which."""
    labels: list[tuple[tuple[str, ...], Label | None]] = []
    for name, dataset in intent.datasets.items():
        labels.append((("datasets", name, "label"), dataset.label))
        labels.append((("datasets", name, "declassified"), dataset.declassified))
    for name, workload in intent.workloads.items():
        labels.append((("workloads", name, "label"), workload.label))
    for path, label in labels:
        if label is not None and label.jurisdictions:
            yield (*path, "jurisdictions"), label.jurisdictions
    for name, rule in intent.rules.items():
        for field, match in (("only_at", rule.only_at), ("never_at", rule.never_at)):
            if match is not None and match.country:
                yield ("rules", name, field, "country"), match.country


def _unknown_countries(names: Iterable[str], facts: Facts, at: Position | None) -> Iterator[Problem]:
    known = {*facts.groups(), *facts.country_names}
    for name in sorted(set(names) - known):
        yield Problem(
            f"there is no country or group of countries {name!r}", at, meant(name, known, facts.groups())
        )
