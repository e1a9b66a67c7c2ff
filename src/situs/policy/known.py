"""Countries and currencies must be ones that the facts know, or rules and prices silently mean something else.

``UK`` is no country and ``XBT`` no currency with a rate: a site in the one would be in no group of countries,
and a price in the other could not be compared with any.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from situs.facts import Facts
from situs.model.error import Problem
from situs.model.intent import Intent
from situs.model.money import Money
from situs.policy.meant import meant

Path = tuple[str | int, ...]

CUSTOMARY = {"UK": "GB", "EL": "GR", "EN": "GB"}
"""What people and even authorities write instead of the code of ISO 3166."""


def unknown_names(intent: Intent, facts: Facts) -> Iterator[tuple[Path, Problem]]:
    """What is wrong with the countries and currencies of an estate, each with its path."""
    for path, country in _countries(intent):
        if country is not None and country not in facts.country_names:
            customary = CUSTOMARY.get(country)
            fix = f"did you mean {customary}?" if customary else meant(country, facts.country_names, ())
            yield path, Problem(f"there is no country {country!r} in ISO 3166", fix=fix)
    first: dict[str, Path] = {}
    for path, currency in _currencies(intent):
        first.setdefault(currency, path)
    for currency, path in first.items():
        if currency not in facts.exchange:
            known = ", ".join(sorted(facts.exchange))
            fix = f"known are {known}; `situs facts import` adds others"
            yield path, Problem(f"no exchange rate is known for {currency}", fix=fix)


def _countries(intent: Intent) -> Iterator[tuple[Path, str | None]]:
    for name, site in intent.sites.items():
        for field in ("country", "operator_country", "parent_country"):
            yield ("sites", name, field), getattr(site, field)
        for country in sorted(site.administrators.countries):
            yield ("sites", name, "administrators", "countries"), country
    for name, location in intent.locations.items():
        yield ("locations", name, "country"), location.country
    for number, link in enumerate(intent.links):
        for country in sorted(link.crosses):
            yield ("links", number, "crosses"), country


def _currencies(intent: Intent) -> Iterator[tuple[Path, str]]:
    yield ("settings", "currency"), intent.settings.currency
    for section in ("settings", "sites", "links", "datasets", "workloads", "use_cases", "rules"):
        yield from _inside(getattr(intent, section), (section,))


def _inside(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """All money in a value, with its path."""
    if isinstance(value, Money):
        yield path, value.currency
    elif isinstance(value, BaseModel):
        for field in _fields_with_money(type(value)):
            yield from _inside(getattr(value, field), (*path, type(value).model_fields[field].alias or field))
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from _inside(item, (*path, number))
    elif hasattr(value, "items"):
        for name, item in value.items():
            yield from _inside(item, (*path, name))


@cache
def _fields_with_money(model: type[BaseModel]) -> tuple[str, ...]:
    """Fields that may hold money; looking into all others of a large estate would take seconds."""
    return tuple(name for name, info in model.model_fields.items() if _may_hold_money(info.annotation))


def _may_hold_money(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return issubclass(annotation, Money) or bool(_fields_with_money(annotation))
    return any(map(_may_hold_money, get_args(annotation)))
