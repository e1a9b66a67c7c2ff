"""From numbers back to words: a solved placement becomes a Plan whose parts add up exactly."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import numpy as np

from situs.model.plan import (
    Assignment,
    Costs,
    Decision,
    Fit,
    Holding,
    Move,
    Part,
    Plan,
    Provenance,
    Purchase,
    Replica,
    amount,
)
from situs.model.quantity import HOURS_PER_MONTH
from situs.planner.compile.candidates import Candidates, Option
from situs.planner.compile.world import RESOURCES
from situs.planner.never import needs_lifting, refused_by_rule
from situs.planner.problem import Placement
from situs.planner.usage import row_load

NOTHING = Decimal(0)


@dataclass
class _Share:
    """Units of one option that belong to one workload of its class."""

    option: Option
    units: int


@dataclass
class _Given:
    """What one workload got."""

    shares: list[_Share] = field(default_factory=list)
    unplaced: int = 0


@dataclass(frozen=True)
class Answer:
    """A placement and what is known about it."""

    placement: Placement
    bound: float
    status: Literal["optimal", "work", "time", "cancelled"]


def decode(
    candidates: Candidates,
    solution: Answer,
    provenance: Provenance,
    *,
    parent: str | None = None,
    owner: str | None = None,
    reason: str | None = None,
) -> Plan:
    """The plan that the solution means; ``cost`` is recomputed as the exact sum of its parts."""
    world = candidates.world
    placement = solution.placement
    given = _distribute(candidates, solution)
    bought_places = {
        purchase.place.index
        for purchase in candidates.capacity.purchases
        if placement.bought[purchase.number] > 0.5
    }
    decisions = tuple(
        _decision(candidates, name, given[name], bought_places) for name in sorted(world.intent.workloads)
    )
    replicas = tuple(_replicas(candidates, solution))
    purchases = tuple(_purchases(candidates, solution))
    holdings = tuple(_holdings(candidates, solution))
    volume = _volume_correction(candidates, solution)
    costs = _sum(
        [assignment.costs for decision in decisions for assignment in decision.assignments]
        + [replica.costs for replica in replicas]
        + [purchase.costs for purchase in purchases]
        + [holding.costs for holding in holdings]
        + [{Part.TRANSFER: volume}]
    )
    cost = sum(costs.values(), NOTHING)
    penalties = _penalties(candidates, solution)
    objective = cost + penalties
    bound = amount(solution.bound)
    units = sum(a.units for d in decisions for a in d.assignments)
    control = sum(a.units * a.control for d in decisions for a in d.assignments)
    return Plan(
        parent=parent,
        at=world.at,
        owner=owner,
        reason=reason,
        horizon_hours=world.horizon_h,
        currency=world.settings.currency,
        provenance=provenance,
        status=_status(solution),
        cost=cost,
        objective=objective,
        bound=min(bound, objective),
        gap=max(0.0, float((objective - bound) / cost)) if cost else 0.0,
        costs=costs,
        shared_transfer=volume,
        carbon_kg=sum(a.carbon_kg for d in decisions for a in d.assignments),
        control=control / units if units else 1.0,
        decisions=decisions,
        replicas=replicas,
        purchases=purchases,
        holdings=holdings,
        moves=tuple(_moves(candidates, decisions, given)),
    ).sealed()


def _status(solution: Answer):  # type: ignore[no-untyped-def]
    return {"optimal": "optimal", "work": "feasible"}.get(solution.status, "best-so-far")


def _distribute(candidates: Candidates, solution: Answer) -> dict[str, _Given]:
    """Hand the units of each class to its workloads by name, so that equal input gives equal plans."""
    units = solution.placement.units
    chosen: dict[int, list[_Share]] = defaultdict(list)
    for column in np.flatnonzero(units):
        option = candidates.options[column]
        chosen[option.number].append(_Share(option, int(units[column])))
    given: dict[str, _Given] = {}
    for number, entry in enumerate(candidates.classes):
        queue = chosen[number]
        for name in entry.names:
            given[name] = _take(queue, candidates.world.intent.workloads[name].count)
    return given


def _take(queue: list[_Share], wanted: int) -> _Given:
    got = _Given()
    while wanted and queue:
        units = min(wanted, queue[0].units)
        got.shares.append(_Share(queue[0].option, units))
        queue[0].units -= units
        wanted -= units
        if not queue[0].units:
            queue.pop(0)
    got.unplaced = wanted
    return got


def _decision(candidates: Candidates, name: str, got: _Given, bought: set[int]) -> Decision:
    world = candidates.world
    workload = world.intent.workloads[name]
    refused = Counter(refused_by_rule(world, name))
    common = {"workload": name, "refused": dict(sorted(refused.items())), "owner": workload.owner}
    number = candidates.class_of(name)
    if candidates.problem_class[number] < 0:
        return Decision(
            fit=Fit.NEVER,
            unplaced=workload.count,
            reason="no-place",
            needs_lifting=needs_lifting(world, name),
            **common,
        )
    assignments = tuple(_assignment(candidates, name, share) for share in got.shares)
    starts = [share.option.start_h for share in got.shares]
    fit, at = Fit.NOW, None
    if not assignments:
        fit = Fit.NEVER
    elif max(starts) > 1e-9:
        fit, at = Fit.AT, world.calendar.instant(max(starts))
    elif any(_must_grow(world, share.option, bought) for share in got.shares):
        fit = Fit.AFTER_SCALE_UP
    return Decision(
        fit=fit,
        at=at,
        assignments=assignments,
        unplaced=got.unplaced,
        reason=_reason(candidates, number, got),
        **common,
    )


def _must_grow(world, option: Option, bought: set[int]) -> bool:  # type: ignore[no-untyped-def]
    pool = option.place.pool
    return option.place.index in bought or (not option.stays and pool.count == 0 and pool.startup > 0)


def _reason(candidates: Candidates, number: int, got: _Given):  # type: ignore[no-untyped-def]
    """The dominant reason, in the order in which it would settle the matter alone."""
    own = candidates.options_of(number)
    if got.unplaced:
        return "scarce-capacity"
    if all(option.stays for option in own) and any(option.stays for option in own):
        return "held-by-minimum-runtime" if candidates.is_held(number) else "only-place"
    if len({(option.place.site, option.place.name) for option in own}) == 1:
        return "only-place"
    chosen = [share.option for share in got.shares]
    cheapest = min(option.listed_cost for option in own)
    own_cost = max(option.listed_cost for option in chosen)
    if all(option.stays for option in chosen):
        without_bill = min(option.listed_cost - option.move for option in own)
        if without_bill < own_cost - 1e-9 and own_cost <= cheapest + 1e-9:
            return "stays-move-does-not-pay"
    if own_cost <= cheapest + 1e-9:
        return "cheapest-with-data" if any(option.way.needs for option in chosen) else "cheapest"
    return "shared-constraint"


def _assignment(candidates: Candidates, name: str, share: _Share) -> Assignment:
    option, units = share.option, share.units
    world = candidates.world
    place = option.place
    assert place.pool.price is not None
    costs = {
        Part.COMPUTE: option.compute,
        Part.ENERGY: option.energy,
        Part.TRANSFER: option.way.cost,
        Part.MOVE: option.move,
        Part.CARBON: option.carbon,
    }
    return Assignment(
        site=place.site,
        pool=place.name,
        basis=place.pool.price.basis,
        shape=option.fitting.shape.name,
        units=units,
        start=world.calendar.instant(option.start_h) if option.start_h > 1e-9 else None,
        hours=float(option.fitting.busy_h[place.index]),
        reads=dict(option.way.reads),
        writes=dict(option.way.writes),
        costs={part: amount(value * units) for part, value in costs.items() if amount(value * units)},
        latency_ms=worst_latency_ms(candidates, name, place.site),
        carbon_kg=option.carbon_kg * units,
        control=float(world.control[world.site_index[place.site]]),
    )


def worst_latency_ms(candidates: Candidates, name: str, site: str) -> float | None:
    """Round trip to the farthest of the users that the workload has limits for."""
    world = candidates.world
    links = [world.link(site, limit.location) for limit in world.intent.workloads[name].latency]
    known = [link.latency for link in links if link is not None and link.latency is not None]
    return max(known) if known and len(known) == len(links) else None


def _replicas(candidates: Candidates, solution: Answer) -> Iterable[Replica]:
    for (dataset, site), copy in sorted(candidates.replicas.copies.items()):
        opened = bool(solution.placement.opened[copy.open])
        if not opened and not copy.exists:
            continue
        change = "keep" if opened and copy.exists else "create" if opened else "drop"
        costs = (
            {Part.STORAGE: copy.storage, Part.TRANSFER: 0.0 if copy.exists else copy.direct} if opened else {}
        )
        yield Replica(
            dataset=dataset,
            site=site,
            change=change,
            source=copy.source if change == "create" else None,
            size_gb=candidates.world.intent.datasets[dataset].size_gb,
            costs={part: amount(value) for part, value in costs.items() if amount(value)},
        )


def _purchases(candidates: Candidates, solution: Answer) -> Iterable[Purchase]:
    for purchase in candidates.capacity.purchases:
        nodes = round(float(solution.placement.bought[purchase.number]))
        if nodes:
            yield Purchase(
                site=purchase.place.site,
                pool=purchase.place.name,
                nodes=nodes,
                costs={Part.CAPACITY: amount(purchase.cost * nodes)},
            )


def _holdings(candidates: Candidates, solution: Answer) -> Iterable[Holding]:
    world = candidates.world
    load = row_load(candidates.problem, solution.placement)
    bought = {
        purchase.place.index: float(solution.placement.bought[purchase.number])
        for purchase in candidates.capacity.purchases
    }
    for place in world.places:
        count = int(world.pools.count[place.index])
        if not count or not world.pools.packs[place.index]:
            continue
        there = world.pools.node[place.index] * (count + bought.get(place.index, 0.0))
        used = candidates.capacity.used(place, load)
        yield Holding(
            site=place.site,
            pool=place.name,
            nodes=count,
            costs={Part.CAPACITY: amount(candidates.capacity.holding_cost[place.index])},
            used={
                resource: round(float(taken / has), 6)
                for resource, taken, has in zip(RESOURCES, used, there, strict=True)
                if has > 0
            },
        )


def _volume_correction(candidates: Candidates, solution: Answer) -> Decimal:
    """What volume bought on tiered links costs: shared by all who send, so it stands beside their parts."""
    problem, placement = candidates.problem, solution.placement
    nodes = {purchase.number for purchase in candidates.capacity.purchases}
    volume = [k for k in range(len(problem.buy_cost)) if k not in nodes]
    replicas = {copy.open for copy in candidates.replicas.copies.values()}
    contracts = [f for f in range(len(problem.open_cost)) if f not in replicas]
    bought = float(np.sum(problem.buy_cost[volume] * placement.bought[volume]))
    signed = float(np.sum(problem.open_cost[contracts] * placement.opened[contracts]))
    return amount(bought + signed)


def _penalties(candidates: Candidates, solution: Answer) -> Decimal:
    return amount(float(np.dot(candidates.problem.penalty, solution.placement.unplaced)))


def _moves(
    candidates: Candidates, decisions: tuple[Decision, ...], given: Mapping[str, _Given]
) -> Iterable[Move]:
    world = candidates.world
    for decision in decisions:
        workload = world.intent.workloads[decision.workload]
        if workload.current is None:
            continue
        staying = [
            option for option in candidates.options_of(candidates.class_of(decision.workload)) if option.stays
        ]
        stay_cost = min((option.listed_cost for option in staying), default=None)
        for share in given[decision.workload].shares:
            bill = share.option.bill
            if bill is None:
                continue
            there = share.option.listed_cost - share.option.move
            months = world.horizon_h / HOURS_PER_MONTH
            yield Move(
                workload=decision.workload,
                source=workload.current.site,
                target=share.option.place.site,
                units=share.units,
                bill={
                    "transfer": amount(bill.transfer * share.units),
                    "downtime": amount(bill.downtime * share.units),
                    "lost_work": amount(bill.lost_work * share.units),
                    "people": amount(bill.people * share.units),
                },
                saving_per_month=(
                    None if stay_cost is None else amount((stay_cost - there) * share.units / months)
                ),
            )


def _sum(parts: Iterable[Costs]) -> dict[Part, Decimal]:
    totals: dict[Part, Decimal] = defaultdict(lambda: NOTHING)
    for costs in parts:
        for part, value in costs.items():
            totals[part] += value
    return {part: totals[part] for part in Part if totals[part]}
