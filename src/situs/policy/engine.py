"""All rules over all sites: set algebra first, Cedar only for the pairs that are left.

::

    labels ─► subjects ─► built-in rules, one look per distinct aspect and face ─► selectors ─► Cedar ─► masks

Masks are made of rows: for one rule and one aspect, which sites will do.  Rows are shared by all subjects
that look the same to the rule; the words of a refusal are made only when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from situs.facts import Facts
from situs.model.error import InputError
from situs.model.estate import KeyCustody, Site
from situs.model.intent import Intent
from situs.model.network import Network
from situs.model.refusal import Refusal
from situs.policy.builtin import BUILTIN, BuiltinRule
from situs.policy.cedar_rows import CedarRows
from situs.policy.joint import JOINT
from situs.policy.labels import Labels, effective_labels
from situs.policy.names import name_problems
from situs.policy.selectors import applies, in_force, refusal
from situs.policy.subject import Subject
from situs.policy.surroundings import Surroundings

Row = NDArray[np.bool_]
"""(S,) which sites will do"""


@dataclass(frozen=True)
class RuleInfo:
    """A rule as it is listed."""

    id: str
    title: str
    anchor: str | None
    builtin: bool
    joint: bool
    """it ties workloads together instead of refusing single places"""


class Policy:
    """What may be where, at one instant under one set of laws."""

    def __init__(self, intent: Intent, facts: Facts, at: datetime, off: frozenset[str] = frozenset()) -> None:
        self._intent = intent
        self._at = at
        problems = [problem for _, problem in name_problems(intent, facts, off)]
        if problems:
            raise InputError(problems)
        rules = {
            name: rule
            for name, rule in sorted(intent.rules.items())
            if name not in off and in_force(rule, at)
        }
        self.off = off | frozenset(item for rule in rules.values() for item in rule.off)
        self.labels: Labels = effective_labels(intent, unsigned="declassification" in self.off)
        self.sites: tuple[str, ...] = tuple(sorted(intent.sites))
        self._sites: dict[str, Site] = {name: intent.sites[name] for name in self.sites}
        self._index = {name: k for k, name in enumerate(self.sites)}
        self._around = Surroundings(facts, at, self.off, Network(intent.links))
        self._builtin = tuple(rule for rule in BUILTIN if rule.id not in self.off)
        self._user = {name: rule for name, rule in rules.items() if name not in self.off}
        self._rows: dict[tuple[str, Hashable], Row] = {}
        self._masks: dict[Hashable, Row] = {}
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._cedar = {
            name: CedarRows(name, rule.cedar, self._sites, self._around, self._named_subject)
            for name, rule in self._user.items()
            if rule.cedar is not None
        }

    @property
    def rules(self) -> tuple[RuleInfo, ...]:
        """All rules, built-in ones first, in order of dominance."""
        builtin = tuple(RuleInfo(r.id, r.title, r.anchor, True, False) for r in BUILTIN)
        joint = tuple(RuleInfo(r.id, r.title, r.anchor, True, r.joint) for r in JOINT)
        user = tuple(
            RuleInfo(name, r.title, r.anchor, False, bool(r.max_operator_share))
            for name, r in self._user.items()
        )
        return (*builtin, *joint, *user)

    def workload_mask(self, name: str) -> Row:
        """(S,) sites where the workload may be, in the order of ``sites``. Not to be written to."""
        return self._mask(self._workload(name))

    def dataset_mask(self, name: str) -> Row:
        """(S,) sites where a replica may be. Not to be written to."""
        return self._mask(self._dataset(name))

    def workload_refusals(self, name: str, site: str) -> tuple[Refusal, ...]:
        """All reasons against, the dominant one first."""
        return tuple(self._refusals(self._workload(name), self._index[site]))

    def dataset_refusals(self, name: str, site: str) -> tuple[Refusal, ...]:
        """All reasons against, the dominant one first."""
        return tuple(self._refusals(self._dataset(name), self._index[site]))

    def transfer_refusals(self, dataset: str, source: str, target: str) -> tuple[Refusal, ...]:
        """Why a dataset may not go over the link from ``source`` to ``target``.

        What crosses a country that the label does not allow must be encrypted with keys the customer holds.
        """
        return self._transit(dataset, self.labels.datasets[dataset].jurisdictions, source, target)

    def checkpoint_refusals(self, workload: str, site: str) -> tuple[Refusal, ...]:
        """Why a checkpoint of a workload may not be kept at a site: it holds what the workload has read.

        So it has the label of that, may be nowhere where one of the inputs may not be, and nothing else about the
        workload counts, such as how far its users are.
        """
        inputs = sorted({item.dataset for item in self._intent.workloads[workload].inputs})
        found = list(self._refusals(self._checkpoint(workload, inputs), self._index[site]))
        for name in inputs:
            found += [
                refusal
                for refusal in self.dataset_refusals(name, site)
                if refusal.rule not in {f.rule for f in found}
            ]
        return tuple(found)

    def checkpoint_way_refusals(self, workload: str, source: str, target: str) -> tuple[Refusal, ...]:
        """Why a checkpoint of a workload may not go over the link from ``source`` to ``target``."""
        return self._transit(workload, self.labels.workloads[workload].jurisdictions, source, target)

    def _transit(
        self, name: str, allowed: frozenset[str] | None, source: str, target: str
    ) -> tuple[Refusal, ...]:
        link = self._around.network.link(source, target)
        if allowed is None or link is None or source == target or "transit" in self.off:
            return ()
        strangers = link.crosses - self._around.countries(allowed)
        if not strangers or all(_sealed(self._sites[end]) for end in (source, target) if end in self._sites):
            return ()
        details = {
            "countries": ", ".join(sorted(strangers)),
            "allowed": ", ".join(sorted(allowed)) or "—",
            "dataset": name,
            "source": source,
            "target": target,
        }
        fact = f"links: {source} → {target}"
        return (Refusal(rule="transit", details=details, anchor="GDPR Art. 44", source=fact),)

    def _mask(self, subject: Subject) -> Row:
        aspects = tuple(rule.aspect(subject) for rule in self._builtin)
        about = tuple(name for name, rule in self._user.items() if applies(rule.applies_to, subject))
        asked = tuple(name for name in about if name in self._cedar)
        # To Cedar two subjects may differ in more than their aspects.
        key = (aspects, about, self._cedar_key(subject, asked))
        mask = self._masks.get(key)
        if mask is None:
            mask = np.ones(len(self.sites), dtype=bool)
            for builtin, aspect in zip(self._builtin, aspects, strict=True):
                if aspect is not None:
                    mask &= self._row(builtin, aspect)
            for name in about:
                mask &= self._selector_row(name)
            for name in asked:
                mask &= self._cedar[name].row(subject, mask)
            mask.flags.writeable = False
            self._masks[key] = mask
        return mask

    def _cedar_key(self, subject: Subject, asked: tuple[str, ...]) -> Hashable:
        return tuple(self._cedar[name].looks(subject) for name in asked)

    def _row(self, rule: BuiltinRule, aspect: Hashable) -> Row:
        key = (rule.id, aspect)
        row = self._rows.get(key)
        if row is None:
            examples, face_of_site = self._faces[rule.id]
            fine = [rule.refuses(self._around, aspect, name, self._sites[name]) is None for name in examples]
            row = self._rows[key] = np.asarray(fine, dtype=bool)[face_of_site]
        return row

    @cached_property
    def _faces(self) -> Mapping[str, tuple[tuple[str, ...], NDArray[np.int64]]]:
        """For each rule: one site of each face, and (S,) which of these each site looks like."""
        faces = {}
        for rule in self._builtin:
            numbers: dict[Hashable, int] = {}
            examples: list[str] = []
            face_of_site = np.zeros(len(self.sites), dtype=np.int64)
            for k, (name, site) in enumerate(self._sites.items()):
                face = rule.face(name, site)
                if face not in numbers:
                    numbers[face] = len(examples)
                    examples.append(name)
                face_of_site[k] = numbers[face]
            faces[rule.id] = (tuple(examples), face_of_site)
        return faces

    def _selector_row(self, name: str) -> Row:
        key = ("rule", name)
        if key not in self._rows:
            rule = self._user[name]
            fine = [refusal(rule, site, self._sites[site], self._around) is None for site in self.sites]
            self._rows[key] = np.asarray(fine, dtype=bool)
        return self._rows[key]

    def _refusals(self, subject: Subject, k: int) -> Iterator[Refusal]:
        name, site = self.sites[k], self._sites[self.sites[k]]
        for builtin in self._builtin:
            aspect = builtin.aspect(subject)
            if aspect is not None and not self._row(builtin, aspect)[k]:
                yield self._builtin_refusal(builtin, aspect, subject, name)
        for rule_name, rule in self._user.items():
            if not applies(rule.applies_to, subject):
                continue
            reasons = [refusal(rule, name, site, self._around)]
            if rule_name in self._cedar:
                reasons.extend(self._cedar[rule_name].reasons(subject, name))
            for reason in reasons:
                if reason is not None:
                    details = {"site": name, "title": rule.title, **reason}
                    yield Refusal(
                        rule=rule_name, details=details, anchor=rule.anchor, source=f"rules/{rule_name}"
                    )

    def _builtin_refusal(self, rule: BuiltinRule, aspect: Hashable, subject: Subject, site: str) -> Refusal:
        found = rule.refuses(self._around, aspect, site, self._sites[site])
        assert found is not None
        details = {"site": site, **found}
        source = rule.fact.format(subject=subject.name, **details)
        if isinstance(aspect, frozenset) and (dated := self._around.dated(aspect)):
            source = f"{source}; {dated}"
            if law := self._around.lost_law(aspect, details.get("country", "")):
                details["law"] = law
        return Refusal(rule=rule.id, details=details, anchor=rule.anchor, source=source)

    def _named_subject(self, kind: str, name: str) -> Subject | None:
        if kind == "workload":
            return self._workload(name) if name in self._intent.workloads else None
        return self._dataset(name) if name in self._intent.datasets else None

    def _workload(self, name: str) -> Subject:
        key = ("workload", name)
        if key not in self._subjects:
            workload = self._intent.workloads[name]
            self._subjects[key] = Subject(
                kind="workload",
                name=name,
                label=self.labels.workloads[name],
                until=workload.job.deadline if workload.job and workload.job.deadline else self._end,
                stage=workload.stage.value,
                use_case=workload.use_case,
                purpose=workload.purpose,
                latency=tuple(sorted((limit.location, limit.limit) for limit in workload.latency)),
                pinned=self._pins(sorted({item.dataset for item in workload.inputs})),
            )
        return self._subjects[key]

    def _dataset(self, name: str) -> Subject:
        key = ("dataset", name)
        if key not in self._subjects:
            self._subjects[key] = Subject(
                kind="dataset",
                name=name,
                label=self.labels.datasets[name],
                until=self._end,
                pinned=self._pins([name]),
            )
        return self._subjects[key]

    def _checkpoint(self, workload: str, inputs: list[str]) -> Subject:
        """Data to all rules, under a name that no dataset has."""
        return Subject(
            kind="dataset",
            name=f"checkpoint of {workload}",
            label=self.labels.workloads[workload],
            until=self._end,
            pinned=self._pins(inputs),
        )

    @cached_property
    def _end(self) -> datetime:
        return self._at + timedelta(hours=self._intent.settings.horizon)

    def _pins(self, datasets: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        found = ((name, self._intent.datasets[name]) for name in datasets)
        return tuple(
            (name, dataset.replicas) for name, dataset in found if dataset.replicas and not dataset.may_leave
        )


def _sealed(site: Site) -> bool:
    """Whether what leaves or enters a site is encrypted with keys that are the customer's."""
    return site.encryption.in_transit and (
        site.operator == "self" or site.key_custody is KeyCustody.HELD_YOUR_OWN
    )
