"""Where all stages of a pipeline would be if they were decided together, and what that would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from situs.control.pipelines.document import Pipeline
from situs.control.submitting import ground_of
from situs.model.error import SitusError
from situs.model.plan import Assignment, Part, Plan
from situs.model.refusal import Refusal
from situs.planner.single import decide_together, refusals
from situs.store.database import Database


@dataclass(frozen=True)
class Looked:
    """One decision about all stages."""

    plan: Plan
    names: Mapping[str, str]
    """stage -> workload"""
    refused: Mapping[str, Mapping[str, Refusal]]
    """stage that has no place -> site -> why"""

    def place(self, stage: str) -> Assignment | None:
        """Where a stage would be."""
        assignments = self.plan.decision(self.names[stage]).assignments
        return assignments[0] if assignments else None

    def cost(self, stage: str) -> Decimal:
        """What it would cost there, without the ways of its data."""
        at = self.place(stage)
        return (
            sum((c for part, c in at.costs.items() if part != Part.TRANSFER), Decimal(0))
            if at
            else Decimal(0)
        )

    def handing_over(self) -> Decimal:
        """What the ways of all data would cost."""
        of_stages = (at.costs.get(Part.TRANSFER, Decimal(0)) for s in self.names if (at := self.place(s)))
        of_copies = (replica.costs.get(Part.TRANSFER, Decimal(0)) for replica in self.plan.replicas)
        return sum((*of_stages, *of_copies), Decimal(0))


class NoWay(SitusError):
    """Some stage can be nowhere; nothing was handed in."""

    def __init__(self, pipeline: Pipeline, looked: Looked) -> None:
        self.looked = looked
        stages = ", ".join(sorted(looked.refused))
        super().__init__(f"{pipeline.name}: there is no place for {stages} now or later")


def look(database: Database, pipeline: Pipeline) -> Looked:
    """Decide about all stages together, as if all were free. Raises InputError."""
    with database.read() as connection:
        ground = ground_of(connection, pipeline.datasets)
    intent, names = ground.kept.intent, {stage: pipeline.submission(stage, 1) for stage in pipeline.stages}
    after = {stage: tuple(names[other] for other in needs) for stage, needs in pipeline.needs.items()}
    workloads = {
        names[stage]: workload.model_copy(update={"after": after[stage]})
        for stage, workload in pipeline.stages.items()
    }
    shut = {
        (site, pool) for site in ground.drained if site in intent.sites for pool in intent.sites[site].pools
    }
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    decided, _ = decide_together(
        intent, ground.kept.facts, at, workloads, off=ground.kept.plan.provenance.off, shut=shut
    )
    decisions = {stage: decided.plan.decision(name) for stage, name in names.items()}
    nowhere = {
        stage: refusals(decided.candidates, decision)
        for stage, decision in decisions.items()
        if not decision.assignments
    }
    return Looked(decided.plan, names, nowhere)
