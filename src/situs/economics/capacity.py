"""What a node costs a month when it is paid for whether used or not, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from situs.economics.electricity import average_price_per_kwh
from situs.economics.exchange import exchanged
from situs.facts import Facts
from situs.model.estate import OnDemand, Owned, Pool, Reserved, Site, Spot

HOURS_PER_MONTH = Decimal(730)
MONTHS_PER_YEAR = Decimal(12)


@dataclass(frozen=True)
class MonthCost:
    """Per node and month in one currency."""

    depreciation: Decimal = Decimal(0)
    """straight line from price to residual over the life"""
    financing: Decimal = Decimal(0)
    """interest on the mean of price and residual"""
    maintenance: Decimal = Decimal(0)
    energy: Decimal = Decimal(0)
    """of an idle node; what work draws on top goes to the work"""
    space: Decimal = Decimal(0)
    staff: Decimal = Decimal(0)
    licences: Decimal = Decimal(0)
    rent: Decimal = Decimal(0)
    """of a node that is reserved or held by the hour"""
    upfront: Decimal = Decimal(0)
    """spread over the term"""

    @property
    def total(self) -> Decimal:
        """All parts together."""
        return sum((getattr(self, name) for name in self.__dataclass_fields__), Decimal(0))


def month_cost(pool: Pool, site: Site, currency: str, facts: Facts, at: datetime) -> MonthCost:
    """The cost of one node of the pool for a month of 730 hours. Raises ValueError for a pool without a price."""
    basis = pool.price
    if isinstance(basis, Owned):
        return owned_month_cost(basis, site, currency, facts, at)
    if isinstance(basis, Reserved):
        return MonthCost(
            rent=exchanged(basis.price, currency, facts, at) * HOURS_PER_MONTH,
            upfront=exchanged(basis.upfront, currency, facts, at) / Decimal(str(basis.term or 1.0)),
        )
    if isinstance(basis, OnDemand | Spot):
        return MonthCost(rent=exchanged(basis.price, currency, facts, at) * HOURS_PER_MONTH)
    raise ValueError("the pool has no price; complete the estate from the facts first")


def owned_month_cost(basis: Owned, site: Site, currency: str, facts: Facts, at: datetime) -> MonthCost:
    """All parts of owning a node. Past the end of its life nothing is left to write off."""
    price = exchanged(basis.price, currency, facts, at)
    residual = exchanged(basis.residual, currency, facts, at)
    life = Decimal(str(basis.life or 1.0))
    written_off = (
        basis.purchase_date is not None
        and Decimal(str((at - basis.purchase_date).total_seconds() / 3600)) / HOURS_PER_MONTH >= life
    )
    kwh = Decimal(str(basis.idle)) / 1000 * Decimal(str(site.pue)) * HOURS_PER_MONTH
    per_kwh = Decimal(0)
    if site.electricity is not None:
        per_kwh = exchanged(average_price_per_kwh(site.electricity, at, 24.0), currency, facts, at)
    return MonthCost(
        depreciation=Decimal(0) if written_off else (price - residual) / life,
        financing=(
            Decimal(0)
            if written_off
            else (price + residual) / 2 * Decimal(str(basis.financing_rate)) / MONTHS_PER_YEAR
        ),
        maintenance=exchanged(basis.maintenance, currency, facts, at) / MONTHS_PER_YEAR,
        energy=kwh * per_kwh,
        space=exchanged(basis.space, currency, facts, at),
        staff=exchanged(basis.staff, currency, facts, at),
        licences=exchanged(basis.licences, currency, facts, at),
    )
