"""A plain price sheet: a CSV with one row for each machine that somebody rents out.

============================  ==================================================================================
column
============================  ==================================================================================
``sku`` (needed)              the machine's name
``price`` (needed)            by the hour: ``0.85`` with a currency beside it, ``0.85 EUR/h``, or ``620 EUR/month``
``operator``                  who rents it out; else ``--operator``
``country``                   ISO 3166 code; else that of the region where it is known, else ``--country``
``region``                    the operator's name of the place; else the country in small letters
``cpus``, ``memory``          per machine; memory in GiB or with a unit
``accelerator``               model, such as H100
``accelerators``              how many
``accelerator_memory``        of each; in GiB or with a unit
``spot``                      like ``price``, for capacity that may be taken away
``currency``                  of prices without one; else ``--currency``
``as_of``, ``source``         else ``--as-of`` and ``--source``
============================  ==================================================================================

Semicolons between cells and decimal commas, as spreadsheets write them in many countries, are understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from situs.facts.fact import PriceFact
from situs.facts.importing.imported import Defaults, Imported
from situs.facts.table import built, read_rows
from situs.model.error import Position, Problem
from situs.model.money import HourPrice, Money, MonthPrice
from situs.model.quantity import BYTES, HOURS_PER_MONTH, parse_quantity

FIELDS = (
    "sku", "price", "operator", "country", "region", "cpus", "memory", "accelerator", "accelerators",
    "accelerator_memory", "spot", "currency", "as_of", "source",
)  # fmt: skip
NEEDED = ("sku", "price")
NUMBERS = frozenset({"price", "spot", "cpus", "memory", "accelerators", "accelerator_memory"})
_COMMA = re.compile(r"^([0-9]+),([0-9]+)")
_BARE = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)", re.IGNORECASE)


def read_sheet(content: bytes, name: str, defaults: Defaults, problems: list[Problem]) -> Imported:
    """All rows as prices."""
    first = content.split(b"\n", 1)[0]
    semicolons = first.count(b";") > first.count(b",")
    rows, found = read_rows(content, name, NEEDED, delimiter=";" if semicolons else ",")
    problems.extend(found)
    imported = Imported()
    where: dict[str, Position] = {}
    for row in rows:
        for column in sorted(row.cells.keys() - set(FIELDS)):
            imported.leave_out(f"the column {column!r} is not read", Position(name, 1, 1))
        cells = {
            column: _COMMA.sub(r"\1.\2", cell) if semicolons and column in NUMBERS else cell
            for column, cell in row.cells.items()
            if column in FIELDS
        }
        add_price(imported, cells, row.at, defaults, problems, where)
    return imported


def add_price(
    imported: Imported,
    cells: Mapping[str, Any],
    at: Position,
    defaults: Defaults,
    problems: list[Problem],
    where: dict[str, Position],
) -> None:
    """One entry as a price; ``where`` remembers where each name stood first."""
    try:
        fields = _fields(cells, defaults)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        problems.append(Problem(message, at))
        return
    except ValueError as error:
        problems.append(Problem(str(error), at))
        return
    fact = built(PriceFact, fields, at, problems)
    if fact is None:
        return
    if fact.key in where:
        problems.append(
            Problem(
                f"{fact.key} stands here a second time; the first is at {where[fact.key]}", at, "remove one"
            )
        )
        return
    where[fact.key] = at
    imported.prices[fact.key] = fact


def _fields(cells: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    missing = [field for field in NEEDED if field not in cells]
    if missing:
        raise ValueError(f"{' and '.join(missing)} is missing")
    operator = cells.get("operator") or defaults.operator
    if operator is None:
        raise ValueError("operator is missing: fill in the column, or give --operator for all")
    region = cells.get("region")
    country = cells.get("country") or defaults.regions.get((operator, region or "")) or defaults.country
    if country is None:
        raise ValueError("country is missing: fill in the column, or give --country for all")
    price = _per_hour("price", cells["price"], cells.get("currency") or defaults.currency)
    spot = _per_hour("spot", cells["spot"], price.currency) if "spot" in cells else None
    if spot is not None and spot.currency != price.currency:
        raise ValueError(f"spot is in {spot.currency}, price in {price.currency}; use one currency")
    return {
        "operator": operator,
        "region": region or str(country).lower(),
        "country": country,
        "sku": cells["sku"],
        "cpus": cells.get("cpus", 0),
        "memory_gib": _gib("memory", cells.get("memory", 0)),
        "accelerator": cells.get("accelerator"),
        "accelerators": cells.get("accelerators", 0),
        "accelerator_memory_gib": _gib("accelerator_memory", cells["accelerator_memory"])
        if "accelerator_memory" in cells
        else None,
        "currency": price.currency,
        "per_hour": price.amount,
        "per_hour_spot": None if spot is None else spot.amount,
        "as_of": cells.get("as_of") or defaults.as_of,
        "source": cells.get("source") or defaults.source,
    }


def _per_hour(field: str, value: object, currency: str) -> Money:
    text = str(value).strip()
    try:
        if _BARE.fullmatch(text):
            return HourPrice.model_validate({"amount": text, "currency": currency})
        if text.endswith("month"):
            month = MonthPrice.model_validate(text)
            hour = (month.amount / Decimal(str(HOURS_PER_MONTH))).quantize(Decimal("1e-9"))
            return HourPrice(amount=hour, currency=month.currency)
        return HourPrice.model_validate(text)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{field}: {message}") from None


def _gib(field: str, value: object) -> float:
    try:
        return parse_quantity(float(value) if isinstance(value, Decimal) else value, BYTES, "GiB")
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
