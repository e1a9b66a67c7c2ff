"""``situs compare``, ``pareto``, ``posture`` and ``usecases``: questions to a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, Language, console, emit_json, language
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, Session, open_session
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.planner.analysis.finding import Detail
    from situs.planner.decide import Decided

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "month": "month", "way": "way", "left-out": "left out", "carbon": "kg CO2e/{month}", "control": "control",
        "gap": "gap", "leaving": "leaving", "elsewhere": "placed differently",
        "as-it-is": "as it is", "all-public": "all public", "all-in-house": "all in-house",
        "cheapest-per-service": "cheapest per service", "plan": "the plan",
        "finding": "finding", "what": "what", "evidence": "evidence", "stake": "at stake",
        "designed": "{share} of what runs today is where it would be put on purpose; {avoidable} {currency} a month "
        "are avoidable",
        "use-case": "use case", "value": "value {unit}", "own-cost": "own cost {unit}", "scarce": "value per scarce",
        "placed": "placed", "dropped": "dropped at {budget}", "yes": "yes", "no": "no",
    },
    "de": {
        "month": "Monat", "way": "Weg", "left-out": "ausgelassen", "carbon": "kg CO2e/{month}",
        "control": "Kontrolle", "gap": "Lücke", "leaving": "Ausstieg", "elsewhere": "anders verteilt",
        "as-it-is": "wie heute", "all-public": "alles öffentlich", "all-in-house": "alles im Haus",
        "cheapest-per-service": "jedes für sich am billigsten", "plan": "der Plan",
        "finding": "Befund", "what": "was", "evidence": "Beleg", "stake": "hängt daran",
        "designed": "{share} von dem, was heute läuft, ist dort, wo man es mit Absicht hintäte; {avoidable} "
        "{currency} im Monat sind vermeidbar",
        "use-case": "Anwendungsfall", "value": "Wert {unit}", "own-cost": "eigene Kosten {unit}",
        "scarce": "Wert je Knappem", "placed": "untergebracht", "dropped": "entfällt bei {budget}",
        "yes": "ja", "no": "nein",
    },
}  # fmt: skip


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
    words = WORDS[language()]
    table = new_table(
        words["way"], f"{base.plan.currency}/{words['month']}", words["left-out"],
        words["carbon"].format(month=words["month"]), words["control"], words["gap"],
    )  # fmt: skip
    for way in ways:
        table.add_row(
            words[way.name], f"{way.cost_per_month:,.2f}", ", ".join(way.left_out) or "—",
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
    words = WORDS[language()]
    table = new_table(
        f"{base.plan.currency}/{words['month']}", "ms", words["carbon"].format(month=words["month"]),
        words["control"], words["leaving"], words["elsewhere"],
    )  # fmt: skip
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
    from situs.report.texts import TEXTS

    session = open_session(estate, at, off, currency, facts)
    base = _base(session)
    result = posture(base, session.intent)
    if as_json:
        emit_json(result)
        return
    words, texts = WORDS[language()], TEXTS[language()]
    unit = f"{base.plan.currency}/{words['month']}"
    table = new_table(words["finding"], words["what"], words["evidence"], unit, f"{words['stake']} {unit}")
    for finding in result.findings:
        evidence = "; ".join(_said(detail, language()) for detail in finding.details)
        table.add_row(
            texts[finding.kind], finding.what, evidence, f"{finding.per_month:,.2f}",
            f"{finding.at_stake_per_month:,.2f}",
        )  # fmt: skip
    console.print(table)
    console.print(
        words["designed"].format(
            share=f"{result.by_design:.0%}",
            avoidable=f"{result.avoidable_per_month:,.2f}",
            currency=base.plan.currency,
        )
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
    words = WORDS[language()]
    unit = f"{base.plan.currency}/{words['month']}"
    table = new_table(
        words["use-case"],
        words["value"].format(unit=unit),
        words["own-cost"].format(unit=unit),
        words["scarce"],
        words["placed"],
        words["dropped"].format(budget=f"{budget:.0%}"),
    )
    yes, no = words["yes"], words["no"]
    for entry in ranked:
        table.add_row(
            entry.use_case, f"{entry.value_per_month:,.2f}", f"{entry.cost_per_month:,.2f}",
            "∞" if entry.value_per_scarce is None else f"{entry.value_per_scarce:,.1f}",
            yes if entry.placed else f"[red]{no}[/]", f"[red]{yes}[/]" if entry.dropped_at_budget else no,
        )  # fmt: skip
    console.print(table)


def _said(detail: Detail, lang: Language) -> str:
    """A piece of evidence as a sentence."""
    from situs.planner.analysis.finding import figures
    from situs.report.texts import EVIDENCE, TEXTS

    values = figures(detail)
    if "resource" in values:
        values["resource"] = TEXTS[lang][f"resource_{values['resource']}"]
    return EVIDENCE[lang][detail.key].format(**values)


def _base(session: Session) -> Decided:
    from situs.planner.decide import decide

    return decide(session.intent, session.facts, session.at, off=session.off)
