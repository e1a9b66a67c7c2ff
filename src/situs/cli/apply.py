"""``situs apply`` and ``rollback``: which plan is to be true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, is_there, opened, person, plain
from situs.cli.records import PlanArgument
from situs.cli.server import ServerOption, control_plane, server_of
from situs.model.error import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from situs.client.control_plane import ControlPlane
    from situs.store.plans import Target
    from situs.store.records import Records

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

    The control plane (`situs up`) then makes it true. A server takes the plan in with its files, makes it again to the
    byte, and puts it in force where nobody needs to approve it; else it waits for `situs approve`.

    Examples:

      situs apply latest -C examples/clinic-group

      situs apply 3fa9c1 --by ann --reason "cheaper at night"

      situs apply latest --db postgresql://situs@db.example.org/situs
    """
    from situs.store.records import Records

    records, is_afar = Records(estate), server_of(server, db, estate) is not None
    # What was handed in may be recorded nowhere but at the control plane.
    if not records.knows(plan) and (is_afar or is_there(db, estate)):
        target = control_plane(server, db, estate, by).proposals().apply(plan, reason)
    elif is_afar:
        target = _sent(records, plan, control_plane(server, db, estate, by), estate, reason)
    else:
        target = _here(records, plan, db, estate, person(by), reason)
    _show("apply", target, as_json)


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


def _here(records: Records, plan: str, db: str | None, estate: Path, by: str, reason: str | None) -> Target:
    """On the spot; nothing is opened, and so made, before all that it needs is there."""
    from situs.control import orders

    chosen = records.load(plan)
    intent, facts = records.intent_of(chosen), records.facts_of(chosen)
    if facts is None:
        raise InputError(
            f"the facts of plan {chosen.id[:19]} are not kept with it, so its rules cannot be asked again; "
            "plan again with `situs plan`"
        )
    files = orders.files_of(intent, estate if estate.is_dir() else estate.parent)
    return orders.apply(opened(db, estate, new=True), chosen, intent, facts, files, by, reason)


def _sent(records: Records, plan: str, plane: ControlPlane, estate: Path, reason: str | None) -> Target:
    """At a server, which has the plan already or gets it now."""
    from situs.client.offer import offered

    chosen, proposals = records.load(plan), plane.proposals()
    last = next(iter(plane.targets()[-1:]), None)
    if last is not None and last.plan == chosen.id:
        return last
    try:
        proposals.one(chosen.id)
    except InputError:
        # It was not handed in before.
        proposals.propose(offered(records.intent_of(chosen), estate, chosen), reason)
    return proposals.apply(chosen.id, reason)


def _show(kind: str, target: Target, as_json: bool) -> None:
    if as_json:
        emit_json(plain(target))
        return
    words = WORDS[language()]
    console.print(words[kind].format(plan=target.plan[:19], generation=target.generation), soft_wrap=True)
    console.print(words["next"], style="dim", soft_wrap=True)
