"""The estate as the planner reads it: pools in one table, money in one currency, paths looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

import numpy as np

from situs.economics.capacity import month_cost
from situs.economics.electricity import average_price_per_kwh
from situs.facts import Facts, complete
from situs.model.error import InputError
from situs.model.estate import Link, Node, Owned, Pool, Reserved, Site, Spot
from situs.model.intent import Intent
from situs.model.money import Money
from situs.model.network import Network
from situs.model.quantity import HOURS_PER_MONTH
from situs.planner.compile.calendar import Calendar, calendar_of
from situs.planner.compile.power import busy_watts
from situs.planner.problem import Flags, Floats, Ints
from situs.policy import Policy, control

RESOURCES = ("cpu", "memory_gib", "accelerators", "disk_gb")
"""What a node has and a shape takes, in the order of demand vectors."""


PoolName = tuple[str, str]
"""(site, pool)"""


@dataclass(frozen=True)
class Place:
    """A pool at a site: one row of the pool table."""

    index: int
    site: str
    name: str
    pool: Pool

    def __str__(self) -> str:
        return f"{self.site}/{self.name}"


@dataclass(frozen=True, eq=False)
class PoolTable:
    """All pools as columns, so that a workload is held against all of them at once. P pools."""

    site: Ints
    """(P,) index into the world's sorted site names"""
    node: Floats
    """(P, Q) what one node has of each resource"""
    accelerator_memory: Floats
    """(P,) GiB of each accelerator"""
    count: Ints
    """(P,) nodes that are there"""
    extra: Floats
    """(P,) nodes that may come on top; inf: no limit"""
    packs: Flags
    """(P,) workloads share nodes"""
    held: Flags
    """(P,) nodes are paid for whether used or not: owned, reserved, or shared"""
    spot: Flags
    hourly: Floats
    """(P,) for one node that is rented by use; 0 for those that are held"""
    available_h: Floats
    """(P,) hours from the plan's instant until usable, 0 for now"""
    startup_h: Floats
    busy_kw: Floats
    """(P,) what full use of a node draws on top of idling, at the meter (PUE included)"""
    meters: Flags
    """(P,) electricity is paid by the kilowatt-hour (owned nodes)"""


