"""Plans written by hand: where each workload is, without asking the planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from situs.intent import input_hash
from situs.model.intent import Intent
from situs.model.plan import Assignment, Decision, Fit, Part, Plan, Provenance

HORIZON_H = 730.0


def plan_by_hand(
    intent: Intent,
    places: Mapping[str, Sequence[tuple[str, str, int]]],
    at: datetime,
    parent: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> Plan:
    """``places``: workload -> (site, pool, units) each; reads and writes are at the workload's own site."""
    decisions = []
    for name, workload in sorted(intent.workloads.items()):
        assignments = tuple(
            Assignment(
                site=site, pool=pool, basis="owned", shape=workload.shapes[0].name, units=units, hours=HORIZON_H,
                reads={i.dataset: site for i in workload.inputs}, writes={o.dataset: site for o in workload.outputs},
                costs={Part.COMPUTE: Decimal("73.0") * units}, carbon_kg=0.0, control=1.0,
            )
            for site, pool, units in places.get(name, ())
        )  # fmt: skip
        decisions.append(
            Decision(
                workload=name, fit=Fit.NOW if assignments else Fit.NEVER, assignments=assignments,
                reason="cheapest" if assignments else "no-place",
            )
        )  # fmt: skip
    zero = Decimal(0)
    made_from = Provenance(
        situs="0", solver="hand", input_hash=input_hash(intent), facts=dict(facts or {}), gap_wanted=0.0
    )
    return Plan(
        parent=parent, at=at, horizon_hours=HORIZON_H, currency="EUR", provenance=made_from, status="feasible",
        cost=zero, objective=zero, bound=zero, gap=0.0, costs={}, carbon_kg=0.0, control=1.0,
        decisions=tuple(decisions),
    ).sealed()  # fmt: skip
