"""The nearest change that lifts a rule's refusal, found by asking the rules themselves.

What could be different at a site, a label or a rule is tried in the order in which an organisation would
think of it: what the site's operator can do, what the workload's owner can do, what whoever owns the data
can sign, and last an exception from the rule.  The first change after which the rules refuse one thing less,
and nothing new, is it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations

from situs.model.estate import KeyCustody, Site, Tenancy
from situs.model.intent import Intent
from situs.model.label import HIGHEST_LEVEL, Label
from situs.model.refusal import Refusal
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit, apply
from situs.planner.explain.model import Change
from situs.policy import Policy

Edits = tuple[Edit, ...]

LONGEST_RESIDENCE_H = 20 * 8760.0
"""A certificate is offered to be extended by so much at most."""


def lift_rule(world: World, workload: str, site: str, refusal: Refusal) -> Change | None:
    """The nearest change that lifts ``refusal`` for ``workload``, or for its data, at ``site``."""
    asked = _Asked(world, workload, site, refusal)
    for edits in _candidates(asked, refusal):
        if asked.lifted(edits):
            return Change(kind=_kind(edits), rule=refusal.rule, edits=edits, details=refusal.details)
    return None


class _Asked:
    """The rules of a world, asked about one workload and its data at one site."""

    def __init__(self, world: World, workload: str, site: str, refusal: Refusal) -> None:
        self.world = world
        self.workload = workload
        self.site = site
        entry = world.intent.workloads[workload]
        self.datasets = tuple(dict.fromkeys(item.dataset for item in (*entry.inputs, *entry.outputs)))
        # Other sites have no part in whether this one is refused.
        self.intent = world.intent.model_copy(update={"sites": {site: world.site(site)}})
        self._rule = refusal.rule
        self._dataset = None
        if refusal not in world.policy.workload_refusals(workload, site):
            self._dataset = next(
                d for d in self.datasets if refusal in world.policy.dataset_refusals(d, site)
            )
        self._before = self._refusals(world.policy)

    def label(self) -> Label:
        """The effective label of what is refused."""
        labels = self.world.policy.labels
        return labels.datasets[self._dataset] if self._dataset else labels.workloads[self.workload]

    def lifted(self, edits: Edits) -> bool:
        """Whether with the edits the rule refuses less, and no other more."""
        now = self._refusals(
            Policy(apply(self.intent, edits), self.world.facts, self.world.at, self.world.off)
        )
        fewer = now[self._rule] < self._before[self._rule]
        return fewer and all(now[rule] <= self._before[rule] for rule in now)

    def _refusals(self, policy: Policy) -> Counter[str]:
        found = (
            policy.dataset_refusals(self._dataset, self.site)
            if self._dataset
            else policy.workload_refusals(self.workload, self.site)
        )
        return Counter(refusal.rule for refusal in found)


def _kind(edits: Edits):  # type: ignore[no-untyped-def]
    return "latency" if all("/latency/" in edit.path for edit in edits) else "rule"


def _candidates(asked: _Asked, refusal: Refusal) -> Iterator[Edits]:
    site = asked.world.site(asked.site)
    yield from ((edit,) for edit in _clearance(asked.site, site))
    yield from _latency(asked)
    measures = [*_encryption(asked.site, site), *_custody(asked.site, site), *_tenancy(asked.site, site)]
    yield from ((edit,) for edit in measures)
    yield from _certificates(asked)
    yield from ((edit,) for edit in _administrators(asked.site, site))
    yield from combinations(measures, 2)
    yield from _leave(asked)
    yield from _labels(asked, site)
    yield from _exception(asked, refusal)


def _clearance(name: str, site: Site) -> Iterator[Edit]:
    for level in range(site.clearance + 1, HIGHEST_LEVEL + 1):
        yield Edit(path=f"/sites/{name}/clearance", value=level, was=site.clearance)


def _encryption(name: str, site: Site) -> Iterator[Edit]:
    for what in ("at_rest", "in_transit", "in_use"):
        if not getattr(site.encryption, what):
            yield Edit(path=f"/sites/{name}/encryption/{what}", value=True, was=False)


def _custody(name: str, site: Site) -> Iterator[Edit]:
    steps = list(KeyCustody)
    for custody in steps[steps.index(site.key_custody) + 1 :]:
        yield Edit(path=f"/sites/{name}/key_custody", value=custody.value, was=site.key_custody.value)


def _tenancy(name: str, site: Site) -> Iterator[Edit]:
    steps = list(Tenancy)
    for tenancy in steps[steps.index(site.tenancy) + 1 :]:
        yield Edit(path=f"/sites/{name}/tenancy", value=tenancy.value, was=site.tenancy.value)


def _administrators(name: str, site: Site) -> Iterator[Edit]:
    if site.administrators.employer != "self":
        yield Edit(
            path=f"/sites/{name}/administrators/employer", value="self", was=site.administrators.employer
        )
    if site.administrators.countries != frozenset({site.country}):
        yield Edit(
            path=f"/sites/{name}/administrators/countries",
            value=[site.country],
            was=sorted(site.administrators.countries),
        )


def _latency(asked: _Asked) -> Iterator[Edits]:
    """The limit is raised to what the link has."""
    for number, limit in enumerate(asked.world.intent.workloads[asked.workload].latency):
        link = asked.world.link(asked.site, limit.location)
        if link is not None and link.latency is not None and link.latency > limit.limit:
            yield (
                Edit(
                    path=f"/workloads/{asked.workload}/latency/{number}/limit",
                    value=link.latency,
                    was=limit.limit,
                ),
            )


def _certificates(asked: _Asked) -> Iterator[Edits]:
    """A certificate that is missing is given, one that runs out is prolonged; both to the last second."""
    site = asked.world.site(asked.site)

    def until(instant: datetime) -> Edits:
        return tuple(
            edit
            for scheme in sorted(asked.label().certificates)
            if (edit := _certified(asked, site, scheme, instant)) is not None
        )

    begin = asked.world.at
    low, high = 0, int(LONGEST_RESIDENCE_H * 3600)
    if not until(begin + timedelta(seconds=high)) or not asked.lifted(until(begin + timedelta(seconds=high))):
        return
    while high - low > 1:
        middle = (low + high) // 2
        if asked.lifted(until(begin + timedelta(seconds=middle))):
            high = middle
        else:
            low = middle
    yield until(begin + timedelta(seconds=high))


def _certified(asked: _Asked, site: Site, scheme: str, until: datetime) -> Edit | None:
    """The scheme's latest certificate valid until then, or a new one; None where it is already."""
    held = [(c.valid_until, k) for k, c in enumerate(site.certificates) if c.scheme == scheme]
    if not held:
        value = {"scheme": scheme, "valid_from": asked.world.at.isoformat(), "valid_until": until.isoformat()}
        return Edit(path=f"/sites/{asked.site}/certificates/-", value=value)
    before, number = max(held)
    if before >= until:
        return None
    path = f"/sites/{asked.site}/certificates/{number}/valid_until"
    return Edit(path=path, value=until.isoformat(), was=before.isoformat())


