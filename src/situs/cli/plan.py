"""``situs plan``: decide where everything lives."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.model.plan import Plan
    from situs.planner.solve import Progress as SolverProgress

GapOption = Annotated[
    float,
    typer.Option("--gap", help="Proven distance to the optimum that is good enough, as a fraction.", min=0.0),
]
TimeLimitOption = Annotated[
    float | None,
    typer.Option("--time-limit", help="Stop after so many seconds with the best plan so far.", min=0.0),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan_command)


def plan_command(
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    gap: GapOption = 1e-4,
    time_limit: TimeLimitOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the plan to this file.")] = None,
    parent: Annotated[
        str | None,
        typer.Option("--parent", help="The plan this one replaces.", show_default="the latest record"),
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for the decision.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it is made now.")] = None,
    record: Annotated[bool, typer.Option(help="Keep the plan as a decision record.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Decide where every workload and dataset should live, with a proven gap to the optimum.

    Ctrl-C gives the best plan so far, marked as such.

    Examples:

      situs plan -C examples/clinic-group

      situs plan --at 2026-11-23T08:00Z --gap 0.001 --json

      situs plan --off eu-us-dpf --no-record
    """
    from situs.planner.decide import decide
    from situs.store.records import Records

    if out is not None and out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file")
    session = open_session(estate, at, off, currency, facts)
    records = Records(estate)
    # A drill or a plan that is not recorded stands for itself; all others follow the one recorded last.
    parent_id = records.load(parent).id if parent else (records.latest() if record else None)
    with shown_progress(quiet=as_json) as (on_progress, cancelled):
        decided = decide(
            session.intent, session.facts, session.at, off=session.off, gap=gap, time_limit_s=time_limit,
            parent=parent_id, owner=owner, reason=reason, on_progress=on_progress, cancelled=cancelled,
        )  # fmt: skip
    plan = decided.plan
    if record:
        records.save(plan, session.intent)
    if out is not None:
        out.write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if as_json:
        emit_json(plan)
    else:
        show_plan(plan)


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[tuple[Callable[[SolverProgress], None], Callable[[], bool]]]:
    """A progress line with cost, bound and gap; the first Ctrl-C asks the solver for its best so far."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        error_console.print("stopping with the best plan so far; press Ctrl-C again to give up")

    before = signal.signal(signal.SIGINT, stop)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=error_console,
        transient=True,
        disable=quiet or not error_console.is_terminal,
    )
    with bar:
        task = bar.add_task("deciding", total=None, state="")

        def on_progress(progress: SolverProgress) -> None:
            bar.update(task, state=f"{progress.phase}  cost {progress.cost:,.0f}  gap {progress.gap:.3%}")

        try:
            yield on_progress, stopped.is_set
        finally:
            signal.signal(signal.SIGINT, before)


def show_plan(plan: Plan) -> None:
    """The plan as tables."""
    german = language() == "de"
    months = plan.horizon_hours / 730.0
    table = Table(title="Entscheidungen" if german else "Decisions", title_justify="left")
    headings = (
        ("Arbeitslast", "Ort", "Pool", "Preisart", "Einheiten", "ab", f"{plan.currency}/Monat", "Grund")
        if german
        else ("workload", "site", "pool", "basis", "units", "from", f"{plan.currency}/month", "reason")
    )
    for heading in headings:
        table.add_column(
            heading, justify="right" if heading.endswith(("onth", "onat", "units", "heiten")) else "left"
        )
    for decision in plan.decisions:
        for assignment in decision.assignments:
            table.add_row(
                decision.workload,
                assignment.site,
                assignment.pool,
                assignment.basis,
                str(assignment.units),
                f"{assignment.start:%a %H:%M}" if assignment.start else ("jetzt" if german else "now"),
                f"{float(sum(assignment.costs.values())) / months:,.2f}",
                decision.reason,
            )
        if decision.unplaced:
            rules = ", ".join(refusal.rule for refusal in decision.needs_lifting)
            table.add_row(
                decision.workload, "[red]—[/]", "", "", str(decision.unplaced), "", "",
                f"{decision.reason}{f': {rules}' if rules else ''}",
            )  # fmt: skip
    console.print(table)
    for replica in plan.replicas:
        if replica.change != "keep":
            origin = f" ← {replica.source}" if replica.source else ""
            console.print(f"  {replica.change} replica of {replica.dataset} at {replica.site}{origin}")
    for purchase in plan.purchases:
        console.print(f"  add {purchase.nodes} × {purchase.site}/{purchase.pool}")
    for move in plan.moves:
        bill = f"{sum(move.bill.values()):,.2f} {plan.currency}"
        console.print(f"  move {move.workload}: {move.source} → {move.target}, bill {bill}")
    console.print(
        f"{'Kosten' if german else 'cost'} {float(plan.cost) / months:,.2f} {plan.currency}/"
        f"{'Monat' if german else 'month'}, {'bewiesene Lücke' if german else 'proven gap'} {plan.gap:.4%} "
        f"({plan.status}), {plan.carbon_kg / months:,.1f} kg CO2e, control {plan.control:.2f}"
    )
    console.print(f"[dim]{plan.id}[/]", soft_wrap=True)
