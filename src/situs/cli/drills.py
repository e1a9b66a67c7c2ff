"""``situs compare``, ``pareto``, ``posture`` and ``usecases``: questions to a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, Session, open_session
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.planner.decide import Decided


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compare")(compare_command)
    app.command("pareto")(pareto_command)
    app.command("posture")(posture_command)
    app.command("usecases")(usecases_command)


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
        moved = [f"{name} → {' + '.join(places) or '—'}" for name, places in point.elsewhere.items()]
        table.add_row(
            f"{point.cost_per_month:,.2f}", f"{point.latency_ms:.1f}", f"{point.carbon_kg_per_month:,.1f}",
            f"{point.control:.3f}", f"{point.exit_cost:,.0f}", ", ".join(moved) or "—",
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
