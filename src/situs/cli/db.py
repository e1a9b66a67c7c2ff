"""``situs db``: the control plane's database as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import DbOption, opened, person, place_of
from situs.cli.server import ServerOption, must_be_here

WORDS = {
    "en": {
        "upgrade": "schema {before} → {after}", "current": "schema {after}, up to date",
        "backup": "{rows} rows in {file}",
        "restore": "{rows} rows restored; the control plane is paused: look at `situs ps`, then `situs resume`",
        "reason": "restored from a backup: sites may know more than this database",
    },
    "de": {
        "upgrade": "Schema {before} → {after}", "current": "Schema {after}, auf dem neuesten Stand",
        "backup": "{rows} Zeilen in {file}",
        "restore": "{rows} Zeilen eingespielt; die Steuerung ist angehalten: erst `situs ps`, dann `situs resume`",
        "reason": "aus einer Sicherung eingespielt: Orte können mehr wissen als diese Datenbank",
    },
}  # fmt: skip

db_app = typer.Typer(no_args_is_help=True, help="The control plane's database: upgrade, back-up, restore.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(db_app, name="db")


@db_app.command("upgrade")
def upgrade_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """Bring the database to the schema of this situs; an empty one gets its tables. Back it up before.

    Examples:

      situs db upgrade

      situs db upgrade --db postgresql://situs@db.example.org/situs
    """
    from situs.store.database import Database
    from situs.store.schema import upgrade

    must_be_here("situs db", server, db, estate)
    before, after = upgrade(Database(place_of(db, estate)))
    if as_json:
        emit_json({"before": before, "after": after})
        return
    words = WORDS[language()]
    said = words["current"] if before == after else words["upgrade"]
    console.print(said.format(before=before or "—", after=after))


@db_app.command("backup")
def backup_command(
    file: Annotated[Path, typer.Argument(help="A new file to write.", metavar="FILE")],
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything into one file, as of one instant. The control plane may run meanwhile.

    Examples:

      situs db backup situs-2026-11-23.backup
    """
    from situs.store.backup import backup

    must_be_here("situs db", server, db, estate)
    rows = backup(opened(db, estate), file)
    _show("backup", rows, file, as_json)


@db_app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(help="A file that `situs db backup` wrote.", metavar="FILE")],
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a back-up into an empty database, of either kind, and pause the control plane.

    Runs that the sites began after the back-up are taken over once it is resumed.

    Examples:

      situs db restore situs-2026-11-23.backup --db postgresql://situs@db.example.org/situs
    """
    from situs.control import orders
    from situs.store.backup import restore
    from situs.store.database import Database

    must_be_here("situs db", server, db, estate)
    database = Database(place_of(db, estate))
    rows = restore(database, file)
    orders.pause(database, person(None), WORDS[language()]["reason"])
    _show("restore", rows, file, as_json)


def _show(what: str, rows: int, file: Path, as_json: bool) -> None:
    if as_json:
        emit_json({"rows": rows, "file": str(file)})
        return
    console.print(WORDS[language()][what].format(rows=rows, file=file), soft_wrap=True)
