"""What is free in the pools, kept up as runs begin and end.

The same reckoning as for one more workload (:mod:`situs.planner.single`): parts of a node do not add up over nodes, so
each run is put on one of them, the first that it fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from situs.control.queues.turns import Claim
from situs.control.queues.waiting import Option
from situs.model.estate import Owned, Pool, Reserved
from situs.model.workload import Shape
from situs.planner.compile.world import PoolName
from situs.planner.single import Taken, part_of, shares

EPSILON = 1e-9
Part = tuple[float, ...]


@dataclass
class _Free:
    """What is free in one pool."""

    count: int | None
    """nodes that there are; None: as many as one wants"""
    whole: Part | None
    """of each node; None: each run has nodes of its own"""
    nodes: list[list[float]] = field(default_factory=list)
    """what is free on those that are in use"""
    used: int = 0
    """nodes in use, where each run has its own"""
    places: dict[str, list[tuple[int, Part]]] = field(default_factory=dict)
    """of each run, where its parts are"""

    def spots(self, part: Part, parts: int) -> list[int] | None:
        """The nodes that so many parts go to; None: they do not fit."""
        assert self.whole is not None
        trial: dict[int, list[float]] = {}
        in_use, found = len(self.nodes), []
        for _ in range(parts):
            spot = next((k for k in range(in_use) if _goes(part, trial.get(k) or self.nodes[k])), in_use)
            if spot == in_use:
                if (self.count is not None and in_use >= self.count) or not _goes(part, self.whole):
                    return None
                trial[spot] = list(self.whole)
                in_use += 1
            free = trial.setdefault(spot, list(self.nodes[spot]) if spot < len(self.nodes) else [])
            for r, more in enumerate(part):
                free[r] -= more
            found.append(spot)
        return found


class Rooms:
    """All pools of an estate."""

    def __init__(self, pools: Mapping[PoolName, Pool], taken: Mapping[PoolName, Sequence[Taken]]) -> None:
        """``taken``: what others than queues use."""
        self._pools = {name: _free(pool) for name, pool in pools.items()}
        self._without = {name: _free(pool) for name, pool in pools.items()}
        """the same, without what runs for queues"""
        self.claims: dict[PoolName, Claim] = {}
        self.closed: frozenset[str] = frozenset()
        """sites that get nothing new"""
        for name, there in taken.items():
            free = self._pools.get(name)
            whole = free.whole if free is not None and free.whole is not None else (1.0,) * 4

            def size(each: Taken, whole: Part = whole) -> float:
                return max(shares(part_of(each.shape), whole), default=0.0)

            # The largest first, which packs best.
            by_size = sorted(there, key=size, reverse=True)
            for k, each in enumerate(by_size):
                for unit in range(each.units):
                    _put(self._pools.get(name), each.shape, f"{k}/{unit}")
                    _put(self._without.get(name), each.shape, f"{k}/{unit}")

    def has(self, option: Option) -> bool:
        """Whether one more goes in."""
        return option.pool[0] not in self.closed and _has(self._pools.get(option.pool), option.shape)

    def ever(self, option: Option) -> bool:
        """Whether it went in if nothing of any queue ran."""
        return option.pool[0] not in self.closed and _has(self._without.get(option.pool), option.shape)

    def take(self, option: Option, name: str) -> None:
        """It goes in; also when there is no room, because it is there."""
        _put(self._pools.get(option.pool), option.shape, f"run {name}")

    def leave(self, pool: PoolName, name: str) -> None:
        """It is over."""
        free = self._pools.get(pool)
        for spot, part in free.places.pop(f"run {name}", ()) if free else ():
            assert free is not None
            if free.whole is None:
                free.used -= spot
            else:
                for r, more in enumerate(part):
                    free.nodes[spot][r] += more


def _has(free: _Free | None, shape: Shape) -> bool:
    if free is None:
        return False
    if free.whole is None:
        return free.count is None or free.used + shape.nodes <= free.count
    return free.spots(part_of(shape), shape.nodes) is not None


def _put(free: _Free | None, shape: Shape, name: str) -> None:
    if free is None:
        return
    if free.whole is None:
        free.used += shape.nodes
        free.places[name] = [(shape.nodes, ())]
        return
    part = part_of(shape)
    spots = free.spots(part, shape.nodes)
    if spots is None:
        # It is there, whatever this reckoning says: the pool is then full for a while.
        spots = [0] * shape.nodes
    for spot in spots:
        while spot >= len(free.nodes):
            free.nodes.append(list(free.whole))
        for r, more in enumerate(part):
            free.nodes[spot][r] -= more
    free.places[name] = [(spot, part) for spot in spots]


def _free(pool: Pool) -> _Free:
    shared = pool.packing if pool.packing is not None else isinstance(pool.price, Owned | Reserved)
    if shared and pool.node is not None:
        node = pool.node
        return _Free(pool.count, (node.cpu, node.memory, float(node.accelerators), node.disk))
    if shared or (pool.limit is None and not isinstance(pool.price, Owned | Reserved)):
        return _Free(None, None)
    return _Free(pool.limit if pool.limit is not None else pool.count, None)


def _goes(part: Part, free: Iterable[float]) -> bool:
    return all(more <= there + EPSILON or not more for more, there in zip(part, free, strict=True))
