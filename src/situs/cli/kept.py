"""Checkpoints that are kept elsewhere, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from situs.cli.output import language
from situs.cli.plane import duration, opened, place_of
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.control.checkpoints.standing import KeptView

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "en": ("unit", "checkpoint of", "kept at", "age", "step", "size"),
    "de": ("Einheit", "Sicherungspunkt von", "liegt in", "Alter", "Schritt", "Größe"),
}


def table_of(kept: Sequence[KeptView], now: datetime) -> Any:
    """The newest of each unit first."""
    from situs.model.data_size import shown

    table = new_table(*HEADINGS[language()])
    for each in kept:
        age, step = duration((now - each.at).total_seconds()), "" if each.step is None else str(each.step)
        at = f"{each.at:%Y-%m-%d %H:%M:%S}Z"
        table.add_row(str(each.unit), at, each.site, age, step, shown(each.size_bytes))
    return table


def table_here(workload: str, estate: Path) -> Any:
    """Those of a workload, where a control plane of this folder keeps any; else None."""
    if not Path(place_of(None, estate)).exists():
        return None
    from situs.control.checkpoints.standing import kept
    from situs.store.database import clock

    with opened(None, estate).read() as connection:
        found = [each for _, each in kept(connection, workload)]
        return table_of(found, clock(connection)) if found else None
