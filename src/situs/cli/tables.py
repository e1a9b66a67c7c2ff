"""Tables on a terminal: long names go on in the next line, because half a name cannot be typed again."""

from __future__ import annotations

from typing import Any

from rich.table import Table


def table(*headings: str, **style: Any) -> Table:
    """An empty table with these columns; ``style`` is what rich's own takes."""
    made = Table(**style)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made
