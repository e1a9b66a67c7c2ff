"""``situs exit``: what each workload would pay to leave the place it is given."""

from __future__ import annotations

import typer
from rich import box

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session
from situs.cli.tables import table as new_table

HEADINGS = {
    "en": ("workload", "site", "egress", "people", "commitment", "downtime", "total", "month", "lock-in"),
    "de": (
        "Arbeitslast", "Ort", "Ausleitung", "Menschen", "Bindung", "Ausfall", "Summe", "Monat",
        "Abhängigkeit",
    ),
}  # fmt: skip
NOTES = {
    "en": "in {currency}, once; lock-in 0.50: leaving costs as much as a year of staying",
    "de": "in {currency}, einmalig; Abhängigkeit 0,50: Gehen kostet so viel wie ein Jahr Bleiben",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("exit")(exit_command)


def exit_command(
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """What leaving costs each workload where the plan puts it: data, people, commitments, downtime; and lock-in.

    Examples:

      situs exit -C examples/clinic-group

      situs exit --json
    """
    from situs.planner.analysis.exits import exits
    from situs.planner.decide import decide

    session = open_session(estate, at, off, currency, facts)
    found = exits(decide(session.intent, session.facts, session.at, off=session.off))
    if as_json:
        emit_json(found)
        return
    names, parts = HEADINGS[language()][:2], HEADINGS[language()][2:]
    rows = [
        (entry.leaving.cost.egress, entry.leaving.cost.people, entry.leaving.cost.commitment,
         entry.leaving.cost.downtime, entry.leaving.total, entry.per_month)
        for entry in found
    ]  # fmt: skip
    # A part that nobody pays would only take the room that names need.
    shown = [column for column in range(len(rows[0]) if rows else 0) if any(row[column] for row in rows)]
    table = new_table(*names, box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in shown:
        table.add_column(parts[column], justify="right", no_wrap=True)
    table.add_column(parts[-1], justify="right", no_wrap=True)
    for entry, row in zip(found, rows, strict=True):
        table.add_row(
            entry.workload, entry.site, *(f"{row[column]:,.0f}" for column in shown), f"{entry.lock_in:.2f}"
        )
    console.print(table)
    console.print(f"[dim]{NOTES[language()].format(currency=session.intent.settings.currency)}[/]")
