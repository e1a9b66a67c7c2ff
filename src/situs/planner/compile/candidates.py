"""The estate as a problem, with the meaning of every column kept beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from situs.model.capability import needs
from situs.model.workload import Workload
from situs.planner.compile.assembly import Assembly
from situs.planner.compile.capacity import Capacity
from situs.planner.compile.datasets import Replicas, Way
from situs.planner.compile.joint import JointLimits, Worth, penalties
from situs.planner.compile.moves import MoveBill, held_in_place, move_bill
from situs.planner.compile.options import Fitting, fittings, runs_in_horizon
from situs.planner.compile.order import (
    Order,
    Timed,
    awaited,
    followers,
    in_order,
    pressing,
    times_to_begin,
    with_followers,
)
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
    part: float = 1.0
    """of the horizon in which it runs: less than 1 for what has to wait, though it should always run"""
    limit: int | None = None
    """of units: who is in several places today stays at each with those that are there; None: no limit"""

    @property
    def listed_cost(self) -> float:
        """All its own costs with transfers at list price, without a share of what is shared.

        What has to wait is listed as if it ran all the time, so that waiting does not look cheap.
        """
        return (self.compute + self.energy + self.carbon + self.move + self.way.listed) / self.part

    @property
    def waits(self) -> float:
        """The share of being left out that waiting amounts to: half for waiting at all, so that what can run
        at once does, and half for the time."""
        return 0.0 if self.part == 1.0 else 1.0 - self.part / 2.0

    @property
    def busy_h(self) -> float:
        """Hours within the horizon."""
        return float(self.fitting.busy_h[self.place.index]) * self.part


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
    order: Order
    begins: Mapping[int, tuple[float, ...]]
    """hours at which a class may begin that waits for others; empty: never; classes that wait for none are not
    there"""
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


def candidates(world: World, *, copies_wanted: bool = True) -> Candidates:
    """Every option that rules, hardware and time leave, as one problem.

    ``copies_wanted``: whether data must have the copies that they should have, or may do with those they have.
    """
    assembly = Assembly()
    transport = Transport(world, assembly)
    capacity = Capacity(world, assembly)
    replicas = Replicas(world, assembly, transport, copies_wanted=copies_wanted)
    joint = JointLimits(world, assembly)
    classes = classes_of(world, joint)
    order = Order(assembly)
    tied = _in_order(world, replicas, joint, order, classes)
    problem_class = np.full(len(classes), -1, dtype=np.int64)
    made: list[Option] = []
    worths: dict[int, Worth] = {}
    for number, entry in enumerate(classes):
        options = (
            tied.options[number]
            if number in tied.options
            else _affordable(world, replicas, joint, number, entry)
        )
        if not options:
            continue
        worths[number] = joint.worth(
            entry.workload,
            [
                (option.listed_cost, option.listed_cost + _shared_cost(assembly, capacity, option))
                for option in options
            ],
        )
        problem_class[number] = assembly.begin_class(entry.count)
        for k, option in enumerate(options):
            demand, rows, more = capacity.uses(
                option.place, option.fitting, option.start_h, option.way.read_h + option.way.write_h
            )
            assembly.column(
                demand,
                rows,
                option.compute + option.energy + option.carbon + option.move + option.way.cost,
                (
                    *more,
                    *option.way.extra,
                    *joint.uses(entry, option.place.site, option.listed_cost),
                    *order.uses(number, k),
                ),
                (
                    *option.way.needs,
                    *joint.needs(entry.workload, entry.names[0], option.place.site),
                    *order.needs(number, k),
                ),
                option.waits,
                option.limit,
            )
            made.append(option)
    counts = {number: classes[number].count for number in worths}
    alone = penalties(list(pressing(worths, counts, tied.before).values()))
    missing = with_followers(dict(zip(worths, alone, strict=True)), counts, tied.before)
    problem, sorting = assembly.finish(capacity.resources, list(missing.values()))
    return Candidates(
        world,
        classes,
        problem_class,
        problem,
        tuple(made[k] for k in sorting),
        capacity,
        replicas,
        joint,
        order,
        tied.begins,
        dict(enumerate(assembly.rows)),
    )


@dataclass(frozen=True)
class _Tied:
    """The classes that wait or are waited for, by number, each after those it waits for."""

    options: dict[int, list[Option]] = field(default_factory=dict)
    begins: dict[int, tuple[float, ...]] = field(default_factory=dict)
    before: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """those that the class waits for"""


def _in_order(
    world: World, replicas: Replicas, joint: JointLimits, order: Order, classes: Sequence[WorkloadClass]
) -> _Tied:
    """Options of the classes that wait or are waited for, tied to each other, and when those that wait may begin."""
    waiting = awaited(world.intent)
    class_of = (
        {name: number for number, entry in enumerate(classes) for name in entry.names} if waiting else {}
    )
    tied = _Tied()
    timed: dict[int, Timed] = {}
    for number in in_order(waiting, class_of):
        entry = classes[number]
        before = tuple(sorted({class_of[other] for other in waiting.get(entry.names[0], ())}))
        tied.before[number] = before
        if before:
            tied.begins[number] = times_to_begin([end for _, end in timed[other].spans] for other in before)
        options = _affordable(world, replicas, joint, number, entry, tied.begins.get(number))
        tied.options[number] = options
        spans = [(option.start_h, end_h(world, option)) for option in options]
        timed[number] = Timed(number, entry.names[0], entry.count, spans)
        for other in before:
            order.tie(timed[other], timed[number])
    return tied


def _affordable(
    world: World,
    replicas: Replicas,
    joint: JointLimits,
    number: int,
    entry: WorkloadClass,
    begins: Sequence[float] | None = None,
) -> list[Option]:
    """All that a class may do and that its own budget allows."""
    return [
        option
        for option in every_option(world, replicas, number, entry, begins)
        if joint.allows(entry.workload, option.listed_cost)
    ]


def _shared_cost(assembly: Assembly, capacity: Capacity, option: Option) -> float:
    """What would be made and bought for one unit if nobody else shared it: copies, and whole nodes."""
    copies = sum(max(0.0, assembly.open_cost(number)) for number in option.way.needs)
    return copies + capacity.added_cost(option.place, option.fitting)


def classes_of(world: World, joint: JointLimits) -> tuple[WorkloadClass, ...]:
    """Workloads grouped by all that the planner looks at, in order of their first names."""
    groups: dict[str, list[str]] = {}
    waiting = awaited(world.intent)
    waited_for = followers(waiting)
    for name in sorted(world.intent.workloads):
        workload = world.intent.workloads[name]
        content = workload.model_dump(
            mode="json", by_alias=True, exclude={"title", "owner", "count", "run", "after"}
        )
        # A rule may be about one of two equal workloads by its name.
        allowed = world.policy.workload_mask(name).tobytes().hex()
        # Nor is one that is in several places like another.
        alone = name if name in world.split else ""
        # Those that wait for the same, and are waited for by the same, begin under the same conditions.
        order = [waiting.get(name, ()), waited_for.get(name, ())]
        able = [needs(workload, shape) for shape in workload.shapes]
        key = json.dumps(
            [content, joint.identity(name, workload), allowed, alone, order, able], sort_keys=True
        )
        groups.setdefault(key, []).append(name)
    return tuple(
        WorkloadClass(
            tuple(names),
            world.intent.workloads[names[0]],
            sum(world.intent.workloads[name].count for name in names),
        )
        for names in groups.values()
    )


def every_option(
    world: World,
    replicas: Replicas,
    number: int,
    entry: WorkloadClass,
    begins: Sequence[float] | None = None,
) -> list[Option]:
    """All that a class may do, before its own budget is looked at. ``begins``: when it may, if it waits for others."""
    workload, name = entry.workload, entry.names[0]
    allowed = world.policy.workload_mask(name)
    runs = runs_in_horizon(world, workload)

    @cache
    def ways(site: str, part: float) -> list[Way]:
        return replicas.ways(workload, site, runs * part)

    held = held_in_place(world, workload)
    moving: list[Option] = []
    staying: list[Option] = []
    for fitting in fittings(world, workload):
        for index in np.flatnonzero(fitting.fits & allowed[world.pools.site]):
            place = world.places[index]
            there = _there(world, name, workload, place)
            for way, part, start_h in _moments(world, workload, place, fitting, ways, begins):
                if there is None or there:
                    option = _option(world, number, workload, place, fitting, way, start_h, part, there)
                    (staying if option.stays else moving).append(option)
                if there is not None:
                    moving.append(_option(world, number, workload, place, fitting, way, start_h, part, 0))
    # What is held stays while it lawfully can; nothing is held at a place it may not be.
    room = sum(world.split[name].values()) if name in world.split else entry.count
    return staying if held and staying and room >= entry.count else [*staying, *moving]


def _there(world: World, name: str, workload: Workload, place: Place) -> int | None:
    """Units that are at the place today, for a workload that is in several; None for all others."""
    split = world.split.get(name)
    return None if split is None else split.get((place.site, place.name), 0)


def _moments(
    world: World,
    workload: Workload,
    place: Place,
    fitting: Fitting,
    ways: Callable[[str, float], list[Way]],
    begins: Sequence[float] | None,
) -> Iterator[tuple[Way, float, float]]:
    """Every way at every hour at which it may begin there, with the part of the horizon that is left then."""
    if fitting.once:
        for way in ways(place.site, 1.0):
            for start_h in _starts(world, workload, place, fitting, way, begins):
                yield way, 1.0, start_h
        return
    # What runs all the time begins once the pool is there, and those it waits for have ended.
    ready = float(world.pools.available_h[place.index])
    for start_h in sorted({ready} if begins is None else {max(ready, begin) for begin in begins}):
        part = 1.0 - start_h / world.horizon_h
        if part > 0.0:
            for way in ways(place.site, part):
                yield way, part, start_h


def _starts(
    world: World, workload: Workload, place: Place, fitting: Fitting, way: Way, begins: Sequence[float] | None
) -> list[float]:
    """Hours from now at which a job that runs once may start there."""
    job = workload.job
    assert job is not None
    calendar = world.calendar
    earliest = max(
        float(world.pools.available_h[place.index]),
        calendar.hours_until(job.earliest) if job.earliest else 0.0,
        0.0 if begins is None else min(begins, default=float("inf")),
    )
    latest = calendar.hours_until(job.deadline) if job.deadline else world.horizon_h
    needed = hours_needed(world, place, fitting, way)
    # A copy comes over while the work waits for its window; it only waits for the copy where that comes later.
    starts = {
        max(start, way.ready_h)
        for start in (
            earliest,
            *(start for start in (*calendar.starts, *(begins or ())) if start >= earliest),
        )
    }
    return sorted(start for start in starts if start + needed <= latest + 1e-9)


def end_h(world: World, option: Option) -> float:
    """Hours from now at which a run has ended, of what recurs the first one."""
    return option.start_h + hours_needed(world, option.place, option.fitting, option.way)


def hours_needed(world: World, place: Place, fitting: Fitting, way: Way) -> float:
    """From the start of a run to the end of it: nodes come up, data are read, it runs, and results go out."""
    return float(fitting.duration_h[place.index]) + way.read_h + way.write_h + _startup_h(world, place)


def _startup_h(world: World, place: Place) -> float:
    return 0.0 if place.pool.count else float(world.pools.startup_h[place.index])


def _option(
    world: World,
    number: int,
    workload: Workload,
    place: Place,
    fitting: Fitting,
    way: Way,
    start_h: float,
    part: float,
    there: int | None,
) -> Option:
    """``there``: so many units are at the place and stay; 0: none of those that would; None: no matter how many."""
    p = place.index
    table = world.pools
    busy_h = float(fitting.busy_h[p]) * part
    overhead = _spot_overhead(workload, place) if table.spot[p] else 0.0
    compute = float(fitting.nodes[p] * table.hourly[p]) * busy_h * (1.0 + overhead)
    kwh = float(table.busy_kw[p] * fitting.node_share[p]) * busy_h
    energy = (
        kwh * world.kwh_price(place.site, start_h, float(fitting.duration_h[p])) if table.meters[p] else 0.0
    )
    carbon_kg = kwh * float(world.carbon_kg_per_kwh[table.site[p]])
    stays = _stays(workload, place) if there is None else there > 0
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
        part,
        there or None,
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
