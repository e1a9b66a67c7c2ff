"""``situs demo``: the whole path on this machine, in under a minute."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from situs.cli.output import JsonOption, console, emit_json, language
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.demo.story import Told


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo_command)


def demo_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = Path("demo-out"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the sites' folders with data, models and logs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Decide, run and report on an estate of four local sites, with real data and real models.

    Nothing leaves this machine. It may be run again, also several times at once.

    Examples:

      situs demo

      situs demo --out /tmp/board --keep
    """
    from situs.demo.story import tell

    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file; name a folder")
    told = tell(out, language(), keep=keep, say=(lambda _: None) if as_json else console.print)
    if as_json:
        emit_json(told.summary())
        return
    _show(told)


def _show(told: Told) -> None:
    from situs.planner.analysis.whatif import per_month

    german = language() == "de"
    console.print()
    console.print(f"[bold]{'Abgelehnt' if german else 'Refused'}[/]: {told.refused_question}")
    for sentence in told.refusals:
        console.print(f"  • {sentence.reason}. {'Abhilfe' if german else 'Would lift it'}: {sentence.fix}.")
    console.print()
    table = Table(
        title="Was wo lief" if german else "What ran where",
        title_justify="left",
        box=box.SIMPLE,
        pad_edge=False,
    )
    # Names stay whole, whatever the width of the terminal.
    table.add_column("Schritt" if german else "step", no_wrap=True)
    table.add_column("Ort" if german else "place", no_wrap=True)
    currency = told.plan.currency
    hourly = f"{currency} je Stunde" if german else f"{currency} per hour"
    for heading in ("Sekunden" if german else "seconds", hourly, currency):
        table.add_column(heading, justify="right", no_wrap=True)
    for step in told.steps:
        usage = step.status.usage
        table.add_row(
            step.workload, f"{step.assignment.site}/{step.assignment.pool}", f"{usage.wall_s if usage else 0:.1f}",
            f"{step.rate_per_hour:.4f}", f"{step.cost:.6f}",
        )  # fmt: skip
    console.print(table)
    console.print("Und warum" if german else "And why", style="italic")
    for step in told.steps:
        console.print(f"  {step.workload}: {told.why[step.workload]}")
    console.print()
    total = sum((step.cost for step in told.steps), Decimal(0))
    plan = told.plan
    console.print(
        f"{'gemessen' if german else 'metered'}: {total:.6f} {plan.currency}; "
        f"{'Plan' if german else 'plan'}: {per_month(plan):,.2f} {plan.currency}/{'Monat' if german else 'month'}, "
        f"{'bewiesene Lücke' if german else 'proven gap'} {plan.gap:.4%}"
    )
    console.print(told.answer)
    console.print(f"{'Bericht' if german else 'report'}: [bold]{told.report}[/]", soft_wrap=True)
