"""``situs token``: what programs and people show to the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, opened, person, plain
from situs.cli.server import ServerOption, must_be_here
from situs.cli.tables import table as new_table
from situs.model.error import InputError

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "shown": "token {id} for {name}, until {expires:%Y-%m-%d}; it is shown this once:",
        "revoked": "token {id} is good for nothing from now on", "already": "that was so already",
        "columns": ("id", "name", "may", "by", "until", "revoked"),
        "none": "there are no tokens yet; `situs token create` makes one",
    },
    "de": {
        "shown": "Token {id} für {name}, bis {expires:%Y-%m-%d}; es wird nur dieses eine Mal gezeigt:",
        "revoked": "Token {id} gilt ab jetzt nicht mehr", "already": "das war schon so",
        "columns": ("Kennung", "Name", "darf", "durch", "bis", "widerrufen"),
        "none": "noch gibt es keine Token; `situs token create` macht eines",
    },
}  # fmt: skip

group = typer.Typer(name="token", help="Tokens of the API.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="token")


@group.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="Who is to show it: a person or a program.", metavar="NAME")],
    role: Annotated[
        list[str],
        typer.Option(
            "--role", metavar="ROLE[@PROJECT]",
            help="viewer, data-scientist, operator, approver, auditor or admin, in one use case or in all; "
            "may be given again.",
        ),
    ],
    days: Annotated[int, typer.Option(help="How long it is good.", min=1, max=366)] = 90,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make a token. It is printed once; the database keeps only a hash of it.

    Examples:

      situs token create ci --role data-scientist@vision --days 30

      situs token create dashboard --role viewer --json
    """
    from situs.api.permissions import EVERYTHING, ROLES
    from situs.store import tokens

    must_be_here("situs token", server, db, estate)
    grants = []
    for text in role:
        which, _, project = text.partition("@")
        if which not in ROLES:
            raise InputError(f"there is no role {which!r}; there are {', '.join(ROLES)}")
        grants.append({"role": which, "project": project or EVERYTHING})
    with opened(db, estate).write() as connection:
        made, shown = tokens.create(connection, name, grants, timedelta(days=days), person(by))
    if as_json:
        emit_json({"id": made.id, "token": shown, "expires": made.expires.isoformat()})
        return
    console.print(
        WORDS[language()]["shown"].format(id=made.id, name=name, expires=made.expires), markup=False
    )
    console.print(shown, soft_wrap=True, markup=False)


@group.command("list")
def list_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """All tokens there ever were: whose, what they may, until when.

    Examples:

      situs token list
    """
    from situs.store import tokens

    must_be_here("situs token", server, db, estate)
    with opened(db, estate).read() as connection:
        found = tokens.everything(connection)
    if as_json:
        emit_json([{k: v for k, v in plain(token).items() if k != "sha256"} for token in found])
        return
    words = WORDS[language()]
    if not found:
        console.print(words["none"])
        return
    table = new_table(*words["columns"])
    for token in found:
        may = ", ".join(f"{grant['role']}@{grant['project']}" for grant in token.grants)
        revoked = f"{token.revoked:%Y-%m-%d}" if token.revoked else ""
        table.add_row(token.id, token.name, may, token.by, f"{token.expires:%Y-%m-%d}", revoked)
    console.print(table)


@group.command("revoke")
def revoke_command(
    identity: Annotated[str, typer.Argument(help="As `situs token list` shows it.", metavar="ID")],
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token good for nothing, at once.

    Examples:

      situs token revoke 3fa9c1d2e4b5
    """
    from situs.store import tokens

    must_be_here("situs token", server, db, estate)
    with opened(db, estate).write() as connection:
        changed = tokens.revoke(connection, identity, person(by))
    if changed is None:
        raise InputError(f"there is no token {identity!r}; `situs token list` shows those there are")
    if as_json:
        emit_json({"changed": changed})
        return
    console.print(WORDS[language()]["revoked" if changed else "already"].format(id=identity), markup=False)
