"""Put an instance together: draw it, size its capacities by its own load, and write it as a Problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.instances.catalog import CPU, NODE_TYPES
from bench.instances.columns import CHUNK_CLASSES, Chunk, Extras, draw_chunk, expected_cost, joined
from bench.instances.demand import Demand, draw_demand
from bench.instances.estate import ON_DEMAND, OWNED, PUBLIC, RESERVED, RESOURCES, SPOT, Estate, draw_estate
from bench.instances.features import MAX_REPLICAS, draw_datasets, draw_spread, egress_rows, replica_opens
from bench.instances.moves import move_bills, with_moves, without_moves
from bench.instances.offers import draw_blocks, draw_egress_purchases, no_opens, no_purchases
from situs.planner.problem import Floats, Ids, Ints, Problem

Features = Literal["base", "all"]


@dataclass(frozen=True)
class Size:
    """How large an instance is."""

    classes: int
    units: int
    sites: int


SIZES = {
    "1k": Size(1_000, 1_000, 20),
    "10k": Size(10_000, 10_000, 50),
    "100k": Size(100_000, 100_000, 200),
    "1m": Size(2_000, 1_000_000, 1_000),
}

CAPACITY_SHARE = {OWNED: 2.0, ON_DEMAND: 6.0, SPOT: 2.0, RESERVED: 0.0}
"""Capacity over the load that would come if every workload spread evenly over all its columns. On-demand
quotas bind seldom; own nodes and spot are cheap, wanted by many, and run out."""

STORAGE_SHARE = 2.0


@dataclass(frozen=True, eq=False)
class Instance:
    """A problem and where it comes from."""

    problem: Problem
    size: str
    seed: int
    tightness: float
    features: Features
    bill: Floats
    """(I,) USD to move one unit of each class; credited to what stays, see ``stay``"""
    stay: Ids
    """(I,) the column whose cost carries the credit of a class of one unit, -1 for none"""

    @property
    def name(self) -> str:
        return f"{self.size}.{self.features}.t{self.tightness:g}.s{self.seed}"


def generate(size: str, seed: int, tightness: float = 1.0, features: Features = "base") -> Instance:
    """The instance of this size, seed, tightness and set of features; the same wherever it is drawn.

    Every part draws from its own stream, so that a change to one part leaves the others as they are.
    """
    streams = iter(np.random.default_rng([seed, part]) for part in range(8))
    shape = SIZES[size]
    full = features == "all"
    estate = draw_estate(next(streams), shape.sites, with_blocks=full)
    demand = draw_demand(next(streams), shape.classes, shape.units)
    extras = _draw_extras(next(streams), estate, demand) if full else None
    drawn = _draw_columns(next(streams), next(streams), estate, demand, extras)
    penalty = _penalties(next(streams), demand, drawn.mean_cost)
    supply = _supply(next(streams), estate, drawn.load, tightness)
    problem = _assemble(next(streams), estate, demand, extras, drawn, supply, penalty)
    return Instance(problem, size, seed, tightness, features, drawn.bill, drawn.stay)


def _rows(estate: Estate) -> tuple[Ids, int]:
    """A row per target and resource, and one per site for storage; -1 where nobody counts.

    Providers limit accelerators and vCPUs, not memory or object storage; CPU pools have no accelerators.
    """
    targets = len(estate.target_pool)
    counted = np.ones((targets, RESOURCES), dtype=np.bool_)
    rented = np.isin(estate.target_basis, [ON_DEMAND, SPOT])
    counted[rented, 1] = False
    counted[estate.target_type == CPU, 2] = False
    counted[:, 3] = False
    target_row = np.full((targets, RESOURCES), -1, dtype=np.int32)
    target_row[counted] = np.arange(counted.sum())
    public = estate.site_kind[estate.target_site] == PUBLIC
    target_row[~public, 3] = counted.sum() + estate.target_site[~public]
    return target_row, int(counted.sum()) + estate.sites


def _draw_extras(rng: np.random.Generator, estate: Estate, demand: Demand) -> Extras:
    return Extras(draw_datasets(rng, estate, demand), draw_spread(rng, estate, demand), egress_rows(estate))


@dataclass(frozen=True, eq=False)
class _Drawn:
    """All columns, with what had to be summed up on the way."""

    columns: Chunk
    limit: Ints
    mean_cost: Floats
    """(I,) over the class's columns; 0 where there are none"""
    load: Floats
    """(T, 4) if every unit spread evenly over its columns"""
    bill: Floats
    stay: Ids
    credit: float
    """credits handed out in all; the fixed cost that makes up for them"""


