"""What each workload would pay to leave the place that a plan gives it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from decimal import Decimal

import numpy as np

from situs.economics.exit import ExitCost, lock_in, remaining_commitment, sending_cost
from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.estate import Link
from situs.model.plan import Assignment, Plan, amount
from situs.model.quantity import HOURS_PER_MONTH
from situs.model.workload import Workload
from situs.planner.compile.candidates import Candidates, Option
from situs.planner.compile.datasets import grown
from situs.planner.compile.world import World
from situs.planner.decide import Decided
from situs.planner.problem import Floats


class Leaving(Model):
    """The bill of leaving one place, with what it is made of."""

    cost: ExitCost
    total: Exact
    gb: float
    """data and state that would have to be taken along"""
    way_out: str | None
    """the site that is cheapest to send them to; None: there is no path to another operator"""


class WorkloadExit(Model):
    """A workload at its place, and what it would pay to leave; money in the plan's currency."""

    workload: str
    site: str
    pool: str
    operator: str
    leaving: Leaving
    per_month: Exact
    """what it costs where it is, with its share of nodes that are held whether used or not"""
    lock_in: float
    """0 to 1; one half: leaving costs as much as a year of staying"""


class Exits:
    """Bills of leaving, for any option of any workload."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ways: dict[str, list[tuple[str, Link]]] = {}
        self._cheapest: dict[tuple[str, float], tuple[Decimal, str | None, Link | None]] = {}

    def leaving(
        self, workload: Workload, option: Option, units: int, held: Mapping[str, Set[str]]
    ) -> Leaving:
        """The bill of ``units`` leaving together; ``held`` says at which sites there are copies of each dataset."""
        world, place = self._world, option.place
        state = (workload.state_gb + (workload.checkpoint.size_gb if workload.checkpoint else 0.0)) * units
        data = {item.dataset for item in workload.inputs} | {item.dataset for item in workload.outputs}
        only_here = [name for name in sorted(data) if set(held.get(name, ())) == {place.site}]
        gb = state + sum(grown(world.intent.datasets[name], world.months) for name in only_here)
        egress, way_out, link = self._cheapest_way(place.site, gb)
        hours = state * 8.0 / link.bandwidth / 3600.0 if link is not None and link.bandwidth else 0.0
        nodes = node_share(option) * units
        each = remaining_commitment(place.pool.price, world.settings.currency, world.facts, world.at)
        people = world.site(place.site).exit_effort * world.money(world.settings.staff_rate)
        cost = ExitCost(
            egress=amount(egress),
            people=amount(people),
            commitment=amount(each * Decimal(str(nodes))),
            downtime=amount(hours * world.money(workload.downtime_cost) * units),
        )
        return Leaving(cost=cost, total=cost.total, gb=gb, way_out=way_out)

    def _cheapest_way(self, site: str, gb: float) -> tuple[Decimal, str | None, Link | None]:
        """To another operator, or where all is one operator's, to another site."""
        if (site, gb) in self._cheapest:
            return self._cheapest[site, gb]
        world = self._world
        if site not in self._ways:
            others = [name for name in world.site_names if name != site]
            abroad = [name for name in others if world.site(name).operator != world.site(site).operator]
            paths = [(name, world.link(site, name)) for name in abroad or others]
            self._ways[site] = [(name, link) for name, link in paths if link is not None]
        best: tuple[Decimal, str | None, Link | None] = (Decimal(0), None, None)
        for name, link in self._ways[site]:
            cost = sending_cost(link, gb, world.settings.currency, world.facts, world.at)
            if best[1] is None or cost < best[0]:
                best = (cost, name, link)
        self._cheapest[site, gb] = best
        return best


def node_share(option: Option) -> float:
    """Nodes that one unit takes, over time: a quarter of a node half the time is an eighth."""
    p = option.place.index
    return float(option.fitting.node_share[p] * option.fitting.presence[p])


def exits(base: Decided, plan: Plan | None = None) -> tuple[WorkloadExit, ...]:
    """Every placed workload, the strongest lock-in first; of another plan for the same estate when one is given."""
    plan, candidates = plan or base.plan, base.candidates
    world = candidates.world
    bills = Exits(world)
    held = _held(plan)
    months = Decimal(str(plan.horizon_hours / HOURS_PER_MONTH))
    found = []
    for decision in plan.decisions:
        workload = world.intent.workloads[decision.workload]
        for assignment in decision.assignments:
            option = _option_of(candidates, decision.workload, assignment)
            leaving = bills.leaving(workload, option, assignment.units, held)
            held_nodes = (
                node_share(option) * assignment.units if world.pools.held[option.place.index] else 0.0
            )
            capacity = world.node_month_cost(option.place) * held_nodes if held_nodes else 0.0
            per_month = amount(sum(assignment.costs.values(), Decimal(0)) / months + Decimal(str(capacity)))
            found.append(
                WorkloadExit(
                    workload=decision.workload,
                    site=assignment.site,
                    pool=assignment.pool,
                    operator=world.site(assignment.site).operator,
                    leaving=leaving,
                    per_month=per_month,
                    lock_in=round(lock_in(leaving.cost, per_month), 6),
                )
            )
    return tuple(sorted(found, key=lambda e: (-e.lock_in, -e.leaving.total, e.workload, e.site, e.pool)))


def exit_measure(candidates: Candidates) -> Floats:
    """(J,) what leaving costs one unit of each option, when today's copies of data stay where they are."""
    world = candidates.world
    bills = Exits(world)
    held = {name: set(dataset.replicas) for name, dataset in world.intent.datasets.items()}
    costs = []
    for option in candidates.options:
        entry = candidates.classes[option.number]
        # What it reads and writes here is here once it runs here, and may be nowhere else.
        here = {name: held[name] | {site} for name, site in (*option.way.reads, *option.way.writes)}
        units = max(1, entry.count // len(entry.names))
        costs.append(float(bills.leaving(entry.workload, option, units, here).total) / units)
    return np.asarray(costs, dtype=float)


def _held(plan: Plan) -> dict[str, set[str]]:
    """dataset -> sites that hold a copy under the plan."""
    held: dict[str, set[str]] = {}
    for replica in plan.replicas:
        if replica.change != "drop":
            held.setdefault(replica.dataset, set()).add(replica.site)
    return held


def _option_of(candidates: Candidates, workload: str, assignment: Assignment) -> Option:
    return next(
        option
        for option in candidates.options_of(candidates.class_of(workload))
        if option.place.site == assignment.site
        and option.place.name == assignment.pool
        and option.fitting.shape.name == assignment.shape
    )
