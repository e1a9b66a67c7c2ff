"""The nearest change that lifts a rule's refusal, found by asking the rules themselves.

What could be different at a site, a label or a rule is tried in the order in which an organisation would
think of it: what the site's operator can do, what the workload's owner can do, what whoever owns the data
can sign, and last an exception from the rule.  The first change after which the rules refuse one thing less,
and nothing new, is it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property

from situs.model.label import Label
from situs.model.refusal import Refusal
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit, apply
from situs.planner.explain.labelled import Holder, holders, unsigned
from situs.planner.explain.model import Change, ChangeKind
from situs.planner.explain.remedies import certified, owners_can_sign, site_can_do
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
        read = [item.dataset for item in entry.inputs]
        written = [item.dataset for item in entry.outputs]
        self.datasets = tuple(dict.fromkeys(read + written))
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

    @cached_property
    def holders(self) -> tuple[Holder, ...]:
        """All labels, written down somewhere in the estate, from which that label is joined."""
        return holders(self.intent, self.world.policy.labels, self._start)

    @property
    def unsigned(self) -> tuple[str, ...]:
        """Datasets whose lower label would count, were it signed."""
        return unsigned(self.intent, self.world.policy.labels, self._start)

    @property
    def _start(self) -> tuple[str, str]:
        return ("dataset", self._dataset) if self._dataset else ("workload", self.workload)

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


def _kind(edits: Edits) -> ChangeKind:
    return (
        "latency"
        if all("/latency/" in edit.path or edit.path.startswith("/links/") for edit in edits)
        else "rule"
    )


def _candidates(asked: _Asked, refusal: Refusal) -> Iterator[Edits]:
    world, label = asked.world, asked.label()
    yield from site_can_do(world, asked.workload, asked.site, label)
    yield from _certificates(asked, refusal.rule)
    yield from owners_can_sign(
        world, asked.workload, asked.site, label, asked.datasets, asked.holders, asked.unsigned
    )
    yield _exception(asked, refusal)


def _certificates(asked: _Asked, rule: str) -> Iterator[Edits]:
    """A certificate that is missing is given, one that runs out is prolonged; both to the last second."""
    yield from _certificates_for(asked, sorted(asked.label().certificates))
    own = asked.world.intent.rules.get(rule)
    if own is not None and own.only_at is not None:
        for scheme in sorted(own.only_at.certificate):
            yield from _certificates_for(asked, [scheme])


def _certificates_for(asked: _Asked, schemes: Sequence[str]) -> Iterator[Edits]:
    """All of them, until the first instant at which the rule is content."""
    if not schemes:
        return
    site, begin = asked.world.site(asked.site), asked.world.at

    def until(seconds: int) -> Edits:
        return certified(asked.site, site, schemes, begin, begin + timedelta(seconds=seconds))

    low, high = 0, int(LONGEST_RESIDENCE_H * 3600)
    if not until(high) or not asked.lifted(until(high)):
        return
    while high - low > 1:
        middle = (low + high) // 2
        if asked.lifted(until(middle)):
            high = middle
        else:
            low = middle
    yield until(high)


def _exception(asked: _Asked, refusal: Refusal) -> Edits:
    """The rule ends now, if it is the estate's own; else an exception from it is put on record."""
    rule = refusal.rule
    own = asked.world.intent.rules.get(rule)
    if own is not None:
        was = None if own.valid_until is None else own.valid_until.isoformat()
        return (Edit(path=f"/rules/{rule}/valid_until", value=asked.world.at.isoformat(), was=was),)
    value = {"title": f"Exception from {rule}", "off": [rule]}
    return (Edit(path=f"/rules/exception-{rule}", value=value),)
