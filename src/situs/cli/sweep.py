"""``situs sweep``: trials with drawn parameters, of which the hopeless end early."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, opened, person
from situs.cli.server import ServerOption, must_be_here
from situs.cli.sweep_run import run_command
from situs.cli.swept import HERE_ALONE, WORDS, show, table_of, values

if TYPE_CHECKING:
    from situs.store.arrays import End


class BeginsWithScript(TyperGroup):
    """``situs sweep train.py`` is ``situs sweep run train.py``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is no command, nor the question for help, is what is to be run."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    name="sweep", cls=BeginsWithScript, no_args_is_help=True,
    help="Tune: trials with drawn parameters, of which the hopeless end early.",
)  # fmt: skip
NameArgument = Annotated[str, typer.Argument(help="The sweep.", metavar="SWEEP")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="sweep")


group.command("run")(run_command)


@group.command("show")
def show_command(
    sweep: NameArgument, estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """How each trial of a sweep stands, the best first; the exit code is 1 when one has failed.

    Examples:

      situs sweep show tries

      situs sweep show tries --json
    """
    from situs.control.sweeps import standing

    must_be_here(HERE_ALONE, server, db, estate)
    view = standing.read(opened(db, estate), sweep)
    if as_json:
        emit_json(values(view))
    else:
        show(view)
    if view.counts.get("failed"):
        raise typer.Exit(1)


@group.command("ls")
def ls_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """All sweeps, and the best trial of each.

    Examples:

      situs sweep ls
    """
    from situs.control.sweeps import standing

    must_be_here(HERE_ALONE, server, db, estate)
    views = standing.read_all(opened(db, estate))
    if as_json:
        emit_json([values(view) for view in views])
    elif views:
        console.print(table_of(views))
    else:
        console.print(WORDS[language()]["none"])


@group.command("stop")
def stop_command(
    sweep: NameArgument, reason: ReasonOption = None, estate: EstateOption = HERE, db: DbOption = None,
    server: ServerOption = None, by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have all trials of a sweep end, and begin no more; what they wrote and reported is kept.

    Examples:

      situs sweep stop tries
    """
    must_be_here(HERE_ALONE, server, db, estate)
    _end(sweep, "stopped", reason, estate, db, by, as_json)


@group.command("rm")
def rm_command(
    sweep: NameArgument, estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None,
    by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have all trials of a sweep end, and nothing of them kept at their sites; its history stays.

    Examples:

      situs sweep rm tries
    """
    must_be_here(HERE_ALONE, server, db, estate)
    _end(sweep, "removed", None, estate, db, by, as_json)


def _end(
    name: str, act: End, reason: str | None, estate: Path, db: str | None, by: str | None, as_json: bool
) -> None:
    from situs.control.arrays import making as arrays
    from situs.control.sweeps import making

    database = opened(db, estate)
    making.must_be_sweep(database, name)
    changed = arrays.end(database, name, act, person(by), reason)
    if as_json:
        emit_json({"name": name, "changed": changed})
        return
    which = ("stopping" if act == "stopped" else "removing") if changed else "already"
    console.print(WORDS[language()][which].format(name=name), markup=False)
