"""``situs logs``, and how ``situs run`` shows what it has begun."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, emit_json, error_console, language
from situs.cli.plane import DETACHED, DbOption
from situs.cli.server import ServerOption, control_plane
from situs.client.control_plane import Arrived, Ended

if TYPE_CHECKING:
    from situs.client.control_plane import Looking
    from situs.control.attached import InLine
    from situs.control.held_up import HeldUp

NEVER_RAN = 1
ENDED_BY = {"timeout": 124, "memory": 137}
"""What shells and containers say when a time limit, or one of memory, has ended a program."""
WORDS = {
    "en": {
        "placed": "{name} is placed at {site}, starting", "runs": "{name} runs at {site}",
        "held_up": "{name} does not run yet: {cause}; {next_step}",
        "line": "{name} is number {place} of {waiting} in {queue}",
        "trouble": "no output to be had now: {what}; trying again",
        "detached": "{name} runs on; `situs logs -f {name}` shows it again, `situs stop {name}` ends it",
        "end": "{name} ended with exit code {code}{why}; cost so far {cost} {currency}",
        "stopped": "{name} was stopped; cost so far {cost} {currency}",
        "lost": "{name} ended, nobody knows how{why}",
    },
    "de": {
        "placed": "{name} hat einen Platz in {site} und beginnt", "runs": "{name} läuft in {site}",
        "held_up": "{name} läuft noch nicht: {cause}; {next_step}",
        "line": "{name} ist Nummer {place} von {waiting} in {queue}",
        "trouble": "gerade keine Ausgabe zu haben: {what}; neuer Versuch",
        "detached": "{name} läuft weiter; `situs logs -f {name}` zeigt es wieder, `situs stop {name}` beendet es",
        "end": "{name} endete mit Code {code}{why}; Kosten bisher {cost} {currency}",
        "stopped": "{name} wurde angehalten; Kosten bisher {cost} {currency}",
        "lost": "{name} endete, niemand weiß wie{why}",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs")(logs_command)


def logs_command(
    workload: Annotated[str, typer.Argument(help="The workload.", metavar="WORKLOAD")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until it ends, wherever it moves.")
    ] = False,
    unit: Annotated[int, typer.Option(help="Which of its units.", min=0)] = 0,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a workload has written, from the site where it runs or ran last.

    With --follow the exit code is that of the workload; Ctrl-C only stops showing. With both --follow and --json the
    output goes to standard error, and how it ended is printed.

    Examples:

      situs logs train-3fa9c1

      situs logs -f train-3fa9c1
    """
    plane = control_plane(server, db, estate)
    if follow:
        raise typer.Exit(watch(plane, workload, {"name": workload}, unit=unit, as_json=as_json))
    found = plane.written(workload, unit)
    if as_json:
        said = b"".join(found.parts).decode(errors="replace")
        place = {"generation": found.generation, "site": found.site}
        emit_json({"name": workload, "unit": unit, **place, "output": said})
        return
    for text in found.parts:
        _write(sys.stdout.buffer, text)


def watch(
    plane: Looking,
    name: str,
    told: dict[str, object],
    *,
    unit: int = 0,
    as_json: bool = False,
    since: tuple[int, int] | None = None,
) -> int:
    """Show what it writes until it ends; gives its exit code, or 130 after Ctrl-C.

    ``told``: what is known of it already, which JSON repeats at the end; output goes to standard error then.
    ``since``: generation that was shown already, and so many bytes of what it wrote.
    """
    from situs.control.attached import InLine, Output, Trouble
    from situs.control.held_up import HeldUp

    words, said = WORDS[language()], ""
    output = sys.stderr.buffer if as_json else sys.stdout.buffer
    try:
        for seen in plane.follow(name, unit, since):
            if isinstance(seen, Output):
                said = ""
                _write(output, seen.text)
            elif isinstance(seen, Arrived):
                say_at(name, seen.site, runs=seen.runs)
            elif isinstance(seen, HeldUp):
                say_held_up(name, seen)
            elif isinstance(seen, InLine):
                say_line(name, seen)
            elif isinstance(seen, Trouble) and seen.what != said:
                said = seen.what
                _say(words["trouble"].format(what=seen.what))
            elif isinstance(seen, Ended):
                return say_end(name, seen, told, as_json)
    except KeyboardInterrupt:
        _say(words["detached"].format(name=name))
        return DETACHED
    return NEVER_RAN


def say_at(name: str, site: str, *, runs: bool) -> None:
    """Tell where it is, and whether it runs."""
    _say(WORDS[language()]["runs" if runs else "placed"].format(name=name, site=site))


def say_held_up(name: str, held: HeldUp) -> None:
    """Tell why it does not run."""
    said = WORDS[language()]["held_up"]
    _say(said.format(name=name, cause=held.cause, next_step=held.next_step))


def say_line(name: str, line: InLine) -> None:
    """Tell how many are to run before it."""
    said = WORDS[language()]["line"]
    _say(said.format(name=name, place=line.place, waiting=line.waiting, queue=line.queue))


def say_end(name: str, end: Ended, told: dict[str, object], as_json: bool) -> int:
    """Tell of the end; gives the exit code of the command."""
    code, cost = _code(end), Decimal(end.cost)
    if as_json:
        emit_json({**told, "exit_code": code, "reason": end.reason, "cost": end.cost})
        return code
    why = f" ({end.reason})" if end.reason not in (None, "exited") else ""
    which = "stopped" if end.stopped else "lost" if end.exit_code is None else "end"
    _say(
        WORDS[language()][which]
        .format(name=name, code=code, why=why, cost=_shown(cost), currency=end.currency)
        .strip()
    )
    return code


def _code(end: Ended) -> int:
    if end.reason in ENDED_BY:
        return ENDED_BY[end.reason]
    if end.exit_code is None:
        return NEVER_RAN
    return end.exit_code if end.exit_code >= 0 else 128 - end.exit_code


def _shown(cost: Decimal) -> str:
    return f"{cost:.4f}" if cost else "0"


def _say(text: str) -> None:
    error_console.print(text, style="dim", soft_wrap=True, markup=False)


def _write(to: BinaryIO, text: bytes) -> None:
    to.write(text)
    to.flush()
