"""A fact: a dated figure with its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from situs.model.base import Country, Instant, Model
from situs.model.money import LARGEST_AMOUNT


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Since = Annotated[datetime, AfterValidator(_utc)]
"""UTC-aware like an instant of an intent, but treaties are older than anything that is planned for."""


def _as_of(value: str) -> str:
    if re.fullmatch(r"\d{4}", value, re.ASCII):
        return value
    try:
        # Only the one way of writing a day that sorts by time.
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise ValueError("write the day as 2026-10-31, or the year as 2026")


AsOf = Annotated[str, AfterValidator(_as_of)]
"""The day (or year) a figure was true, as its source gives it."""
Source = Annotated[str, Field(min_length=1, max_length=1000)]
"""Where a figure comes from; no figure is without."""
Key = Annotated[str, Field(pattern=r"^[^\s/]+$", max_length=200)]
"""Part of a name that is put together with slashes."""
Figure = Annotated[Decimal, Field(ge=0, le=LARGEST_AMOUNT)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


def _whole(value: object) -> object:
    try:
        return int(Decimal(str(value)))
    except (ArithmeticError, ValueError):
        raise ValueError("write a number of zero or more") from None


class Fact(Model):
    """One figure. ``valid_until`` None: until something newer is known."""

    value: Figure
    unit: str
    as_of: AsOf
    source: Source
    valid_from: Instant | None = None
    valid_until: Instant | None = None

    def valid_at(self, at: datetime) -> bool:
        """Whether it may be used at that instant."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )


class PriceFact(Model):
    """One kind of node that an operator rents out, with its list prices per hour."""

    operator: Key
    region: Key
    country: Country
    sku: Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=200)]
    cpus: Figure = Decimal(0)
    memory_gib: Figure = Decimal(0)
    accelerator: Annotated[str, Field(max_length=100)] | None = None
    accelerators: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=1024)] = 0
    """whole ones: a slice of one is none that a workload could ask for"""
    accelerator_memory_gib: Figure | None = None
    """of each; None: by the maker's data sheet, where it is known"""
    currency: Currency = "USD"
    per_hour: Figure
    per_hour_spot: Figure | None = None
    as_of: AsOf
    source: Source

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.accelerators and not self.accelerator:
            raise ValueError(f"it has {self.accelerators} accelerators, but does not say which")
        return self

    @property
    def key(self) -> str:
        """``operator/region/sku``: what pools name it by."""
        return f"{self.operator}/{self.region}/{self.sku}"


class Membership(Model):
    """A country's time in a group; ``law`` is the id of the act that put it there, for drills."""

    country: str
    valid_from: Since
    valid_until: Since | None = None
    law: str | None = None
    source: str


class Scheme(Model):
    """A certificate scheme."""

    scheme: str
    title: str
    issuer: str
    covers: str
    source: str


class Commitments(Model):
    """The discounts that an operator gives for a promised term."""

    operator: str
    discounts: Mapping[str, Decimal]
    """kind of commitment -> discount, 0 to 1"""
    as_of: str
    source: str
    note: str | None = None
    """what the figures stand for"""


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
