"""From numbers back to words: a solved placement becomes a Plan whose parts add up exactly."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

import numpy as np

from situs.model.plan import (
    Assignment,
    Costs,
    Decision,
    Fit,
    Holding,
    Part,
    Plan,
    Provenance,
    Purchase,
    Replica,
    amount,
)
from situs.model.refusal import Refusal
from situs.planner.compile.candidates import Candidates, Option
from situs.planner.compile.world import RESOURCES, World
from situs.planner.dominant import Room, dominant_reason
from situs.planner.expiry import expiry
from situs.planner.given import Given, Share, distribute
from situs.planner.moved import moves_of
from situs.planner.never import needs_lifting, refused_by_rule
from situs.planner.notes import notes
from situs.planner.problem import Placement
from situs.planner.stranded import left_out_before, too_early
from situs.planner.usage import row_load

NOTHING = Decimal(0)


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
    expires: datetime | None = None,
) -> Plan:
    """The plan that the solution means; ``cost`` is recomputed as the exact sum of its parts."""
    world = candidates.world
    placement = solution.placement
    given = distribute(candidates, placement)
    if early := too_early(candidates, given):
        raise AssertionError(f"a plan lets {', '.join(early)} begin before those named in `after` have ended")
    scarce = Room(candidates, placement)
    bought_places = {
        purchase.place.index
        for purchase in candidates.capacity.purchases
        if placement.bought[purchase.number] > 0.5
    }
    decisions = tuple(
        _decision(candidates, name, given, bought_places, scarce) for name in sorted(world.intent.workloads)
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
        expires=expires or expiry(world),
        owner=owner,
        reason=reason,
        horizon_hours=world.horizon_h,
        currency=world.settings.currency,
        provenance=provenance,
        status=_status(solution),
        cost=cost,
        objective=objective,
        bound=min(bound, objective),
        gap=max(0.0, float((objective - bound) / (cost or objective))) if objective else 0.0,
        costs=costs,
        shared_transfer=volume,
        carbon_kg=sum(a.carbon_kg for d in decisions for a in d.assignments),
        control=control / units if units else 1.0,
        decisions=decisions,
        replicas=replicas,
        purchases=purchases,
        holdings=holdings,
        unmet=tuple(candidates.replicas.unmet(placement.opened)),
        notes=notes(world),
        moves=tuple(move for d in decisions for move in moves_of(candidates, d.workload, given[d.workload])),
    ).sealed()


def _status(solution: Answer):  # type: ignore[no-untyped-def]
    return {"optimal": "optimal", "work": "feasible"}.get(solution.status, "best-so-far")


def _decision(
    candidates: Candidates, name: str, given: dict[str, Given], bought: set[int], room: Room
) -> Decision:
    world, got = candidates.world, given[name]
    workload = world.intent.workloads[name]
    refused = Counter(refused_by_rule(world, name))
    worth = candidates.joint.value(workload)
    common = {
        "workload": name,
        "refused": dict(sorted(refused.items())),
        "owner": workload.owner,
        "worth": amount(worth) if worth else None,
    }
    number = candidates.class_of(name)
    if candidates.problem_class[number] < 0:
        return Decision(
            fit=Fit.NEVER,
            unplaced=workload.count,
            reason="no-place",
            needs_lifting=needs_lifting(candidates, name),
            **common,
        )
    missing = left_out_before(candidates, name, given)
    if missing and not got.shares:
        refusal = Refusal(rule="after", details={"workload": name, "others": ", ".join(missing)})
        return Decision(
            fit=Fit.NEVER, unplaced=got.unplaced, reason="no-place", needs_lifting=(refusal,), **common
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
        alone=min((_fit_alone(world, option) for option in candidates.options_of(number)), key=FITS.index),
        reason=dominant_reason(candidates, number, got, room),
        **common,
    )


FITS = (Fit.NOW, Fit.AFTER_SCALE_UP, Fit.AT, Fit.NEVER)
"""The best answer first."""


def _fit_alone(world: World, option: Option) -> Fit:
    if option.start_h > 1e-9:
        return Fit.AT
    return Fit.AFTER_SCALE_UP if _must_grow(world, option, set()) else Fit.NOW


def _must_grow(world: World, option: Option, bought: set[int]) -> bool:
    pool, p = option.place.pool, option.place.index
    held_later = bool(world.pools.held[p]) and pool.count == 0
    return p in bought or held_later or (not option.stays and pool.count == 0 and pool.startup > 0)


def _assignment(candidates: Candidates, name: str, share: Share) -> Assignment:
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
        since=_since(candidates, name, option),
        moved=_moved(candidates, name, option),
        hours=option.busy_h,
        reads=dict(option.way.reads),
        writes=dict(option.way.writes),
        costs={part: amount(value * units) for part, value in costs.items() if amount(value * units)},
        latency_ms=worst_latency_ms(candidates, name, place.site),
        carbon_kg=option.carbon_kg * units,
        control=float(world.control[world.site_index[place.site]]),
    )


def _since(candidates: Candidates, name: str, option: Option) -> datetime | None:
    """What stays is there since whenever it came; all else begins now, or when it starts."""
    world = candidates.world
    current = world.intent.workloads[name].current
    if option.stays and current is not None:
        return current.since
    return world.calendar.instant(option.start_h)


def _moved(candidates: Candidates, name: str, option: Option) -> datetime | None:
    world = candidates.world
    current = world.intent.workloads[name].current
    if option.stays or current is None:
        return None if current is None else current.last_moved
    return world.at


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
        if not count or not world.pools.held[place.index]:
            continue
        nodes = count + bought.get(place.index, 0.0)
        used = candidates.capacity.used(place, load)
        if world.pools.packs[place.index]:
            there = dict(zip(RESOURCES, world.pools.node[place.index] * nodes, strict=True))
        else:
            there = {"nodes": nodes}
            used = used[len(RESOURCES) :]
        yield Holding(
            site=place.site,
            pool=place.name,
            nodes=count,
            costs={Part.CAPACITY: amount(candidates.capacity.holding_cost[place.index])},
            used={
                resource: round(float(taken / has), 6)
                for (resource, has), taken in zip(there.items(), used, strict=False)
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
    """What was minimised beyond cost: for what is left out, and for what has to wait."""
    problem, placement = candidates.problem, solution.placement
    waiting = sum(
        candidates.options[column].waits
        * problem.penalty[problem.variant_class[problem.col_variant[column]]]
        * placement.units[column]
        for column in np.flatnonzero(placement.units)
        if candidates.options[column].waits
    )
    return amount(float(np.dot(problem.penalty, placement.unplaced) + waiting))


def _sum(parts: Iterable[Costs]) -> dict[Part, Decimal]:
    totals: dict[Part, Decimal] = defaultdict(lambda: NOTHING)
    for costs in parts:
        for part, value in costs.items():
            totals[part] += value
    return {part: totals[part] for part in Part if totals[part]}
