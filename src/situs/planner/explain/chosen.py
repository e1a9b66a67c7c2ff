"""Why a workload is where it is: what it costs there, what refuses the rest, what binds, what else there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from situs.model.plan import Part, amount
from situs.model.quantity import HOURS_PER_MONTH
from situs.model.refusal import Refusal
from situs.planner.decide import Decided
from situs.planner.explain.alternatives import alternatives
from situs.planner.explain.asked import known
from situs.planner.explain.binding import binding
from situs.planner.explain.conflicts import conflict
from situs.planner.explain.model import CostPart, Explanation, RefusedSites


def explain(decided: Decided, workload: str) -> Explanation:
    """Explain the decision about one workload. Raises InputError for a name the estate does not have."""
    known(decided.candidates.world.intent, workload)
    decision = decided.plan.decision(workload)
    months = Decimal(repr(decided.plan.horizon_hours / HOURS_PER_MONTH))
    parts: dict[Part, Decimal] = defaultdict(Decimal)
    for assignment in decision.assignments:
        for part, value in assignment.costs.items():
            parts[part] += value
    return Explanation(
        workload=workload,
        currency=decided.plan.currency,
        horizon_months=decided.plan.horizon_hours / HOURS_PER_MONTH,
        decision=decision,
        costs_per_month=tuple(
            CostPart(part=part, per_month=amount(parts[part] / months)) for part in Part if parts[part]
        ),
        total_per_month=amount(sum(parts.values(), Decimal(0)) / months),
        data_per_month=amount(_data_cost(decided, workload) / months),
        refused=tuple(_refused(decided, workload)),
        binding=tuple(binding(decided, workload)),
        alternatives=tuple(alternatives(decided, workload)),
        conflict=conflict(decided, workload),
    )


def _data_cost(decided: Decided, workload: str) -> Decimal:
    used = {
        pair
        for assignment in decided.plan.decision(workload).assignments
        for pair in (*assignment.reads.items(), *assignment.writes.items())
    }
    return sum(
        (
            sum(replica.costs.values(), Decimal(0))
            for replica in decided.plan.replicas
            if (replica.dataset, replica.site) in used
        ),
        Decimal(0),
    )


def _refused(decided: Decided, workload: str) -> Iterator[RefusedSites]:
    """Every rule that refuses a site, with all the sites it refuses; the one that refuses most comes first."""
    world = decided.candidates.world
    by_rule: dict[str, list[tuple[str, Refusal]]] = defaultdict(list)
    for site in world.site_names:
        for refusal in world.policy.workload_refusals(workload, site):
            by_rule[refusal.rule].append((site, refusal))
    for rule, cases in sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0])):
        yield RefusedSites(
            rule=rule, sites=tuple(site for site, _ in cases), anchor=cases[0][1].anchor, example=cases[0][1]
        )
