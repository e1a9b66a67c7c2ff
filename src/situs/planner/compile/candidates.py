"""The estate as a problem, with the meaning of every column kept beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from situs.model.workload import Workload
from situs.planner.compile.assembly import Assembly
from situs.planner.compile.capacity import Capacity
from situs.planner.compile.datasets import Replicas, Way
from situs.planner.compile.joint import JointLimits
from situs.planner.compile.moves import MoveBill, held_in_place, move_bill
from situs.planner.compile.options import Fitting, fittings, runs_in_horizon
from situs.planner.compile.transport import Transport
from situs.planner.compile.world import Place, World
from situs.planner.problem import Ints, Problem

SPOT_RESTART_H = 0.1
"""Until a replacement node has been found and the last checkpoint is read back: six minutes, between the two
minutes of notice that clouds give and the ten that a large node takes to start."""


@dataclass(frozen=True)
class WorkloadClass:
    """Workloads that are the same in everything the planner looks at."""

    names: tuple[str, ...]
    workload: Workload
    """any of them"""
    count: int
    """units of all of them together"""


@dataclass(frozen=True)
class Option:
    """What a column means: one unit of a class, there, in that way, from then on."""

    number: int
    """of the class"""
    place: Place
    fitting: Fitting
    way: Way
    start_h: float
    compute: float
    energy: float
    carbon: float
    """price of emissions, where they have one"""
    carbon_kg: float
    bill: MoveBill | None
    """None: it does not move"""
    move: float
    """the bill's part within the horizon"""
    stays: bool

    @property
    def listed_cost(self) -> float:
        """All its own costs with transfers at list price, without a share of what is shared."""
        return self.compute + self.energy + self.carbon + self.move + self.way.listed


@dataclass(frozen=True, eq=False)
class Candidates:
    """A problem with its meaning. Column ``j`` of the problem is ``options[j]``."""

    world: World
    classes: tuple[WorkloadClass, ...]
    problem_class: Ints
    """(classes,) the problem's number of each class; -1: it has no option at all"""
    problem: Problem
    options: tuple[Option, ...]
    capacity: Capacity
    replicas: Replicas
    joint: JointLimits
    rows: Mapping[int, object]
    """names of the problem's rows"""

    def class_of(self, workload: str) -> int:
        """The number of the class a workload is in. Raises KeyError for an unknown name."""
        return self._class_by_name[workload]

    def options_of(self, number: int) -> Sequence[Option]:
        """All options of a class."""
        first, last = self._spans[number]
        return self.options[first:last]

    def columns_of(self, number: int) -> range:
        """The problem's columns that are options of a class."""
        return range(*self._spans[number])

    def is_held(self, number: int) -> bool:
        """Whether minimum run time, cool-down or the fail-back policy keep the class in place."""
        return held_in_place(self.world, self.classes[number].workload)

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        owners = np.asarray([option.number for option in self.options], dtype=np.int64)
        numbers = np.arange(len(self.classes))
        firsts = np.searchsorted(owners, numbers, "left")
        lasts = np.searchsorted(owners, numbers, "right")
        return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]

    @cached_property
    def _class_by_name(self) -> dict[str, int]:
        return {name: k for k, entry in enumerate(self.classes) for name in entry.names}


def candidates(world: World) -> Candidates:
    """Every option that rules, hardware and time leave, as one problem."""
    assembly = Assembly()
    transport = Transport(world, assembly)
    capacity = Capacity(world, assembly)
    replicas = Replicas(world, assembly, transport)
    joint = JointLimits(world, assembly)
    classes = classes_of(world, joint)
    problem_class = np.full(len(classes), -1, dtype=np.int64)
    made: list[Option] = []
    for number, entry in enumerate(classes):
        options = [
            option
            for option in every_option(world, replicas, number, entry)
            if joint.allows(entry.workload, option.listed_cost)
        ]
        if not options:
            continue
        worst = max(option.listed_cost for option in options)
        penalty = joint.penalty(entry, worst)
        problem_class[number] = assembly.begin_class(entry.count, penalty)
        for option in options:
            demand, rows, more = capacity.uses(option.place, option.fitting, option.start_h)
            assembly.column(
                demand,
                rows,
                option.compute + option.energy + option.carbon + option.move + option.way.cost,
                (*more, *option.way.extra, *joint.uses(entry, option.place.site, option.listed_cost)),
                (*option.way.needs, *joint.needs(entry.workload, entry.names[0], option.place.site)),
            )
            made.append(option)
    problem, order = assembly.finish(resources=capacity.resources)
    return Candidates(
        world,
        classes,
        problem_class,
        problem,
        tuple(made[k] for k in order),
        capacity,
        replicas,
        joint,
        dict(enumerate(assembly.rows)),
    )


