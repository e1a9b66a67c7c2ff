"""``situs proposed`` and ``approve``: the plan that the control plane made by itself, and a person's word on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, plain
from situs.cli.server import ServerOption, control_plane

if TYPE_CHECKING:
    from situs.store.replans import Replan

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "none": "no plan waits for approval",
        "proposed": "plan {plan} was made at {at} because: {cause}",
        "trouble": "no plan can be made: {trouble}",
        "waits": "it waits for a person because:",
        "next": "`situs approve` puts it in force",
        "approved": "plan {plan} is in force, as generation {generation}",
        "edited": "the estate was edited",
        "capacity": "it has {value} nodes of {subject} instead of {limit}",
        "data": "it changes where data {subject} are: {value}",
        "started": "{value} more units of {subject} would run",
        "left-out": "{value} units of {subject} would be left out",
        "no-leave": "{subject} would move, and its use case gives no leave for that",
        "kind": "{subject} would move to a site of kind {value}; leave is given for {limit}",
        "moves": "use case {subject} would have moved {value} units within a day; leave is given for {limit}",
        "bill": "moves of use case {subject} would cost {value} within a day; leave is given for {limit}",
    },
    "de": {
        "none": "kein Plan wartet auf Zustimmung",
        "proposed": "Plan {plan} wurde am {at} gemacht, weil: {cause}",
        "trouble": "es lässt sich kein Plan machen: {trouble}",
        "waits": "er wartet auf einen Menschen, weil:",
        "next": "`situs approve` setzt ihn in Kraft",
        "approved": "Plan {plan} gilt, als Generation {generation}",
        "edited": "die Beschreibung wurde geändert",
        "capacity": "er hat {value} Knoten von {subject} statt {limit}",
        "data": "er ändert, wo die Daten {subject} liegen: {value}",
        "started": "von {subject} liefen {value} Einheiten mehr",
        "left-out": "von {subject} blieben {value} Einheiten aus",
        "no-leave": "{subject} zöge um, und der Anwendungsfall erlaubt das nicht von selbst",
        "kind": "{subject} zöge an einen Ort der Art {value}; erlaubt ist {limit}",
        "moves": "vom Anwendungsfall {subject} zögen an einem Tag {value} Einheiten um; erlaubt sind {limit}",
        "bill": "Umzüge des Anwendungsfalls {subject} kosteten an einem Tag {value}; erlaubt sind {limit}",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("proposed")(proposed_command)
    app.command("approve")(approve_command)


def proposed_command(
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """The plan that the control plane proposes after the one in force, why, and what it waits for.

    Exit code 1 when there is none.

    Examples:

      situs proposed

      situs proposed --json
    """
    found = control_plane(server, db, estate).proposed()
    if as_json:
        emit_json(plain(found))
    else:
        _show(found)
    if found is None or found.plan is None:
        raise typer.Exit(1)


def approve_command(
    plan: Annotated[
        str | None,
        typer.Argument(help="Id of the plan, or its beginning.", metavar="PLAN", show_default="the one that waits"),
    ] = None,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Put the plan in force that the control plane proposes, or one that somebody has handed in (`situs plans`).

    A server has another person do that than who handed it in. Exit code 1 with the reason when it may not be.

    Examples:

      situs approve --reason "seen with finance"

      situs approve 3fa9c1
    """
    target = control_plane(server, db, estate, by).approve(plan, reason)
    if as_json:
        emit_json(plain(target))
        return
    said = WORDS[language()]["approved"].format(plan=target.plan[:19], generation=target.generation)
    console.print(said, soft_wrap=True)


def _show(found: Replan | None) -> None:
    words = WORDS[language()]
    if found is None:
        console.print(words["none"])
        return
    if found.plan is None:
        console.print(words["trouble"].format(trouble=found.trouble), soft_wrap=True, markup=False)
        return
    at = f"{found.at:%Y-%m-%d %H:%MZ}"
    said = words["proposed"].format(plan=found.plan[:19], at=at, cause=found.cause)
    console.print(said, soft_wrap=True, markup=False)
    show_waits(found.waits_for)
    console.print(words["next"], style="dim")


def show_waits(waits_for: Sequence[Mapping[str, str]]) -> None:
    """What about a plan needs a person."""
    words = WORDS[language()]
    console.print(words["waits"])
    for breach in waits_for:
        console.print(f"  {words[breach['code']].format(**breach)}", soft_wrap=True, markup=False)
