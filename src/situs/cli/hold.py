"""``situs pause``, ``resume``, ``drain``, ``lost`` and ``found``: what is not to be done for a while."""

from __future__ import annotations

from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption
from situs.cli.server import ServerOption, control_plane

WORDS = {
    "en": {
        "paused": "paused: nothing is done at the sites until `situs resume`; what runs there runs on",
        "resumed": "resumed", "drained": "{site} gets nothing new; what runs there runs on until a plan moves it",
        "open": "{site} takes work again",
        "lost": "{site} is lost: its work goes on elsewhere, and what is left there is ended once it answers",
        "found": "{site} is in service again", "already": "that was so already",
    },
    "de": {
        "paused": "angehalten: bis `situs resume` geschieht an den Orten nichts; was dort läuft, läuft weiter",
        "resumed": "geht weiter",
        "drained": "{site} bekommt nichts Neues; was dort läuft, bleibt, bis ein Plan es verlegt",
        "open": "{site} nimmt wieder Arbeit an",
        "lost": "{site} ist verloren: seine Arbeit geht anderswo weiter, und was dort übrig ist, wird beendet, "
                "sobald er antwortet",
        "found": "{site} ist wieder in Betrieb", "already": "das war schon so",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause")(pause_command)
    app.command("resume")(resume_command)
    app.command("drain")(drain_command)
    app.command("lost")(lost_command)
    app.command("found")(found_command)


def pause_command(
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the control plane begin nothing at any site until it is resumed.

    Examples:

      situs pause --reason "network maintenance"
    """
    _show("paused", control_plane(server, db, estate, by).pause(reason), as_json)


def resume_command(
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on after a pause.

    Examples:

      situs resume
    """
    _show("resumed", control_plane(server, db, estate, by).resume(), as_json)


def drain_command(
    site: Annotated[str, typer.Argument(help="The site.", metavar="SITE")],
    end: Annotated[bool, typer.Option("--end", help="Let it have new work again.")] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put nothing new at a site. What runs there runs on until a plan moves it.

    Examples:

      situs drain old-rack --reason "new power supply"

      situs drain old-rack --end
    """
    plane = control_plane(server, db, estate, by)
    if end:
        _show("open", plane.undrain(site), as_json, site)
    else:
        _show("drained", plane.drain(site, reason), as_json, site)


def lost_command(
    site: Annotated[str, typer.Argument(help="The site.", metavar="SITE")],
    reason: Annotated[str, typer.Option("--reason", help="What happened, for those who come after.")],
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a site is gone: its work may go on elsewhere, though nobody saw it end there.

    You answer for that: what still runs there runs twice until the site answers again, and is ended then.

    Examples:

      situs lost old-rack --reason "fire in hall 2"
    """
    _show("lost", control_plane(server, db, estate, by).lose(site, reason), as_json, site)


def found_command(
    site: Annotated[str, typer.Argument(help="The site.", metavar="SITE")],
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a site that was lost into service again.

    Examples:

      situs found old-rack
    """
    _show("found", control_plane(server, db, estate, by).find(site), as_json, site)


def _show(what: str, changed: bool, as_json: bool, site: str = "") -> None:
    if as_json:
        emit_json({"changed": changed})
        return
    words = WORDS[language()]
    console.print((words[what] if changed else words["already"]).format(site=site), soft_wrap=True)
