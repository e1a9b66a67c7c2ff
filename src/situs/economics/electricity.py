"""What electricity costs at an hour of the day, and on average while something runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from situs.model.estate import Electricity, TariffBand
from situs.model.money import KwhPrice

HOURS_PER_DAY = 24


def price_at(electricity: Electricity, instant: datetime) -> KwhPrice:
    """The price of a kilowatt-hour at an instant; the first band that covers the local hour counts."""
    return _price_of_hour(electricity, (instant + timedelta(hours=electricity.utc_offset)).hour)


def _price_of_hour(electricity: Electricity, hour: int) -> KwhPrice:
    return next((band.price for band in electricity.bands if _covers(band, hour)), electricity.price)


def average_price_per_kwh(electricity: Electricity, start: datetime, hours: float) -> KwhPrice:
    """The mean price over ``hours`` from ``start``, in the tariff's currency.

    Bands repeat every day, so whole days cost the same and only the rest is looked at hour by hour.
    """
    if not electricity.bands or hours <= 0:
        return price_at(electricity, start)
    days, rest = divmod(hours, HOURS_PER_DAY)
    weights: dict[KwhPrice, float] = {}
    for price, part in _pieces(electricity, start, HOURS_PER_DAY if days else 0.0):
        weights[price] = weights.get(price, 0.0) + part * days
    for price, part in _pieces(electricity, start, rest):
        weights[price] = weights.get(price, 0.0) + part
    total = sum(weights.values())
    currencies = {price.currency for price in weights}
    if len(currencies) > 1:
        raise ValueError(
            f"the bands of one tariff are in {' and '.join(sorted(currencies))}; use one currency"
        )
    mean = sum(float(price.amount) * part for price, part in weights.items()) / total
    return KwhPrice(amount=_decimal(mean), currency=currencies.pop())


def _pieces(electricity: Electricity, start: datetime, hours: float) -> list[tuple[KwhPrice, float]]:
    """Price and length of each piece between full hours of local time, which may be half past in UTC."""
    local = start + timedelta(hours=electricity.utc_offset)
    into_hour = local.minute / 60.0 + local.second / 3600.0 + local.microsecond / 3.6e9
    pieces: list[tuple[KwhPrice, float]] = []
    done, hour = 0.0, local.hour
    while done < hours - 1e-12:
        part = min(1.0 - (into_hour if not pieces else 0.0), hours - done)
        pieces.append((_price_of_hour(electricity, hour), part))
        done += part
        hour = (hour + 1) % HOURS_PER_DAY
    return pieces


def _covers(band: TariffBand, hour: int) -> bool:
    if band.from_hour < band.to_hour:
        return band.from_hour <= hour < band.to_hour
    return hour >= band.from_hour or hour < band.to_hour


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(value, 9)))
