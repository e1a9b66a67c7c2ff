"""Limits that tie workloads together: spread, affinity, concentration, budgets, and what is worth most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from situs.model.money import Money
from situs.model.workload import Spread, Workload
from situs.planner.compile.assembly import Assembly
from situs.planner.compile.world import World

PENALTY_FACTOR = 3.0
"""Leaving a unit out must never look cheaper than its dearest place, with the copies and nodes that would be
made and bought for it alone. Waiting counts half as much as being left out, and must not look cheaper either;
three leaves room for that, and for what others pay when it takes their place."""

LARGEST_RATE = 100.0
"""Penalties are values times one rate, so that what is left out is what is worth least. A value that is far
below what its work costs would raise the rate for all; past a hundred the penalties would drown the costs that
the proven gap is about, and such work is protected beyond its value instead."""


@dataclass(frozen=True)
class Worth:
    """What one unit of a class is worth within the horizon, and what its dearest place costs."""

    value: float | None
    """None: nobody has said"""
    priority: float
    """1 and more"""
    dearest: float
    """with all that it would need for itself alone"""


class JointLimits:
    """Rows and opens for what workloads share besides capacity."""

    def __init__(self, world: World, assembly: Assembly) -> None:
        self._world = world
        self._assembly = assembly
        self._spread_groups = _spread_limits(world)
        self._affinity = _affinity_groups(world)
        self._units = sum(workload.count for workload in world.intent.workloads.values())
        self._shares = self._operator_shares()
        self._names_in_use_case: dict[str, int] = defaultdict(int)
        for workload in world.intent.workloads.values():
            if workload.use_case:
                self._names_in_use_case[workload.use_case] += workload.count

    def identity(self, name: str, workload: Workload) -> list[str]:
        """What makes otherwise equal workloads different: being bound to others by name."""
        own_spread = any(spread.group is None for spread in workload.spread)
        own_budget = workload.budget is not None and workload.count > 1
        return [name if own_spread or own_budget else "", self._affinity.get(name, "")]

    def allows(self, workload: Workload, cost: float) -> bool:
        """Whether an option is within the workload's own budget."""
        return self._within(workload.budget, cost)

    def _within(self, budget: Money | None, cost: float) -> bool:
        if budget is None or "budget" in self._world.policy.off:
            return True
        return cost <= self._world.money(budget) * self._world.months + 1e-9

    def worth(self, workload: Workload, costs: Iterable[tuple[float, float]]) -> Worth:
        """What leaving out one unit of the workload is measured by.

        ``costs`` of its options: what counts against budgets, and with all that it would need for itself alone.
        """
        value, priority = self._value(workload)
        use_case = self._world.intent.use_cases.get(workload.use_case) if workload.use_case else None
        budget = use_case.budget if use_case else None
        # What alone is beyond the budget it is paid from is nothing that leaving out could look cheaper than.
        dearest = max((alone for own, alone in costs if self._within(budget, own)), default=0.0)
        return Worth(None if value is None else value * self._world.months, priority, max(dearest, 0.0))

    def value(self, workload: Workload) -> float:
        """What one unit is worth a month: its own value, else its share of its use case's, by priority."""
        value, priority = self._value(workload)
        return (value or 0.0) * priority

    def _value(self, workload: Workload) -> tuple[float | None, float]:
        world = self._world
        use_case = world.intent.use_cases.get(workload.use_case) if workload.use_case else None
        value = None
        if workload.value is not None:
            value = world.money(workload.value)
        elif use_case is not None and workload.use_case:
            value = world.money(use_case.value) / self._names_in_use_case[workload.use_case]
        priority = (
            workload.priority if workload.priority is not None else (use_case.priority if use_case else 0)
        )
        return value, 1.0 + priority / 100.0

    def uses(self, entry, site: str, cost: float) -> Iterable[tuple[int, float]]:  # type: ignore[no-untyped-def]
        """Rows that one unit of the class takes from at a site, apart from capacity."""
        workload, name = entry.workload, entry.names[0]
        if (
            workload.budget is not None
            and workload.count > 1
            and cost > 0
            and "budget" not in self._world.policy.off
        ):
            limit = self._world.money(workload.budget) * self._world.months
            yield self._assembly.row(("own-budget", name), limit), cost
        if "spread" not in self._world.policy.off:
            for spread in workload.spread:
                key = _spread_key(spread, name)
                domain = _domain(self._world, spread, site)
                yield self._assembly.row(("spread", *key, domain), float(self._spread_groups[key])), 1.0
        if "concentration" not in self._world.policy.off:
            operator = self._world.site(site).operator
            if operator in self._shares:
                yield self._assembly.row(("concentration", operator), self._shares[operator]), 1.0
        use_case = self._world.intent.use_cases.get(workload.use_case) if workload.use_case else None
        if (
            use_case is not None
            and use_case.budget is not None
            and cost > 0
            and "budget" not in self._world.policy.off
        ):
            limit = self._world.money(use_case.budget) * self._world.months
            yield self._assembly.row(("budget", workload.use_case), limit), cost

    def needs(self, workload: Workload, name: str, site: str) -> Iterable[int]:
        """The opens that hold workloads together at one site."""
        group = self._affinity.get(name)
        if group is not None:
            number = self._assembly.group(("affinity", group), 0, 1)
            yield self._assembly.open(("affinity", group, site), 0.0, number)

    def _operator_shares(self) -> dict[str, float]:
        """Units that each limited operator may have; the strictest rule in force counts."""
        world = self._world
        operators = sorted({site.operator for site in world.intent.sites.values()})
        limits: dict[str, float] = {}
        for name, rule in sorted(world.intent.rules.items()):
            if name in world.policy.off or not _in_force(rule, world.at):
                continue
            for operator in operators:
                share = rule.max_operator_share.get(operator, rule.max_operator_share.get("*"))
                # Concentration is about depending on others: one's own machines have no limit unless named.
                if share is None or (operator == "self" and operator not in rule.max_operator_share):
                    continue
                units = float(int(share * self._units + 1e-9))
                limits[operator] = min(units, limits.get(operator, units))
        return limits


