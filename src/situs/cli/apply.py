"""``situs apply`` and ``rollback``: which plan is to be true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, opened, person, plain
from situs.cli.records import PlanArgument
from situs.cli.server import ServerOption, control_plane, must_be_here
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.store.plans import Target

WORDS = {
    "en": {
        "apply": "plan {plan} is in force, as generation {generation}",
        "rollback": "back to plan {plan}, as generation {generation}",
        "next": "the control plane makes it true: `situs up`, `situs ps`",
    },
    "de": {
        "apply": "Plan {plan} gilt, als Generation {generation}",
        "rollback": "zurück zu Plan {plan}, als Generation {generation}",
        "next": "die Steuerung setzt ihn um: `situs up`, `situs ps`",
    },
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("apply")(apply_command)
    app.command("rollback")(rollback_command)


def apply_command(
    plan: PlanArgument,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a recorded plan in force. It must follow the one that is; exit code 1 with the reason when it does not.

    The control plane (`situs up`) then makes it true.

    Examples:

      situs apply latest -C examples/clinic-group

      situs apply 3fa9c1 --by ann --reason "cheaper at night"

      situs apply latest --db postgresql://situs@db.example.org/situs
    """
    from situs.control import orders
    from situs.store.records import Records

    must_be_here("situs apply", server, db, estate)
    records = Records(estate)
    chosen = records.load(plan)
    intent, facts = records.intent_of(chosen), records.facts_of(chosen)
    if facts is None:
        raise InputError(
            f"the facts of plan {chosen.id[:19]} are not kept with it, so its rules cannot be asked again; "
            "plan again with `situs plan`"
        )
    files = orders.files_of(intent, estate if estate.is_dir() else estate.parent)
    database = opened(db, estate, new=True)
    _show("apply", orders.apply(database, chosen, intent, facts, files, person(by), reason), as_json)


def rollback_command(
    estate: EstateOption = HERE,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", help="Id of the plan to go back to, or its beginning.", show_default="the one before"
        ),
    ] = None,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the plan before the one in force back in force.

    Examples:

      situs rollback --reason "the new place is too slow"

      situs rollback --to 3fa9c1
    """
    _show("rollback", control_plane(server, db, estate, by).rollback(to, reason), as_json)


def _show(kind: str, target: Target, as_json: bool) -> None:
    if as_json:
        emit_json(plain(target))
        return
    words = WORDS[language()]
    console.print(words[kind].format(plan=target.plan[:19], generation=target.generation), soft_wrap=True)
    console.print(words["next"], style="dim", soft_wrap=True)
