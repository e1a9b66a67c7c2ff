"""When jobs could end that others may be waiting for.

A job that runs once can wait until an earlier one has left its node.  That asks for a slot to begin where the
earlier one ends.  Ends are looked for only in pools that more is asked of than they have, because every slot
multiplies the capacity rows.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence

from situs.model.estate import Node, Pool
from situs.model.intent import Intent
from situs.model.workload import Job, Shape, Workload

MOST_JOBS = 2_000
"""With more jobs than that, waiting for one of them by name is no longer what decides where the rest go, and
the slots would multiply millions of options."""


def queue_ends(intent: Intent, begins: Sequence[float], horizon: float, most: int) -> list[float]:
    """Up to ``most`` hours, the earliest first, at which a job that began at one of ``begins``, or at the end
    of another, would leave a pool that is short."""
    lengths = sorted({hours for pool in _short_pools(intent) for hours in _lengths(intent, pool)})
    if not lengths or sum(1 for _ in _jobs(intent)) > MOST_JOBS:
        return []
    waiting = list(begins)
    heapq.heapify(waiting)
    found: list[float] = []
    while waiting and len(found) < most:
        begin = heapq.heappop(waiting)
        if begin > 0.0 and begin not in begins and (not found or begin > found[-1]):
            found.append(begin)
        for length in lengths:
            end = round(begin + length, 6)
            if end < horizon and end not in waiting:
                heapq.heappush(waiting, end)
    return found


def _short_pools(intent: Intent) -> Iterable[Pool]:
    """Pools of so many nodes that all that could be there would not fit at once."""
    for site in intent.sites.values():
        for pool in site.pools.values():
            nodes = pool.count if pool.limit is None else pool.limit
            if nodes and pool.node is not None and _asked(intent, pool, pool.node) > nodes + 1e-9:
                yield pool


def _asked(intent: Intent, pool: Pool, node: Node) -> float:
    """Nodes that all workloads together would fill."""
    return sum(
        workload.count * max(_share(shape, pool, node) for shape in workload.shapes)
        for workload in intent.workloads.values()
    )


def _share(shape: Shape, pool: Pool, node: Node) -> float:
    """Nodes that the shape fills; 0 where it does not fit."""
    each = (
        (shape.cpu / shape.nodes, node.cpu),
        (shape.memory / shape.nodes, node.memory),
        (math.ceil(shape.accelerators / shape.nodes), float(node.accelerators)),
        (shape.disk / shape.nodes, node.disk),
    )
    wrong_model = (
        shape.accelerators and shape.accelerator is not None and pool.accelerator not in shape.accelerator
    )
    if wrong_model or any(wanted > there + 1e-9 for wanted, there in each):
        return 0.0
    return shape.nodes * max(wanted / there for wanted, there in each if there > 0)


def _jobs(intent: Intent) -> Iterable[tuple[Workload, Job]]:
    """What runs once."""
    for workload in intent.workloads.values():
        if workload.job is not None and workload.job.per_month is None:
            yield workload, workload.job


def _lengths(intent: Intent, pool: Pool) -> Iterable[float]:
    """How long the jobs would run in the pool."""
    assert pool.node is not None
    for workload, job in _jobs(intent):
        speed = pool.speed_of(workload.workload_class)
        for shape in workload.shapes:
            if speed > 0 and _share(shape, pool, pool.node) > 0:
                yield job.work / (shape.throughput * speed)
