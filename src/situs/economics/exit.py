"""What it costs to leave a place for good, part by part, and how much of a lock-in that is."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from situs.economics.exchange import exchanged
from situs.facts import Facts
from situs.model.base import Model
from situs.model.estate import Link, Owned, PriceBasis, Reserved

HOURS_PER_MONTH = Decimal(730)
MONTHS_PER_YEAR = Decimal(12)


class ExitCost(Model):
    """The bill of leaving, once, in one currency."""

    egress: Decimal = Decimal(0)
    """taking along the data that are nowhere else, at the price tiers of the cheapest way out"""
    people: Decimal = Decimal(0)
    """hours of the people who do it"""
    commitment: Decimal = Decimal(0)
    """what was promised or paid for capacity and is not used up"""
    downtime: Decimal = Decimal(0)
    """while its state is under way"""

    @property
    def total(self) -> Decimal:
        """All parts together."""
        return self.egress + self.people + self.commitment + self.downtime


def lock_in(cost: ExitCost, per_month: Decimal) -> float:
    """From 0, leaving is free, to 1, leaving costs beyond all measure of staying.

    One half is where leaving costs as much as another year of staying: whoever is there will not leave for
    any offer that does not pay for itself within that year.
    """
    year = max(per_month, Decimal(0)) * MONTHS_PER_YEAR
    return float(cost.total / (cost.total + year)) if cost.total > 0 else 0.0


def sending_cost(link: Link | None, gb: float, currency: str, facts: Facts, at: datetime) -> Decimal:
    """What sending so much over a link costs in one month: the free volume first, then tier after tier."""
    if link is None:
        return Decimal(0)
    paid = max(0.0, gb - link.free_gb)
    if not link.tiers:
        return exchanged(link.price, currency, facts, at) * Decimal(str(paid))
    cost, begin = Decimal(0), 0.0
    for tier in link.tiers:
        end = paid if tier.up_to_gb is None else min(paid, tier.up_to_gb)
        if end > begin:
            cost += exchanged(tier.price, currency, facts, at) * Decimal(str(end - begin))
            begin = end
    return cost


def remaining_commitment(basis: PriceBasis | None, currency: str, facts: Facts, at: datetime) -> Decimal:
    """What one node still binds: the rest of a term, or what of a purchase is not written off.

    An estate does not say when a term began, and may not say when a machine was bought; both then count from now.
    """
    if isinstance(basis, Reserved):
        return exchanged(basis.price, currency, facts, at) * HOURS_PER_MONTH * Decimal(str(basis.term))
    if isinstance(basis, Owned):
        to_write_off = exchanged(basis.price, currency, facts, at) - exchanged(
            basis.residual, currency, facts, at
        )
        age = Decimal(0)
        if basis.purchase_date is not None:
            hours = Decimal(str((at - basis.purchase_date).total_seconds() / 3600))
            age = max(Decimal(0), hours / HOURS_PER_MONTH)
        left = max(Decimal(0), 1 - age / Decimal(str(basis.life or 1.0)))
        return max(Decimal(0), to_write_off) * left
    return Decimal(0)
