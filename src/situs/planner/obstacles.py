"""Why a workload cannot be at a site at all: every rule, every machine, the data, the time.

An obstacle is a :class:`~situs.model.refusal.Refusal` like those of the rules, so that one catalogue of
words serves both.  Some stand before the whole site, others before one pool of it; a workload needs the
first kind lifted altogether and the second at one pool.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from situs.model.capability import lacking, needs
from situs.model.refusal import Refusal
from situs.model.workload import Input, Output, Workload
from situs.planner.compile.candidates import Candidates, every_option, hours_needed
from situs.planner.compile.datasets import Way
from situs.planner.compile.moves import held_in_place
from situs.planner.compile.options import Cut, Fitting, fittings, refuses_spot, runs_in_horizon
from situs.planner.compile.order import awaited
from situs.planner.compile.world import Place, World
from situs.planner.reach import barred_way

HARDWARE = frozenset(cut.value for cut in Cut)
"""Rule ids of obstacles that are about machines."""


@dataclass(frozen=True)
class Blockade:
    """What stands before a site. Empty parts stand open."""

    site: tuple[Refusal, ...]
    pools: tuple[tuple[str, tuple[Refusal, ...]], ...]
    """(pool, what stands before it), the most open pool first"""

    @property
    def all(self) -> tuple[Refusal, ...]:
        """Everything, the dominant obstacle first. A pool's obstacles count where no pool stands open."""
        if not self.pools:
            return self.site
        if any(not refusals for _, refusals in self.pools):
            return self.site
        return (*self.site, *(refusal for _, refusals in self.pools for refusal in refusals))


def blockade(candidates: Candidates, name: str, site: str) -> Blockade:
    """Everything that keeps workload ``name`` from ``site``."""
    world = candidates.world
    workload = world.intent.workloads[name]
    before_site = [
        *world.policy.workload_refusals(name, site),
        *_data(candidates, workload, site),
        *_held(world, name, workload, site),
        *_never_begins(candidates, name),
    ]
    places = [place for place in world.places if place.site == site]
    if not places:
        before_site.append(Refusal(rule="no-pool", details={"workload": name, "site": site}))
    ways = candidates.replicas.ways(workload, site, runs_in_horizon(world, workload))
    # What cannot get at its data has its obstacle already; how late it would be is then of no interest.
    ways = ways or [Way((), (), 0.0, 0.0, (), ())]
    shapes = fittings(world, workload)
    pools = [(place.name, _before_pool(candidates, name, workload, place, shapes, ways)) for place in places]
    return Blockade(tuple(before_site), tuple(sorted(pools, key=lambda pool: (len(pool[1]), pool[0]))))


def _data(candidates: Candidates, workload: Workload, site: str) -> Iterator[Refusal]:
    """Inputs and outputs for which there is no way between the site and a replica."""
    world = candidates.world
    runs = runs_in_horizon(world, workload)
    items: list[Input | Output] = [*workload.inputs, *workload.outputs]
    for item in items:
        alone = (
            {"inputs": (item,), "outputs": ()}
            if isinstance(item, Input)
            else {"inputs": (), "outputs": (item,)}
        )
        if candidates.replicas.ways(workload.model_copy(update=alone), site, runs):
            continue
        refused = world.policy.dataset_refusals(item.dataset, site)
        yield from refused
        if refused:
            continue
        barred = barred_way(world, item.dataset, site, outward=isinstance(item, Output))
        yield barred or Refusal(rule="data-reach", details={"dataset": item.dataset, "site": site})


def _held(world: World, name: str, workload: Workload, site: str) -> Iterator[Refusal]:
    """Minimum run time, cool-down and fail-back policy, for a workload that lawfully is elsewhere."""
    current = workload.current
    if current is None or current.site == site or not held_in_place(world, workload):
        return
    if not world.policy.workload_mask(name)[world.site_index[current.site]]:
        return
    details = {"workload": name, "site": site, "current": current.site}
    since = None if current.since is None else -world.calendar.hours_until(current.since)
    moved = None if current.last_moved is None else -world.calendar.hours_until(current.last_moved)
    if since is not None and since < workload.min_runtime:
        yield Refusal(
            rule="minimum-runtime",
            details={**details, "hours": f"{workload.min_runtime:g}", "since_hours": _hours(since)},
        )
    if moved is not None and moved < world.settings.cooldown:
        yield Refusal(
            rule="cooldown",
            details={**details, "hours": f"{world.settings.cooldown:g}", "since_hours": _hours(moved)},
        )
    if moved is not None and not world.settings.fail_back:
        yield Refusal(rule="fail-back", details=details)


def _never_begins(candidates: Candidates, name: str) -> Iterator[Refusal]:
    """Waiting for what does not end."""
    if candidates.begins.get(candidates.class_of(name)) == ():
        yield Refusal(rule="after", details={"workload": name, "others": _others(candidates.world, name)})


def _others(world: World, name: str) -> str:
    return ", ".join(awaited(world.intent)[name])


def _before_pool(
    candidates: Candidates,
    name: str,
    workload: Workload,
    place: Place,
    shapes: list[Fitting],
    ways: list[Way],
) -> tuple[Refusal, ...]:
    """What stands before the pool for the shape that is nearest to fitting."""
    found = [_before_shape(candidates, name, workload, place, fitting, ways) for fitting in shapes]
    return min(found, key=len)


