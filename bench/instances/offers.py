"""What can be bought or opened: capacity blocks, egress by the gigabyte and under contract."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.instances.catalog import (
    EGRESS_USD_PER_GB,
    HOURS_PER_MONTH,
    NODE_TYPES,
    OWNED_BUYING_SHARE,
)
from bench.instances.estate import EDGE, OWNED, RESERVED, Estate
from situs.planner.problem import Flags, Floats, Ids, Ints


@dataclass(frozen=True, eq=False)
class Purchases:
    """K purchases, written as in a Problem."""

    cost: Floats
    limit: Floats
    integer: Flags
    open: Ids
    indptr: Ints
    row: Ids
    amount: Floats

    def then(self, other: Purchases) -> Purchases:
        return Purchases(
            np.concatenate([self.cost, other.cost]),
            np.concatenate([self.limit, other.limit]),
            np.concatenate([self.integer, other.integer]),
            np.concatenate([self.open, other.open]),
            np.concatenate([self.indptr, self.indptr[-1] + other.indptr[1:]]),
            np.concatenate([self.row, other.row]),
            np.concatenate([self.amount, other.amount]),
        )


@dataclass(frozen=True, eq=False)
class Opens:
    """F opens, written as in a Problem."""

    cost: Floats
    group: Ids
    indptr: Ints
    row: Ids
    amount: Floats

    def then(self, other: Opens) -> Opens:
        return Opens(
            np.concatenate([self.cost, other.cost]),
            np.concatenate([self.group, other.group]),
            np.concatenate([self.indptr, self.indptr[-1] + other.indptr[1:]]),
            np.concatenate([self.row, other.row]),
            np.concatenate([self.amount, other.amount]),
        )


_NO_FLOATS = np.zeros(0)
_NO_IDS = np.zeros(0, dtype=np.int32)
_START = np.zeros(1, dtype=np.int64)


def no_purchases() -> Purchases:
    return Purchases(
        _NO_FLOATS, _NO_FLOATS, np.zeros(0, dtype=np.bool_), _NO_IDS, _START, _NO_IDS, _NO_FLOATS
    )


def no_opens() -> Opens:
    return Opens(_NO_FLOATS, _NO_IDS, _START, _NO_IDS, _NO_FLOATS)


def block_targets(estate: Estate) -> Ids:
    """The targets whose capacity comes in blocks: reserved ones, and own ones that may be enlarged."""
    kind = estate.site_kind[estate.target_site]
    enlargeable = (estate.target_basis == OWNED) & (kind != EDGE)
    return np.flatnonzero((estate.target_basis == RESERVED) | enlargeable).astype(np.int32)


def draw_blocks(rng: np.random.Generator, estate: Estate, target_row: Ids, node_load: Floats) -> Purchases:
    """One block per target: a node a month. ``node_load`` is how many nodes the target's demand fills."""
    targets = block_targets(estate)
    pool = estate.target_pool[targets]
    types = [NODE_TYPES[kind] for kind in estate.pool_type[pool].tolist()]
    reserved = estate.target_basis[targets] == RESERVED
    size = np.array([node.accelerators or node.vcpus for node in types])
    lowest = np.array([node.usd_per_hour_low for node in types])
    buying = lowest * rng.uniform(*OWNED_BUYING_SHARE, len(targets))
    hourly = np.where(reserved, estate.target_hourly[targets], buying)
    share = np.where(reserved, 0.6, 0.3)
    limit = np.maximum(1, np.ceil(share * node_load[targets]))
    rows = target_row[targets][:, :3]
    amounts = np.array([[node.vcpus, node.memory_gib, node.accelerators] for node in types], dtype=np.float64)
    there = rows >= 0
    return Purchases(
        cost=hourly * size * HOURS_PER_MONTH,
        limit=limit,
        integer=np.ones(len(targets), dtype=np.bool_),
        open=np.full(len(targets), -1, dtype=np.int32),
        indptr=np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64),
        row=rows[there].astype(np.int32),
        amount=amounts[there],
    )


@dataclass(frozen=True, eq=False)
class EgressOffer:
    """For each provider that bills egress: list price, contract price, and the contract to open."""

    purchases: Purchases
    opens: Opens


def draw_egress_purchases(
    rng: np.random.Generator, billing: Ids, first_row: int, first_open: int, most_gb: float
) -> EgressOffer:
    """Two fractional purchases a provider: by the gigabyte, and cheaper, up to a volume, under contract.

    ``billing`` names the providers; their rows and contracts follow from the given firsts.
    """
    providers = len(billing)
    listed = np.array(EGRESS_USD_PER_GB)[billing]
    discount = rng.uniform(0.4, 0.7, providers)
    contract_gb = most_gb * rng.uniform(0.1, 0.4, providers) / max(1, providers)
    fee = 0.25 * contract_gb * listed * (1 - discount)
    rows = first_row + np.repeat(np.arange(providers), 2)
    contract = first_open + np.arange(providers)
    purchases = Purchases(
        cost=np.stack([listed, listed * discount], axis=1).reshape(-1),
        limit=np.stack([np.full(providers, most_gb), contract_gb], axis=1).reshape(-1),
        integer=np.zeros(2 * providers, dtype=np.bool_),
        open=np.stack([np.full(providers, -1), contract], axis=1).reshape(-1).astype(np.int32),
        indptr=np.arange(2 * providers + 1, dtype=np.int64),
        row=rows.astype(np.int32),
        amount=np.ones(2 * providers),
    )
    opens = Opens(
        cost=fee,
        group=np.full(providers, -1, dtype=np.int32),
        indptr=np.zeros(providers + 1, dtype=np.int64),
        row=_NO_IDS,
        amount=_NO_FLOATS,
    )
    return EgressOffer(purchases, opens)
