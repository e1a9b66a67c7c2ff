"""``situs top``: what runs now, where, since when and for how much, again and again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.live import Live

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import DbOption, duration, plain
from situs.cli.server import ServerOption, control_plane
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.client.control_plane import Looking
    from situs.control.running import Running

WORDS = {
    "en": {
        "columns": ("workload", "unit", "stands", "site", "pool", "for", "cost so far"),
        "stands": {
            "running": "running", "unhealthy": "unhealthy", "starting": "starting", "ending": "ending",
            "unknown": "unknown",
        },
    },
    "de": {
        "columns": ("Arbeit", "Einheit", "Stand", "Ort", "Pool", "seit", "Kosten bisher"),
        "stands": {
            "running": "läuft", "unhealthy": "krank", "starting": "beginnt", "ending": "endet", "unknown": "unbekannt",
        },
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("top")(top_command)


def top_command(
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.2)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, as where there is no terminal.")] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what runs now, the dearest first, until Ctrl-C.

    Costs are those in the ledger, which is written every few minutes and when something ends.

    Examples:

      situs top

      situs top --once --json
    """
    plane = control_plane(server, db, estate)
    if as_json:
        emit_json(plain(plane.running()))
        return
    if once or not sys.stdout.isatty():
        console.print(_table(plane))
        return
    with Live(_table(plane), console=console, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(every)
                live.update(_table(plane), refresh=True)
        except KeyboardInterrupt:
            return


def _table(plane: Looking) -> Any:
    words: dict[str, Any] = WORDS[language()]
    table = new_table(*words["columns"])
    for each in plane.running():
        table.add_row(*_row(each, words["stands"]))
    return table


def _row(each: Running, stands: dict[str, str]) -> tuple[str, ...]:
    cost = f"{each.cost:.4f} {each.currency}" if each.currency else ""
    return (
        each.workload, str(each.unit), stands[each.standing], each.site or "—", each.pool or "—",
        duration(each.for_s), cost,
    )  # fmt: skip
