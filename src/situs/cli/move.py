"""``situs move``: how far a move is, and cancelling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, plain
from situs.cli.server import ServerOption, control_plane
from situs.cli.tables import table as new_table
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.control.moving import MoveView

WORDS = {
    "en": {
        "moves": "{name} moves from {source} to {target}",
        "moved": "{name} has moved from {source} to {target}",
        "cancelled": "{name} is to be at {source}; its move to {target} was cancelled by {by}",
        "cancel": "cancelled: {name} is to be at {places}; what was begun elsewhere is ended first",
        "back": "{name} had arrived; it is moved back to {places}",
        "next": "it stays there until `situs move {name} --resume`",
        "resume": "{name} is to be as the plan in force has it",
        "already": "that was so already",
        "units": ("unit", "how far", "site"),
        "way": {
            "before": "runs where it was", "ending": "ends, and saves what it has", "ended": "has ended",
            "starting": "its files and state go to the new place", "started": "runs; the old place is cleared away",
            "arrived": "has arrived",
        },
    },
    "de": {
        "moves": "{name} zieht von {source} nach {target} um",
        "moved": "{name} ist von {source} nach {target} umgezogen",
        "cancelled": "{name} soll in {source} sein; den Umzug nach {target} hat {by} abgebrochen",
        "cancel": "abgebrochen: {name} soll in {places} sein; was anderswo begonnen hat, wird zuerst beendet",
        "back": "{name} war schon angekommen und zieht zurück nach {places}",
        "next": "dort bleibt es bis `situs move {name} --resume`",
        "resume": "{name} soll sein, wie der geltende Plan es haben will",
        "already": "das war schon so",
        "units": ("Einheit", "wie weit", "Ort"),
        "way": {
            "before": "läuft, wo sie war", "ending": "endet und sichert, was sie hat", "ended": "ist beendet",
            "starting": "Dateien und Zustand gehen an den neuen Ort", "started": "läuft; der alte Ort wird geräumt",
            "arrived": "ist angekommen",
        },
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("move")(move_command)


def move_command(
    workload: Annotated[str, typer.Argument(help="The workload.", metavar="WORKLOAD")],
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Have it be where it was before, whatever step the move is at.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Let it be as the plan in force has it, after all.")
    ] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """How far the move of a workload is; or cancel it, or let it go on.

    A move that is cancelled is undone at whatever step it is: what was begun at the new place is ended, and the
    workload runs where it was, from the state that it has by then. A move that is over is moved back. All else stays as
    the plan in force has it; `situs rollback` puts all of the plan before back.

    Examples:

      situs move train-vision

      situs move train-vision --cancel --reason "the new place is too slow"

      situs move train-vision --resume
    """
    if cancel and resume:
        raise InputError("--cancel and --resume are opposites; give one of them")
    plane, words = control_plane(server, db, estate, by), WORDS[language()]
    if resume:
        changed = plane.resume_move(workload)
        if as_json:
            emit_json({"changed": changed})
            return
        said = words["resume" if changed else "already"]
        console.print(str(said).format(name=workload), soft_wrap=True, markup=False)
    elif cancel:
        done = plane.cancel_move(workload, reason)
        if as_json:
            emit_json(plain(done))
            return
        said = words["already" if not done.changed else "back" if done.was_over else "cancel"]
        said = str(said).format(name=workload, places=", ".join(done.places))
        console.print(said, soft_wrap=True, markup=False)
        console.print(str(words["next"]).format(name=workload), style="dim", soft_wrap=True, markup=False)
    else:
        seen = plane.move(workload)
        if as_json:
            emit_json({**plain(seen), "over": seen.is_over})
            return
        _show(seen)


def _show(seen: MoveView) -> None:
    words = WORDS[language()]
    said = words["cancelled" if seen.cancelled else "moved" if seen.is_over else "moves"]
    source, target = ", ".join(seen.source), ", ".join(seen.target)
    text = str(said).format(name=seen.workload, source=source, target=target, by=seen.by)
    console.print(text + (f" ({seen.reason})" if seen.reason else ""), soft_wrap=True, markup=False)
    way = words["way"]
    assert isinstance(way, dict)
    table = new_table(*words["units"])
    for unit in seen.units:
        table.add_row(str(unit.unit), way[unit.way], unit.site)
    console.print(table)
