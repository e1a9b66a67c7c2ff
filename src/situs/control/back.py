"""Workloads that are put back: they are as an earlier plan has them, whatever the plan in force says.

A person who cancels a move cannot wait for a new plan of everything.  So the one workload follows the plan from before
at once, as a drained site gets nothing new at once; the next plan is made with a rule that keeps the workload there, so
that plan and world agree again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from situs.control.target import specs_of
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


def is_put_back(hold: Hold, before: Decision | None, ground: Kept) -> bool:
    """Whether an order makes a difference beside the plan in force: not for what that leaves out, or has so anyway.

    Nor for what cannot be there any more.
    """
    name = hold.subject
    now = decision_of(ground, name)
    if name not in ground.intent.workloads or before is None or now is None or not now.assignments:
        return False
    if any(assignment.site not in ground.intent.sites for assignment in before.assignments):
        return False
    if hold.spec is not None:
        return hold.spec in versions_of(ground, now)
    return places_of(before.assignments) != places_of(now.assignments)


def versions_of(kept: Kept, decision: Decision) -> frozenset[str]:
    """What is run of a workload by a plan, as hashes, for each of its shapes."""
    specs = specs_of(kept, [decision.workload])
    return frozenset(specs[decision.workload, assignment.shape] for assignment in decision.assignments)


def because(hold: Hold) -> str:
    """The order in words."""
    if hold.spec is not None:
        return f"its new version did not become healthy ({hold.reason})"
    return f"its move was cancelled by {hold.by}" + (f" ({hold.reason})" if hold.reason else "")


def decision_of(kept: Kept, workload: str) -> Decision | None:
    """What a plan says about a workload; None: nothing."""
    return next((each for each in kept.plan.decisions if each.workload == workload), None)


def following(held: Iterable[Hold], ground: Kept, get: Callable[[str], Kept]) -> dict[str, Back]:
    """Workloads that are put back, each with the plan that it follows. ``get``: gives a plan by its id."""
    found = {}
    for hold in _orders(held, ground):
        kept = get(str(hold.plan))
        before = decision_of(kept, hold.subject)
        if before is not None and is_put_back(hold, before, ground):
            found[hold.subject] = Back(kept, before, because(hold))
    return found


def _orders(held: Iterable[Hold], ground: Kept) -> list[Hold]:
    """The word of a person comes last, and counts."""
    seen = list(held)
    known = [*holds.kept_versions(seen).values(), *holds.put_back(seen).values()]
    return [hold for hold in known if hold.plan is not None and hold.subject in ground.intent.workloads]


def earlier_version(connection: Connection, workload: str, specs: frozenset[str]) -> str | None:
    """The last plan in force that ran something else of a workload; None when there was none."""
    for kept, decision in earlier(connection, workload):
        if not versions_of(kept, decision) & specs:
            return kept.plan.id
    return None


def earlier(
    connection: Connection, workload: str, without: str | None = None
) -> Iterator[tuple[Kept, Decision]]:
    """The plans that were in force and had a place for a workload, and what they said; the last first, each once.

    ``without``: this one is not asked for.
    """
    for plan in dict.fromkeys(target.plan for target in reversed(plans.history(connection))):
        if plan == without:
            continue
        kept = plans.load(connection, plan)
        decision = decision_of(kept, workload)
        if decision is not None and decision.assignments:
            yield kept, decision


def decisions(connection: Connection, ground: Kept) -> Mapping[str, tuple[Decision, Workload]]:
    """Of the workloads that are put back, what counts instead of what the plan in force says."""
    found = {}
    for hold in _orders(holds.in_force(connection), ground):
        plan, workload = plans.placed(connection, str(hold.plan), hold.subject)
        before = plan.decision(hold.subject)
        if is_put_back(hold, before, ground):
            found[hold.subject] = before, workload
    return found


def kept_at(connection: Connection, held: Iterable[Hold]) -> dict[str, frozenset[str]]:
    """Sites that workloads whose move was cancelled are to stay at."""
    found = {}
    for name, hold in holds.put_back(held).items():
        if hold.plan is not None:
            plan, _ = plans.placed(connection, hold.plan, name)
            found[name] = frozenset(a.site for a in plan.decision(name).assignments)
    return found
