"""``situs records``, ``replay`` and ``diff``: what was decided, made again, and held side by side."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json
from situs.cli.session import FactsOption
from situs.cli.tables import table as new_table

PlanArgument = Annotated[
    str,
    typer.Argument(help="Id of a plan or the beginning of it, a plan's file, or 'latest'.", metavar="PLAN"),
]

LISTED = {"id", "parent", "at", "expires", "cost", "currency", "gap", "status", "owner", "reason"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("records")(records_command)
    app.command("replay")(replay_command)
    app.command("diff")(diff_command)


def records_command(estate: EstateOption = HERE, as_json: JsonOption = False) -> None:
    """List the recorded plans, oldest first.

    Examples:

      situs records -C examples/clinic-group
    """
    from situs.store.records import Records

    plans = Records(estate).all()
    if as_json:
        emit_json([plan.model_dump(mode="json", include=LISTED) for plan in plans])
        return
    table = new_table("plan", "parent", "for", "until", "cost", "gap", "status", "owner", "reason")
    for p in plans:
        table.add_row(
            p.id[7:19], (p.parent or "")[7:19], f"{p.at:%Y-%m-%d}",
            f"{p.expires:%Y-%m-%d}" if p.expires else "", f"{p.cost:,.2f} {p.currency}",
            f"{p.gap:.4%}", p.status, p.owner or "", p.reason or "",
        )  # fmt: skip
    console.print(table)


def replay_command(
    plan: PlanArgument = "latest",
    estate: EstateOption = HERE,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a recorded plan again: byte for byte the same, or what differs. Exit code 1 when it differs.

    The facts are those the plan was made with, which are kept with it; --facts takes others instead.

    Examples:

      situs replay latest -C examples/clinic-group

      situs replay 3fa9c1 --json
    """
    from situs.store.catalogues import Catalogues
    from situs.store.records import Records
    from situs.store.replay import replay

    records = Records(estate)
    recorded = records.load(plan)
    kept = None if facts else records.facts_of(recorded)
    result = replay(records, recorded, kept or Catalogues(estate).facts(facts or ()))
    if as_json:
        emit_json({"plan": recorded.id, "same": result.same, "differences": list(result.differences)})
    elif result.same:
        console.print(f"the same, byte for byte: {recorded.id}", soft_wrap=True)
    else:
        console.print(f"[red]not the same[/]: {recorded.id} became {result.plan.id}", soft_wrap=True)
        for line in result.differences:
            console.print(f"  {line}", markup=False)
    if not result.same:
        raise typer.Exit(1)


def diff_command(
    before: PlanArgument,
    after: PlanArgument,
    estate: EstateOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """What two plans decide differently. Exit code 1 when they differ.

    Examples:

      situs diff 3fa9c1 latest
    """
    from situs.store.records import Records
    from situs.store.replay import differences, origins

    records = Records(estate)
    old, new = records.load(before), records.load(after)
    found = () if old.id == new.id else (*origins(old, new), *differences(old, new))
    if as_json:
        emit_json([{"what": c.what, "name": c.name, "before": c.before, "after": c.after} for c in found])
    else:
        table = new_table("what", "name", "before", "after")
        for c in found:
            table.add_row(c.what, c.name, escape(c.before), escape(c.after))
        console.print(table if found else "no difference")
    if found:
        raise typer.Exit(1)