def _draw_columns(
    rng: np.random.Generator,
    rng_today: np.random.Generator,
    estate: Estate,
    demand: Demand,
    extras: Extras | None,
) -> _Drawn:
    classes, targets = len(demand.count), len(estate.target_pool)
    chunks: list[Chunk] = []
    limits: list[Ints] = []
    mean, bill = np.zeros((2, classes))
    stay = np.full(classes, -1, dtype=np.int32)
    load = np.zeros((targets, RESOURCES))
    credit, columns = 0.0, 0
    for first in range(0, classes, CHUNK_CLASSES):
        end = min(first + CHUNK_CLASSES, classes)
        count = demand.count[first:end]
        chunk = draw_chunk(rng, estate, demand, extras, first, end)
        owner = demand.variant_class[chunk.variant] - first
        expected = expected_cost(chunk, estate, demand, extras)
        options = np.maximum(1, np.bincount(owner, minlength=end - first))
        mean[first:end] = np.bincount(owner, expected, end - first) / options
        for q in range(RESOURCES):
            each = (count / options)[owner] * demand.demand[chunk.variant, q]
            load[:, q] += np.bincount(chunk.target, each, targets)
        bill[first:end] = move_bills(rng_today, demand, mean[first:end], first, end)
        if extras:
            now = with_moves(rng_today, chunk, owner, count, expected, bill[first:end])
        else:
            now = without_moves(chunk, owner, count)
        stay[first:end] = np.where(now.column >= 0, columns + now.column, -1)
        chunks.append(now.chunk)
        limits.append(now.limit)
        credit += now.credit
        columns += len(now.limit)
    return _Drawn(joined(chunks), np.concatenate(limits), mean, load, bill, stay, credit)


@dataclass(frozen=True, eq=False)
class _Supply:
    """Rows for what is there: one per target and counted resource, then one per site for storage."""

    target_row: Ids
    capacity: Floats
    node_load: Floats
    """(T,) nodes that the load of each target fills"""


def _supply(rng: np.random.Generator, estate: Estate, load: Floats, tightness: float) -> _Supply:
    """Own pools consist of whole nodes, so that one resource may run out before another; providers' quotas
    are whole numbers, for a node at least. Reserved targets start with nothing."""
    target_row, rows = _rows(estate)
    types = [NODE_TYPES[kind] for kind in estate.target_type.tolist()]
    node = np.array([[t.vcpus, t.memory_gib, t.accelerators] for t in types], dtype=np.float64)
    main = np.where(estate.target_type == CPU, 0, 2)
    targets = np.arange(len(types))
    node_load = load[targets, main] / node[targets, main]
    share = np.array([CAPACITY_SHARE[basis] for basis in range(4)])[estate.target_basis]
    share = share * rng.lognormal(0, 0.25, len(types)) / tightness
    nodes = np.maximum(1, np.round(node_load * share))
    owned = estate.target_basis == OWNED
    quota = np.maximum(np.round(load[:, :3] * share[:, None]), node) * (share > 0)[:, None]
    there = np.where(owned[:, None], nodes[:, None] * node, quota)

    capacity = np.zeros(rows)
    counted = target_row[:, :3] >= 0
    capacity[target_row[:, :3][counted]] = there[counted]
    stored = target_row[:, 3] >= 0
    storage = np.bincount(target_row[stored, 3], load[stored, 3], rows)[rows - estate.sites :]
    capacity[rows - estate.sites :] = (
        storage * rng.lognormal(0, 0.25, estate.sites) * STORAGE_SHARE / tightness
    )
    return _Supply(target_row, capacity, node_load)


