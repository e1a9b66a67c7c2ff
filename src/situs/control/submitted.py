"""What was handed in beside the plan in force, and what is wanted of it.

Each submission has a plan of its own, made for it alone when it was handed in.  The rules are asked again as they
are now, those of the plan in force: what was allowed then may not be any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from situs.control.target import Standing, spec_of, wanted_units
from situs.control.wanted import Unit, Wanted
from situs.model.error import SitusError
from situs.policy import Policy
from situs.store.plans import Kept
from situs.store.submissions import Submission

UNREADABLE = "the rules cannot be read, so nothing is allowed"


@dataclass(frozen=True)
class Prepared:
    """What is made of a submission once for each plan in force and hour."""

    ground: str
    at: datetime
    policy: Policy | None
    """the rules that count for it; None when they cannot be read, and then nothing is allowed"""
    specs: Mapping[tuple[str, str], str]
    refused: Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Submitted:
    """All that was handed in and not removed."""

    newest: Sequence[Submission]
    plans: Mapping[str, Kept]
    """of each name"""
    ground: Kept
    """the plan in force"""
    at: datetime
    """the rules are asked as of this instant"""
    prepared: dict[str, Prepared]
    """of each plan, kept from one time to the next: there may be thousands, and few of them are new"""

    @cached_property
    def names(self) -> frozenset[str]:
        """Of all, also of those that are stopped: what they wrote is kept."""
        return frozenset(self.plans)

    def policy(self, name: str) -> Policy | None:
        """The rules that count for one; None when they cannot be read."""
        return self._prepared(name).policy

    def wanted(self, there: Mapping[Unit, Standing]) -> dict[Unit, Wanted]:
        """What is wanted of those that are to run."""
        wanted: dict[Unit, Wanted] = {}
        for submission in self.newest:
            if submission.act != "submitted":
                continue
            kept, made = self.plans[submission.name], self._prepared(submission.name)
            units = wanted_units(kept.plan.decisions, kept.intent, made.specs, made.refused, there)
            wanted |= {unit: replace(want, plan=submission.plan) for unit, want in units.items()}
        return wanted

    def _prepared(self, name: str) -> Prepared:
        kept, ground = self.plans[name], self.ground.plan.id
        made = self.prepared.get(kept.plan.id)
        if made is None or (made.ground, made.at) != (ground, self.at):
            workload, policy = kept.intent.workloads[name], rules_now(kept, self.ground, self.at)
            specs = {(name, shape.name): spec_of(workload, shape, kept.files) for shape in workload.shapes}
            refused = {}
            for site in {a.site for decision in kept.plan.decisions for a in decision.assignments}:
                if policy is None:
                    refused[name, site] = UNREADABLE
                elif refusals := policy.workload_refusals(name, site):
                    refused[name, site] = ", ".join(refusal.rule for refusal in refusals)
            made = self.prepared[kept.plan.id] = Prepared(ground, self.at, policy, specs, refused)
        return made


def rules_now(kept: Kept, ground: Kept, at: datetime) -> Policy | None:
    """The rules of the plan in force for work that has a plan of its own; None when they cannot be read."""
    sites = {**kept.intent.sites, **ground.intent.sites}
    now = kept.intent.model_copy(
        update={"sites": sites, "rules": ground.intent.rules, "links": ground.intent.links}
    )
    try:
        return Policy(now, ground.facts, at, ground.plan.provenance.off)
    except SitusError:
        return None
