"""What an import is given besides the file, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from situs.facts.fact import AsOf, Currency, Fact, Key, PriceFact, Source
from situs.model.base import Country, Model
from situs.model.error import Position


class Defaults(Model):
    """What counts where the file itself says nothing."""

    as_of: AsOf
    source: Source
    operator: Key | None = None
    country: Country | None = None
    currency: Currency = "USD"
    regions: Mapping[tuple[str, str], str] = Field(default_factory=dict)
    """(operator, region) -> country, for layouts that name regions only"""


@dataclass
class LeftOut:
    """Rows or columns that no price was made of."""

    why: str
    first: Position
    rows: int = 1

    def __str__(self) -> str:
        return f"{self.first}: {self.why}" + (f" (and {self.rows - 1} more)" if self.rows > 1 else "")


@dataclass
class Imported:
    """Everything that one file says."""

    prices: dict[str, PriceFact] = field(default_factory=dict)
    """by ``operator/region/sku``"""
    rates: dict[str, Fact] = field(default_factory=dict)
    """currency -> units of it for one euro"""
    _left_out: dict[str, LeftOut] = field(default_factory=dict)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What no price was made of, one entry for each reason, in the order of the file."""
        return tuple(self._left_out.values())

    def leave_out(self, why: str, at: Position) -> None:
        """Note a row that is not used."""
        if why in self._left_out:
            self._left_out[why].rows += 1
        else:
            self._left_out[why] = LeftOut(why, at)
