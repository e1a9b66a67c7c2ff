"""``situs whatif``, ``compare``, ``pareto``, ``posture`` and ``usecases``: questions to a plan."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, Session, open_session
from situs.cli.tables import table as new_table
from situs.model.error import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from situs.planner.analysis.whatif import Drill
    from situs.planner.decide import Decided


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("whatif")(whatif_command)
    app.command("compare")(compare_command)
    app.command("pareto")(pareto_command)
    app.command("posture")(posture_command)
    app.command("usecases")(usecases_command)


def whatif_command(
    estate: EstateOption = HERE,
    price: Annotated[
        list[str] | None, typer.Option("--price", help="An operator's or site's prices: aws=+30%, gcp=0.8x.")
    ] = None,
    site_down: Annotated[list[str] | None, typer.Option("--site-down", help="A site that is gone.")] = None,
    law: Annotated[list[str] | None, typer.Option("--law", help="A law or rule: eu-us-dpf=off.")] = None,
    demand: Annotated[
        list[str] | None, typer.Option("--demand", help="A workload's or use case's demand: triage=2x.")
    ] = None,
    add_site: Annotated[
        list[Path] | None,
        typer.Option("--add-site", help="A file or folder with what is added.", exists=True),
    ] = None,
    kwh: Annotated[str | None, typer.Option("--kwh", help="Electricity everywhere: 0.40EUR.")] = None,
    at: AtOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rehearse a change of the world, in any combination: moves, their bill, time, cost, what is left out.

    Examples:

      situs whatif --price aws=+30%

      situs whatif --site-down berlin-dc --law eu-us-dpf=off

      situs whatif --demand triage=2x --kwh 0.40EUR --json
    """
    from situs.planner.analysis.whatif import rehearse

    session = open_session(estate, at, None, currency, facts)
    drill = _drill(price, site_down, law, demand, add_site, kwh)
    base = _base(session)
    result = rehearse(base, session.intent, session.facts, drill)
    if as_json:
        emit_json(result)
        return
    unit = f"{base.plan.currency}/month"
    console.print(f"[bold]{result.name}[/]")
    stay = result.cost_per_month_if_nothing_is_done
    console.print(f"  cost now               {result.cost_per_month_before:,.2f} {unit}")
    console.print(f"  if nothing is done     {'not possible' if stay is None else f'{stay:,.2f} {unit}'}")
    console.print(
        f"  after planning again   {result.cost_per_month_after:,.2f} {unit} (gap {result.gap:.4%})"
    )
    console.print(
        f"  bill of {len(result.moves)} moves     {result.bill:,.2f} {base.plan.currency}, {result.hours:.1f} h"
    )
    for move in result.moves:
        console.print(f"    {move.workload}: {move.source} → {move.target}")
    for name in result.newly_left_out:
        console.print(f"  [red]left out:[/] {name}")
    for name in result.freed:
        console.print(f"  placed now: {name}")


