"""The catalogues that come with situs: every figure has a source and a date, and the figures are sound."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.facts import load
from situs.facts.layer import CATALOGUES
from situs.model.error import InputError

FACTS = load()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = re.compile(r"\d{4}(-\d{2}-\d{2})?")
NAMES_ONLY = {"countries.csv"}
"""A list of names has no figures."""


def _raw(name: str) -> str:
    return (files("situs.facts") / "data" / name).read_text(encoding="utf-8-sig")


def _sourced(value: Any, inherited: bool) -> Iterator[bool]:
    """For every number in a JSON catalogue, whether it stands under a source."""
    if isinstance(value, dict):
        here = inherited or bool(value.get("source"))
        for item in value.values():
            yield from _sourced(item, here)
    elif isinstance(value, list):
        for item in value:
            yield from _sourced(item, inherited)
    elif isinstance(value, int | float | Decimal):
        yield inherited


@pytest.mark.parametrize(
    "name", [name for name in CATALOGUES if name.endswith(".csv") and name not in NAMES_ONLY]
)
def test_every_row_has_a_source_and_a_date(name: str) -> None:
    rows = list(csv.DictReader(io.StringIO(_raw(name))))
    assert rows
    for number, row in enumerate(rows, start=2):
        assert row["source"].strip(), f"{name}:{number}"
        assert DAY.fullmatch(row["as_of"]), f"{name}:{number}"


@pytest.mark.parametrize("name", [name for name in CATALOGUES if name.endswith(".json")])
def test_every_figure_of_a_document_has_a_source_and_a_date(name: str) -> None:
    value = json.loads(_raw(name))
    assert DAY.fullmatch(value["as_of"])
    assert all(_sourced(value, False))


def test_every_membership_and_scheme_names_its_source() -> None:
    assert all(m.source for members in FACTS.memberships.values() for m in members)
    assert all(scheme.source for scheme in FACTS.schemes())


def test_versions_name_the_newest_date_and_the_content() -> None:
    assert {f"{name}".split(".")[0] for name in CATALOGUES} == set(FACTS.versions)
    for name, version in FACTS.versions.items():
        assert re.fullmatch(r"(\d{4}-\d{2}-\d{2}|\d{4}|undated)\+[0-9a-f]{12}", version), name


def test_prices_are_sound() -> None:
    assert len(FACTS.prices()) == 183
    assert len({price.operator for price in FACTS.prices()}) == 9
    for price in FACTS.prices():
        assert price.per_hour > 0 or "free" in price.sku.lower(), price.key
        assert price.cpus > 0, price.key
        assert price.memory_gib > 0, price.key
        # A fraction of an accelerator is no accelerator that a workload could ask for.
        assert price.accelerator is not None or price.accelerators == 0, price.key
        assert price.country in FACTS.country_names, price.key
        if price.per_hour_spot is not None:
            assert 0 < price.per_hour_spot <= price.per_hour, price.key


def test_countries_of_all_catalogues_are_known() -> None:
    known = set(FACTS.country_names)
    assert {m.country for members in FACTS.memberships.values() for m in members} <= known
    assert set(FACTS.country_carbon) <= known


def test_egress_tiers_fall_and_end_open() -> None:
    assert FACTS.egress_facts
    for operator, egress in FACTS.egress_facts.items():
        prices = [tier.price_per_gb_usd for tier in egress.tiers]
        ends = [tier.up_to_gb for tier in egress.tiers]
        assert prices == sorted(prices, reverse=True), operator
        assert ends[-1] is None, operator
        assert all(end is not None for end in ends[:-1]), operator


@pytest.mark.parametrize(
    ("group", "country", "day", "member"),
    [
        ("EU", "DE", "2026-01-01", True),
        ("EU", "GB", "2020-12-31", True),
        ("EU", "GB", "2021-01-01", False),
        ("ADEQUATE", "US", "2015-10-05", True),
        ("ADEQUATE", "US", "2015-10-06", False),
        ("ADEQUATE", "JP", "2026-01-01", True),
        ("ADEQUATE", "IN", "2026-01-01", False),
        ("EU", "CH", "2026-01-01", False),
        ("EU", "HR", "2013-06-30", False),
        ("EU", "HR", "2013-07-01", True),
        ("EEA", "NO", "2026-01-01", True),
        ("EEA", "DE", "2026-01-01", True),
        ("EEA", "CH", "2026-01-01", False),
    ],
)
def test_groups_follow_the_calendar(group: str, country: str, day: str, member: bool) -> None:
    countries = FACTS.group(group, datetime.fromisoformat(day).replace(tzinfo=UTC))
    assert countries is not None
    assert (country in countries) is member


def test_the_eea_holds_the_eu_on_every_day() -> None:
    for days in range(0, 365 * 12, 97):
        at = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(days=days)
        eu, eea = FACTS.group("EU", at), FACTS.group("EEA", at)
        assert eu is not None and eea is not None
        assert eu <= eea, at


def test_a_law_that_is_switched_off_takes_its_countries_with_it() -> None:
    assert "eu-us-dpf" in FACTS.laws()
    group = next(g for g in FACTS.groups() if any(m.law == "eu-us-dpf" for m in FACTS.memberships[g]))
    with_law, without = FACTS.group(group, NOW), FACTS.group(group, NOW, frozenset({"eu-us-dpf"}))
    assert with_law is not None and without is not None
    assert with_law - without == {"US"}


def test_an_unknown_group_is_none() -> None:
    assert FACTS.group("ATLANTIS", NOW) is None


def test_exchange_through_the_euro() -> None:
    assert FACTS.rate("EUR", "USD", NOW) == Decimal("1.0389")
    assert FACTS.rate("USD", "EUR", NOW) == 1 / Decimal("1.0389")
    assert FACTS.rate("USD", "GBP", NOW) == Decimal("0.82918") / Decimal("1.0389")
    assert FACTS.rate("CHF", "CHF", NOW) == 1


@given(st.sampled_from(sorted(FACTS.exchange)), st.sampled_from(sorted(FACTS.exchange)))
def test_there_and_back_is_the_same_money(one: str, other: str) -> None:
    product = FACTS.rate(one, other, NOW) * FACTS.rate(other, one, NOW)
    assert abs(product - 1) < Decimal("1e-20")


def test_an_unknown_currency_is_an_error_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"XSD.*did you mean USD"):
        FACTS.rate("EUR", "XSD", NOW)


def test_round_trips_hold_both_ways() -> None:
    forth, back = FACTS.round_trip_ms("Dallas", "Toronto"), FACTS.round_trip_ms("Toronto", "Dallas")
    assert forth is not None and forth == back
    assert forth.value == 34


def test_carbon_by_region_else_by_country() -> None:
    region = FACTS.carbon("gcp", "africa-south1", "ZA")
    country = FACTS.carbon("somebody", None, "ZA")
    assert region is not None and country is not None
    assert region.value == 646
    assert region.source != country.source
