"""One currency for all figures of a plan, by dated rates."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from situs.facts import Facts
from situs.model.money import Money


def exchanged(value: Money | None, currency: str, facts: Facts, at: datetime) -> Decimal:
    """The amount in ``currency``; nothing is worth nothing."""
    if value is None:
        return Decimal(0)
    return value.amount * facts.rate(value.currency, currency, at)
