"""A fact: a dated figure with its source."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from situs.model.base import Instant, Model


class Fact(Model):
    """One figure. ``valid_until`` None: until something newer is known."""

    value: Decimal
    unit: str
    as_of: str
    """the day (or year) it was true, as its source gives it"""
    source: str
    valid_from: Instant | None = None
    valid_until: Instant | None = None

    def valid_at(self, at: datetime) -> bool:
        """Whether it may be used at that instant."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )


class PriceFact(Model):
    """One kind of node that an operator rents out, with its list prices in US dollars per hour."""

    operator: str
    region: str
    country: str
    sku: str
    cpus: Decimal
    memory_gib: Decimal
    accelerator: str | None
    accelerators: int
    usd_per_hour: Decimal
    usd_per_hour_spot: Decimal | None
    as_of: str
    source: str

    @property
    def key(self) -> str:
        """``operator/region/sku``: what pools name it by."""
        return f"{self.operator}/{self.region}/{self.sku}"


class Membership(Model):
    """A country's time in a group; ``law`` is the id of the act that put it there, for drills."""

    country: str
    valid_from: Instant
    valid_until: Instant | None = None
    law: str | None = None
    source: str


class Scheme(Model):
    """A certificate scheme."""

    scheme: str
    title: str
    issuer: str
    covers: str
    source: str


class EgressTier(Model):
    """US dollars per GB sent to the internet, up to a monthly volume."""

    up_to_gb: Decimal | None
    price_per_gb_usd: Decimal


class Egress(Model):
    """What an operator charges for data that leave it."""

    operator: str
    free_gb: Decimal
    tiers: tuple[EgressTier, ...]
    inter_region_per_gb_usd: Decimal
    as_of: str
    source: str
