"""Quantities with units: ``512Gi``, ``2.5TB``, ``10Gbit/s``, ``40ms``, ``8h``, ``36 months``.

A field's type says the unit it is kept in; text with any unit of the same dimension is accepted and
converted, a bare number is taken in the field's own unit.  NaN, infinities and negative values are
refused here, once, for all models.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

HOURS_PER_MONTH = 730.0
"""8,760 hours a year over twelve months: the month that cloud price lists and bills use."""

# Every table maps a unit to its size in the dimension's base unit.
BYTES = {
    "B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40, "PiB": 2.0**50,
}  # fmt: skip
BITS_PER_S = {"bit/s": 1.0, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9, "Tbit/s": 1e12}
SECONDS = {
    "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "hour": 3600.0,
    "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0, "week": 604800.0, "weeks": 604800.0,
    "month": HOURS_PER_MONTH * 3600.0, "months": HOURS_PER_MONTH * 3600.0,
    "year": 12 * HOURS_PER_MONTH * 3600.0, "years": 12 * HOURS_PER_MONTH * 3600.0,
}  # fmt: skip
WATTS = {"mW": 1e-3, "W": 1.0, "kW": 1e3, "MW": 1e6}
FRACTIONS = {"%": 0.01}
CORES = {"m": 1e-3, "cores": 1.0, "core": 1.0}


@dataclass(frozen=True)
class Unit:
    """In which unit a field is kept; stands in the field's annotation for whoever writes it out."""

    name: str


_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z%/]*)", re.ASCII
)


def parse_quantity(value: object, units: dict[str, float], own: str) -> float:
    """The value in unit ``own``; ``units`` maps each accepted unit to its size in one base unit.

    Raises ValueError, with the accepted units, for anything that is not a finite non-negative quantity.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"a quantity such as {_example(units, own)} is expected, not {value!r}")
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value.strip())
        if match is None:
            raise ValueError(
                f"{value!r} is not a quantity; write a number and a unit, such as {_example(units, own)}"
            )
        number, unit = float(match[1]), match[2]
        if unit and unit not in units:
            accepted = ", ".join(units) or "plain numbers"
            raise ValueError(f"{value!r} has the unit {unit!r}; accepted are {accepted}")
        # In the field's own unit nothing is rounded, so that what is written out reads back the same.
        scaled = number if unit in ("", own) else number * units[unit] / units.get(own, 1.0)
    else:
        scaled = float(value)
    if not math.isfinite(scaled):
        raise ValueError(f"{value!r} is not finite")
    if scaled < 0:
        raise ValueError(f"{value!r} is negative; a quantity of zero or more is expected")
    return scaled


def _example(units: dict[str, float], own: str) -> str:
    return f"'8{own if own in units else next(iter(units), '')}'"


def _quantity(units: dict[str, float], own: str, title: str) -> Any:
    def parse(value: object) -> float:
        return parse_quantity(value, units, own)

    pattern = (
        r"^\s*[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*("
        + "|".join(map(re.escape, units))
        + r")?\s*$"
    )
    schema = {
        "title": title,
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": pattern}],
        "description": f"{title}; a bare number is in {own}; units: {', '.join(units)}",
    }
    return (BeforeValidator(parse), WithJsonSchema(schema), Unit(own))


Gib = Annotated[float, *_quantity(BYTES, "GiB", "memory in GiB")]
Gb = Annotated[float, *_quantity(BYTES, "GB", "data in GB (10^9 bytes)")]
GbitPerS = Annotated[float, *_quantity(BITS_PER_S, "Gbit/s", "bandwidth in Gbit/s")]
Ms = Annotated[float, *_quantity(SECONDS, "ms", "time in milliseconds")]
Seconds = Annotated[float, *_quantity(SECONDS, "s", "time in seconds")]
Hours = Annotated[float, *_quantity(SECONDS, "h", "time in hours")]
Days = Annotated[float, *_quantity(SECONDS, "days", "time in days")]
Months = Annotated[float, *_quantity(SECONDS, "months", "time in months of 730 hours")]
Watts = Annotated[float, *_quantity(WATTS, "W", "power in watts")]
Share = Annotated[float, *_quantity(FRACTIONS, "1", "a fraction, 0.2 or 20%")]
Cores = Annotated[float, *_quantity(CORES, "cores", "processor cores")]
Number = Annotated[float, *_quantity({}, "1", "a finite number of zero or more")]
