"""Where workloads run today, and the credit for what stays there.

A move has a bill. Written as a credit it needs no extra rows: the bills of all units that run today are
a fixed cost, and a unit that stays gets its bill back, on a column limited to the units that are there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.instances.columns import Chunk
from bench.instances.demand import Demand
from situs.planner.problem import Floats, Ids, Ints

PLACED_SHARE = 0.6
"""So many of the units run somewhere already."""
PLACES = 8
"""A class of many units is spread over so many places at most."""


@dataclass(frozen=True, eq=False)
class Stay:
    """The columns of a chunk with credits for staying."""

    chunk: Chunk
    limit: Ints
    """(J,)"""
    column: Ids
    """per class of the chunk, the column of a single unit's place today, -1 for none"""
    credit: float
    """handed out in all, USD"""


def move_bills(rng: np.random.Generator, demand: Demand, mean_cost: Floats, first: int, end: int) -> Floats:
    """Per unit: transfer of the state, work lost since the last checkpoint, and people's time. USD."""
    lost = rng.uniform(0.01, 0.06, end - first) * mean_cost
    return 0.09 * demand.state_gb[first:end] + lost + rng.exponential(10.0, end - first)


def without_moves(chunk: Chunk, owner: Ids, count: Ints) -> Stay:
    return Stay(chunk, count[owner], np.full(len(count), -1, dtype=np.int32), 0.0)


def with_moves(
    rng: np.random.Generator, chunk: Chunk, owner: Ids, count: Ints, expected: Floats, bill: Floats
) -> Stay:
    """Draw today's places, cheap ones chosen one at a time with reasons of their own, and credit them."""
    here, units = _places_today(rng, owner, count, expected * rng.lognormal(0, 0.4, len(expected)))
    credit = bill[owner[here]] * units
    whole = units == count[owner[here]]
    part = here[~whole]

    chunk_cost = chunk.cost.copy()
    chunk_cost[here[whole]] -= bill[owner[here[whole]]]
    order = np.concatenate([np.arange(len(owner)), part])
    is_part = np.arange(len(order)) >= len(owner)
    sorting = np.lexsort((is_part, order))
    order, is_part = order[sorting], is_part[sorting]
    extended = chunk.with_cost(chunk_cost).take(order)
    extended.cost[is_part] -= bill[owner[part]]
    limit = count[owner][order]
    limit[is_part] = units[~whole]

    place = np.searchsorted(order, here[whole])
    column = np.full(len(count), -1, dtype=np.int32)
    column[owner[here[whole]]] = place
    return Stay(extended, limit, column, float(credit.sum()))


def _places_today(rng: np.random.Generator, owner: Ids, count: Ints, appeal: Floats) -> tuple[Ints, Ints]:
    """Columns in use today and the units there: one place for a single unit, several for a large class."""
    order = np.lexsort((appeal, owner))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.searchsorted(owner, owner)[order]
    single = count == 1
    running = ~single | (rng.random(len(count)) < PLACED_SHARE)
    here = np.flatnonzero(running[owner] & (rank < np.where(single, 1, PLACES)[owner]))
    split = np.floor(PLACED_SHARE * count[owner[here]] * 0.5 ** (rank[here] + 1)).astype(np.int64)
    units = np.where(single[owner[here]], 1, split)
    return here[units > 0], units[units > 0]
