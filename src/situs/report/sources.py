"""Where every figure comes from: each that went into the plan, with its source and its date."""

from __future__ import annotations

from collections.abc import Iterator

from situs.facts.fact import Fact
from situs.model.estate import Owned, Pool, Site, SiteKind
from situs.model.money import Money
from situs.report import assumed
from situs.report.page import Page
from situs.report.section import Cell, Section

Row = tuple[str | Cell, ...]


def sources(page: Page) -> Section:
    """Figures with their sources, then the catalogues by version."""
    t = page.t
    figures = page.table(
        (("figure", 0), ("its_value", 1), ("source", 0), ("as_of", 0)),
        list(dict.fromkeys(_figures(page))),
        dense=True,
        whole=True,
    )
    catalogues = page.table(
        (("catalogue", 0), ("version", 0)),
        [(name, version) for name, version in sorted(page.plan.provenance.facts.items())],
        dense=True,
    )
    return page.section("sources", figures, catalogues, note=t["sources_text"])


def _figures(page: Page) -> Iterator[Row]:
    """All that costs were reckoned from, in the order of the estate; then what holds everywhere."""
    for name, site in sorted(page.intent.sites.items()):
        for pool_name, pool in sorted(site.pools.items()):
            yield _price(page, f"{name}/{pool_name}", pool)
        yield from _of_site(page, name, site)
    yield from _links(page)
    yield from assumed.values(page)
    yield from assumed.settings(page)
    yield from assumed.power(page)
    yield from _exchange(page)
    yield from _groups(page)


def _price(page: Page, name: str, pool: Pool) -> Row:
    what = Cell(name, page.t["price_of_pool"])
    if pool.price is not None:
        price = pool.price.price
        unit = "" if isinstance(pool.price, Owned) else "/h"
        value = Cell(f"{price.amount:f} {price.currency}{unit}", assumed.terms(page, pool.price))
        return _from_estate(page, what, value)
    fact = page.facts.price(pool.sku or "")
    assert fact is not None, "the plan could not have been made"
    return (what, f"{fact.per_hour:f} {fact.currency}/h", fact.source, fact.as_of)


def _of_site(page: Page, name: str, site: Site) -> Iterator[Row]:
    t = page.t
    if site.electricity is not None:
        kwh = site.electricity.price
        bands = t["bands"].format(n=len(site.electricity.bands)) if site.electricity.bands else ""
        yield _from_estate(
            page, Cell(name, t["electricity"]), Cell(f"{kwh.amount:f} {kwh.currency}/kWh", bands)
        )
    if site.pue > 1.0:
        yield _from_estate(page, Cell(name, t["pue"]), f"{site.pue:g}")
    if site.carbon_g_per_kwh is not None:
        yield _from_estate(page, Cell(name, t["grid_carbon"]), f"{site.carbon_g_per_kwh:g} g/kWh")
    elif (carbon := page.facts.carbon(site.operator, site.region, site.country)) is not None:
        yield (Cell(name, t["grid_carbon"]), *_told(carbon))
    if site.storage.price is not None:
        rent = site.storage.price
        yield _from_estate(
            page, Cell(name, t["storage_price"]), f"{rent.amount:f} {rent.currency}/GB-{t['month']}"
        )
    elif (storage := page.facts.storage(site.operator)) is not None:
        yield (Cell(site.operator, t["storage_price"]), *_told(storage))
    if site.kind is SiteKind.PUBLIC and (egress := page.facts.egress(site.operator)) is not None:
        first = egress.tiers[0].price_per_gb_usd if egress.tiers else 0
        value = Cell(f"{first:f} USD/GB", t["free_gb"].format(gb=page.number(egress.free_gb)))
        yield (Cell(site.operator, t["egress_price"]), value, egress.source, egress.as_of)


def _links(page: Page) -> Iterator[Row]:
    """What the estate says that its links cost; all others are priced by the operator's facts."""
    for link in page.intent.links:
        prices = [link.price] if link.price is not None else [tier.price for tier in link.tiers]
        if prices:
            more = page.t["bands_volume"].format(n=len(prices) - 1) if len(prices) > 1 else ""
            if link.free_gb:
                more = ", ".join(filter(None, (more, page.t["free_gb"].format(gb=page.number(link.free_gb)))))
            both = "↔" if link.both_ways else "→"
            what = Cell(f"{link.source} {both} {link.target}", page.t["transfer"])
            yield _from_estate(page, what, Cell(f"{prices[0].amount:f} {prices[0].currency}/GB", more))


def _exchange(page: Page) -> Iterator[Row]:
    """Rates of every currency that stands in the estate or in a fact that was used, to the plan's."""
    currencies = _currencies(page) | {page.plan.currency}
    if len(currencies) > 1:
        for currency in sorted(currencies - {"EUR"}):
            fact = page.facts.exchange_fact(currency, page.plan.at)
            yield (Cell(currency, page.t["exchange_rate"]), *_told(fact))


def _currencies(page: Page) -> set[str]:
    found = set()
    world = page.world
    for site in world.intent.sites.values():
        prices: list[Money | None] = [
            pool.price.price for pool in site.pools.values() if pool.price is not None
        ]
        prices += [site.storage.price, site.electricity.price if site.electricity else None]
        found |= {price.currency for price in prices if price is not None}
    for link in world.intent.links:
        found |= {tier.price.currency for tier in link.tiers}
        found |= {link.price.currency} if link.price is not None else set()
    return found


def _groups(page: Page) -> Iterator[Row]:
    """Groups of countries that labels name, such as the EU."""
    labels = page.world.policy.labels
    named: set[str] = set()
    for label in (*labels.datasets.values(), *labels.workloads.values()):
        named |= set(label.jurisdictions or ())
    for name in sorted(named & set(page.facts.memberships)):
        members = page.facts.group(name, page.plan.at, page.plan.provenance.off) or frozenset()
        entries = page.facts.memberships[name]
        told = sorted({entry.source for entry in entries if entry.country in members})
        value = page.t["countries"].format(n=len(members))
        yield (Cell(name, page.t["group"]), value, told[0] if told else "—", _version(page, "groups"))


def _version(page: Page, catalogue: str) -> str:
    return page.plan.provenance.facts[catalogue].partition("+")[0]


def _told(fact: Fact) -> tuple[str, str, str]:
    return (f"{fact.value:f} {fact.unit}", fact.source, fact.as_of)


def _from_estate(page: Page, what: Cell, value: str | Cell) -> Row:
    """The estate has no dates of its own: it counts as of the instant that was decided for."""
    return (what, value, assumed.estate_files(page), f"{page.plan.at:%Y-%m-%d}")
