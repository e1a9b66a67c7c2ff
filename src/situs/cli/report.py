"""``situs report``: the page that a board reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language, ready_for
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report_command)


def report_command(
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write.")] = Path("board.html"),
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained page: picture, decisions, alternatives, break-even, rule prices, risks, sources.

    Examples:

      situs report -C examples/clinic-group -o board.html

      situs --lang de report -o vorstand.html
    """
    from situs.planner.decide import decide
    from situs.report import board

    ready_for(out)
    session = open_session(estate, at, off, currency, facts)
    decided = decide(session.intent, session.facts, session.at, off=session.off)
    page = board(decided, session.intent, session.facts, language())
    new = out.with_name(f".{out.name}.new")
    new.write_text(page, encoding="utf-8")
    new.replace(out)
    if as_json:
        emit_json({"report": str(out.resolve()), "plan": decided.plan.id, "language": language()})
    else:
        console.print(f"{out}", soft_wrap=True, markup=False)
