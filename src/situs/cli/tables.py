"""Tables on a terminal: long names go on in the next line, because half a name cannot be typed again."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table

COMPACT: dict[str, Any] = {
    "box": box.SIMPLE_HEAD, "padding": (0, 1), "collapse_padding": True, "pad_edge": False,
}  # fmt: skip
"""Frames and margins would take the room that names need."""


def table(*headings: str, **style: Any) -> Table:
    """An empty table with these columns; ``style`` is what rich's own takes."""
    made = Table(**(COMPACT | style))
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made
