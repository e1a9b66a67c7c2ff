"""Limits that tie workloads together: spread, affinity, concentration, budgets, and what is worth most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from situs.model.workload import Spread, Workload
from situs.planner.compile.assembly import Assembly
from situs.planner.compile.world import World

PENALTY_FACTOR = 3.0
"""Leaving a unit out must never look cheaper than its dearest place. Its dearest place costs 1; a share of
replicas and nodes bought for it may come on top; three leaves room for both and stays small enough not to
drown the value, by which scarce capacity is given away."""


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
        return [name if own_spread else "", self._affinity.get(name, "")]

    def allows(self, workload: Workload, cost: float) -> bool:
        """Whether an option is within the workload's own budget."""
        if workload.budget is None or "budget" in self._world.off:
            return True
        return cost <= self._world.money(workload.budget) * self._world.months + 1e-9

    def penalty(self, entry, dearest: float) -> float:  # type: ignore[no-untyped-def]
        """What leaving one unit out costs: see :data:`PENALTY_FACTOR`; its value decides among equals."""
        return PENALTY_FACTOR * dearest + self.value(entry.workload) * self._world.months + 1.0

    def value(self, workload: Workload) -> float:
        """What one unit is worth a month: its own value, else its share of its use case's, by priority."""
        world = self._world
        use_case = world.intent.use_cases.get(workload.use_case) if workload.use_case else None
        if workload.value is not None:
            value = world.money(workload.value)
        elif use_case is not None and workload.use_case:
            value = world.money(use_case.value) / self._names_in_use_case[workload.use_case]
        else:
            value = 0.0
        priority = (
            workload.priority if workload.priority is not None else (use_case.priority if use_case else 0)
        )
        return value * (1.0 + priority / 100.0)

    def uses(self, entry, site: str, cost: float) -> Iterable[tuple[int, float]]:  # type: ignore[no-untyped-def]
        """Rows that one unit of the class takes from at a site, apart from capacity."""
        workload, name = entry.workload, entry.names[0]
        if "spread" not in self._world.off:
            for spread in workload.spread:
                key = _spread_key(spread, name)
                domain = _domain(self._world, spread, site)
                yield self._assembly.row(("spread", *key, domain), float(self._spread_groups[key])), 1.0
        if "concentration" not in self._world.off:
            operator = self._world.site(site).operator
            if operator in self._shares:
                yield self._assembly.row(("concentration", operator), self._shares[operator]), 1.0
        use_case = self._world.intent.use_cases.get(workload.use_case) if workload.use_case else None
        if (
            use_case is not None
            and use_case.budget is not None
            and cost > 0
            and "budget" not in self._world.off
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
            if name in world.off or not _in_force(rule, world.at):
                continue
            for operator in operators:
                share = rule.max_operator_share.get(operator, rule.max_operator_share.get("*"))
                # Concentration is about depending on others: one's own machines have no limit unless named.
                if share is None or (operator == "self" and operator not in rule.max_operator_share):
                    continue
                units = float(int(share * self._units + 1e-9))
                limits[operator] = min(units, limits.get(operator, units))
        return limits


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