def classes_of(world: World, joint: JointLimits) -> tuple[WorkloadClass, ...]:
    """Workloads grouped by all that the planner looks at, in order of their first names."""
    groups: dict[str, list[str]] = {}
    for name in sorted(world.intent.workloads):
        workload = world.intent.workloads[name]
        content = workload.model_dump(
            mode="json", by_alias=True, exclude={"title", "owner", "count", "run", "after"}
        )
        key = json.dumps([content, joint.identity(name, workload)], sort_keys=True)
        groups.setdefault(key, []).append(name)
    return tuple(
        WorkloadClass(
            tuple(names),
            world.intent.workloads[names[0]],
            sum(world.intent.workloads[name].count for name in names),
        )
        for names in groups.values()
    )


def every_option(world: World, replicas: Replicas, number: int, entry: WorkloadClass) -> list[Option]:
    """All that a class may do, before its own budget is looked at."""
    workload = entry.workload
    allowed = world.policy.workload_mask(entry.names[0])
    runs = runs_in_horizon(world, workload)
    ways = {
        site: replicas.ways(workload, site, runs) for k, site in enumerate(world.site_names) if allowed[k]
    }
    held = held_in_place(world, workload)
    moving: list[Option] = []
    staying: list[Option] = []
    for fitting in fittings(world, workload):
        for index in np.flatnonzero(fitting.fits & allowed[world.pools.site]):
            place = world.places[index]
            for way in ways[place.site]:
                for start_h in _starts(world, workload, place, fitting, way):
                    option = _option(world, number, workload, place, fitting, way, start_h)
                    (staying if option.stays else moving).append(option)
    # What is held stays while it lawfully can; nothing is held at a place it may not be.
    return staying if held and staying else [*staying, *moving]


def _starts(world: World, workload: Workload, place: Place, fitting: Fitting, way: Way) -> list[float]:
    """Hours from now at which the workload may start there; one for all that does not choose."""
    job = workload.job
    ready = max(float(world.pools.available_h[place.index]), 0.0)
    if job is None or job.per_month is not None:
        return [0.0] if ready == 0.0 else []
    calendar = world.calendar
    earliest = max(ready, calendar.hours_until(job.earliest) if job.earliest else 0.0)
    latest = calendar.hours_until(job.deadline) if job.deadline else world.horizon_h
    needed = float(fitting.duration_h[place.index]) + way.delay_h + _startup_h(world, place)
    starts = {earliest, *(start for start in calendar.starts if start >= earliest)}
    return sorted(start for start in starts if start + needed <= latest + 1e-9)


def _startup_h(world: World, place: Place) -> float:
    return 0.0 if place.pool.count else float(world.pools.startup_h[place.index])


def _option(
    world: World, number: int, workload: Workload, place: Place, fitting: Fitting, way: Way, start_h: float
) -> Option:
    p = place.index
    table = world.pools
    busy_h = float(fitting.busy_h[p])
    overhead = _spot_overhead(workload, place) if table.spot[p] else 0.0
    compute = float(fitting.nodes[p] * table.hourly[p]) * busy_h * (1.0 + overhead)
    kwh = float(table.busy_kw[p] * fitting.node_share[p]) * busy_h
    energy = (
        kwh * world.kwh_price(place.site, start_h, float(fitting.duration_h[p])) if table.meters[p] else 0.0
    )
    carbon_kg = kwh * float(world.carbon_kg_per_kwh[table.site[p]])
    stays = _stays(workload, place)
    bill = (
        None
        if stays or workload.current is None
        else move_bill(world, workload, place, compute / max(busy_h, 1e-9))
    )
    return Option(
        number,
        place,
        fitting,
        way,
        start_h,
        compute,
        energy,
        carbon_kg * world.carbon_price_per_kg,
        carbon_kg,
        bill,
        0.0 if bill is None else bill.total * world.months / max(world.settings.payback, 1e-9),
        stays,
    )


def _stays(workload: Workload, place: Place) -> bool:
    current = workload.current
    return current is not None and current.site == place.site and current.pool in (None, place.name)


def _spot_overhead(workload: Workload, place: Place) -> float:
    """Extra time, as a fraction, that interruptions cost: half a checkpoint interval and a restart each."""
    rate = getattr(place.pool.price, "interruptions_per_hour", 0.0)
    interval = (
        workload.checkpoint.interval if workload.checkpoint else (workload.job.work if workload.job else 0.0)
    )
    return float(rate * (interval / 2.0 + SPOT_RESTART_H))