def penalties(worths: Sequence[Worth]) -> list[float]:
    """What leaving one unit of each class out costs the solver.

    The sum that is smallest must leave out what is worth least, and nothing that has room: one rate turns
    every value into a penalty, just high enough that no penalty looks cheaper than placing.  Work that
    nobody has put a value on is worth what its dearest place costs.
    """
    floors = [PENALTY_FACTOR * worth.dearest * worth.priority for worth in worths]
    rates = [
        floor / (worth.value * worth.priority)
        for worth, floor in zip(worths, floors, strict=True)
        if worth.value
    ]
    rate = min(LARGEST_RATE, max([1.0, *rates]))
    return [
        max(floor, rate * (worth.value or 0.0) * worth.priority) + worth.priority
        for worth, floor in zip(worths, floors, strict=True)
    ]


def _in_force(rule, at) -> bool:  # type: ignore[no-untyped-def]
    return (rule.valid_from is None or rule.valid_from <= at) and (
        rule.valid_until is None or at < rule.valid_until
    )


def _spread_key(spread: Spread, name: str) -> tuple[str, str]:
    return (spread.over, f"group:{spread.group}" if spread.group else f"workload:{name}")


def _spread_limits(world: World) -> dict[tuple[str, str], int]:
    """The limit of each group; where its members disagree the strictest counts."""
    limits: dict[tuple[str, str], int] = {}
    for name, workload in sorted(world.intent.workloads.items()):
        for spread in workload.spread:
            key = _spread_key(spread, name)
            limits[key] = min(spread.at_most, limits.get(key, spread.at_most))
    return limits


def _domain(world: World, spread: Spread, site: str) -> str:
    entry = world.site(site)
    if spread.over == "operator":
        return entry.operator
    if spread.over == "country":
        return str(entry.country)
    if spread.over == "power_zone":
        return entry.power_zone or f"site:{site}"
    return site


def _affinity_groups(world: World) -> dict[str, str]:
    """Workload -> the first name of the group it must be with; affinity is mutual and passes on."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    for name, workload in sorted(world.intent.workloads.items()):
        for other in sorted(workload.affinity):
            first, second = sorted((find(name), find(other)))
            leader[second] = first
    return {name: find(name) for name in sorted(leader)}
