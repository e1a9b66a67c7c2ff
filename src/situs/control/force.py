"""What is in force: the Target's plan with its estate, and what it says about units and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from situs.control.back import Back, following
from situs.control.rolling import Version
from situs.control.staging import Work
from situs.control.submitted import Prepared, Submitted
from situs.control.target import Standing, is_rolling, specs_of, wanted_units
from situs.control.target import place_of as place_of_assignment
from situs.control.wanted import Place, Unit, Wanted, place_of
from situs.facts import Facts
from situs.model.error import SitusError
from situs.model.plan import Assignment
from situs.policy import Policy
from situs.store import holds, plans, submissions
from situs.store.database import Database
from situs.store.plans import Kept, Target
from situs.store.runs import Run


class Plans:
    """Plans by their id, each read once: runs may be of older plans than the one in force."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, Kept] = {}
        self._contents: dict[str, bytes] = {}
        self._assignments: dict[str, dict[tuple[str, Place], Assignment]] = {}
        self.prepared: dict[str, Prepared] = {}
        """what was made of plans that were handed in"""

    def get(self, identity: str) -> Kept:
        """A plan with all it needs. Raises InputError."""
        if identity not in self._kept:
            with self._database.read() as connection:
                self._kept[identity] = plans.load(connection, identity)
        return self._kept[identity]

    def seed(self, identity: str, kept: Kept) -> None:
        """A plan that is about to be kept."""
        self._kept[identity] = kept

    def alone(self, identity: str, facts: Facts) -> Kept:
        """A plan of one workload that was handed in. Raises InputError."""
        if identity not in self._kept:
            with self._database.read() as connection:
                self._kept[identity] = plans.load_alone(connection, identity, facts)
        return self._kept[identity]

    def assignment(self, run: Run) -> Assignment | None:
        """What the plan of a run says about its place. Raises InputError."""
        if run.plan is None:
            return None
        if run.plan not in self._assignments:
            self._assignments[run.plan] = {
                (decision.workload, place_of_assignment(assignment)): assignment
                for decision in self.get(run.plan).plan.decisions
                for assignment in decision.assignments
            }
        return self._assignments[run.plan].get((self.get(run.plan).name_of(run.workload), place_of(run)))

    def content(self, digest: str) -> bytes:
        """A file's content by its hash. Raises InputError."""
        if digest not in self._contents:
            with self._database.read() as connection:
                self._contents[digest] = plans.content(connection, digest)
        return self._contents[digest]

    def forget(self, needed: set[str]) -> None:
        """Keep only these in memory."""
        self._kept = {identity: kept for identity, kept in self._kept.items() if identity in needed}
        self._assignments = {identity: a for identity, a in self._assignments.items() if identity in needed}
        self.prepared = {identity: made for identity, made in self.prepared.items() if identity in needed}
        self._contents = {}


