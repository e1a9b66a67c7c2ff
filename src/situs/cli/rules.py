"""``situs rules``: which rules there are, and what each costs."""

from __future__ import annotations

from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session
from situs.cli.tables import table as new_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rules")(rules_command)


def rules_command(
    price: Annotated[
        bool, typer.Option("--price", help="Solve without each rule, and show what it costs.")
    ] = False,
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rules in force; with --price what each costs a month.

    Examples:

      situs rules

      situs rules --price --json
    """
    from situs.planner.analysis.prices import rule_prices
    from situs.planner.decide import decide
    from situs.policy import Policy

    session = open_session(estate, at, off, currency, facts)
    if price:
        decided = decide(session.intent, session.facts, session.at, off=session.off)
        priced = rule_prices(decided, session.intent, session.facts)
        if as_json:
            emit_json(priced)
            return
        table = new_table("rule", "anchor", "removes", f"{decided.plan.currency}/month", "keeps out")
        for entry in priced:
            table.add_row(
                entry.rule, entry.anchor or "", str(entry.removes), f"{entry.costs_per_month:,.2f}",
                ", ".join(entry.keeps_out) or "—",
            )  # fmt: skip
        console.print(table)
        return
    rules = Policy(session.intent, session.facts, session.at, session.off).rules
    if as_json:
        emit_json([vars(rule) for rule in rules])
        return
    table = new_table("rule", "what it requires", "anchor", "by")
    for rule in rules:
        table.add_row(rule.id, rule.title, rule.anchor or "", "situs" if rule.builtin else "the estate")
    console.print(table)
