"""What to bear in mind about the figures that a plan was made from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from situs.model.money import Money
from situs.model.refusal import Refusal
from situs.planner.compile.world import World

OLD_RATE_DAYS = 45
"""The central banks publish rates every working day, and within six weeks the larger currencies move against each
other by two or three per cent: more than most plans are apart."""


def notes(world: World) -> tuple[Refusal, ...]:
    """Everything to bear in mind, deterministic: days are counted to the plan's instant."""
    return tuple(_old_rates(world))


def _old_rates(world: World) -> Iterator[Refusal]:
    """Exchange rates the newest of which is long past."""
    own = world.settings.currency
    foreign = sorted(set(_currencies(world)) - {own})
    if not foreign:
        return
    # One euro is one euro for ever, so that its own rate is never old.
    floating = [currency for currency in (own, *foreign) if currency != "EUR"]
    newest = max(world.facts.exchange_fact(currency, world.at).as_of for currency in floating)
    days = (world.at.date() - _last_day(newest)).days
    if days > OLD_RATE_DAYS:
        details = {"currencies": ", ".join(foreign), "as_of": newest, "days": str(days)}
        yield Refusal(rule="old-rates", details=details)


def _last_day(as_of: str) -> date:
    """The day, or the last day of the year."""
    return date(int(as_of), 12, 31) if len(as_of) == 4 else date.fromisoformat(as_of)


def _currencies(world: World) -> Iterator[str]:
    """Currencies of all prices in the estate."""
    prices: list[Money | None] = [world.settings.carbon_price]
    for site in world.intent.sites.values():
        prices += [site.storage.price, site.electricity.price if site.electricity else None]
        prices += [pool.price.price for pool in site.pools.values() if pool.price is not None]
    for link in world.intent.links:
        prices += [link.price, *(tier.price for tier in link.tiers)]
    yield from (price.currency for price in prices if price is not None)
