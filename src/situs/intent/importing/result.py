"""What every import gives: the intent, and everything a person should look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from situs.intent.dump import dump
from situs.model.error import Position
from situs.model.intent import Intent


@dataclass(frozen=True)
class Remark:
    """Something in the source that was not carried over, or that was not there and had to be assumed."""

    what: str
    """the field, with its value"""
    why: str
    """why it could not be carried over, or what was written instead; and what to do"""
    at: Position
    """where it stands; the first place, if it stands in several"""
    times: int = 1

    def __str__(self) -> str:
        times = f" ({self.times:,} times)" if self.times > 1 else ""
        return f"{self.at}: {self.what}{times}: {self.why}"


@dataclass(frozen=True)
class Imported:
    """The result of an import."""

    source: str
    """the format, for people"""
    intent: Intent
    notes: Mapping[tuple[str | int, ...], Sequence[str]]
    """comments for what stands at a path of the intent"""
    unmapped: tuple[Remark, ...]
    assumed: tuple[Remark, ...]

    def yaml(self) -> str:
        """The intent as commented YAML."""
        heading = [
            f"Imported from {self.source}. `situs validate` checks it.",
            f"{len(self.unmapped)} things could not be carried over and {len(self.assumed)} had to be assumed;",
            "they stand as comments where they belong to one entry.",
        ]
        return dump(self.intent, self.notes, heading)
