"""``situs stop``, ``rm`` and ``cp``: what is done about work that was handed in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, folder_of, opened
from situs.cli.server import ServerOption, control_plane, must_be_here
from situs.model.error import InputError

WORDS = {
    "en": {
        "stopped": "{name} is stopped; its files stay until `situs rm {name}`",
        "removed": "{name} is removed; what it wrote goes, its history stays",
        "already": "that was so already", "copied": "{source} copied to {target}",
    },
    "de": {
        "stopped": "{name} wird angehalten; seine Dateien bleiben bis `situs rm {name}`",
        "removed": "{name} wird entfernt; was es schrieb, verschwindet, seine Geschichte bleibt",
        "already": "das war schon so", "copied": "{source} nach {target} kopiert",
    },
}  # fmt: skip
NameArgument = Annotated[str, typer.Argument(help="Name of the run.", metavar="WORKLOAD")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("stop")(stop_command)
    app.command("rm")(rm_command)
    app.command("cp")(cp_command)


def stop_command(
    workload: NameArgument,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a run or an array end. It is asked to, and ended after its grace; its output and files stay.

    Examples:

      situs stop train-3fa9c1

      situs stop train-3fa9c1 --reason "the loss went up"
    """
    changed = control_plane(server, db, estate, by).stop(workload, reason)
    _show("stopped", workload, changed, as_json)


def rm_command(
    workload: NameArgument,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a run or an array end, and nothing of it kept at its site. What happened to it stays on record.

    Examples:

      situs rm train-3fa9c1
    """
    changed = control_plane(server, db, estate, by).remove(workload)
    _show("removed", workload, changed, as_json)


def cp_command(
    source: Annotated[str, typer.Argument(help="WORKLOAD:PATH.", metavar="SOURCE")],
    target: Annotated[str, typer.Argument(help="A file or folder of this machine.", metavar="TARGET")] = ".",
    unit: Annotated[int, typer.Option(help="Which of its units.", min=0)] = 0,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a file from a run's folder to this machine, while it runs or after it ended.

    Examples:

      situs cp train-3fa9c1:model.pt .

      situs cp train-3fa9c1:runs/loss.csv /tmp/loss.csv
    """
    from situs.control.attached import Reader, copy_out
    from situs.control.connect import by_kind

    must_be_here("situs cp", server, db, estate)
    workload, colon, path = source.partition(":")
    if not (workload and colon and path):
        raise InputError(
            f"{source!r} is not of the form WORKLOAD:PATH; files are copied out of a run, and go into one with "
            "its code or as data"
        )
    reader = Reader(opened(db, estate), by_kind(folder_of(estate)))
    place = Path(target) / Path(path).name if Path(target).is_dir() else Path(target)
    digest = copy_out(reader, reader.run(workload, unit), path, place)
    if as_json:
        emit_json({"file": place, "sha256": digest})
        return
    console.print(
        WORDS[language()]["copied"].format(source=source, target=place), soft_wrap=True, markup=False
    )


def _show(what: str, name: str, changed: bool, as_json: bool) -> None:
    if as_json:
        emit_json({"changed": changed})
        return
    words = WORDS[language()]
    console.print(words[what if changed else "already"].format(name=name), soft_wrap=True, markup=False)
