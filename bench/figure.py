"""One measured figure, as a JSON line and as a table row; and how much is to be measured."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field


class CannotMeasure(Exception):
    """What a benchmark needs is not here; the message says what, and where to get it."""


@dataclass(frozen=True)
class Figure:
    """A figure, beside what a peer reaches in the same run on the same input."""

    name: str
    """dotted, starting with the benchmark's name"""
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    extra: dict[str, object] = field(default_factory=dict)
    """further keys of the JSON line, such as ``seeds``, ``worst`` or ``bar``"""

    @property
    def ratio(self) -> float | None:
        """value over the peer's; None where the peer found nothing or its value is 0"""
        there = self.peer_value is not None and self.peer_value != 0 and math.isfinite(self.peer_value)
        return self.value / self.peer_value if there and self.peer_value else None

    @property
    def bar(self) -> float | None:
        """at most so much is asked for"""
        bar = self.extra.get("bar")
        return bar if isinstance(bar, int | float) else None

    @property
    def met(self) -> bool | None:
        """whether the worst of the values is within the bar; None without one"""
        if self.bar is None:
            return None
        worst = self.extra.get("worst", self.value)
        return isinstance(worst, int | float) and worst <= self.bar

    def line(self) -> str:
        keys: dict[str, object] = {
            "name": self.name,
            "value": _finite(self.value),
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": _finite(self.peer_value),
            "ratio": _finite(self.ratio),
        }
        extra = {key: _finite(v) if isinstance(v, float) else v for key, v in self.extra.items()}
        return json.dumps({**keys, **extra}, allow_nan=False)


def _finite(value: float | None) -> float | None:
    """Six significant digits; JSON knows no infinity."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


@dataclass(frozen=True)
class Protocol:
    """How much to measure: which seeds, at which tightness."""

    seeds: tuple[int, ...] = (0, 1, 2)
    tightness: tuple[float, ...] = (1.0,)