def _penalties(rng: np.random.Generator, demand: Demand, mean: Floats) -> Floats:
    """What a unit is worth: more than placing it costs on average, by its priority and a factor of its own."""
    low = np.array([2.0, 3.0, 6.0])[demand.priority]
    high = np.array([3.0, 6.0, 12.0])[demand.priority]
    return np.where(mean > 0, mean, 500.0) * rng.uniform(low, high)


def _assemble(
    rng: np.random.Generator,
    estate: Estate,
    demand: Demand,
    extras: Extras | None,
    drawn: _Drawn,
    supply: _Supply,
    penalty: Floats,
) -> Problem:
    columns = drawn.columns
    capacity = supply.capacity
    purchases, opens, groups = no_purchases(), no_opens(), 0
    first_egress = first_spread = len(capacity)
    used_spread = np.unique(columns.spread[columns.spread >= 0])
    if extras:
        data, egress, spread = extras.datasets, extras.egress, extras.spread
        first_spread += len(egress.provider)
        storage_rows = first_egress - estate.sites + np.arange(estate.sites)
        opens = replica_opens(estate, data, storage_rows)
        groups = len(data.home)
        most_gb = float((data.read_gb * demand.count).sum())
        contracts = draw_egress_purchases(rng, egress.provider, first_egress, len(opens.cost), most_gb)
        purchases = draw_blocks(rng, estate, supply.target_row, supply.node_load).then(contracts.purchases)
        opens = opens.then(contracts.opens)
        # Every dataset fits where it is: storage is short for what comes on top of it.
        capacity = capacity.copy()
        capacity[storage_rows] += 1.2 * np.bincount(data.home, data.size_gib, estate.sites)
        spread_limit = spread.limit[used_spread // spread.domains].astype(np.float64)
        capacity = np.concatenate([capacity, egress.free_gb, spread_limit])
    needed = columns.need >= 0
    indptr, row, amount = _further_rows(columns, used_spread, first_spread, first_egress)
    return Problem(
        count=demand.count,
        penalty=penalty,
        variant_class=demand.variant_class,
        demand=demand.demand,
        target_row=supply.target_row,
        col_variant=columns.variant,
        col_target=columns.target,
        col_cost=columns.cost,
        col_limit=drawn.limit,
        extra_indptr=indptr,
        extra_row=row,
        extra_amount=amount,
        need_indptr=np.concatenate([[0], np.cumsum(needed)]).astype(np.int64),
        need_open=columns.need[needed],
        row_capacity=capacity,
        buy_cost=purchases.cost,
        buy_limit=purchases.limit,
        buy_integer=purchases.integer,
        buy_open=purchases.open,
        buy_indptr=purchases.indptr,
        buy_row=purchases.row,
        buy_amount=purchases.amount,
        open_cost=opens.cost,
        open_group=opens.group,
        open_indptr=opens.indptr,
        open_row=opens.row,
        open_amount=opens.amount,
        group_min=np.ones(groups, dtype=np.int64),
        group_max=np.full(groups, MAX_REPLICAS, dtype=np.int64),
        fixed_cost=drawn.credit,
    )


def _further_rows(
    columns: Chunk, used_spread: Ids, first_spread: int, first_egress: int
) -> tuple[Ints, Ids, Floats]:
    """CSR of the spread row, then the egress row of each column that has them."""
    spread, egress = np.flatnonzero(columns.spread >= 0), np.flatnonzero(columns.egress >= 0)
    number = (columns.spread >= 0).astype(np.int64) + (columns.egress >= 0)
    indptr = np.concatenate([[0], np.cumsum(number)])
    row = np.empty(indptr[-1], dtype=np.int32)
    amount = np.empty(indptr[-1])
    row[indptr[spread]] = first_spread + np.searchsorted(used_spread, columns.spread[spread])
    amount[indptr[spread]] = 1.0
    row[indptr[egress + 1] - 1] = first_egress + columns.egress[egress]
    amount[indptr[egress + 1] - 1] = columns.egress_gb[egress]
    return indptr, row, amount