class World:
    """One estate at one instant under one set of facts and laws."""

    def __init__(
        self,
        intent: Intent,
        facts: Facts,
        at: datetime,
        off: frozenset[str] = frozenset(),
        split: Mapping[str, Mapping[PoolName, int]] | None = None,
    ) -> None:
        self.intent = complete(intent, facts, at)
        self.links_added = len(self.intent.links) - len(intent.links)
        """so many links stand before those of the estate, from the facts"""
        self.facts = facts
        self.at = at
        self.off = off
        self.split = split or {}
        """units by place, of workloads that are in several places today; ``current`` is the largest of them"""
        self.settings = self.intent.settings
        self.horizon_h = self.settings.horizon
        self.months = self.horizon_h / HOURS_PER_MONTH
        self.calendar: Calendar = calendar_of(self.intent, at)
        self.policy = Policy(self.intent, facts, at, off)
        self.site_names: tuple[str, ...] = tuple(sorted(self.intent.sites))
        self.site_index: Mapping[str, int] = {name: k for k, name in enumerate(self.site_names)}
        self.places: tuple[Place, ...] = tuple(
            Place(k, site, name, pool) for k, (site, name, pool) in enumerate(_pools(self.intent))
        )
        self.network = Network(self.intent.links)

    def money(self, value: Money | None) -> float:
        """An amount or price in the plan's currency."""
        if value is None:
            return 0.0
        return float(value.amount * self._rate(value.currency))

    def _rate(self, currency: str) -> Decimal:
        if currency not in self._rates:
            self._rates[currency] = self.facts.rate(currency, self.settings.currency, self.at)
        return self._rates[currency]

    @cached_property
    def _rates(self) -> dict[str, Decimal]:
        return {}

    def site(self, name: str) -> Site:
        """The site of that name."""
        return self.intent.sites[name]

    @cached_property
    def pools(self) -> PoolTable:
        """All pools as columns."""
        places = self.places
        bases = [place.pool.price for place in places]
        packs = [_packs(place.pool) for place in places]
        held = [shared or _held(place.pool) for place, shared in zip(places, packs, strict=True)]
        return PoolTable(
            site=np.asarray([self.site_index[place.site] for place in places], dtype=np.int64),
            node=np.asarray([_node_resources(place) for place in places], dtype=float).reshape(
                len(places), len(RESOURCES)
            ),
            accelerator_memory=np.asarray([_node(place).accelerator_memory for place in places], dtype=float),
            count=np.asarray([place.pool.count for place in places], dtype=np.int64),
            extra=np.asarray([_extra_nodes(place.pool) for place in places], dtype=float),
            packs=np.asarray(packs, dtype=bool),
            held=np.asarray(held, dtype=bool),
            spot=np.asarray([isinstance(basis, Spot) for basis in bases], dtype=bool),
            hourly=np.asarray(
                [
                    0.0 if paid or basis is None or isinstance(basis, Owned) else self.money(basis.price)
                    for paid, basis in zip(held, bases, strict=True)
                ],
                dtype=float,
            ),
            available_h=np.asarray(
                [
                    max(0.0, self.calendar.hours_until(p.pool.available_from))
                    if p.pool.available_from
                    else 0.0
                    for p in places
                ],
                dtype=float,
            ),
            startup_h=np.asarray([place.pool.startup / 3600.0 for place in places], dtype=float),
            busy_kw=np.asarray([self._busy_kw(place) for place in places], dtype=float),
            meters=np.asarray([isinstance(basis, Owned) for basis in bases], dtype=bool),
        )

    def _busy_kw(self, place: Place) -> float:
        basis = place.pool.price
        if isinstance(basis, Owned):
            watts = max(0.0, basis.busy - basis.idle)
        else:
            watts = busy_watts(_node(place), place.pool.accelerator)
        return watts / 1000.0 * self.site(place.site).pue

    @cached_property
    def carbon_kg_per_kwh(self) -> Floats:
        """(S,) of each site's electricity; unknown counts as the worst known, never as clean."""
        known = [self.intent.sites[name].carbon_g_per_kwh for name in self.site_names]
        worst = max((g for g in known if g is not None), default=0.0)
        return np.asarray([(worst if g is None else g) / 1000.0 for g in known], dtype=float)

    @cached_property
    def carbon_price_per_kg(self) -> float:
        """Internal price of emissions in the plan's currency."""
        return self.money(self.settings.carbon_price) / 1000.0

    @cached_property
    def control(self) -> Floats:
        """(S,) the control score of each site, 0 to 1."""
        return np.asarray([control(self.intent.sites[name]).score for name in self.site_names], dtype=float)

    def kwh_price(self, site: str, start_h: float, hours: float) -> float:
        """Mean price of a kilowatt-hour at a site while something runs."""
        electricity = self.site(site).electricity
        if electricity is None:
            return 0.0
        return self.money(average_price_per_kwh(electricity, self.calendar.instant(start_h), hours))

    def node_month_cost(self, place: Place) -> float:
        """What one held node costs a month, used or not, in the plan's currency."""
        site = self.site(place.site)
        return float(month_cost(place.pool, site, self.settings.currency, self.facts, self.at).total)

    def storage_price(self, site: str) -> float:
        """Per GB and month in the plan's currency."""
        return self.money(self.site(site).storage.price)

    def link(self, source: str, target: str) -> Link | None:
        """The path between two places, None where there is none."""
        return self.network.link(source, target)


def _pools(intent: Intent) -> list[tuple[str, str, Pool]]:
    return [
        (site, name, intent.sites[site].pools[name])
        for site in sorted(intent.sites)
        for name in sorted(intent.sites[site].pools)
    ]


def _node(place: Place) -> Node:
    if place.pool.node is None or place.pool.price is None:
        raise InputError(
            f"pool {place}: sku {place.pool.sku!r} is in no price catalogue; see `situs facts list prices`"
        )
    return place.pool.node


def _node_resources(place: Place) -> tuple[float, ...]:
    node = _node(place)
    return (node.cpu, node.memory, float(node.accelerators), node.disk)


def _packs(pool: Pool) -> bool:
    if pool.packing is not None:
        return pool.packing
    return _held(pool)


def _held(pool: Pool) -> bool:
    return isinstance(pool.price, Owned | Reserved)


def _extra_nodes(pool: Pool) -> float:
    if pool.limit is not None:
        return float(pool.limit - pool.count)
    return 0.0 if _packs(pool) or _held(pool) else float("inf")