def _leave(asked: _Asked) -> Iterator[Edits]:
    """The owner lets the data leave."""
    for dataset in asked.datasets:
        if not asked.world.intent.datasets[dataset].may_leave:
            yield (Edit(path=f"/datasets/{dataset}/may_leave", value=True, was=False),)


def _labels(asked: _Asked, site: Site) -> Iterator[Edits]:
    """What the owners of the workload and of its data can sign: purpose, countries, obligations."""
    intent = asked.world.intent
    purposes = asked.label().purposes
    before = intent.workloads[asked.workload].purpose
    for purpose in sorted(purposes or ()):
        if purpose != before:
            yield (Edit(path=f"/workloads/{asked.workload}/purpose", value=purpose, was=before),)
    yield from _wider(asked, site)


def _wider(asked: _Asked, site: Site) -> Iterator[Edits]:
    """Further countries allowed: that of the site, of its operator, of the parent; as few as will do."""
    countries = sorted({c for c in (site.country, site.operator_country, site.parent_country) if c})
    holders = list(_labelled(asked.world.intent, asked))
    for size in range(1, len(countries) + 1):
        for chosen in combinations(countries, size):
            edits = tuple(
                Edit(
                    path=f"{path}/jurisdictions",
                    value=sorted(label.jurisdictions | set(chosen)),
                    was=sorted(label.jurisdictions),
                )
                for path, label in holders
                if label.jurisdictions is not None
            )
            if edits:
                yield edits


def _labelled(intent: Intent, asked: _Asked) -> Iterator[tuple[str, Label]]:
    """Labels that the workload's own is joined from, as far as they are written down."""
    own = intent.workloads[asked.workload].label
    if own is not None:
        yield f"/workloads/{asked.workload}/label", own
    for dataset in asked.datasets:
        label = intent.datasets[dataset].label
        if label is not None:
            yield f"/datasets/{dataset}/label", label


def _exception(asked: _Asked, refusal: Refusal) -> Iterator[Edits]:
    """The rule ends now, if it is the estate's own; else an exception from it is put on record."""
    rule = refusal.rule.removeprefix("rule:")
    own = asked.world.intent.rules.get(rule)
    if own is not None:
        was = None if own.valid_until is None else own.valid_until.isoformat()
        yield (Edit(path=f"/rules/{rule}/valid_until", value=asked.world.at.isoformat(), was=was),)
        return
    value = {"title": f"Exception from {rule}", "off": [rule]}
    yield (Edit(path=f"/rules/exception-{rule}", value=value),)
