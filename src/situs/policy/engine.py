"""All rules over all sites: set algebra first, Cedar only for the pairs that are left.

::

    labels ─► subjects ─► built-in rules, one look per distinct aspect ─► selectors ─► Cedar ─► masks
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from situs.facts import Facts
from situs.model.error import InputError
from situs.model.estate import KeyCustody, Site
from situs.model.intent import Intent
from situs.model.network import Network
from situs.model.refusal import Refusal
from situs.model.rule import Rule
from situs.policy.builtin import BUILTIN, BuiltinRule, Surroundings
from situs.policy.control import control
from situs.policy.labels import Labels, effective_labels
from situs.policy.subject import Subject
from situs.policy.user import CedarRule, applies, in_force, selects


@dataclass(frozen=True)
class RuleInfo:
    """A rule as it is listed."""

    id: str
    title: str
    anchor: str | None
    builtin: bool
    joint: bool
    """it ties workloads together instead of refusing single places"""


JOINT_RULES = (
    RuleInfo("spread", "Copies are not all in one place", "service's requirement", True, True),
    RuleInfo("concentration", "No operator has more than its share", "DORA Art. 28", True, True),
    RuleInfo("budget", "Use cases and workloads stay within their budgets", "budget", True, True),
    RuleInfo(
        "transit",
        "Data cross only allowed countries, or are encrypted with own keys",
        "GDPR Art. 44",
        True,
        False,
    ),
    RuleInfo(
        "spot-availability",
        "What must be there is not on spot capacity",
        "service's requirement",
        True,
        False,
    ),
    RuleInfo(
        "declassification", "A lower label counts only when somebody signed it", "house rule", True, False
    ),
)


class Policy:
    """What may be where, at one instant under one set of laws."""

    def __init__(self, intent: Intent, facts: Facts, at: datetime, off: frozenset[str] = frozenset()) -> None:
        self._intent = intent
        self._at = at
        self.labels: Labels = effective_labels(intent)
        self.sites: tuple[str, ...] = tuple(sorted(intent.sites))
        self._sites: dict[str, Site] = {name: intent.sites[name] for name in self.sites}
        rules = {
            name: rule
            for name, rule in sorted(intent.rules.items())
            if name not in off and in_force(rule, at)
        }
        self.off = off | frozenset(item for rule in rules.values() for item in rule.off)
        self._check_off(facts, intent)
        self._around = Surroundings(facts, at, self.off, Network(intent.links))
        self._builtin = tuple(rule for rule in BUILTIN if rule.id not in self.off)
        self._user = {name: rule for name, rule in rules.items() if name not in self.off}
        self._tables: dict[tuple[str, Hashable], tuple[Refusal | None, ...]] = {}
        self._subjects = {subject.name: subject for subject in self._workload_subjects()}
        self._data = {subject.name: subject for subject in self._dataset_subjects()}
        self._cedar = self._ask_cedar()

    def _check_off(self, facts: Facts, intent: Intent) -> None:
        known = {r.id for r in BUILTIN} | {r.id for r in JOINT_RULES} | facts.laws() | set(intent.rules)
        for name in sorted(self.off - known):
            raise InputError(
                f"there is no law or rule {name!r} to switch off; there are {', '.join(sorted(known))}"
            )

    @property
    def rules(self) -> tuple[RuleInfo, ...]:
        """All rules, built-in ones first, in order of dominance."""
        builtin = tuple(RuleInfo(r.id, r.title, r.anchor, True, False) for r in BUILTIN)
        user = tuple(
            RuleInfo(name, r.title, r.anchor, False, bool(r.max_operator_share))
            for name, r in self._user.items()
        )
        return (*builtin, *JOINT_RULES, *user)

    def workload_mask(self, name: str) -> NDArray[np.bool_]:
        """(S,) sites where the workload may be, in the order of ``sites``."""
        return self._mask(self._subjects[name])

    def dataset_mask(self, name: str) -> NDArray[np.bool_]:
        """(S,) sites where a replica may be."""
        return self._mask(self._data[name])

    def workload_refusals(self, name: str, site: str) -> tuple[Refusal, ...]:
        """All reasons against, the dominant one first."""
        return self._refusals(self._subjects[name], self.sites.index(site))

    def dataset_refusals(self, name: str, site: str) -> tuple[Refusal, ...]:
        """All reasons against, the dominant one first."""
        return self._refusals(self._data[name], self.sites.index(site))

    def transfer_refusals(self, dataset: str, source: str, target: str) -> tuple[Refusal, ...]:
        """Why a dataset may not go over the link from ``source`` to ``target``.

        What crosses a country that the label does not allow must be encrypted with keys the customer holds.
        """
        allowed = self.labels.datasets[dataset].jurisdictions
        link = self._around.network.link(source, target)
        if allowed is None or link is None or "transit" in self.off:
            return ()
        strangers = link.crosses - self._around.countries(allowed)
        if not strangers or all(_sealed(self._sites[end]) for end in (source, target) if end in self._sites):
            return ()
        details = {"countries": ", ".join(sorted(strangers)), "allowed": ", ".join(sorted(allowed))}
        return (
            Refusal(
                rule="transit", details=details | {"source": source, "target": target}, anchor="GDPR Art. 44"
            ),
        )

    def _mask(self, subject: Subject) -> NDArray[np.bool_]:
        mask = np.ones(len(self.sites), dtype=bool)
        for table in self._tables_of(subject):
            mask &= np.fromiter((refusal is None for refusal in table), dtype=bool, count=len(table))
        return mask

    def _refusals(self, subject: Subject, site: int) -> tuple[Refusal, ...]:
        return tuple(table[site] for table in self._tables_of(subject) if table[site] is not None)  # type: ignore[misc]

    def _tables_of(self, subject: Subject) -> list[tuple[Refusal | None, ...]]:
        tables = []
        for builtin in self._builtin:
            aspect = builtin.aspect(subject)
            if aspect is not None:
                tables.append(self._table(builtin, aspect))
        for name, rule in self._user.items():
            if applies(rule.applies_to, subject):
                tables.append(self._selector_table(name, rule))
        if (subject.kind, subject.name) in self._cedar:
            tables.extend(self._cedar[subject.kind, subject.name])
        return tables

    def _table(self, rule: BuiltinRule, aspect: Hashable) -> tuple[Refusal | None, ...]:
        key = (rule.id, aspect)
        if key not in self._tables:
            self._tables[key] = tuple(
                None
                if details is None
                else Refusal(rule=rule.id, details={"site": name, **details}, anchor=rule.anchor)
                for name, site in self._sites.items()
                for details in [rule.refuses(self._around, aspect, name, site)]
            )
        return self._tables[key]

    def _selector_table(self, name: str, rule: Rule) -> tuple[Refusal | None, ...]:
        key = ("rule", name)
        if key not in self._tables:
            self._tables[key] = tuple(
                self._selector_refusal(name, rule, site_name, site) for site_name, site in self._sites.items()
            )
        return self._tables[key]

    def _selector_refusal(self, name: str, rule: Rule, site_name: str, site: Site) -> Refusal | None:
        facts, at = self._around.facts, self._at
        reason = None
        if rule.only_at is not None and not selects(rule.only_at, site_name, site, facts, at):
            reason = "only-at"
        elif rule.never_at is not None and selects(rule.never_at, site_name, site, facts, at):
            reason = "never-at"
        elif rule.min_control is not None and control(site).score < rule.min_control:
            reason = f"control {control(site).score:.2f} < {rule.min_control:.2f}"
        if reason is None:
            return None
        return Refusal(
            rule=name, details={"site": site_name, "why": reason, "title": rule.title}, anchor=rule.anchor
        )

    def _ask_cedar(self) -> Mapping[tuple[str, str], list[tuple[Refusal | None, ...]]]:
        """Cedar's refusals for what the other rules left, one batch for each rule."""
        answers: dict[tuple[str, str], list[tuple[Refusal | None, ...]]] = defaultdict(list)
        everybody = [*self._subjects.values(), *self._data.values()]
        for name, rule in self._user.items():
            if rule.cedar is None:
                continue
            cedar = CedarRule(name, rule.cedar)
            subjects = [s for s in everybody if applies(rule.applies_to, s) and self._mask(s).any()]
            if not subjects:
                continue
            for subject, reasons in zip(subjects, cedar.refusals(subjects, self._sites), strict=True):
                answers[subject.kind, subject.name].append(
                    tuple(
                        None
                        if why is None
                        else Refusal(
                            rule=name,
                            details={"site": site, "why": why, "title": rule.title},
                            anchor=rule.anchor,
                        )
                        for site, why in zip(self.sites, reasons, strict=True)
                    )
                )
        return answers

    def _workload_subjects(self) -> list[Subject]:
        end = self._at + timedelta(hours=self._intent.settings.horizon)
        return [
            Subject(
                kind="workload",
                name=name,
                label=self.labels.workloads[name],
                until=workload.job.deadline if workload.job and workload.job.deadline else end,
                stage=workload.stage.value,
                use_case=workload.use_case,
                purpose=workload.purpose,
                latency=tuple(sorted((limit.location, limit.limit) for limit in workload.latency)),
            )
            for name, workload in self._intent.workloads.items()
        ]

    def _dataset_subjects(self) -> list[Subject]:
        end = self._at + timedelta(hours=self._intent.settings.horizon)
        return [
            Subject(
                kind="dataset",
                name=name,
                label=self.labels.datasets[name],
                until=end,
                pinned=dataset.replicas if dataset.replicas and not dataset.may_leave else None,
            )
            for name, dataset in self._intent.datasets.items()
        ]


def _sealed(site: Site) -> bool:
    """Whether what leaves or enters a site is encrypted with keys that are the customer's."""
    return site.encryption.in_transit and (
        site.operator == "self" or site.key_custody is KeyCustody.HELD_YOUR_OWN
    )
