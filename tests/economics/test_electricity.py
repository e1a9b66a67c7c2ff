"""Electricity by the hour: bands, midnight, half-hour time zones, and means that hold against minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from situs.economics.electricity import average_price_per_kwh, price_at
from situs.model.estate import Electricity, TariffBand
from situs.model.money import KwhPrice

MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)


def _kwh(amount: str) -> KwhPrice:
    return KwhPrice(amount=Decimal(amount), currency="EUR")


def _night(utc_offset: float = 0.0) -> Electricity:
    return Electricity(
        price=_kwh("0.30"),
        bands=(TariffBand(from_hour=22, to_hour=6, price=_kwh("0.18")),),
        utc_offset=utc_offset,
    )


@pytest.mark.parametrize(
    ("hour", "price"), [(0, "0.18"), (5, "0.18"), (6, "0.30"), (21, "0.30"), (22, "0.18"), (23, "0.18")]
)
def test_a_band_past_midnight(hour: int, price: str) -> None:
    assert price_at(_night(), MIDNIGHT + timedelta(hours=hour)) == _kwh(price)


def test_bands_are_in_local_time() -> None:
    assert price_at(_night(2), MIDNIGHT + timedelta(hours=20)) == _kwh("0.18")
    assert price_at(_night(2), MIDNIGHT + timedelta(hours=4)) == _kwh("0.30")


def test_the_first_band_that_covers_the_hour_counts() -> None:
    tariff = Electricity(
        price=_kwh("0.30"),
        bands=(
            TariffBand(from_hour=12, to_hour=14, price=_kwh("0.05")),
            TariffBand(from_hour=8, to_hour=20, price=_kwh("0.40")),
        ),
    )
    assert price_at(tariff, MIDNIGHT + timedelta(hours=13)) == _kwh("0.05")
    assert price_at(tariff, MIDNIGHT + timedelta(hours=14)) == _kwh("0.40")


def test_a_whole_day_by_hand() -> None:
    # 8 hours at 0.18 and 16 at 0.30: (1.44 + 4.80) / 24
    assert average_price_per_kwh(_night(), MIDNIGHT, 24.0) == _kwh("0.26")


def test_an_evening_by_hand() -> None:
    # 20:30 to 23:30: 1.5 h at 0.30 and 1.5 h at 0.18
    assert average_price_per_kwh(_night(), MIDNIGHT + timedelta(hours=20.5), 3.0) == _kwh("0.24")


def test_a_month_is_its_days_and_the_rest() -> None:
    # 730 h from midnight: 30 days at 0.26 and 10 h, of which 6 at 0.18 and 4 at 0.30
    expected = (Decimal("0.26") * 720 + Decimal("0.18") * 6 + Decimal("0.30") * 4) / 730
    mean = average_price_per_kwh(_night(), MIDNIGHT, 730.0)
    assert abs(mean.amount - expected) < Decimal("1e-8")


def test_hours_begin_at_half_past_in_india() -> None:
    # 22:00 in Kolkata is 16:30 UTC: from 16:00 UTC half an hour by day, then half an hour by night.
    mean = average_price_per_kwh(_night(5.5), MIDNIGHT + timedelta(hours=16), 1.0)
    assert mean == _kwh("0.24")


def test_a_tariff_in_two_currencies_is_refused() -> None:
    tariff = Electricity(
        price=_kwh("0.30"),
        bands=(TariffBand(from_hour=0, to_hour=6, price=KwhPrice(amount=Decimal("0.1"), currency="CHF")),),
    )
    with pytest.raises(ValueError, match="CHF and EUR"):
        average_price_per_kwh(tariff, MIDNIGHT, 24.0)


_hours_of_day = st.integers(0, 23)
_amounts = st.decimals(min_value=0, max_value=1, places=4)
_tariffs = st.builds(
    lambda price, bands, offset: Electricity(
        price=KwhPrice(amount=price, currency="EUR"),
        bands=tuple(
            TariffBand(from_hour=a, to_hour=b + 1, price=KwhPrice(amount=p, currency="EUR"))
            for a, b, p in bands
        ),
        utc_offset=offset,
    ),
    _amounts,
    st.lists(st.tuples(_hours_of_day, _hours_of_day, _amounts), max_size=3),
    st.sampled_from([-12.0, -3.5, 0.0, 1.0, 5.5, 5.75, 14.0]),
)


@settings(max_examples=60, deadline=None)
@given(_tariffs, st.integers(0, 24 * 60 - 1), st.integers(1, 3 * 24 * 60))
def test_the_mean_is_that_of_all_minutes(tariff: Electricity, start_min: int, length_min: int) -> None:
    start = MIDNIGHT + timedelta(minutes=start_min)
    minutes = [price_at(tariff, start + timedelta(minutes=k)).amount for k in range(length_min)]
    mean = average_price_per_kwh(tariff, start, length_min / 60.0).amount
    assert abs(mean - sum(minutes, Decimal(0)) / length_min) < Decimal("2e-9")
