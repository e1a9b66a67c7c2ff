"""``situs plan``: decide where everything lives."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from situs.cli import rented
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, Language, console, emit_json, error_console, language, ready_for
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, instant, open_session
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.model.plan import Plan
    from situs.planner.explain import Conflict
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
        typer.Option(
            "--parent",
            help="The plan this one follows; what need not change stays where that has put it.",
            show_default="the latest record",
        ),
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for the decision.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it is made now.")] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            help="Until when it may be relied on, such as 2026-12-31.",
            show_default="end of its horizon, or a change of law or rules before",
        ),
    ] = None,
    record: Annotated[bool, typer.Option(help="Keep the plan as a decision record.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Decide where every workload and dataset should live, with a proven gap to the optimum.

    Ctrl-C gives the best plan so far, marked as such.

    Examples:

      situs plan -C examples/clinic-group

      situs plan --at 2026-11-23T08:00Z --gap 0.001 --json

      situs plan --off eu-us-dpf --no-record

      situs plan --facts prices@2026-10-01 --no-record
    """
    from situs.planner.decide import decide
    from situs.store.records import Records

    if out is not None:
        ready_for(out)
    session = open_session(estate, at, off, currency, facts)
    until = instant(expires, "--expires")
    if until is not None and until <= session.at:
        raise InputError(
            f"--expires {expires!r} is not after {session.at:%Y-%m-%dT%H:%MZ}, which the plan is for"
        )
    records = Records(estate)
    # A drill or a plan that is not recorded stands for itself; all others follow the one recorded last.
    follows = parent or (records.latest() if record else None)
    before = records.load(follows) if follows else None
    with shown_progress(quiet=as_json) as (on_progress, cancelled):
        decided = decide(
            session.intent, session.facts, session.at, off=session.off, gap=gap, time_limit_s=time_limit,
            parent=before, owner=owner, reason=reason, expires=until, on_progress=on_progress, cancelled=cancelled,
        )  # fmt: skip
    plan = decided.plan
    if record:
        if before is not None:
            records.keep(before)
        records.save(plan, session.intent, session.facts)
    if out is not None:
        out.write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if as_json:
        emit_json(plan)
    else:
        from situs.planner.explain import conflicts

        show_plan(plan, conflicts(decided))
        for line in rented.of_plan(plan, session.intent, language()):
            console.print(line, soft_wrap=True, markup=False)


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[tuple[Callable[[SolverProgress], None], Callable[[], bool]]]:
    """A progress line with cost, bound and gap; the first Ctrl-C asks the solver for its best so far."""
    stopped = threading.Event()
    words: Mapping[str, Any] = WORDS[language()]

    def stop(_signal: int, _frame: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        error_console.print(words["stopping"])

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
        task = bar.add_task(words["deciding"], total=None, state="")

        def on_progress(progress: SolverProgress) -> None:
            bar.update(
                task, state=words["state"].format(cost=f"{progress.cost:,.0f}", gap=f"{progress.gap:.3%}")
            )

        try:
            yield on_progress, stopped.is_set
        finally:
            signal.signal(signal.SIGINT, before)


WORDS = {
    "en": {
        "deciding": "deciding",
        "state": "cost {cost}  gap {gap}",
        "stopping": "stopping with the best plan so far; press Ctrl-C again to give up",
        "title": "Decisions",
        "heads": ("workload", "site", "pool", "basis", "units", "fits", "{currency}/month", "reason"),
        "now": "now",
        "empty": "there is no workload yet, so there is nothing to place",
        "create": "create replica of {dataset} at {site}",
        "drop": "drop replica of {dataset} at {site}",
        "add": "add {nodes} × {site}/{pool}, {cost} {currency}/month",
        "besides": "besides the work: {parts} {currency}/month",
        "held": "held machines {cost}",
        "copies": "copies of data {cost}",
        "volume": "shared links {cost}",
        "move": "move {workload}: {source} → {target}, bill {bill} {currency}",
        "worth": "worth {worth} {currency} a month for each unit",
        "alone": "alone it would fit: {fit}",
        "never": "never",
        "scale-up": "scale-up",
        "after_scale_up": "after scale-up",
        "at": "later",
        "total": "cost {cost} {currency}/month, {gap} ({status}), {carbon} kg CO2e, control {control}",
        "gap": "proven gap {gap}",
        "gap-of-all": "proven gap {gap} of cost and of what is left out or waits",
        "gap-wide": "the best may be far from this",
        "optimal": "optimal",
        "feasible": "feasible",
        "best-so-far": "best so far",
    },
    "de": {
        "deciding": "entscheidet",
        "state": "Kosten {cost}  Lücke {gap}",
        "stopping": "endet mit dem besten Plan bis hierher; noch einmal Strg-C bricht ab",
        "title": "Entscheidungen",
        "heads": ("Arbeitslast", "Ort", "Pool", "Preisart", "Einheiten", "passt", "{currency}/Monat", "Grund"),
        "now": "jetzt",
        "empty": "es gibt noch keine Arbeitslast, also nichts zu verteilen",
        "create": "Kopie von {dataset} anlegen in {site}",
        "drop": "Kopie von {dataset} löschen in {site}",
        "add": "{nodes} × {site}/{pool} dazu, {cost} {currency}/Monat",
        "besides": "neben der Arbeit: {parts} {currency}/Monat",
        "held": "gehaltene Maschinen {cost}",
        "copies": "Datenkopien {cost}",
        "volume": "Leitungen {cost}",
        "move": "{workload} zieht um: {source} → {target}, Rechnung {bill} {currency}",
        "worth": "jede Einheit ist {worth} {currency} im Monat wert",
        "alone": "allein passte es: {fit}",
        "never": "nie",
        "scale-up": "Ausbau",
        "after_scale_up": "nach Ausbau",
        "at": "später",
        "total": "Kosten {cost} {currency}/Monat, {gap} ({status}), {carbon} kg CO2e, Kontrolle {control}",
        "gap": "bewiesene Lücke {gap}",
        "gap-of-all": "bewiesene Lücke {gap} von Kosten und dem, was ausgelassen ist oder wartet",
        "gap-wide": "das Beste kann weit davon entfernt sein",
        "optimal": "optimal",
        "feasible": "machbar",
        "best-so-far": "das Beste bis hierher",
    },
}  # fmt: skip


def show_plan(plan: Plan, conflicts: Sequence[Conflict] = ()) -> None:
    """The plan as tables, then what is left out and why. ``conflicts``: what does not fit together."""
    from situs.planner.explain.wording import say
    from situs.report.texts import TEXTS

    lang = language()
    words: Mapping[str, Any] = WORDS[lang]
    months = plan.horizon_hours / 730.0
    if plan.decisions:
        console.print(_table(plan, words, TEXTS[lang]))
    else:
        console.print(words["empty"])
    for replica in plan.replicas:
        if replica.change != "keep":
            origin = f" ← {replica.source}" if replica.source else ""
            said = words[replica.change].format(dataset=replica.dataset, site=replica.site)
            console.print(f"  {said}{origin}")
    for purchase in plan.purchases:
        said = words["add"].format(
            nodes=purchase.nodes, site=purchase.site, pool=purchase.pool, currency=plan.currency,
            cost=f"{float(sum(purchase.costs.values())) / months:,.2f}",
        )  # fmt: skip
        console.print(f"  {said}")
    for move in plan.moves:
        bill = f"{sum(move.bill.values()):,.2f}"
        said = words["move"].format(
            workload=move.workload, source=move.source, target=move.target, bill=bill, currency=plan.currency
        )
        console.print(f"  {said}")
    for line in _left_out(plan, conflicts, words, lang):
        console.print(f"  {line}", markup=False)
    besides = [
        words[part].format(cost=f"{float(cost) / months:,.2f}") for part, cost in _besides(plan) if cost
    ]
    if besides:
        console.print("  " + words["besides"].format(parts=", ".join(besides), currency=plan.currency))
    for note in plan.notes:
        console.print(f"  {say(note, lang)}", markup=False)
    console.print(
        words["total"].format(
            cost=f"{float(plan.cost) / months:,.2f}",
            currency=plan.currency,
            gap=said_gap(plan, lang),
            status=words[plan.status],
            carbon=f"{plan.carbon_kg / months:,.1f}",
            control=f"{plan.control:.2f}",
        )
    )
    console.print(f"[dim]{plan.id}[/]", soft_wrap=True)


def said_gap(plan: Plan, lang: Language) -> str:
    """How far the best plan can be from this one.

    Where something is left out, what it is worth is part of what was minimised: of the cost alone the distance
    would be hundreds of per cent.
    """
    from situs.model.plan import WIDE_GAP

    words: Mapping[str, Any] = WORDS[lang]
    alone = plan.objective <= plan.cost
    gap = plan.gap if alone else plan.gap_of_all
    if gap >= WIDE_GAP:
        return str(words["gap-wide"])
    return str(words["gap" if alone else "gap-of-all"].format(gap=f"{gap:.4%}"))


UNITS, FITS, COST = 4, 5, 6
"""Columns of the table."""


def _table(plan: Plan, words: Mapping[str, Any], texts: Mapping[str, str]) -> Table:
    """Where everything goes, and when it can have its place."""
    table = Table(
        title=words["title"], title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True,
        pad_edge=False,
    )  # fmt: skip
    rows = list(_rows(plan, words, texts))
    # Columns that say the same in every row would only take the room that names need.
    plain = {UNITS: "1", FITS: words["now"]}
    shown = [
        number
        for number in range(len(words["heads"]))
        if number not in plain or any(row[number] not in ("", plain[number]) for row in rows)
    ]
    for number in shown:
        heading = words["heads"][number].format(currency=plan.currency)
        table.add_column(heading, justify="right" if number in (UNITS, COST) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(row[number] for number in shown))
    return table


def _rows(plan: Plan, words: Mapping[str, str], texts: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """A row for each place of each workload, and one for what it lacks."""
    months = plan.horizon_hours / 730.0
    for decision in plan.decisions:
        for a in decision.assignments:
            yield (
                decision.workload,
                a.site,
                a.pool,
                texts[a.basis],
                str(a.units),
                f"{a.start:%Y-%m-%d %H:%MZ}"
                if a.start
                else words["scale-up" if decision.fit == "after_scale_up" else "now"],
                f"{float(sum(a.costs.values())) / months:,.2f}",
                texts[decision.reason],
            )
        if decision.unplaced:
            missing = str(decision.unplaced)
            yield (
                decision.workload,
                "[red]—[/]",
                "",
                "",
                missing,
                words["never"],
                "",
                texts[decision.reason],
            )


def _besides(plan: Plan) -> Iterator[tuple[str, Decimal]]:
    """What is in the total and in no workload's row."""
    yield "held", sum((cost for holding in plan.holdings for cost in holding.costs.values()), Decimal(0))
    yield "copies", sum((cost for replica in plan.replicas for cost in replica.costs.values()), Decimal(0))
    yield "volume", plan.shared_transfer


def _left_out(
    plan: Plan, conflicts: Sequence[Conflict], words: Mapping[str, str], lang: Language
) -> Iterator[str]:
    """A sentence for each workload that lacks places: what stands in the way, or who has the room."""
    from situs.planner.explain.wording import say, say_conflict, say_left_out

    together = {conflict.left_out: conflict for conflict in conflicts}
    for decision in plan.decisions:
        if not decision.unplaced:
            continue
        facts = []
        if decision.worth is not None:
            facts.append(words["worth"].format(worth=f"{decision.worth:,.2f}", currency=plan.currency))
        if decision.alone != "never":
            facts.append(words["alone"].format(fit=words[decision.alone.value]))
        said = (
            say_conflict(together[decision.workload], lang)
            if decision.workload in together
            else say_left_out(decision, lang)
        )
        said = said.rstrip(".")
        if decision.needs_lifting:
            said += ": " + "; ".join(dict.fromkeys(say(refusal, lang) for refusal in decision.needs_lifting))
        told = f" ({', '.join(facts)})" if facts else ""
        yield f"{said}{told}"
    for refusal in plan.unmet:
        yield say(refusal, lang)