def compare_command(
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """The plan beside: as it is, all public, all in-house, cheapest per service.

    Examples:

      situs compare -C examples/clinic-group
    """
    from situs.planner.analysis.compare import compare

    session = open_session(estate, at, off, currency, facts)
    base = _base(session)
    ways = compare(base, session.intent, session.facts)
    if as_json:
        emit_json(ways)
        return
    table = new_table("way", f"{base.plan.currency}/month", "left out", "kg CO2e/month", "control", "gap")
    for way in ways:
        table.add_row(
            way.name, f"{way.cost_per_month:,.2f}", ", ".join(way.left_out) or "—",
            f"{way.carbon_kg_per_month:,.1f}", f"{way.control:.2f}", "—" if way.gap is None else f"{way.gap:.3%}",
        )  # fmt: skip
    console.print(table)


def pareto_command(
    estate: EstateOption = HERE,
    axes: Annotated[
        str, typer.Option(help="At least two of cost, latency, carbon, control, exit.")
    ] = "cost,carbon,control",
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plans that no other beats on all axes.

    Examples:

      situs pareto --axes cost,latency,carbon,control
    """
    from situs.planner.analysis.pareto import pareto

    session = open_session(estate, at, off, currency, facts)
    base = _base(session)
    points = pareto(base, [axis.strip() for axis in axes.split(",") if axis.strip()])
    if as_json:
        emit_json(
            [point.model_dump(mode="json", exclude={"plan"}) | {"plan": point.plan.id} for point in points]
        )
        return
    table = new_table(
        f"{base.plan.currency}/month", "ms", "kg CO2e/month", "control", "leaving", "placed differently"
    )
    for point in points:
        table.add_row(
            f"{point.cost_per_month:,.2f}", f"{point.latency_ms:.1f}", f"{point.carbon_kg_per_month:,.1f}",
            f"{point.control:.3f}", f"{point.exit_cost:,.0f}", str(point.moved),
        )  # fmt: skip
    console.print(table)


def posture_command(
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hybrid by design or by accident: silos, duplicates, concentration, orphans, idle capacity.

    Examples:

      situs posture -C examples/clinic-group --json
    """
    from situs.planner.analysis.posture import posture

    session = open_session(estate, at, off, currency, facts)
    base = _base(session)
    result = posture(base, session.intent)
    if as_json:
        emit_json(result)
        return
    table = new_table("finding", "what", "evidence", f"{base.plan.currency}/month")
    for finding in result.findings:
        table.add_row(finding.kind, finding.what, "; ".join(finding.evidence), f"{finding.per_month:,.2f}")
    console.print(table)
    console.print(
        f"{result.by_design:.0%} of what runs today is where it would be put on purpose; "
        f"{result.avoidable_per_month:,.2f} {base.plan.currency} a month are avoidable"
    )


def usecases_command(
    estate: EstateOption = HERE,
    budget: Annotated[
        float, typer.Option(help="Part of today's cost that may be spent.", min=0.0, max=1.0)
    ] = 0.5,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Use cases by value for what is scarce, and which are dropped when the budget is cut.

    Examples:

      situs usecases --budget 0.5
    """
    from situs.planner.analysis.usecases import ranked_use_cases

    session = open_session(estate, at, off, currency, facts)
    base = _base(session)
    ranked = ranked_use_cases(base, budget_share=budget)
    if as_json:
        emit_json(ranked)
        return
    unit = f"{base.plan.currency}/month"
    table = new_table(
        "use case",
        f"value {unit}",
        f"own cost {unit}",
        "value per scarce",
        "placed",
        f"dropped at {budget:.0%}",
    )
    for entry in ranked:
        table.add_row(
            entry.use_case, f"{entry.value_per_month:,.2f}", f"{entry.cost_per_month:,.2f}",
            "∞" if entry.value_per_scarce is None else f"{entry.value_per_scarce:,.1f}",
            "yes" if entry.placed else "[red]no[/]", "[red]yes[/]" if entry.dropped_at_budget else "no",
        )  # fmt: skip
    console.print(table)


def _base(session: Session) -> Decided:
    from situs.planner.decide import decide

    return decide(session.intent, session.facts, session.at, off=session.off)


def _drill(
    price: list[str] | None,
    site_down: list[str] | None,
    law: list[str] | None,
    demand: list[str] | None,
    add_site: list[Path] | None,
    kwh: str | None,
) -> Drill:
    """The changes of the command line as one."""
    from situs.intent import load
    from situs.planner.analysis.drill import combined, kwh_price

    return combined(
        added={str(path): load(path).intent for path in add_site or ()},
        site_down=site_down or (),
        price=dict(_factors("--price", price)),
        kwh=None if kwh is None else kwh_price(kwh),
        demand={name: float(factor) for name, factor in _factors("--demand", demand)},
        law_off=[_law(text) for text in law or ()],
    )


def _law(text: str) -> str:
    name, state = _pair("--law", text)
    if state != "off":
        raise InputError(f"--law {text!r}: only 'off' can be rehearsed, as in eu-us-dpf=off")
    return name


def _factors(option: str, texts: list[str] | None) -> Iterator[tuple[str, Decimal]]:
    seen = set()
    for text in texts or ():
        name, factor = _pair(option, text)
        if name in seen:
            raise InputError(f"{option} is given twice for {name!r}; give one factor")
        seen.add(name)
        yield name, _factor(option, factor)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise InputError(f"{option} {text!r} is not NAME=VALUE")
    return name.strip(), value.strip()


def _factor(option: str, text: str) -> Decimal:
    """``+30%``, ``-10%``, ``2x`` or ``0.8`` as a factor."""
    try:
        if text.endswith("%"):
            factor = 1 + Decimal(text[:-1]) / 100
        else:
            factor = Decimal(text.removesuffix("x"))
    except InvalidOperation:
        raise InputError(f"{option} {text!r} is not a factor; write +30%, -10% or 2x") from None
    if not factor.is_finite() or factor < 0:
        raise InputError(f"{option} {text!r} gives a factor of {factor}; it must be zero or more")
    return factor
