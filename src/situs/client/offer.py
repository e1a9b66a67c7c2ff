"""A plan as it is handed in: made here, or only the estate, to be planned by the control plane that takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from situs.client import enclosed
from situs.intent.dump import dump
from situs.model.intent import Intent
from situs.model.plan import Plan


@dataclass(frozen=True)
class Offer:
    """An estate with what its runs need, all of it read."""

    intent: Intent
    files: Mapping[str, bytes]
    """path in the estate's folder -> content"""
    plan: Plan | None = None
    """made from it here; None: it is yet to be planned"""
    off: frozenset[str] = frozenset()
    """laws and rules to switch off; a plan says itself what was"""

    @property
    def text(self) -> str:
        """The estate, as it is read again."""
        return dump(self.intent)


def offered(
    intent: Intent, estate: Path, plan: Plan | None = None, off: frozenset[str] = frozenset()
) -> Offer:
    """With the files of the estate's folder. Raises InputError with all that are missing."""
    folder = estate if estate.is_dir() else estate.parent
    return Offer(intent, enclosed.of_estate(intent, folder), plan, off)
