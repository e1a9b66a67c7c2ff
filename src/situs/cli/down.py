"""``situs down``: end the control plane of a folder, which may run in the background."""

from __future__ import annotations

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import DbOption, opened
from situs.cli.server import ServerOption, must_be_here

WORDS = {
    "en": {
        "ended": "the control plane has ended; what runs at the sites runs on",
        "none": "no control plane runs",
    },
    "de": {
        "ended": "die Steuerung ist beendet; was an den Orten läuft, läuft weiter",
        "none": "keine Steuerung läuft",
    },
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("down")(down_command)


def down_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """End the control plane that acts, if it is one of this machine. What runs at the sites runs on.

    Examples:

      situs down

      situs down -C examples/clinic-group
    """
    from situs.control import background

    must_be_here("situs down", server, db, estate)
    ended = background.end(opened(db, estate))
    if as_json:
        emit_json({"ended": ended})
        return
    console.print(WORDS[language()]["ended" if ended else "none"], soft_wrap=True)
