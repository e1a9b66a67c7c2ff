"""Own or rent: a published case, numbers by hand, and what must hold for every case."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from situs.economics.breakeven import Case, Spread, break_even, npv

PUBLISHED = Case(price=833_806, running_per_hour=0.87, rent_per_hour=98.32)


def _changed(case: Case, **fields: Any) -> Case:
    return Case.model_validate({**case.model_dump(), **fields})


def test_the_published_case() -> None:
    """A server at 833,806 USD against 98.32 USD/h with 0.87 USD/h running cost: 8,556 hours."""
    answer = break_even(PUBLISHED)
    assert answer.hours is not None and answer.month is not None
    assert round(answer.hours) == 8556
    assert round(answer.month, 2) == 11.72
    # 60 months of 730 h at 97.45 saved an hour, less the price
    assert answer.npv == Decimal("3434504.00")
    assert answer.utilisation == pytest.approx(833_806 / (97.45 * 730 * 60))


def test_half_the_use_takes_the_same_hours_and_twice_the_months() -> None:
    full, half = break_even(PUBLISHED), break_even(_changed(PUBLISHED, utilisation=0.5))
    assert half.hours == full.hours
    assert half.month is not None and full.month is not None
    assert half.month == pytest.approx(2 * full.month)


def test_upkeep_by_hand() -> None:
    # saved a month: (3 - 1) × 0.5 × 730 - 130 = 600; 12,000 / 600 = 20 months of 365 working hours
    case = Case(price=12_000, running_per_hour=1, rent_per_hour=3, utilisation=0.5, fixed_per_month=130)
    answer = break_even(case)
    assert (answer.month, answer.hours) == (20, 7300)
    assert answer.npv == 24_000
    # 2 u 730 × 60 - 130 × 60 = 12,000
    assert answer.utilisation == pytest.approx(19_800 / 87_600)


def test_money_later_counts_less() -> None:
    # One payment of 1,100 after a year against 1,000 now, at 10 %: worth nothing either way.
    case = Case(
        price=1000, running_per_hour=0, rent_per_hour=0, life_months=12, residual=1100, discount_rate=0.1
    )
    assert npv(case) == pytest.approx(0)
    slow = break_even(_changed(PUBLISHED, discount_rate=0.06))
    assert slow.month is not None and 11.72 < slow.month < 12.2


def test_what_it_brings_at_the_end_pays_only_at_the_end() -> None:
    # 600 a month for 15 months are 9,000 of 12,000; the rest comes from selling it.
    case = Case(price=12_000, running_per_hour=0, rent_per_hour=600 / 730, life_months=15, residual=3_500)
    answer = break_even(case)
    assert answer.month == 15
    assert answer.npv == 500


@pytest.mark.parametrize(
    "change",
    [
        {"rent_per_hour": 0.5},
        {"utilisation": 0.0, "fixed_per_month": 1.0},
        {"fixed_per_month": 1e6},
    ],
)
def test_it_may_never_pay(change: dict[str, float]) -> None:
    answer = break_even(_changed(PUBLISHED, **change))
    assert answer.hours is None and answer.month is None
    assert answer.npv < 0


def test_interest_can_eat_all_savings() -> None:
    # 10 a month for ever at 1 % a month is worth 1,000 at most.
    case = Case(
        price=1001, running_per_hour=0, rent_per_hour=10 / 730, life_months=1e5, discount_rate=1.01**12 - 1
    )
    assert break_even(case).month is None
    assert break_even(_changed(case, price=999)).month is not None


def test_without_spread_it_is_certain() -> None:
    none = Spread(rent=0, utilisation=0)
    sure = break_even(PUBLISHED, spread=none)
    assert (sure.probability, sure.npv_low, sure.npv_high) == (1.0, sure.npv, sure.npv)
    assert break_even(_changed(PUBLISHED, price=9e6), spread=none).probability == 0.0


def test_at_the_edge_it_is_a_coin_toss() -> None:
    edge = _changed(PUBLISHED, utilisation=0.5)
    edge = _changed(edge, price=npv(_changed(edge, price=0)))
    sure = break_even(edge, spread=Spread(rent=0, utilisation=0.1))
    assert sure.probability == pytest.approx(0.5, abs=0.02)


def test_a_seed_gives_one_answer() -> None:
    close = _changed(PUBLISHED, utilisation=0.2)
    assert break_even(close, seed=7) == break_even(close, seed=7)
    assert break_even(close, seed=7).npv_low != break_even(close, seed=8).npv_low


def test_more_spread_is_less_certain() -> None:
    narrow = break_even(PUBLISHED, spread=Spread(rent=0.05, utilisation=0.02))
    wide = break_even(PUBLISHED, spread=Spread(rent=1.0, utilisation=0.4))
    assert narrow.probability > wide.probability
    assert wide.npv_low < narrow.npv_low < narrow.npv_high


def test_the_tornado_is_sorted_and_each_bar_can_be_recomputed() -> None:
    case = Case(
        price=250_000, running_per_hour=1.6, rent_per_hour=24, utilisation=0.9, fixed_per_month=900,
        residual=20_000, discount_rate=0.06,
    )  # fmt: skip
    tornado = break_even(case).tornado
    assert {swing.assumption for swing in tornado} == set(Case.model_fields)
    sizes = [abs(swing.high - swing.low) for swing in tornado]
    assert sizes == sorted(sizes, reverse=True)
    by_name = {swing.assumption: swing for swing in tornado}
    assert float(by_name["price"].low) == pytest.approx(npv(_changed(case, price=200_000)), abs=0.01)
    assert float(by_name["utilisation"].high) == pytest.approx(npv(_changed(case, utilisation=1)), abs=0.01)
    assert by_name["rent_per_hour"].low < by_name["rent_per_hour"].high
    assert by_name["price"].low > by_name["price"].high


@pytest.mark.parametrize(
    "field", [{"price": -1}, {"utilisation": 1.1}, {"life_months": 0}, {"rent_per_hour": math.nan}]
)
def test_nonsense_is_refused(field: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        _changed(PUBLISHED, **field)


HARDLY = (5e-324, 1e-310, 1e-300)
"""Numbers so small that dividing by them gives infinity, or loses all digits."""


@pytest.mark.parametrize("field", ["utilisation", "discount_rate", "rent_per_hour", "price"])
@pytest.mark.parametrize("value", HARDLY)
def test_what_is_hardly_anything_counts_as_nothing(field: str, value: float) -> None:
    case = _changed(PUBLISHED, running_per_hour=0.0, **{field: value})
    answer, wanted = break_even(case), break_even(_changed(case, **{field: 0.0}))
    assert answer.npv == wanted.npv
    assert answer.month == wanted.month or answer.month == pytest.approx(wanted.month, abs=1e-9)
    for number in (answer.hours, answer.utilisation, answer.month):
        assert number is None or math.isfinite(number)


def test_a_trace_of_interest_changes_nothing() -> None:
    slow = _changed(PUBLISHED, utilisation=0.31)
    for rate in (5e-324, 2e-323, 1e-310, 1e-17, 1e-15):
        assert break_even(_changed(slow, discount_rate=rate)).month == pytest.approx(break_even(slow).month)


_cases = st.builds(
    Case,
    price=st.floats(1, 1e7),
    running_per_hour=st.floats(0, 50),
    rent_per_hour=st.floats(0, 200),
    utilisation=st.floats(0, 1),
    fixed_per_month=st.floats(0, 1e4),
    life_months=st.floats(1, 120),
    residual=st.floats(0, 1e5),
    discount_rate=st.floats(0, 0.5),
)


@given(_cases)
def test_it_pays_within_its_life_exactly_when_its_value_is_not_negative(case: Case) -> None:
    value = npv(case)
    if abs(value) > 1e-6 * case.price:
        # A machine that paid early may lose again later only through upkeep, which savings already hold.
        month = break_even(case).month
        assert (month is not None) == (value > 0)
        assert month is None or 0 < month <= case.life_months


@given(_cases)
def test_at_the_month_of_break_even_the_savings_are_the_price(case: Case) -> None:
    month = break_even(case).month
    if month is not None and month < case.life_months:
        until_then = _changed(case, life_months=month, residual=0)
        assert npv(until_then) == pytest.approx(0, abs=1e-6 * case.price)


@given(_cases)
def test_at_the_least_utilisation_the_value_is_nothing(case: Case) -> None:
    least = break_even(case).utilisation
    if least:
        assert 0 < least <= 1
        assert npv(_changed(case, utilisation=least)) == pytest.approx(0, abs=1e-6 * case.price)
    elif least is None:
        assert npv(_changed(case, utilisation=1)) < 0


@given(_cases, st.floats(0, 100), st.floats(0, 1e6))
def test_dearer_rent_helps_and_a_dearer_machine_does_not(case: Case, more: float, dearer: float) -> None:
    value = npv(case)
    assert npv(_changed(case, rent_per_hour=case.rent_per_hour + more)) >= value
    assert npv(_changed(case, price=case.price + dearer)) <= value
