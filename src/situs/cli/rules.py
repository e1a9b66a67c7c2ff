"""``situs rules``: which rules there are, and what each costs."""

from __future__ import annotations

from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session
from situs.cli.tables import table as new_table

WORDS = {
    "en": {
        "rule": "rule", "anchor": "anchor", "removes": "refuses", "month": "month", "keeps-out": "keeps out",
        "refuses": "refuses: pairs of workload and place for which the rule is the first reason; other rules may "
        "refuse them too, and then the plan without it costs the same.",
        "requires": "what it requires", "by": "by", "estate": "the estate",
    },
    "de": {
        "rule": "Regel", "anchor": "Grundlage", "removes": "lehnt ab", "month": "Monat", "keeps-out": "hält fern",
        "refuses": "lehnt ab: Paare aus Arbeitslast und Ort, bei denen die Regel der erste Grund ist; andere Regeln "
        "können sie ebenfalls ablehnen, und dann kostet der Plan ohne sie dasselbe.",
        "requires": "was sie verlangt", "by": "von", "estate": "dem Bestand",
    },
}  # fmt: skip


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
    from situs.report.texts import RULES

    words, said = WORDS[language()], RULES[language()]
    session = open_session(estate, at, off, currency, facts)
    if price:
        decided = decide(session.intent, session.facts, session.at, off=session.off)
        priced = rule_prices(decided, session.intent, session.facts)
        if as_json:
            emit_json(priced)
            return
        table = new_table(
            words["rule"], words["anchor"], words["removes"], f"{decided.plan.currency}/{words['month']}",
            words["keeps-out"],
        )  # fmt: skip
        for entry in priced:
            _, anchor = said.get(entry.rule, ("", entry.anchor))
            table.add_row(
                entry.rule, anchor or "", str(entry.removes), f"{entry.costs_per_month:,.2f}",
                ", ".join(entry.keeps_out) or "—",
            )  # fmt: skip
        console.print(table)
        console.print(words["refuses"], soft_wrap=True, markup=False)
        return
    rules = Policy(session.intent, session.facts, session.at, session.off).rules
    if as_json:
        emit_json([vars(rule) for rule in rules])
        return
    table = new_table(words["rule"], words["requires"], words["anchor"], words["by"])
    for rule in rules:
        # What the estate has written stands as it was written.
        title, anchor = said.get(rule.id, (rule.title, rule.anchor))
        table.add_row(rule.id, title, anchor or "", "situs" if rule.builtin else words["estate"])
    console.print(table)
