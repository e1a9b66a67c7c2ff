"""What ``features="all"`` adds to the workloads: datasets with replicas, spread, billed egress."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.instances.catalog import EGRESS_FREE_GB, EGRESS_USD_PER_GB
from bench.instances.demand import SERVE, Demand
from bench.instances.estate import PUBLIC, Estate
from bench.instances.offers import Opens
from situs.planner.problem import Floats, Ids, Ints

MAX_REPLICAS = 3
CANDIDATES = 8
"""Sites that may hold a dataset: its home and those its label and its owner leave."""
SPREAD_SIZE = 4
"""Replicas of one service that must not share a fate."""


@dataclass(frozen=True, eq=False)
class Datasets:
    """D datasets and, for each candidate site, an open "a replica is here"."""

    home: Ids
    """(D,) site"""
    size_gib: Floats
    open_of: Ids
    """(D, S) the open of each replica, -1 where there may be none"""
    open_dataset: Ids
    open_site: Ids
    open_cost: Floats
    """(F,) USD a month: storage, and for a new replica a twelfth of its transfer"""
    read_by: Ids
    """(I,) the dataset each class reads, -1 for none"""
    read_gb: Floats
    """(I,) a month and unit"""


def draw_datasets(rng: np.random.Generator, estate: Estate, demand: Demand) -> Datasets:
    classes = len(demand.count)
    number = max(8, classes // 25)
    home = rng.integers(0, estate.sites, number)
    size = rng.lognormal(np.log(500), 1.2, number)
    lot = rng.random((number, estate.sites))
    lot[np.arange(number), home] = -1.0
    candidates = np.sort(np.argsort(lot, axis=1)[:, : min(CANDIDATES, estate.sites)], axis=1)
    open_dataset = np.repeat(np.arange(number), candidates.shape[1])
    open_site = candidates.reshape(-1)
    open_of = np.full((number, estate.sites), -1, dtype=np.int32)
    open_of[open_dataset, open_site] = np.arange(len(open_site))
    copying = egress_price(estate)[home[open_dataset]] * size[open_dataset] / 12
    is_home = open_site == home[open_dataset]
    cost = estate.storage_price[open_site] * size[open_dataset] + np.where(is_home, 0.0, copying)

    popularity = 1 / np.arange(1, number + 1) ** 0.7
    reads = rng.random(classes) < 0.5
    read_by = np.where(reads, rng.choice(number, classes, p=popularity / popularity.sum()), -1)
    volume = size[read_by] * rng.uniform(0.1, 2.0, classes)
    return Datasets(
        home=home.astype(np.int32),
        size_gib=size,
        open_of=open_of,
        open_dataset=open_dataset.astype(np.int32),
        open_site=open_site.astype(np.int32),
        open_cost=cost,
        read_by=read_by.astype(np.int32),
        read_gb=np.where(reads, volume, 0.0),
    )


def egress_price(estate: Estate) -> Floats:
    """(S,) USD per GB leaving each site at list price; own sites pay for their lines anyway."""
    listed = np.array([*EGRESS_USD_PER_GB, 0.0])
    return listed[estate.site_provider]


@dataclass(frozen=True, eq=False)
class Spread:
    """Services whose replicas must not share a fate: half are spread over sites, half over providers."""

    group: Ids
    """(I,) -1 for none"""
    domain: Ids
    """(groups, S) the fault domain of each site as the group counts them"""
    domains: int
    limit: Ints
    """(groups,) units allowed in one domain"""


def draw_spread(rng: np.random.Generator, estate: Estate, demand: Demand) -> Spread:
    classes = len(demand.count)
    serving = rng.permutation(np.flatnonzero(demand.kind == SERVE))
    groups = max(1, classes // 100)
    members = serving[: groups * SPREAD_SIZE]
    group = np.full(classes, -1, dtype=np.int32)
    group[members] = np.arange(len(members)) // SPREAD_SIZE
    groups = int(group.max()) + 1
    # An own site is its own operator: it fails by itself.
    own = estate.site_provider < 0
    operator = np.where(own, len(EGRESS_USD_PER_GB) + np.arange(estate.sites), estate.site_provider)
    by_site = np.arange(groups) % 2 == 0
    domain = np.where(by_site[:, None], np.arange(estate.sites)[None], operator[None])
    units = np.bincount(group[members], weights=demand.count[members], minlength=groups)
    limit = np.where(by_site, np.ceil(units / SPREAD_SIZE), np.ceil(units / 2)).astype(np.int64)
    return Spread(group, domain.astype(np.int32), len(EGRESS_USD_PER_GB) + estate.sites, limit)


@dataclass(frozen=True, eq=False)
class Egress:
    """Egress as rows: volume at list price by the gigabyte, or cheaper under a contract with a fee."""

    provider: Ids
    """(E,) the providers that bill egress"""
    of_site: Ids
    """(S,) position among them, -1 where egress is free"""
    free_gb: Floats
    """(E,)"""


def egress_rows(estate: Estate) -> Egress:
    billed = np.flatnonzero(np.array(EGRESS_USD_PER_GB) > 0)
    present = billed[np.isin(billed, estate.site_provider)]
    position = np.full(len(EGRESS_USD_PER_GB) + 1, -1)
    position[present] = np.arange(len(present))
    return Egress(
        provider=present.astype(np.int32),
        of_site=position[estate.site_provider].astype(np.int32),
        free_gb=np.array(EGRESS_FREE_GB)[present],
    )


def replica_opens(estate: Estate, data: Datasets, storage_rows: Ints) -> Opens:
    """One open per candidate site; it takes the dataset's size where storage is one's own."""
    counted = estate.site_kind[data.open_site] != PUBLIC
    return Opens(
        cost=data.open_cost,
        group=data.open_dataset,
        indptr=np.concatenate([[0], np.cumsum(counted)]).astype(np.int64),
        row=storage_rows[data.open_site[counted]].astype(np.int32),
        amount=data.size_gib[data.open_dataset[counted]],
    )
