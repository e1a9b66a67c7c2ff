"""What two sets of facts say differently, figure by figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal

from situs.facts.catalogue import Facts
from situs.facts.fact import Fact
from situs.model.base import Model

Named = tuple[str, str, str]
"""catalogue, name, figure"""
Value = tuple[Decimal | None, str]
"""the figure and its unit; or None and a text"""


class Difference(Model):
    """One figure that is new, gone or another."""

    catalogue: str
    name: str
    figure: str
    change: Literal["added", "removed", "changed"]
    before: str | None = None
    after: str | None = None
    percent: Decimal | None = None
    """of a figure that changed within its unit, from one that was not 0"""


def differences(before: Facts, after: Facts) -> tuple[Difference, ...]:
    """All figures that differ, by catalogue and name. Dates and sources alone make no difference."""
    old, new = dict(_figures(before)), dict(_figures(after))
    return tuple(
        _difference(key, old.get(key), new.get(key))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )


def _difference(key: Named, old: Value | None, new: Value | None) -> Difference:
    catalogue, name, figure = key
    change: Literal["added", "removed", "changed"] = (
        "added" if old is None else "removed" if new is None else "changed"
    )
    percent = None
    if old is not None and new is not None and old[0] and new[0] is not None and old[1] == new[1]:
        percent = ((new[0] / old[0] - 1) * 100).quantize(Decimal("0.01"))
    return Difference(
        catalogue=catalogue,
        name=name,
        figure=figure,
        change=change,
        before=None if old is None else _shown(old),
        after=None if new is None else _shown(new),
        percent=percent,
    )


def _shown(value: Value) -> str:
    number, text = value
    return text if number is None else f"{number.normalize():f} {text}"


def _figures(facts: Facts) -> Iterator[tuple[Named, Value]]:
    for key, price in facts.price_facts.items():
        unit = f"{price.currency}/h"
        yield ("prices", key, "per hour"), (price.per_hour, unit)
        if price.per_hour_spot is not None:
            yield ("prices", key, "spot"), (price.per_hour_spot, unit)
    for currency, rates in facts.exchange.items():
        for fact in rates:
            yield ("exchange", currency, fact.as_of), (fact.value, fact.unit)
    for operator, egress in facts.egress_facts.items():
        yield ("egress", operator, "free"), (egress.free_gb, "GB")
        yield ("egress", operator, "between regions"), (egress.inter_region_per_gb_usd, "USD/GB")
        for tier in egress.tiers:
            upto = "beyond" if tier.up_to_gb is None else f"up to {tier.up_to_gb} GB"
            yield ("egress", operator, upto), (tier.price_per_gb_usd, "USD/GB")
    for operator, fact in facts.storage_facts.items():
        yield ("storage", operator, "standard"), (fact.value, fact.unit)
    for operator, commitments in facts.commitment_facts.items():
        for kind, share in commitments.discounts.items():
            yield ("commitments", operator, kind), (share * 100, "%")
    yield from _pairs("carbon_regions", facts.region_carbon)
    yield from _pairs("round_trips", facts.round_trips)
    for country, fact in facts.country_carbon.items():
        yield ("carbon_countries", country, "electricity"), (fact.value, fact.unit)
    for group, members in facts.memberships.items():
        for member in members:
            until = f" until {member.valid_until:%Y-%m-%d}" if member.valid_until else ""
            yield (
                ("groups", group, f"{member.country} from {member.valid_from:%Y-%m-%d}"),
                (None, f"member{until}" + (f" by {member.law}" if member.law else "")),
            )
    for scheme in facts.scheme_facts:
        yield ("schemes", scheme.scheme, "covers"), (None, scheme.covers)
    for (operator, region), country in facts.region_countries.items():
        yield ("regions", f"{operator}/{region}", "country"), (None, country)


def _pairs(catalogue: str, figures: Mapping[tuple[str, str], Fact]) -> Iterator[tuple[Named, Value]]:
    for (one, other), fact in figures.items():
        yield (catalogue, f"{one}/{other}", "figure"), (fact.value, fact.unit)
