"""Fills in what an estate leaves to the facts: nodes and prices by sku, storage, emissions, egress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from situs.facts.catalogue import Facts
from situs.facts.fact import Egress, PriceFact
from situs.model.error import InputError
from situs.model.estate import Link, Node, OnDemand, Owned, Pool, Reserved, Site, SiteKind, Spot, Tier
from situs.model.intent import Intent
from situs.model.money import GbMonthPrice, GbPrice, HourPrice
from situs.model.network import ANY, Network


def complete(intent: Intent, facts: Facts, at: datetime) -> Intent:
    """The same estate with every gap that the facts can fill. What the estate says itself always stands.

    Raises InputError for a sku that is in no price catalogue.
    """
    sites = {name: _site(name, site, facts) for name, site in intent.sites.items()}
    return intent.model_copy(update={"sites": sites, "links": _links(intent, facts)})


def _site(name: str, site: Site, facts: Facts) -> Site:
    changes: dict[str, Any] = {
        "pools": {key: _pool(f"{name}/{key}", pool, facts) for key, pool in site.pools.items()}
    }
    if site.storage.price is None and (price := facts.storage(site.operator)):
        money = GbMonthPrice(amount=price.value, currency="USD")
        changes["storage"] = site.storage.model_copy(update={"price": money})
    if site.carbon_g_per_kwh is None and (grams := facts.carbon(site.operator, site.region, site.country)):
        changes["carbon_g_per_kwh"] = float(grams.value)
    return site.model_copy(update=changes)


def _pool(name: str, pool: Pool, facts: Facts) -> Pool:
    if pool.sku is None or (pool.node is not None and pool.price is not None and _priced(pool)):
        return pool
    fact = facts.price(pool.sku)
    if fact is None:
        raise InputError(
            f"pool {name}: no price catalogue has the sku {pool.sku!r}; `situs facts list prices` shows all"
        )
    node = pool.node or Node(
        cpu=float(fact.cpus), memory=float(fact.memory_gib), accelerators=fact.accelerators,
        accelerator_memory=_accelerator_memory(fact),
    )  # fmt: skip
    return pool.model_copy(
        update={
            "node": node,
            "accelerator": pool.accelerator or fact.accelerator,
            "price": pool.price or _on_demand(fact),
        }
    )


def _priced(pool: Pool) -> bool:
    return isinstance(pool.price, OnDemand | Spot | Reserved | Owned)


def _on_demand(fact: PriceFact) -> OnDemand:
    return OnDemand(price=HourPrice(amount=fact.per_hour, currency=fact.currency))


def _accelerator_memory(fact: PriceFact) -> float:
    if fact.accelerator_memory_gib is not None:
        return float(fact.accelerator_memory_gib)
    return ACCELERATOR_MEMORY_GIB.get(fact.accelerator or "", 0.0)


ACCELERATOR_MEMORY_GIB = {
    "T4": 16.0, "L4": 24.0, "A10": 24.0, "A10G": 24.0, "A30": 24.0, "A6000": 48.0, "RTXA6000": 48.0, "L40S": 48.0,
    "V100": 16.0, "V100-32GB": 32.0, "P100": 16.0, "A100": 40.0, "A100-80GB": 80.0, "H100": 80.0, "H200": 141.0,
    "B200": 180.0,
}  # fmt: skip
"""By the makers' data sheets; many price catalogues name the board and leave its memory out."""


def _links(intent: Intent, facts: Facts) -> tuple[Link, ...]:
    """The links, and before them those that are needed to give each way its own price.

    A link for many sources, or for both ways, stands for ways of which only some leave a public operator; those
    get links of their own.
    """
    sites, written = intent.sites, Network(intent.links)
    public = [name for name, site in sites.items() if _egress(site, facts) is not None]
    shared = written.own(ANY) if public else {}
    added = [
        _with_egress(link, sites[name], sites.get(link.target), facts)
        for name in public
        for link in _own_ways(name, written.own(name), shared)
    ]
    given = [
        link if link.both_ways else _with_egress(link, sites.get(link.source), sites.get(link.target), facts)
        for link in intent.links
    ]
    return (*added, *given)


def _own_ways(name: str, out: Mapping[str, Link], shared: Mapping[str, Link]) -> list[Link]:
    """Links for the ways out of a site that share one without a price with other ways."""
    own = {target: link for target, link in out.items() if link.both_ways and _unpriced(link)}
    if ANY not in out and any(map(_unpriced, shared.values())):
        # A way of the site's own to everywhere stands before those of all others to somewhere, so they come along.
        own |= {target: link for target, link in shared.items() if target not in out and target != name}
    return [
        link.model_copy(update={"source": name, "target": target, "both_ways": False})
        for target, link in own.items()
    ]


def _unpriced(link: Link) -> bool:
    return link.price is None and not link.tiers


def _egress(site: Site | None, facts: Facts) -> Egress | None:
    return facts.egress(site.operator) if site is not None and site.kind is SiteKind.PUBLIC else None


def _with_egress(link: Link, site: Site | None, other: Site | None, facts: Facts) -> Link:
    """A link that leaves a public operator without a price gets the operator's own egress prices."""
    egress = _egress(site, facts)
    if egress is None or site is None or not _unpriced(link):
        return link
    if other is not None and other.operator == site.operator:
        return link.model_copy(update={"price": _gb(egress.inter_region_per_gb_usd)})
    tiers = tuple(
        Tier(
            up_to_gb=None if tier.up_to_gb is None else float(tier.up_to_gb), price=_gb(tier.price_per_gb_usd)
        )
        for tier in egress.tiers
    )
    return link.model_copy(update={"tiers": tiers, "free_gb": float(egress.free_gb)})


def _gb(usd: Decimal) -> GbPrice:
    return GbPrice(amount=usd, currency="USD")
