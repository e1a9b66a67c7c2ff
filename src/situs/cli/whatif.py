"""``situs whatif``: a change of the world, rehearsed."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, Language, console, emit_json, language
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session
from situs.model.error import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from situs.model.intent import Intent
    from situs.model.plan import Move
    from situs.planner.analysis.whatif import Drill, DrillResult

LARGEST_FACTOR = 1_000_000
"""Nothing becomes a million times as dear; a larger factor is a slip of the keyboard."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("whatif")(whatif_command)


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
    off: OffOption = None,
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
    from situs.intent import load
    from situs.planner.analysis.whatif import rehearse
    from situs.planner.decide import decide
    from situs.policy import Policy, check_written

    session = open_session(estate, at, off, currency, facts)
    added = {str(path): load(path, session.intent).intent for path in add_site or ()}
    # Programs read the same in every language.
    drill = _drill(price, site_down, law, demand, added, kwh, "en" if as_json else language())
    # What cannot be rehearsed is told before the plan is made, which may take a while.
    changed = drill.change(session.intent)
    check_written(changed, session.facts, lambda *_: None)
    Policy(changed, session.facts, session.at, session.off | drill.off)
    base = decide(session.intent, session.facts, session.at, off=session.off)
    result = rehearse(base, session.intent, session.facts, drill)
    if as_json:
        emit_json(result)
    else:
        _show(result, base.plan.currency)


WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "before": "the plan, carried out", "stay": "if nothing is done", "after": "after planning again",
        "moves": "bill of {n} move|bill of {n} moves", "copies": "bill of {n} copy of data|bill of {n} copies of data",
        "paid-once": "{bill}; {n:g} hour of people, {hours} h until all is there|"
        "{bill}; {n:g} hours of people, {hours} h until all is there",
        "transfer": "transfer", "downtime": "time away", "lost_work": "work done again", "people": "people",
        "impossible": "not possible", "month": "month", "gap": "gap", "left-out": "left out", "freed": "placed now",
        "worth": "worth of it", "lost": "no copy is left of", "only": "at its only place",
        "largest": "largest provider",
        "paid": "{operator}: {share} of what is paid to others, {before} before", "control": "control",
        "was": "{after}, {before} before", "risk": "risk",
    },
    "de": {
        "before": "der Plan, ausgeführt", "stay": "wenn nichts geschieht", "after": "nach neuer Planung",
        "moves": "Rechnung für {n} Umzug|Rechnung für {n} Umzüge",
        "copies": "Rechnung für {n} Datenkopie|Rechnung für {n} Datenkopien",
        "paid-once": "{bill}; {n:g} Stunde von Menschen, {hours} h, bis alles dort ist|"
        "{bill}; {n:g} Stunden von Menschen, {hours} h, bis alles dort ist",
        "transfer": "Übertragung", "downtime": "Ausfallzeit", "lost_work": "Arbeit noch einmal",
        "people": "Menschen", "impossible": "nicht möglich", "month": "Monat", "gap": "Lücke",
        "left-out": "ausgelassen", "freed": "jetzt untergebracht", "worth": "wert", "lost": "keine Kopie mehr von",
        "only": "am einzigen möglichen Ort", "largest": "größter Anbieter",
        "paid": "{operator}: {share} von dem, was an andere geht, vorher {before}", "control": "Kontrolle",
        "was": "{after}, vorher {before}", "risk": "Risiko",
    },
}  # fmt: skip


def _show(result: DrillResult, currency: str) -> None:
    from situs.model.plural import counted

    words = WORDS[language()]
    unit = f"{currency}/{words['month']}"
    console.print(f"[bold]{result.name}[/]")

    def line(name: str, value: str) -> None:
        console.print(f"  {name:<28}{value}", soft_wrap=True, markup=False)

    stay = result.cost_per_month_if_nothing_is_done
    line(words["before"], f"{result.cost_per_month_before:,.2f} {unit}")
    line(words["stay"], words["impossible"] if stay is None else f"{stay:,.2f} {unit}")
    line(words["after"], f"{result.cost_per_month_after:,.2f} {unit} ({words['gap']} {result.gap:.4%})")
    bill = f"{result.bill:,.2f} {currency}"
    once = counted(words["paid-once"], result.people_hours, bill=bill, hours=f"{result.hours:.1f}")
    line(counted(words["moves"], len(result.moves)), once)
    for move in result.moves:
        console.print(f"    {_told(move, words)}", soft_wrap=True, markup=False)
    if result.replicas_created:
        line(counted(words["copies"], result.replicas_created), f"{result.copies_bill:,.2f} {currency}")
    for name in result.newly_left_out:
        line(words["left-out"], name)
    for name in result.freed:
        line(words["freed"], name)
    console.print(f"  [bold]{words['risk']}[/]")
    risk = result.risk
    if risk.data_lost:
        line(words["lost"], ", ".join(risk.data_lost))
    if risk.worth_left_out_per_month:
        line(words["worth"], f"{risk.worth_left_out_per_month:,.2f} {unit}")
    if risk.only_place:
        line(words["only"], ", ".join(risk.only_place))
    if risk.largest_operator is not None:
        share, before = f"{risk.largest_share:.0%}", f"{risk.largest_share_before:.0%}"
        line(
            words["largest"], words["paid"].format(operator=risk.largest_operator, share=share, before=before)
        )
    line(
        words["control"],
        words["was"].format(after=f"{risk.control:.2f}", before=f"{risk.control_before:.2f}"),
    )


def _told(move: Move, words: Mapping[str, str]) -> str:
    """Where from, where to, and what of its bill is not nothing."""
    units = f"{move.units} × " if move.units > 1 else ""
    parts = ", ".join(f"{words[part]} {value:,.2f}" for part, value in move.bill.items() if value)
    return f"{units}{move.workload}: {move.source} → {move.target}" + (f" ({parts})" if parts else "")


def _drill(
    price: list[str] | None,
    site_down: list[str] | None,
    law: list[str] | None,
    demand: list[str] | None,
    added: Mapping[str, Intent],
    kwh: str | None,
    lang: Language,
) -> Drill:
    """The changes of the command line as one."""
    from situs.planner.analysis.drill import combined, kwh_price

    return combined(
        added=added,
        site_down=site_down or (),
        price=dict(_factors("--price", price)),
        kwh=None if kwh is None else kwh_price(kwh),
        demand={name: float(factor) for name, factor in _factors("--demand", demand)},
        law_off=[_law(text) for text in law or ()],
        language=lang,
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
    """``+30%``, ``-10%`` or ``2x`` as a factor."""
    try:
        if text.endswith("%"):
            factor = 1 + Decimal(text[:-1]) / 100
        else:
            # A bare 30 could be a price, a percentage or a factor.
            factor = Decimal(text.removesuffix("x") if text.endswith("x") else "no factor")
    except InvalidOperation:
        raise InputError(f"{option} {text!r} is not a factor; write +30%, -10% or 2x") from None
    if not factor.is_finite() or not 0 <= factor <= LARGEST_FACTOR:
        raise InputError(
            f"{option} {text!r} gives a factor of {factor:g}; it must be between 0 and {LARGEST_FACTOR:,}"
        )
    return factor
