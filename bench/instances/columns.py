"""Columns: every variant on every target its workload may use, a chunk of workloads at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from bench.instances.catalog import NODE_TYPES
from bench.instances.demand import Demand, allowed_sites
from bench.instances.estate import SPOT, Estate
from bench.instances.features import Datasets, Egress, Spread, egress_price
from situs.planner.problem import Flags, Floats, Ids, Ints

CHUNK_CLASSES = 4096


@dataclass(frozen=True, eq=False)
class Extras:
    """The parts of an instance that only ``features="all"`` has."""

    datasets: Datasets
    spread: Spread
    egress: Egress


@dataclass(frozen=True, eq=False)
class Chunk:
    """The columns of some workloads before anything is said about moves."""

    variant: Ids
    target: Ids
    cost: Floats
    need: Ids
    """-1 for none"""
    spread: Ids
    """group and fault domain as one number, -1 for none"""
    egress: Ids
    """position among the providers that bill egress, -1 for none"""
    egress_gb: Floats

    def take(self, order: Ints) -> Chunk:
        return Chunk(*(getattr(self, field.name)[order] for field in fields(self)))

    def with_cost(self, cost: Floats) -> Chunk:
        return replace(self, cost=cost)


def joined(chunks: list[Chunk]) -> Chunk:
    return Chunk(
        *(np.concatenate([getattr(chunk, field.name) for chunk in chunks]) for field in fields(Chunk))
    )


def draw_chunk(
    rng: np.random.Generator, estate: Estate, demand: Demand, extras: Extras | None, first: int, end: int
) -> Chunk:
    allowed = allowed_sites(rng, estate, demand, first, end)
    low, high = np.searchsorted(demand.variant_class, [first, end])
    allowed[_homeless(estate, demand, allowed, first, low, high)] = True
    variants, targets = [], []
    for kind in range(len(NODE_TYPES)):
        own = low + np.flatnonzero(demand.variant_type[low:high] == kind)
        offered = np.flatnonzero(estate.target_type == kind)
        owner = demand.variant_class[own]
        may = allowed[np.ix_(owner - first, estate.target_site[offered])]
        may &= demand.interruptible[owner][:, None] | (estate.target_basis[offered] != SPOT)[None]
        v, t = np.nonzero(may)
        variants.append(own[v])
        targets.append(offered[t])
    variant = np.concatenate(variants).astype(np.int32)
    target = np.concatenate(targets).astype(np.int32)
    order = np.argsort(variant.astype(np.int64) * len(estate.target_pool) + target)
    variant, target = variant[order], target[order]
    rework = 1 + rng.lognormal(np.log(0.05), 0.6, end - first)
    price = estate.target_price
    cost = np.einsum("jq,jq->j", price[target], demand.demand[variant])
    spot = estate.target_basis[target] == SPOT
    cost *= np.where(spot, rework[demand.variant_class[variant] - first], 1.0)
    none = np.full(len(variant), -1, dtype=np.int32)
    chunk = Chunk(variant, target, cost, none, none, none, np.zeros(len(variant)))
    return _with_extras(chunk, estate, demand, extras) if extras else chunk


def _homeless(estate: Estate, demand: Demand, allowed: Flags, first: int, low: int, high: int) -> Flags:
    """Workloads for which no allowed site has a suitable node. There is nothing to decide about them, so
    they get an exception from their rules instead."""
    offered = np.zeros((len(NODE_TYPES), estate.sites), dtype=np.bool_)
    steady = estate.target_basis != SPOT
    offered[estate.target_type[steady], estate.target_site[steady]] = True
    owner = demand.variant_class[low:high] - first
    served = (allowed[owner] & offered[demand.variant_type[low:high]]).any(axis=1)
    return ~np.bincount(owner, served, len(allowed)).astype(np.bool_)


def _with_extras(chunk: Chunk, estate: Estate, demand: Demand, extras: Extras) -> Chunk:
    """Reading in place or over the line, and the rows of spread groups."""
    data, spread, egress = extras.datasets, extras.spread, extras.egress
    owner = demand.variant_class[chunk.variant]
    site = estate.target_site[chunk.target]
    dataset = data.read_by[owner]
    home = data.home[dataset]
    reads = dataset >= 0
    here = np.where(reads, data.open_of[dataset, site], -1)
    remote = reads & (site != home)
    in_place = ~reads | (here >= 0)

    both = np.concatenate([np.flatnonzero(in_place), np.flatnonzero(remote)])
    is_remote = np.arange(len(both)) >= in_place.sum()
    order = np.lexsort((is_remote, both))
    both, is_remote = both[order], is_remote[order]
    owner, site, home = owner[both], site[both], home[both]
    at_home = data.open_of[dataset[both], home]
    group = spread.group[owner]
    key = group * spread.domains + spread.domain[group, site]
    billed = is_remote & (egress.of_site[home] >= 0)
    chunk = chunk.take(both)
    return Chunk(
        variant=chunk.variant,
        target=chunk.target,
        cost=chunk.cost,
        need=np.where(is_remote, at_home, here[both]).astype(np.int32),
        spread=np.where(group >= 0, key, -1).astype(np.int32),
        egress=np.where(billed, egress.of_site[home], -1).astype(np.int32),
        egress_gb=np.where(billed, data.read_gb[owner], 0.0),
    )


def expected_cost(chunk: Chunk, estate: Estate, demand: Demand, extras: Extras | None) -> Floats:
    """Cost with blocks and egress at average prices: for guessing where a workload stands, and its worth."""
    if extras is None:
        return chunk.cost
    blocks = estate.target_worth - estate.target_price
    in_blocks = np.einsum("jq,jq->j", blocks[chunk.target], demand.demand[chunk.variant])
    home = extras.datasets.home[extras.datasets.read_by[demand.variant_class[chunk.variant]]]
    cost: Floats = chunk.cost + in_blocks + chunk.egress_gb * egress_price(estate)[home]
    return cost