@dataclass(frozen=True)
class Force:
    """The Target and its plan, at one instant."""

    target: Target
    kept: Kept
    at: datetime
    """the rules are asked as of this instant"""
    folder: Path
    """where the sites' data are kept"""
    all_plans: Plans
    submitted: Submitted
    handed_in: int
    """version of what was handed in"""
    back: Mapping[str, Back] = field(default_factory=dict)
    """workloads that are as an earlier plan has them"""

    @cached_property
    def names(self) -> frozenset[str]:
        """Workloads that are known, whether they have a place or not."""
        return self.submitted.names | frozenset(self.kept.intent.workloads)

    @cached_property
    def plans(self) -> frozenset[str]:
        """The plan in force, and those of what was handed in or put back."""
        back = (each.kept.plan.id for each in self.back.values())
        return frozenset({self.target.plan, *back, *(each.plan for each in self.submitted.newest)})

    @cached_property
    def policy(self) -> Policy | None:
        """The rules as they are now; None when they cannot be read, and then nothing is allowed."""
        try:
            return Policy(self.kept.intent, self.kept.facts, self.at, self.kept.plan.provenance.off)
        except SitusError:
            return None

    @cached_property
    def _refused(self) -> Mapping[tuple[str, str], str]:
        found = {}
        for decision in (*self.kept.plan.decisions, *(each.decision for each in self.back.values())):
            for site in {assignment.site for assignment in decision.assignments}:
                if self.policy is None:
                    found[decision.workload, site] = "the rules cannot be read, so nothing is allowed"
                elif refusals := self.policy.workload_refusals(decision.workload, site):
                    found[decision.workload, site] = ", ".join(refusal.rule for refusal in refusals)
        return found

    @cached_property
    def _specs(self) -> Mapping[tuple[str, str], str]:
        return specs_of(self.kept, self.kept.intent.workloads)

    @cached_property
    def _specs_back(self) -> Mapping[tuple[str, str], str]:
        return {
            key: spec for name, each in self.back.items() for key, spec in specs_of(each.kept, [name]).items()
        }

    def wanted(self, runs: Mapping[Unit, Sequence[Run]]) -> dict[Unit, Wanted]:
        """What is wanted of each unit, given where units are or were last."""
        there = {
            unit: Standing(place_of(history[-1]), history[-1].phase, history[-1])
            for unit, history in runs.items()
            if history
        }
        given = [each for each in self.kept.plan.decisions if each.workload not in self.back]
        by_plan = wanted_units(given, self.kept.intent, self._specs, self._refused, there, self.health_of)
        for each in self.back.values():
            units = wanted_units(
                [each.decision], each.kept.intent, self._specs_back, self._refused, there, self.health_of
            )
            by_plan |= {
                unit: replace(want, plan=each.kept.plan.id, because=each.because)
                for unit, want in units.items()
            }
        return self.submitted.wanted(there) | by_plan

    def work_of(self, run: Run) -> Work | None:
        """All that is needed to start a run or to take its results; None when no plan knows it."""
        handed_in = run.workload in self.submitted.names
        policy = self.submitted.policy(run.workload) if handed_in else self.policy
        if run.plan is None or policy is None:
            return None
        kept = self.all_plans.get(run.plan)
        assignment = self.all_plans.assignment(run)
        workload = kept.intent.workloads.get(run.workload)
        if assignment is None or workload is None or workload.run is None:
            return None
        site = kept.intent.sites[run.site]
        return Work(
            run.workload, workload, assignment, kept.files, self.all_plans.content, policy, kept.plan.replicas,
            self.folder, site.adapter.kind == "local",
        )  # fmt: skip

    def health_of(self, run: Run) -> str | None:
        """The path at which a run of a service says that it is ready; None: it is as soon as it runs."""
        if run.plan is None:
            return None
        workload = self.all_plans.get(run.plan).intent.workloads.get(run.workload)
        return workload.run.health if workload is not None and workload.run is not None else None

    def serves(self, run: Run) -> bool:
        """Whether a run of a service is known to serve."""
        return run.started_at is not None if self.health_of(run) is None else run.is_ready

    @cached_property
    def versions(self) -> Mapping[str, Version]:
        """What is wanted of services whose new versions take over unit by unit, but for those that were put back."""
        found = {}
        for decision in self.kept.plan.decisions:
            workload = self.kept.intent.workloads[decision.workload]
            if workload.run is None or workload.service is None or not is_rolling(workload):
                continue
            if decision.assignments and decision.workload not in self.back:
                specs = frozenset(self._specs[decision.workload, a.shape] for a in decision.assignments)
                units = sum(assignment.units for assignment in decision.assignments)
                sites = frozenset(assignment.site for assignment in decision.assignments)
                found[decision.workload] = Version(specs, units, sites, workload.service.rolling)
        return found

    def lease_s(self, run: Run) -> float | None:
        """How long a lease of the run is; None: it needs none."""
        if run.plan is None:
            return None
        workload = self.all_plans.get(run.plan).intent.workloads.get(run.workload)
        return workload.lease if workload is not None else None

    @cached_property
    def loss_after_s(self) -> Mapping[str, float]:
        """How long a site may be silent before it is taken to be lost, for workloads that say."""
        return {
            name: workload.site_loss.after
            for name, workload in self.kept.intent.workloads.items()
            if workload.site_loss.after is not None
        }

    def grace_s(self, workload: str) -> float:
        """How long a run is given to end by itself."""
        back = self.back.get(workload)
        own = self.submitted.plans.get(workload, back.kept if back else self.kept)
        known = own.intent.workloads.get(workload)
        return known.run.grace if known is not None and known.run is not None else 10.0


def newest(database: Database, folder: Path, all_plans: Plans, now: datetime) -> Force | None:
    """What is in force now; None before the first plan was applied."""
    with database.read() as connection:
        target = plans.in_force(connection)
        handed_in = submissions.version(connection)
        found = submissions.kept(connection)
        held = holds.in_force(connection)
    if target is None:
        return None
    hour, ground = now.replace(minute=0, second=0, microsecond=0), all_plans.get(target.plan)
    own = {submission.name: all_plans.alone(submission.plan, ground.facts) for submission in found}
    return Force(
        target,
        ground,
        hour,
        folder,
        all_plans,
        Submitted(found, own, ground, hour, all_plans.prepared),
        handed_in,
        following(held, ground, all_plans.get),
    )
