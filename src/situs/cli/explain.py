"""``situs explain``: why a workload is where it is, and what would bring it elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain_command)


def explain_command(
    workload: Annotated[str, typer.Argument(help="The workload to explain.")],
    why_not: Annotated[
        str | None,
        typer.Option("--why-not", metavar="SITE", help="Why it is not there, and what would change that."),
    ] = None,
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain where a workload goes: its cost, what refuses the rest, what binds, the alternatives.

    Beneath that stand its checkpoints that are kept elsewhere, and how old they are.

    With --why-not SITE: all reasons against that site, and the smallest change that makes it win. Each offer
    is checked by deciding again, with the change and with a smaller one.

    Examples:

      situs explain triage

      situs explain triage --why-not frankfurt

      situs explain triage --why-not frankfurt --at 2026-11-23T08:00Z --json
    """
    from situs.cli.explained import show, show_why_not
    from situs.cli.kept import table_here
    from situs.planner import explain
    from situs.planner.decide import decide
    from situs.planner.explain.asked import known

    session = open_session(estate, at, off, currency, facts)
    known(session.intent, workload, why_not)
    decided = decide(session.intent, session.facts, session.at, off=session.off)
    if why_not is None:
        explained = explain.explain(decided, workload)
        if as_json:
            emit_json(explained)
            return
        show(explained, language())
        if (kept := table_here(workload, estate)) is not None:
            console.print(kept)
    else:
        answer = explain.why_not(decided, workload, why_not)
        emit_json(answer) if as_json else show_why_not(answer, language())
