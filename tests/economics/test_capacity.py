"""What a node costs a month, part by part, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.economics.capacity import MonthCost, month_cost
from situs.facts import load
from situs.model.estate import Electricity, Node, OnDemand, Owned, Pool, Reserved, Site, SiteKind, Spot
from situs.model.money import HourPrice, KwhPrice, Money, MonthPrice, YearPrice

FACTS = load()
AT = datetime(2026, 6, 1, tzinfo=UTC)
NODE = Node(cpu=8, memory=64)


def _eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def _hall(price: str | None = "0.25", pue: float = 1.2) -> Site:
    return Site(
        kind=SiteKind.ON_PREM,
        country="DE",
        pue=pue,
        electricity=None
        if price is None
        else Electricity(price=KwhPrice(amount=Decimal(price), currency="EUR")),
    )


def _pool(price: OnDemand | Spot | Reserved | Owned) -> Pool:
    return Pool(node=NODE, price=price, count=1)


def _cost(
    price: OnDemand | Spot | Reserved | Owned, currency: str = "EUR", site: Site | None = None
) -> MonthCost:
    return month_cost(_pool(price), site or _hall(), currency, FACTS, AT)


OWNED = Owned(
    price=_eur("24000"),
    life=48,
    residual=_eur("2400"),
    financing_rate=0.05,
    maintenance=YearPrice(amount=Decimal(1200), currency="EUR"),
    idle=400,
    busy=900,
    space=MonthPrice(amount=Decimal(45), currency="EUR"),
    staff=MonthPrice(amount=Decimal(80), currency="EUR"),
    licences=MonthPrice(amount=Decimal(30), currency="EUR"),
)


def test_an_owned_node_part_by_part() -> None:
    cost = _cost(OWNED)
    assert cost.depreciation == 450  # (24,000 - 2,400) / 48
    assert cost.financing == 55  # 5 % a year on the mean of 24,000 and 2,400, a twelfth of it
    assert cost.maintenance == 100  # 1,200 / 12
    assert cost.energy == Decimal("87.6")  # 0.4 kW × PUE 1.2 × 730 h × 0.25
    assert (cost.space, cost.staff, cost.licences) == (45, 80, 30)
    assert cost.total == Decimal("847.6")


def test_what_is_written_off_costs_only_its_upkeep() -> None:
    old = OWNED.model_copy(update={"purchase_date": datetime(2022, 1, 1, tzinfo=UTC)})
    cost = _cost(old)
    assert cost.depreciation == cost.financing == 0
    assert cost.total == Decimal("342.6")


def test_the_last_month_of_its_life_is_still_paid() -> None:
    young = OWNED.model_copy(update={"purchase_date": datetime(2022, 7, 1, tzinfo=UTC)})
    assert _cost(young).depreciation == 450


def test_without_a_tariff_idling_costs_nothing() -> None:
    assert _cost(OWNED, site=_hall(None)).energy == 0


def test_a_reserved_node_pays_by_the_hour_and_its_upfront_over_the_term() -> None:
    cost = _cost(
        Reserved(price=HourPrice(amount=Decimal("0.50"), currency="EUR"), term=36, upfront=_eur("3600"))
    )
    assert (cost.rent, cost.upfront, cost.total) == (365, 100, 465)


@pytest.mark.parametrize("basis", [OnDemand, Spot])
def test_a_node_held_by_the_hour(basis: type[OnDemand] | type[Spot]) -> None:
    cost = _cost(basis(price=HourPrice(amount=Decimal(2), currency="USD")), currency="USD")
    assert cost.total == 1460


def test_money_of_several_currencies_becomes_one() -> None:
    mixed = OWNED.model_copy(update={"price": Money(amount=Decimal("24933.6"), currency="USD")})
    # 24,933.60 USD at 1.0389 USD/EUR are 24,000 EUR.
    assert abs(_cost(mixed).total - Decimal("847.6")) < Decimal("1e-15")


def test_a_pool_without_a_price_is_refused() -> None:
    with pytest.raises(ValueError, match="no price"):
        month_cost(Pool(sku="aws/us-east-1/t3.large"), _hall(), "EUR", FACTS, AT)


_money = st.decimals(min_value=0, max_value=10**6, places=2)


@given(
    price=_money,
    share=st.integers(0, 100),
    life=st.integers(1, 120),
    rate=st.integers(0, 30),
    upkeep=_money,
    watts=st.integers(0, 20_000),
)
def test_over_its_life_a_node_costs_what_was_paid_for_it(
    price: Decimal, share: int, life: int, rate: int, upkeep: Decimal, watts: int
) -> None:
    residual = price * share / 100
    basis = Owned(
        price=Money(amount=price, currency="EUR"),
        residual=Money(amount=residual, currency="EUR"),
        life=life,
        financing_rate=rate / 100,
        maintenance=YearPrice(amount=upkeep, currency="EUR"),
        idle=watts,
    )
    cost = _cost(basis)
    assert abs(cost.depreciation * life - (price - residual)) < Decimal("1e-12")
    assert cost.total == sum((getattr(cost, name) for name in cost.__dataclass_fields__), Decimal(0))
    assert all(getattr(cost, name) >= 0 for name in cost.__dataclass_fields__)
    # Twice the power, twice the bill for it, and nothing else changes.
    double = _cost(basis.model_copy(update={"idle": watts * 2.0}))
    assert double == replace(cost, energy=cost.energy * 2)


@given(_money, st.sampled_from(["USD", "GBP", "CHF", "JPY"]))
def test_the_currency_of_the_answer_changes_no_ratio(price: Decimal, currency: str) -> None:
    basis = OWNED.model_copy(update={"price": Money(amount=price, currency="EUR"), "residual": None})
    in_eur, elsewhere = _cost(basis), _cost(basis, currency)
    rate = FACTS.rate("EUR", currency, AT)
    assert abs(in_eur.total * rate - elsewhere.total) < Decimal("1e-12") * max(1, elsewhere.total)
