"""``situs records``, ``replay`` and ``diff``: what was decided, made again, and held side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.session import FactsOption
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.store.replay import Changed

PlanArgument = Annotated[
    str,
    typer.Argument(help="Id of a plan or the beginning of it, a plan's file, or 'latest'.", metavar="PLAN"),
]

LISTED = {"id", "parent", "at", "expires", "cost", "currency", "gap", "status", "owner", "reason"}

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "records": ("plan", "parent", "for", "until", "cost", "gap", "status", "owner", "reason"),
        "same": "the same, byte for byte: {plan}", "not-same": "not the same", "became": "{plan} became {again}",
        "diff": ("what", "name", "before", "after"), "no-difference": "no difference",
    },
    "de": {
        "records": ("Plan", "Vorgänger", "für", "bis", "Kosten", "Lücke", "Stand", "Eigentümer", "Grund"),
        "same": "Byte für Byte gleich: {plan}", "not-same": "nicht gleich", "became": "aus {plan} wurde {again}",
        "diff": ("was", "Name", "vorher", "nachher"), "no-difference": "kein Unterschied",
    },
}  # fmt: skip


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
    from situs.cli.plan import WORDS as PLAN_WORDS

    states: Mapping[str, Any] = PLAN_WORDS[language()]
    table = new_table(*WORDS[language()]["records"])
    for p in plans:
        table.add_row(
            p.id[7:19], (p.parent or "")[7:19], f"{p.at:%Y-%m-%d}",
            f"{p.expires:%Y-%m-%d}" if p.expires else "", f"{p.cost:,.2f} {p.currency}",
            f"{p.gap_of_all:.4%}", states[p.status], p.owner or "", p.reason or "",
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
    words = WORDS[language()]
    if as_json:
        emit_json({"plan": recorded.id, "same": result.same, "differences": list(result.differences)})
    elif result.same:
        console.print(words["same"].format(plan=recorded.id), soft_wrap=True)
    else:
        became = words["became"].format(plan=recorded.id, again=result.plan.id)
        console.print(f"[red]{words['not-same']}[/]: {became}", soft_wrap=True)
        for line in result.said(language()):
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
    # Programs read the same in every language.
    lang = "en" if as_json else language()
    found = () if old.id == new.id else (*origins(old, new, lang), *differences(old, new, lang))
    if as_json:
        emit_json([{"what": c.what, "name": c.name, "before": c.before, "after": c.after} for c in found])
    else:
        show_differences(found)
    if found:
        raise typer.Exit(1)


def show_differences(found: Sequence[Changed]) -> None:
    """What two plans decide differently, as a table."""
    words = WORDS[language()]
    table = new_table(*words["diff"])
    for c in found:
        table.add_row(c.what, c.name, escape(c.before), escape(c.after))
    console.print(table if found else words["no-difference"])
