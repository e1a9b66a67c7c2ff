"""What a workload could do: every shape on every pool, and the reason for each that is cut.

One workload is held against all pools at once.  The cuts come in the order in which people ask: is the
hardware there at all, does the rule allow it, does it make the deadline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from situs.model.capability import lacking, needs
from situs.model.workload import Shape, Workload
from situs.planner.compile.world import World
from situs.planner.problem import Flags, Floats


class Cut(StrEnum):
    """Why a pool is no option for a shape, apart from rules."""

    ACCELERATOR = "no-accelerator"
    NODE_SIZE = "node-too-small"
    SPOT = "spot-availability"
    """the id of the rule that cuts"""
    SPEED = "cannot-run-here"
    NO_NODES = "no-nodes"
    KIND = "kind-of-site"
    """it could never be started there; the obstacle says what is lacking"""


@dataclass(frozen=True, eq=False)
class Fitting:
    """One shape held against all pools (P,)."""

    shape: Shape
    once: bool
    """a job that runs once, and so may choose when"""
    fits: Flags
    """hardware and spot; not yet rules, data or time"""
    cut: tuple[Cut | None, ...]
    duration_h: Floats
    """of one run; for a service the horizon"""
    busy_h: Floats
    """within the horizon"""
    units: Floats
    """how many times the shape's demand is taken: replicas of a service, the share of the time of a
    recurring job, 1 for a job that runs once"""
    nodes: Floats
    """whole nodes that one unit occupies where nodes are not shared"""
    presence: Floats
    """fraction of the time that it is there: less than 1 for a job that recurs"""
    node_share: Floats
    """largest share of a node that is taken, times the nodes; what energy goes by"""


def fittings(world: World, workload: Workload) -> list[Fitting]:
    """Every shape of the workload against all pools."""
    speed = np.asarray([place.pool.speed_of(workload.workload_class) for place in world.places], dtype=float)
    return [_fitting(world, workload, shape, speed) for shape in workload.shapes]


def runs_in_horizon(world: World, workload: Workload) -> float:
    """How often a workload reads and writes within the horizon; a service counts by the month."""
    if workload.job is None:
        return world.months
    return 1.0 if workload.job.per_month is None else workload.job.per_month * world.months


def _fitting(world: World, workload: Workload, shape: Shape, speed: Floats) -> Fitting:
    table = world.pools
    each = np.asarray(
        [shape.cpu, shape.memory, math.ceil(shape.accelerators / shape.nodes), shape.disk], dtype=float
    )
    each[[0, 1, 3]] /= shape.nodes
    right_model = np.asarray(
        [_accelerator_fits(shape, place.pool.accelerator) for place in world.places], dtype=bool
    )
    if shape.accelerators:
        right_model &= table.accelerator_memory + 1e-9 >= shape.accelerator_memory
    big_enough = np.all(table.node + 1e-9 >= each, axis=1)
    spot_ok = ~table.spot | (not refuses_spot(world, workload))
    running = speed > 0
    there = table.count + table.extra > 0
    able = _able(world, workload, shape)
    fits = right_model & big_enough & spot_ok & running & there & able
    cut = tuple(
        None if good else _first_cut(can, model, size, steady, runs)
        for good, can, model, size, steady, runs in zip(
            fits, able, right_model, big_enough, spot_ok, running, strict=True
        )
    )
    safe_speed = np.where(running, speed, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_node = np.min(
            np.where(each > 0, np.floor((table.node + 1e-9) / np.where(each > 0, each, 1.0)), np.inf), axis=1
        )
        share = np.max(np.where(each > 0, each / np.where(table.node > 0, table.node, np.inf), 0.0), axis=1)
    if workload.service is not None:
        units = np.maximum(
            1.0, np.ceil(workload.service.requests_per_s / (shape.throughput * safe_speed) - 1e-9)
        )
        duration = np.full(len(speed), world.horizon_h)
        busy = duration
        nodes = np.ceil(units / np.maximum(per_node, 1.0)) if shape.nodes == 1 else units * shape.nodes
    else:
        assert workload.job is not None
        duration = workload.job.work / (shape.throughput * safe_speed)
        busy = duration * runs_in_horizon(world, workload)
        units = np.ones(len(speed)) if workload.job.per_month is None else busy / world.horizon_h
        nodes = np.full(len(speed), float(shape.nodes))
    replicas = units if workload.service is not None else 1.0
    recurs = workload.job is not None and workload.job.per_month is not None
    presence = busy / world.horizon_h if recurs else np.ones(len(speed))
    once = workload.job is not None and workload.job.per_month is None
    return Fitting(
        shape, once, fits, cut, duration, busy, units, nodes, presence, share * shape.nodes * replicas
    )


def _accelerator_fits(shape: Shape, model: str | None) -> bool:
    if not shape.accelerators:
        return True
    return model is not None and (shape.accelerator is None or model in shape.accelerator)


def refuses_spot(world: World, workload: Workload) -> bool:
    """Whether the workload must not be taken away without notice."""
    if "spot-availability" in world.policy.off:
        return False
    if workload.availability is not None and workload.availability >= SPOT_AVAILABILITY:
        return True
    labels = [world.policy.labels.datasets[item.dataset] for item in workload.inputs]
    if workload.label is not None:
        labels.append(workload.label)
    return any("no-spot" in label.obligations for label in labels)


SPOT_AVAILABILITY = 0.999
"""Nine hours a year. A spot node at the usual rate of interruptions is away longer than that."""


def _able(world: World, workload: Workload, shape: Shape) -> Flags:
    """(P,) where a site of its kind can start it at all."""
    wanted = needs(workload, shape)
    if not wanted:
        return np.ones(len(world.places), dtype=bool)
    reached = [world.site(place.site).adapter for place in world.places]
    return np.asarray([not lacking(adapter, wanted) for adapter in reached], dtype=bool)


def _first_cut(able: bool, model: bool, size: bool, steady: bool, runs: bool) -> Cut:
    if not able:
        return Cut.KIND
    if not model:
        return Cut.ACCELERATOR
    if not size:
        return Cut.NODE_SIZE
    if not steady:
        return Cut.SPOT
    return Cut.NO_NODES if runs else Cut.SPEED
