"""Which control plane a command is for, as it was said with the command, around it, or when logging in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE
from situs.cli.plane import folder_of, opened, person
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.client.choosing import Source
    from situs.client.control_plane import ControlPlane
    from situs.client.remote import Remote
    from situs.client.servers import Server
    from situs.control.here import Here

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


def control_plane(
    server: str | None, db: str | None, estate: Path, by: str | None = None, *, new: bool = False
) -> ControlPlane:
    """Who answers the questions of a command, and takes its orders. Raises SitusError.

    ``new``: a folder that has no database yet gets one.
    """
    there = afar(server, db, estate, by)
    if there is not None:
        return there
    from situs.client.local import Local

    return Local(opened(db, estate, new=new), estate, folder_of(estate), person(by))


def afar(server: str | None, db: str | None, estate: Path, by: str | None = None) -> Remote | None:
    """The control plane elsewhere that is meant; None: that of a folder is. Raises SitusError."""
    found = server_of(server, db, estate)
    if found is None:
        return None
    if by is not None:
        raise InputError(
            f"--by is for a folder's control plane; {found.name} knows who asks (`situs whoami`)"
        )
    from situs.client.asking import Asking
    from situs.client.remote import Remote

    return Remote(Asking(found))


def control_plane_that_acts(
    server: str | None, db: str | None, estate: Path, by: str | None, *, acts: bool
) -> ControlPlane:
    """The same, for what is to be run: a folder gets sites and, where it ``acts``, a control plane that runs."""
    if server_of(server, db, estate) is not None:
        return control_plane(server, db, estate, by)
    from situs.cli.beginning import have_control, have_sites
    from situs.control.here import here

    place = here(estate, db, new=True)
    has_estate = have_sites(place, person(by))
    if acts:
        have_control(place, replan=has_estate)
    return on_the_spot(place, by)


def on_the_spot(place: Here, by: str | None = None) -> ControlPlane:
    """The control plane of a folder that is open already."""
    from situs.client.local import Local

    return Local(place.database, place.estate, place.folder, person(by))


def must_be_here(what: str, server: str | None, db: str | None, estate: Path) -> None:
    """Raises InputError where a server is meant, as this command does nothing over the network."""
    found = server_of(server, db, estate)
    if found is not None:
        raise InputError(
            f"{what} works on the machine of the control plane alone, and {found.name} ({found.url}) is elsewhere; "
            "`--server local` means the one of a folder here"
        )


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
