"""What all intent models share: immutable, nothing unknown accepted, names that are safe everywhere."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$"
"""Names become file names, label values and URL parts, so look-alike letters and separators stay out."""

FIRST_YEAR, LAST_YEAR = 1970, 2200


class Model(BaseModel):
    """Base of everything a user may write."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


def _name(value: str) -> str:
    if re.fullmatch(NAME_PATTERN, value, re.ASCII) is None:
        shown = value if len(value) <= 150 else f"{value[:140]}..."
        strange = next(
            (f"; it contains {c!r} ({unicodedata.name(c, '?')})" for c in value if ord(c) > 126), ""
        )
        raise ValueError(
            f"{shown!r} is not a usable name{strange}; use ASCII letters, digits, '.', '_' and '-', "
            "beginning and ending with a letter or digit, at most 128 long"
        )
    return value


def _country(value: Any) -> Any:
    if not isinstance(value, str) or re.fullmatch("[A-Z]{2}", value, re.ASCII) is None:
        raise ValueError(f"{value!r} is not a country code; write ISO 3166 alpha-2 in capitals, such as DE")
    return value


def _utc(value: datetime) -> datetime:
    # Far-off years would overflow in arithmetic with other instants; they are slips of the keyboard.
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"the year {value.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _day(value: Any) -> Any:
    """A bare day stands for its first instant in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
Country = Annotated[
    str, BeforeValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})
]
"""ISO 3166-1 alpha-2."""
_INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
Instant = Annotated[
    datetime,
    BeforeValidator(_day),
    AfterValidator(_utc),
    # The usual "date-time" would have editors complain about a bare day, or an hour without seconds.
    WithJsonSchema(
        {"type": "string", "pattern": _INSTANT_PATTERN, "description": "such as 2026-11-23T08:00Z"}
    ),
]
"""UTC-aware; a time without a zone is taken as UTC."""
