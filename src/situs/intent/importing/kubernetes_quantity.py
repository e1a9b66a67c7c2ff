"""Kubernetes' own notations: resource quantities and cron schedules."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
             "E": 1e18, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
             "Ei": 2.0**60}  # fmt: skip
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?([numkKMGTPE]?i?)", re.ASCII)


def parse_quantity(value: object) -> float:
    """``500m``, ``2``, ``1Gi``, ``1e3`` as a number of cores, bytes or pieces. Raises ValueError."""
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[3] not in _SUFFIXES or (match[2] and match[3]):
        raise ValueError(f"{value!r} is not a Kubernetes quantity such as 500m or 2Gi")
    number = float(match[1] + (match[2] or "")) * _SUFFIXES[match[3]]
    if number > 1e24:
        raise ValueError(f"{value!r} is more than there can be")
    return number


_MACROS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
           "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def runs_per_month(schedule: str) -> float:
    """How often a cron schedule fires in a month of 365/12 days. Raises ValueError."""
    fields = _MACROS.get(schedule.strip().lower(), schedule).split()
    if len(fields) != 5:
        raise ValueError(f"{schedule!r} is not a cron schedule of five fields")
    minutes = _ticks(fields[0], 0, 59)
    hours = _ticks(fields[1], 0, 23)
    days = _ticks(fields[2], 1, 31)
    months = _ticks(fields[3], 1, 12, _MONTHS)
    weekdays = {day % 7 for day in _ticks(fields[4], 0, 7, _WEEKDAYS)}
    # Where both kinds of days are limited, cron fires on either.
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    fired = 0.0
    for month in months:
        length = _MONTH_DAYS[month - 1]
        by_date = len([day for day in days if day <= length])
        by_week = length * len(weekdays) / 7.0
        if either:
            fired += by_date + by_week - by_date * len(weekdays) / 7.0
        else:
            fired += by_date * len(weekdays) / 7.0
    return fired * len(minutes) * len(hours) / 12.0


def _ticks(field: str, first: int, last: int, names: tuple[str, ...] = ()) -> set[int]:
    """The values that a field of a schedule stands for."""
    found: set[int] = set()
    for part in field.split(","):
        found |= set(_part(part, first, last, names))
    return found


def _part(part: str, first: int, last: int, names: tuple[str, ...]) -> Iterator[int]:
    span, _, step = part.partition("/")
    try:
        stride = int(step) if step else 1
        if span in ("*", "?"):
            low, high = first, last
        else:
            begin, _, end = span.partition("-")
            low = _tick(begin, first, names)
            high = _tick(end, first, names) if end else (last if step else low)
        if stride < 1 or not first <= low <= high <= last:
            raise ValueError
    except ValueError:
        raise ValueError(f"{part!r} is not a part of a cron schedule from {first} to {last}") from None
    yield from range(low, high + 1, stride)


def _tick(text: str, first: int, names: tuple[str, ...]) -> int:
    lower = text.lower()
    # Months are named from 1, weekdays from 0: the first value of their field.
    return names.index(lower) + first if lower in names else int(text)
