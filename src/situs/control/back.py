"""Workloads that are put back: they are as an earlier plan has them, whatever the plan in force says.

A person who cancels a move cannot wait for a new plan of everything.  So the one workload follows the plan from before
at once, as a drained site gets nothing new at once; the next plan is made with a rule that keeps the workload there, so
that plan and world agree again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from situs.model.plan import Assignment, Decision
from situs.model.workload import Workload
from situs.store import holds, plans
from situs.store.holds import Hold
from situs.store.plans import Kept

Places = frozenset[tuple[str, str, str, int]]
"""Site, pool and shape, and how many units are there."""


@dataclass(frozen=True)
class Back:
    """One workload, and the plan that it follows."""

    kept: Kept
    decision: Decision
    because: str
    """who wanted it, and why"""


def places_of(assignments: Iterable[Assignment]) -> Places:
    """Where the units of a workload are to be."""
    return frozenset((a.site, a.pool, a.shape, a.units) for a in assignments)


def is_put_back(before: Decision | None, now: Decision | None, sites: Collection[str]) -> bool:
    """Whether the order makes a difference: not for what the plan in force leaves out, or has there anyway.

    Nor for what cannot be there any more. ``sites``: those of the estate.
    """
    if before is None or now is None or not now.assignments:
        return False
    if any(assignment.site not in sites for assignment in before.assignments):
        return False
    return places_of(before.assignments) != places_of(now.assignments)


def because(hold: Hold) -> str:
    """The order in words."""
    return f"its move was cancelled by {hold.by}" + (f" ({hold.reason})" if hold.reason else "")


def decision_of(kept: Kept, workload: str) -> Decision | None:
    """What a plan says about a workload; None: nothing."""
    return next((each for each in kept.plan.decisions if each.workload == workload), None)


def decisions(connection: Connection, ground: Kept) -> Mapping[str, tuple[Decision, Workload]]:
    """Of the workloads that are put back, what counts instead of what the plan in force says."""
    found = {}
    for name, hold in holds.put_back(holds.in_force(connection)).items():
        if hold.plan is None or name not in ground.intent.workloads:
            continue
        plan, workload = plans.placed(connection, hold.plan, name)
        before = plan.decision(name)
        if is_put_back(before, decision_of(ground, name), ground.intent.sites):
            found[name] = before, workload
    return found


def kept_at(connection: Connection, held: Iterable[Hold]) -> dict[str, frozenset[str]]:
    """Sites that workloads which are put back are to stay at."""
    found = {}
    for name, hold in holds.put_back(held).items():
        if hold.plan is not None:
            plan, _ = plans.placed(connection, hold.plan, name)
            found[name] = frozenset(a.site for a in plan.decision(name).assignments)
    return found
