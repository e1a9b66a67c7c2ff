"""Rows for what pools can hold, and purchases for what can be added.

A pool that is shared has a row for each resource its nodes have, in every time slot; a pool whose nodes
are not shared has a row for nodes, if there is a limit at all.  Nodes that are held, by owning, reserving
or sharing them, are paid for whether used or not: those that are there are a fixed cost, and further ones
are whole purchases that add all their resources at once.  Other nodes cost by use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from situs.planner.compile.assembly import Assembly
from situs.planner.compile.options import Fitting
from situs.planner.compile.world import RESOURCES, Place, World

NODES = len(RESOURCES)
"""Whole nodes come after the resources of nodes in demand vectors."""


@dataclass(frozen=True)
class NodePurchase:
    """Nodes that may be added to a pool."""

    number: int
    """of the purchase in the problem"""
    place: Place
    cost: float
    """of one node within the horizon"""


class Capacity:
    """Capacity rows by pool, resource and slot."""

    resources = NODES + 1

    def __init__(self, world: World, assembly: Assembly) -> None:
        self._world = world
        slots = range(len(world.calendar.starts))
        # rows[pool][slot] is a tuple by resource; -1 where nothing limits it.
        self._rows: list[list[tuple[int, ...]]] = []
        self.purchases: list[NodePurchase] = []
        self.holding_cost: dict[int, float] = {}
        self._node_cost: dict[int, float] = {}
        """of one added node of the pools that may grow"""
        for place in world.places:
            p = place.index
            count, extra = int(world.pools.count[p]), float(world.pools.extra[p])
            shared, held = bool(world.pools.packs[p]), bool(world.pools.held[p])
            by_slot = []
            for slot in slots:
                opens_later = world.calendar.starts[slot] + 1e-9 < world.pools.available_h[p]
                there = 0 if opens_later else count
                rows = [-1] * self.resources
                if shared:
                    for q, each in enumerate(world.pools.node[p]):
                        if each > 0 or q == 2:
                            rows[q] = assembly.row(
                                ("pool", place.site, place.name, RESOURCES[q], slot), there * each
                            )
                elif held or math.isfinite(extra):
                    # What costs by use is there without being bought.
                    usable = 0.0 if opens_later else there if held else count + extra
                    rows[NODES] = assembly.row(("pool", place.site, place.name, "nodes", slot), usable)
                by_slot.append(tuple(rows))
            self._rows.append(by_slot)
            if held:
                self._held_nodes(assembly, place, count, extra, by_slot)

    def _held_nodes(
        self, assembly: Assembly, place: Place, count: int, extra: float, by_slot: list[tuple[int, ...]]
    ) -> None:
        world = self._world
        node_cost = world.node_month_cost(place) * world.months
        if count:
            self.holding_cost[place.index] = node_cost * count
            assembly.fixed_cost += node_cost * count
        if extra > 0:
            node = (*world.pools.node[place.index], 1.0)
            gives = [
                (row, float(node[q]))
                for rows in by_slot
                for q, row in enumerate(rows)
                if row >= 0 and node[q] > 0
            ]
            limit = extra if math.isfinite(extra) else 1e6
            self._node_cost[place.index] = node_cost
            self.purchases.append(NodePurchase(assembly.buy(node_cost, limit, True, gives), place, node_cost))

    def added_cost(self, place: Place, fitting: Fitting) -> float:
        """What the nodes would cost that one unit needs, were all of them added; 0 where none can be."""
        cost = self._node_cost.get(place.index, 0.0)
        return cost * float(fitting.nodes[place.index]) if cost else 0.0

    def uses(
        self, place: Place, fitting: Fitting, start_h: float, transfer_h: float = 0.0
    ) -> tuple[tuple[float, ...], tuple[int, ...], list[tuple[int, float]]]:
        """Demand vector, rows of the first slot, and the further rows and amounts of later slots.

        A run holds its nodes while it reads and writes over links, for ``transfer_h``.
        """
        p = place.index
        shape = fitting.shape
        units = float(fitting.units[p])
        shared = bool(self._world.pools.packs[p])
        demand = (
            (shape.cpu * units, shape.memory * units, shape.accelerators * units, shape.disk * units, 0.0)
            if shared
            else (0.0, 0.0, 0.0, 0.0, float(fitting.nodes[p] * fitting.presence[p]))
        )
        slots = self._slots(fitting, p, start_h, transfer_h)
        first = self._rows[p][slots[0]]
        more = [
            (row, amount)
            for slot in slots[1:]
            for row, amount in zip(self._rows[p][slot], demand, strict=True)
            if row >= 0 and amount > 0
        ]
        return demand, first, more

    def _slots(self, fitting: Fitting, p: int, start_h: float, transfer_h: float) -> range:
        calendar = self._world.calendar
        if not fitting.once:
            return calendar.touched(start_h, calendar.end)
        return calendar.touched(start_h, start_h + float(fitting.duration_h[p]) + transfer_h)

    def used(self, place: Place, load: np.ndarray) -> np.ndarray:
        """(Q + 1,) what is used of each resource, and of whole nodes, in the fullest slot."""
        by_slot = [[load[row] if row >= 0 else 0.0 for row in rows] for rows in self._rows[place.index]]
        return np.asarray(np.max(np.asarray(by_slot, dtype=float), axis=0))