def _before_shape(
    candidates: Candidates, name: str, workload: Workload, place: Place, fitting: Fitting, ways: list[Way]
) -> tuple[Refusal, ...]:
    world = candidates.world
    details = {"workload": name, "site": place.site, "pool": place.name, "shape": fitting.shape.name}
    if fitting.cut[place.index] is not None:
        return tuple(_hardware(world, workload, place, fitting, details))
    begins = candidates.begins.get(candidates.class_of(name))
    late = _window(world, workload, place, fitting, ways, begins)
    if late is not None:
        waits = {"others": _others(world, name)} if late.rule == "window-after" else {}
        return (late.model_copy(update={"details": {**details, **late.details, **waits}}),)
    return tuple(_own_budget(candidates, workload, place, details))


def _hardware(
    world: World, workload: Workload, place: Place, fitting: Fitting, details: dict[str, str]
) -> Iterator[Refusal]:
    """All that is wrong with the pool's nodes, not only what was found first."""
    shape, pool = fitting.shape, place.pool
    node = pool.node
    assert node is not None
    adapter = world.site(place.site).adapter
    for capability in lacking(adapter, needs(workload, shape)):
        fact = f"sites/{place.site}/adapter/kind"
        yield Refusal(rule=f"cannot-{capability}", details={**details, "kind": adapter.kind}, source=fact)
    boards = math.ceil(shape.accelerators / shape.nodes)
    wrong_model = shape.accelerator is not None and pool.accelerator not in shape.accelerator
    if shape.accelerators and (
        pool.accelerator is None or wrong_model or node.accelerator_memory + 1e-9 < shape.accelerator_memory
    ):
        yield Refusal(
            rule=Cut.ACCELERATOR,
            details={
                **details,
                "wanted": ", ".join(sorted(shape.accelerator or ())) or pool.accelerator or "any",
                "memory_gib": f"{shape.accelerator_memory:g}",
                "there": pool.accelerator or "none",
                "there_gib": f"{node.accelerator_memory:g}",
            },
        )
    wanted = {
        "cpu": shape.cpu / shape.nodes,
        "memory": shape.memory / shape.nodes,
        "accelerators": float(boards),
        "disk": shape.disk / shape.nodes,
    }
    for resource, amount in wanted.items():
        there = float(getattr(node, resource))
        if there + 1e-9 < amount:
            yield Refusal(
                rule=Cut.NODE_SIZE,
                details={**details, "resource": resource, "wanted": f"{amount:.12g}", "there": f"{there:g}"},
            )
    if world.pools.spot[place.index] and refuses_spot(world, workload):
        yield Refusal(rule=Cut.SPOT, details=details, anchor="service's requirement")
    if pool.speed_of(workload.workload_class) <= 0:
        yield Refusal(rule=Cut.SPEED, details={**details, "class": workload.workload_class})
    if world.pools.count[place.index] + world.pools.extra[place.index] <= 0:
        yield Refusal(rule=Cut.NO_NODES, details=details)


def _window(
    world: World,
    workload: Workload,
    place: Place,
    fitting: Fitting,
    ways: list[Way],
    begins: Sequence[float] | None,
) -> Refusal | None:
    """The deadline or the horizon that no start makes, or a pool that opens too late.

    Where it would be in time but for those it waits for, that is said.
    """
    job = workload.job
    available = float(world.pools.available_h[place.index])
    awaited_h = min(begins, default=0.0) if begins else 0.0
    if job is None or job.per_month is not None:
        if available >= world.horizon_h:
            return Refusal(rule="not-yet", details={"hours": repr(available)})
        if awaited_h < world.horizon_h:
            return None
        return Refusal(rule="window-after", details=_too_late("horizon", world.horizon_h, awaited_h))
    start = max(available, world.calendar.hours_until(job.earliest) if job.earliest else 0.0)
    latest = world.calendar.hours_until(job.deadline) if job.deadline else world.horizon_h
    limit = "deadline" if job.deadline else "horizon"
    for rule, begin in (("window", start), ("window-after", max(start, awaited_h))):
        end = min(max(begin, way.ready_h) + hours_needed(world, place, fitting, way) for way in ways)
        if end > latest + 1e-9:
            return Refusal(rule=rule, details=_too_late(limit, latest, end))
    return None


def _too_late(limit: str, latest: float, end: float) -> dict[str, str]:
    return {"limit": limit, "latest_hours": repr(latest), "end_hours": repr(end)}


def _own_budget(
    candidates: Candidates, workload: Workload, place: Place, details: dict[str, str]
) -> Iterator[Refusal]:
    """The workload's own budget, where it is what cuts every option of the pool."""
    world = candidates.world
    if workload.budget is None or "budget" in world.policy.off:
        return
    number = candidates.class_of(details["workload"])
    entry, begins = candidates.classes[number], candidates.begins.get(number)
    options = every_option(world, candidates.replicas, number, entry, begins)
    least = min((option.listed_cost for option in options if option.place.index == place.index), default=None)
    if least is not None and not candidates.joint.allows(workload, least):
        yield Refusal(
            rule="own-budget",
            details={
                **details,
                "budget": f"{world.money(workload.budget):.2f}",
                "cost": repr(least / world.months),
                "currency": world.settings.currency,
            },
        )


def _hours(value: float) -> str:
    return repr(max(0.0, value))
