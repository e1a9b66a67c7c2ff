"""``situs ssh``: look around where a run is."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, emit_json
from situs.cli.plane import DbOption, folder_of, opened
from situs.cli.server import ServerOption, must_be_here


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ssh")(ssh_command)


def ssh_command(
    workload: Annotated[str, typer.Argument(help="Name of the run.", metavar="WORKLOAD")],
    command: Annotated[
        list[str] | None,
        typer.Argument(
            help="What to run there instead of a shell.", metavar="[-- COMMAND]", show_default=False
        ),
    ] = None,
    unit: Annotated[int, typer.Option(help="Which of its units.", min=0)] = 0,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a shell in a run's folder, on this machine or by SSH; or run a command there, with its exit code.

    With --json it is only said how one would get there.

    Examples:

      situs ssh train-3fa9c1

      situs ssh train-3fa9c1 -- ls -l
    """
    from situs.control.attached import Reader, entered
    from situs.control.connect import by_kind

    must_be_here("situs ssh", server, db, estate)
    reader = Reader(opened(db, estate), by_kind(folder_of(estate)))
    words = entered(reader, reader.run(workload, unit), tuple(command or ()), terminal=sys.stdin.isatty())
    if as_json:
        emit_json({"command": list(words)})
        return
    # The words come from the site's own adapter, as arguments; no shell of this machine reads them.
    raise typer.Exit(subprocess.call(words))  # noqa: S603
