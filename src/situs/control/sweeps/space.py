"""What parameters are drawn from: each of them is a way from numbers of [0, 1) to values, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from situs.control.arrays.member import checked_name
from situs.model.error import InputError
from situs.store.arrays import Value

KINDS = ("uniform", "log", "int", "logint")
FORM = re.compile(r"\s*([a-z]+)\(\s*([^,()]+)\s*,\s*([^,()]+)\s*\)\s*")
HOW = "write it as uniform(0,1), log(1e-4,1e-1), int(2,8) or logint(16,1024)"

LAST = math.nextafter(1.0, 0.0)
"""The last number before 1."""


@dataclass(frozen=True)
class Range:
    """Numbers between two."""

    kind: str
    low: float
    high: float

    def at(self, share: float) -> Value:
        """The value there."""
        if self.kind == "uniform":
            return min(self.low + share * (self.high - self.low), self.high)
        if self.kind == "log":
            return _logarithmic(self.low, self.high, share)
        first, last = int(self.low), int(self.high)
        if self.kind == "int":
            return min(first + int(share * (last - first + 1)), last)
        # Each whole number gets the part of the range that is rounded to it.
        return min(max(round(_logarithmic(self.low - 0.5, self.high + 0.5, share)), first), last)

    def near(self, value: Value, width: float, rng: Random) -> Value:
        """A value about so far from another one, as a share of the whole range."""
        (share,) = self.place(value)
        return self.at(min(max(share + rng.gauss(0.0, width), 0.0), LAST))

    def place(self, value: Value) -> tuple[float, ...]:
        """Where a value is; of whole numbers the middle of what gives it."""
        number = float(value)
        if self.kind == "uniform":
            return ((number - self.low) / (self.high - self.low),)
        if self.kind == "log":
            return (math.log(number / self.low) / math.log(self.high / self.low),)
        if self.kind == "int":
            return ((number - self.low + 0.5) / (self.high - self.low + 1),)
        low, high = self.low - 0.5, self.high + 0.5
        return (math.log(number / low) / math.log(high / low),)


@dataclass(frozen=True)
class Choice:
    """One of several, none of which is nearer to another than to a third."""

    values: Sequence[Value]

    def at(self, share: float) -> Value:
        """The value there."""
        return self.values[int(share * len(self.values))]

    def near(self, value: Value, width: float, rng: Random) -> Value:
        """Mostly the same one."""
        return rng.choice(self.values) if rng.random() < width else value

    def place(self, value: Value) -> tuple[float, ...]:
        """A number for each of them, so that any two are as far from each other."""
        chosen = list(self.values).index(value)
        return tuple(math.sqrt(0.5) * (number == chosen) for number in range(len(self.values)))


Axis = Range | Choice


def axes(ranges: Mapping[str, str], lists: Mapping[str, Sequence[Value]]) -> dict[str, Axis]:
    """What each parameter is drawn from. Raises InputError that says what is wrong."""
    names: list[str] = []
    for name in (*ranges, *lists):
        names.append(checked_name(name, names))
    if not names:
        raise InputError("nothing is drawn: say --draw NAME=uniform(0,1) or --choose NAME=A,B")
    found: dict[str, Axis] = {name: _range(name, text) for name, text in ranges.items()}
    return found | {name: Choice(tuple(values)) for name, values in lists.items()}


def axes_of(drawn: Mapping[str, Any]) -> dict[str, Axis]:
    """The same, from how parameters were drawn as it was kept."""
    return axes(drawn["draw"], drawn["choose"])


def _range(name: str, text: str) -> Range:
    found = FORM.fullmatch(text)
    if found is None or found[1] not in KINDS:
        raise InputError(f"--draw {name}={text}: {HOW}")
    kind = found[1]
    try:
        low, high = float(found[2]), float(found[3])
    except ValueError:
        raise InputError(f"--draw {name}={text}: {found[2]} and {found[3]} are to be numbers") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"--draw {name}={text}: the first number is to be less than the second")
    if kind.startswith("log") and low <= 0:
        raise InputError(f"--draw {name}={text}: a logarithm needs numbers above 0")
    if kind in ("int", "logint") and not (low.is_integer() and high.is_integer()):
        raise InputError(f"--draw {name}={text}: {kind} needs whole numbers")
    return Range(kind, low, high)


def _logarithmic(low: float, high: float, share: float) -> float:
    return min(max(low * math.pow(high / low, share), low), high)
