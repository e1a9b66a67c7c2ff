"""Which control plane a command is for, as it was said with the command, around it, or when logging in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE

if TYPE_CHECKING:
    from situs.client.choosing import Source
    from situs.client.servers import Server

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        envvar="SITUS_SERVER",
        metavar="NAME|URL",
        help="Control plane elsewhere, as logged in to; `local`: that of a folder.",
        show_default="the one logged in to last, else this folder's",
    ),
]


def server_of(server: str | None, db: str | None = None, estate: Path = HERE) -> Server | None:
    """The server that a command is for, with a token that is good; None: this machine. Raises SitusError."""
    from situs.client.choosing import Said, chosen, fresh
    from situs.client.servers import Servers

    servers = Servers()
    said = Said(server, _source(server, "SITUS_SERVER"), _source(db, "SITUS_DB"), folder=estate != HERE)
    found = chosen(servers, said)
    return fresh(servers, found) if found is not None else None


def _source(value: str | None, variable: str) -> Source | None:
    if value is None:
        return None
    return "environment" if value == os.environ.get(variable) else "typed"
