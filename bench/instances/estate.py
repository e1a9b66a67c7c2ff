"""Sites, their pools, and the targets and prices that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.instances.catalog import (
    CPU,
    EGRESS_USD_PER_GB,
    HOURS_PER_MONTH,
    MEMORY_USD_PER_GIB_HOUR,
    NODE_TYPES,
    OWNED_RUNNING_SHARE,
    RESERVED_SHARE,
    SPOT_SHARE,
    STORAGE_USD_PER_GIB_MONTH,
    VCPU_USD_PER_HOUR,
)
from situs.planner.problem import Flags, Floats, Ids

PUBLIC, PRIVATE, ON_PREMISES, EDGE = range(4)
OWNED, ON_DEMAND, SPOT, RESERVED = range(4)
JURISDICTIONS = 6
RESOURCES = 4
"""cpu, memory, accelerators, storage"""


@dataclass(frozen=True, eq=False)
class Estate:
    """Everything that is there before a workload comes. Letters: S sites, P pools, T targets."""

    site_kind: Ids
    """(S,)"""
    site_provider: Ids
    """(S,) -1 where the site is one's own"""
    site_jurisdiction: Ids
    site_clearance: Ids
    """(S,) 0 to 4"""
    site_place: Floats
    """(S, 2) in a unit square in which sites of one jurisdiction lie together"""
    storage_price: Floats
    """(S,) USD per GiB and month"""
    pool_site: Ids
    pool_type: Ids
    """(P,) index into NODE_TYPES"""
    target_pool: Ids
    target_basis: Ids
    target_hourly: Floats
    """(T,) USD per accelerator-hour (vCPU-hour without accelerators) when well used"""
    target_worth: Floats
    """(T, 4) the same, and storage, per unit of each resource and month"""

    @property
    def sites(self) -> int:
        return len(self.site_kind)

    @property
    def target_price(self) -> Floats:
        """(T, 4) what using a unit costs a month: blocks are paid for when bought, not when used."""
        paid = np.ones_like(self.target_worth)
        paid[self.target_basis == RESERVED, :3] = 0.0
        return self.target_worth * paid

    @property
    def target_site(self) -> Ids:
        return self.pool_site[self.target_pool]

    @property
    def target_type(self) -> Ids:
        return self.pool_type[self.target_pool]


def draw_estate(rng: np.random.Generator, sites: int, with_blocks: bool) -> Estate:
    kind = rng.choice([PUBLIC, PRIVATE, ON_PREMISES, EDGE], sites, p=[0.55, 0.2, 0.15, 0.1]).astype(np.int32)
    public = kind == PUBLIC
    provider = np.where(public, rng.integers(0, len(EGRESS_USD_PER_GB), sites), -1).astype(np.int32)
    jurisdiction = rng.choice(JURISDICTIONS, sites, p=[0.25, 0.2, 0.15, 0.1, 0.2, 0.1]).astype(np.int32)
    centres = rng.uniform(0, 1, (JURISDICTIONS, 2))
    place = centres[jurisdiction] + rng.normal(0, 0.08, (sites, 2))
    clearance = np.choose(kind, [rng.integers(1, 3, sites), rng.integers(2, 4, sites), 4, 3]).astype(np.int32)
    level = rng.lognormal(0, 0.1, sites)
    storage = rng.uniform(*STORAGE_USD_PER_GIB_MONTH, sites) * level * np.where(public, 1.0, 0.5)

    pool_site, pool_type = _draw_pools(rng, kind)
    low = np.array([node.usd_per_hour_low for node in NODE_TYPES])
    high = np.array([node.usd_per_hour_high for node in NODE_TYPES])
    listed = np.exp(rng.uniform(np.log(low[pool_type]), np.log(high[pool_type]))) * level[pool_site]
    target_pool, basis = _bases(public[pool_site], with_blocks)
    hourly = _hourly(rng, pool_type, listed, target_pool, basis)
    worth = _worth(pool_type[target_pool], hourly, listed[target_pool])
    return Estate(
        site_kind=kind,
        site_provider=provider,
        site_jurisdiction=jurisdiction,
        site_clearance=clearance,
        site_place=place,
        storage_price=storage,
        pool_site=pool_site,
        pool_type=pool_type,
        target_pool=target_pool,
        target_basis=basis,
        target_hourly=hourly,
        target_worth=np.concatenate([worth, storage[pool_site[target_pool]][:, None]], axis=1),
    )


def _draw_pools(rng: np.random.Generator, kind: Ids) -> tuple[Ids, Ids]:
    """One to four pools of different types a site; the edge has small accelerators only."""
    pool_site, pool_type = [], []
    for site, site_kind in enumerate(kind.tolist()):
        number = int(rng.integers(1, 3 if site_kind == EDGE else 5))
        accelerated = np.array([1, 2]) if site_kind == EDGE else np.arange(1, len(NODE_TYPES))
        has_cpu = rng.random() < 0.8
        chosen = rng.permutation(accelerated)[: number - int(has_cpu)].tolist()
        types = sorted([CPU, *chosen] if has_cpu else chosen)
        pool_site += [site] * len(types)
        pool_type += types
    return np.array(pool_site, dtype=np.int32), np.array(pool_type, dtype=np.int32)


def _bases(public: Flags, with_blocks: bool) -> tuple[Ids, Ids]:
    """The price bases each pool is offered under, as one target each."""
    rented = [ON_DEMAND, SPOT, RESERVED] if with_blocks else [ON_DEMAND, SPOT]
    pairs = [
        (pool, basis) for pool, is_public in enumerate(public) for basis in (rented if is_public else [OWNED])
    ]
    table = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def _hourly(rng: np.random.Generator, pool_type: Ids, listed: Floats, target_pool: Ids, basis: Ids) -> Floats:
    """USD per accelerator-hour (vCPU-hour without accelerators) of each target, used or bought."""
    low = np.array([node.usd_per_hour_low for node in NODE_TYPES])[pool_type]
    by_basis = np.empty((4, len(listed)))
    by_basis[ON_DEMAND] = listed
    by_basis[SPOT] = listed * rng.uniform(*SPOT_SHARE, len(listed))
    by_basis[RESERVED] = listed * rng.uniform(*RESERVED_SHARE, len(listed))
    by_basis[OWNED] = low * rng.uniform(*OWNED_RUNNING_SHARE, len(listed))
    return by_basis[basis, target_pool]


def _worth(types: Ids, hourly: Floats, listed: Floats) -> Floats:
    """(T, 3) an hourly price shared out over vCPUs, memory and accelerators. USD per unit and month."""
    nodes = [NODE_TYPES[kind] for kind in types.tolist()]
    accelerators = np.array([max(1, node.accelerators) for node in nodes])
    vcpus = np.array([node.vcpus for node in nodes]) / accelerators
    memory = np.array([node.memory_gib for node in nodes]) / accelerators
    is_cpu = types == CPU
    share = hourly / listed
    vcpu = np.where(is_cpu, 0.75 * hourly, VCPU_USD_PER_HOUR * share)
    gib = np.where(is_cpu, 0.25 * hourly * vcpus / memory, MEMORY_USD_PER_GIB_HOUR * share)
    rest = np.maximum(hourly - vcpu * vcpus - gib * memory, 0.3 * hourly)
    return np.stack([vcpu, gib, np.where(is_cpu, 0.0, rest)], axis=1) * HOURS_PER_MONTH
