"""Where all stages of a pipeline would be if they were decided together, and what that would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from situs.control.pipelines.document import Pipeline, in_order
from situs.control.submitting import ground_of
from situs.model.amount import Exact
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


@dataclass(frozen=True)
class StageForeseen:
    """Where one stage would be, or why nowhere."""

    name: str
    workload: str
    needs: Sequence[str]
    site: str | None
    pool: str | None
    reason: str
    """why there, as the planner has it"""
    cost: Exact
    """without the way of its data"""
    refused: Mapping[str, Refusal]
    """site -> why not there, for a stage that has no place"""


@dataclass(frozen=True)
class Foreseen:
    """Where all would be."""

    name: str
    currency: str
    cost: Exact
    """of all stages, without the ways of their data"""
    transfer: Exact
    """of those ways"""
    stages: Sequence[StageForeseen]
    """each after those that it needs"""

    @property
    def is_refused(self) -> bool:
        """Whether some stage can be nowhere."""
        return any(stage.refused for stage in self.stages)


def foreseen(pipeline: Pipeline, looked: Looked) -> Foreseen:
    """What was decided, as it is told to people and programs."""
    stages = []
    for name in in_order(pipeline):
        at, decision = looked.place(name), looked.plan.decision(looked.names[name])
        stages.append(
            StageForeseen(
                name, looked.names[name], pipeline.needs[name], at.site if at else None, at.pool if at else None,
                decision.reason, looked.cost(name), looked.refused.get(name, {}),
            )
        )  # fmt: skip
    cost = sum((stage.cost for stage in stages), Decimal(0))
    return Foreseen(pipeline.name, looked.plan.currency, cost, looked.handing_over(), stages)


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
