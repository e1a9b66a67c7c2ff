"""Which layout a file has, and the one way in for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from situs.facts.importing.custom import read_custom
from situs.facts.importing.imported import Defaults, Imported
from situs.facts.importing.sheet import read_sheet
from situs.facts.importing.skypilot import read_skypilot
from situs.facts.table import refuse
from situs.model.error import InputError, Position, Problem

Layout = Literal["skypilot", "sheet", "json"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

_READERS: Mapping[Layout, Callable[[bytes, str, Defaults, list[Problem]], Imported]] = {
    "skypilot": read_skypilot,
    "sheet": read_sheet,
    "json": read_custom,
}


def import_prices(content: bytes, name: str, defaults: Defaults, layout: Layout | None = None) -> Imported:
    """Everything a price list says; ``name`` stands for the file. Raises InputError with every problem."""
    problems: list[Problem] = []
    imported = _READERS[layout or guessed(content, name)](content, name, defaults, problems)
    refuse(problems)
    if not imported.prices and not imported.rates:
        why = "; ".join(str(entry) for entry in imported.left_out) or "it has no rows"
        raise InputError([Problem(f"there are no prices in the file: {why}", Position(name))])
    return imported


def guessed(content: bytes, name: str) -> Layout:
    """The layout by the file's name and its first line."""
    if name.endswith(".json"):
        return "json"
    return "skypilot" if b"InstanceType" in content.split(b"\n", 1)[0] else "sheet"
