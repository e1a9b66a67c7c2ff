"""Workloads: what they need, in which shapes, and where they may go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.instances.catalog import CPU, NODE_TYPES
from bench.instances.estate import JURISDICTIONS, RESOURCES, Estate
from situs.planner.problem import Flags, Floats, Ids, Ints

TRAIN, TUNE, SERVE, BATCH, PREPARE = range(5)
ALLOWED_SHARE = (0.2, 0.6)
"""Rules, certificates and latency leave each workload this share of the sites."""


@dataclass(frozen=True, eq=False)
class Demand:
    """I classes of workloads and their V variants."""

    count: Ints
    kind: Ids
    interruptible: Flags
    """(I,) may run on spot capacity"""
    jurisdiction: Ids
    clearance: Ids
    place: Floats
    """(I, 2) where its users are"""
    allowed_share: Floats
    priority: Ids
    """(I,) 0 low, 1 normal, 2 high"""
    state_gb: Floats
    """(I,) what a move has to carry"""
    variant_class: Ids
    variant_type: Ids
    """(V,) node type each variant runs on"""
    demand: Floats
    """(V, 4) cpu, memory in GiB, accelerators, storage in GiB"""


def draw_demand(rng: np.random.Generator, classes: int, units: int) -> Demand:
    kind = rng.choice([TRAIN, TUNE, SERVE, BATCH, PREPARE], classes, p=[0.25, 0.1, 0.35, 0.2, 0.1])
    on_accelerator = rng.random(classes) < np.array([1.0, 1.0, 0.7, 0.5, 0.0])[kind]
    work = np.minimum(rng.lognormal(-0.7, 1.0, classes), 8.0)
    storage = rng.lognormal(np.log(80), 1.0, classes)
    variant_class, variant_type, demand = _draw_variants(rng, on_accelerator, work, storage)
    return Demand(
        count=_draw_counts(rng, classes, units),
        kind=kind.astype(np.int32),
        interruptible=(kind != SERVE) & (rng.random(classes) < 0.7),
        jurisdiction=rng.choice(JURISDICTIONS, classes, p=[0.3, 0.2, 0.15, 0.1, 0.15, 0.1]).astype(np.int32),
        clearance=rng.choice(5, classes, p=[0.25, 0.3, 0.25, 0.15, 0.05]).astype(np.int32),
        place=rng.uniform(0, 1, (classes, 2)),
        allowed_share=rng.uniform(*ALLOWED_SHARE, classes),
        priority=rng.choice(3, classes, p=[0.3, 0.5, 0.2]).astype(np.int32),
        state_gb=storage * rng.uniform(0.1, 1.0, classes),
        variant_class=variant_class,
        variant_type=variant_type,
        demand=demand,
    )


def _draw_counts(rng: np.random.Generator, classes: int, units: int) -> Ints:
    """As many units as asked for in all: one each, or widely different numbers."""
    if units == classes:
        return np.ones(classes, dtype=np.int64)
    weight = rng.lognormal(0, 1.2, classes)
    ends = np.floor(np.cumsum(weight) / weight.sum() * (units - classes) + 0.5).astype(np.int64)
    counts: Ints = 1 + np.diff(ends, prepend=0)
    return counts


def _draw_variants(
    rng: np.random.Generator, on_accelerator: Flags, work: Floats, storage: Floats
) -> tuple[Ids, Ids, Floats]:
    """One to three accelerator types each, among those that suffice; without one, one or two shapes.

    A unit fits on one node, and asks for one of the sizes there are: people ask for half an accelerator,
    for four, for 16 vCPUs, never for 3.71.
    """
    classes, types = len(work), len(NODE_TYPES)
    memory = np.array([node.memory_gib_per_accelerator for node in NODE_TYPES])
    power = np.array([node.accelerators * node.speed for node in NODE_TYPES])
    needed = rng.choice([16, 24, 48, 80], classes, p=[0.3, 0.3, 0.2, 0.2])
    lot = rng.random((classes, types))
    lot[(memory[None, :] < needed[:, None]) | (power[None, :] < work[:, None])] = np.inf
    lot[:, CPU] = np.inf
    rank = np.argsort(np.argsort(lot, axis=1), axis=1)
    wanted = rng.choice([1, 2, 3], classes, p=[0.4, 0.4, 0.2])
    chosen = (rank < wanted[:, None]) & np.isfinite(lot) & on_accelerator[:, None]
    fast_class, fast_type = np.nonzero(chosen)
    slow_class = np.repeat(np.flatnonzero(~on_accelerator), 2)
    slow_shape = np.tile([0, 1], len(slow_class) // 2)
    keep = (slow_shape == 0) | (rng.random(len(slow_class)) < 0.5)
    slow_class, slow_shape = slow_class[keep], slow_shape[keep]

    variant_class = np.concatenate([fast_class, slow_class])
    variant_type = np.concatenate([fast_type, np.full(len(slow_class), CPU)])
    shape = np.concatenate([np.zeros(len(fast_class), dtype=np.int64), slow_shape])
    order = np.lexsort((shape, variant_type, variant_class))
    variant_class, variant_type, shape = variant_class[order], variant_type[order], shape[order]

    fast = variant_type != CPU
    speed = np.array([node.speed for node in NODE_TYPES])[variant_type] * rng.lognormal(0, 0.2, len(order))
    accelerators = np.divide(work[variant_class], speed, out=np.zeros(len(order)), where=fast)
    vcpus = work * np.where(on_accelerator, 8.0, 16.0) * rng.lognormal(0, 0.4, classes)
    gib_per_vcpu = rng.choice([2.0, 4.0, 8.0], classes)
    node_vcpus = np.array([node.vcpus for node in NODE_TYPES], dtype=np.float64)[variant_type]
    node_gib = np.array([node.memory_gib for node in NODE_TYPES], dtype=np.float64)[variant_type]
    node_accelerators = np.array([node.accelerators for node in NODE_TYPES], dtype=np.float64)[variant_type]
    asked = _sizes(np.maximum(vcpus, 1.0))[variant_class]
    demand = np.zeros((len(order), RESOURCES))
    demand[:, 0] = np.minimum(asked * np.where(shape == 1, 0.5, 1.0), node_vcpus)
    demand[:, 1] = np.minimum(asked * gib_per_vcpu[variant_class] * np.where(shape == 1, 2.0, 1.0), node_gib)
    demand[:, 2] = np.where(fast, np.minimum(_sizes(np.maximum(accelerators, 0.25)), node_accelerators), 0.0)
    demand[:, 3] = storage[variant_class]
    return variant_class.astype(np.int32), variant_type.astype(np.int32), demand


def _sizes(wanted: Floats) -> Floats:
    """The next power of two: quarters and halves of an accelerator, pairs, fours, eights."""
    sizes: Floats = np.exp2(np.ceil(np.log2(wanted) - 1e-9))
    return sizes


def allowed_sites(rng: np.random.Generator, estate: Estate, demand: Demand, first: int, end: int) -> Flags:
    """(end - first, S) the sites left to each workload: those that suit its law, clearance and users best.

    Which ones is a matter of structure (jurisdiction, clearance, distance) and of chance (contracts,
    certificates, teams); how many is the workload's own share.
    """
    chosen = slice(first, end)
    apart = np.linalg.norm(demand.place[chosen, None] - estate.site_place[None], axis=2)
    serving = demand.kind[chosen, None] == SERVE
    misfit = apart * np.where(serving, 2.0, 0.5)
    misfit += 1.0 * (demand.jurisdiction[chosen, None] != estate.site_jurisdiction[None])
    misfit += 1.5 * (demand.clearance[chosen, None] > estate.site_clearance[None])
    misfit += rng.normal(0, 0.6, misfit.shape)
    kept = np.maximum(1, np.round(demand.allowed_share[chosen] * estate.sites)).astype(np.int64)
    limit = np.take_along_axis(np.sort(misfit, axis=1), (kept - 1)[:, None], axis=1)
    allowed: Flags = misfit <= limit
    return allowed
