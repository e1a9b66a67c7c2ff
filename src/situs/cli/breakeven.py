"""``situs breakeven``: when owning beats renting, for a workload of the estate or for plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.session import AtOption, CurrencyOption, FactsOption, OffOption, open_session
from situs.cli.tables import table as new_table
from situs.model.error import InputError

if TYPE_CHECKING:
    from decimal import Decimal

    from situs.economics.breakeven import BreakEven, Spread
    from situs.planner.analysis.ownrent import Offer, OwnOrRent

TEXTS = {
    "en": {
        "own": "own", "rent": "rent", "others": "could also rent", "machines": "{n} × the machine of {name}",
        "given": "as given", "listed": "price list only, no site of the estate",
        "unknown": "speed unknown, taken as the reference's",
        "against": "against {name}, from a price list only: present value {npv}, {share} that it pays",
        "on_demand": "by the hour", "spot": "spot", "reserved": "reserved",
        "month": "/month", "once": " for its one run", "busy": "busy {share} of the time",
        "cost": "price {price}, upkeep {fixed}/month, {running}/h at work",
        "rented": "{cost} for the same work, {rent}/h",
        "ahead": "buying is ahead after {hours} hours of work", "never": "buying is never ahead",
        "at": "month", "not_in_life": "not within its life",
        "least": "least utilisation", "not_at_full": "not even at full use",
        "npv": "present value", "range": "{low} to {high} in eight of ten draws",
        "probability": "probability", "spread": "that it pays, when rent ({rent}) and utilisation ({use}) spread",
        "assumption": "assumption", "lower": "a fifth lower", "higher": "a fifth higher",
        "price": "price", "running_per_hour": "running cost", "rent_per_hour": "rent", "utilisation": "utilisation",
        "fixed_per_month": "upkeep", "life_months": "life", "residual": "residual value", "discount_rate": "interest",
    },
    "de": {
        "own": "kaufen", "rent": "mieten", "others": "auch zu mieten", "machines": "{n} × die Maschine von {name}",
        "given": "wie angegeben", "listed": "nur aus einer Preisliste, kein Ort der Landschaft",
        "unknown": "Tempo unbekannt, wie das der Referenz angenommen",
        "against": "gegen {name}, nur aus einer Preisliste: Barwert {npv}, zu {share} lohnt es sich",
        "on_demand": "nach Stunden", "spot": "Spot", "reserved": "reserviert",
        "month": "/Monat", "once": " für den einen Lauf", "busy": "{share} der Zeit beschäftigt",
        "cost": "Preis {price}, Unterhalt {fixed}/Monat, {running}/h bei Arbeit",
        "rented": "{cost} für dieselbe Arbeit, {rent}/h",
        "ahead": "der Kauf liegt nach {hours} Arbeitsstunden vorn", "never": "der Kauf liegt nie vorn",
        "at": "Monat", "not_in_life": "nicht in der Lebensdauer",
        "least": "kleinste Auslastung", "not_at_full": "nicht einmal bei voller Nutzung",
        "npv": "Barwert", "range": "{low} bis {high} in acht von zehn Ziehungen",
        "probability": "Wahrscheinlichkeit",
        "spread": "dass er sich lohnt, wenn Miete ({rent}) und Auslastung ({use}) streuen",
        "assumption": "Annahme", "lower": "ein Fünftel weniger", "higher": "ein Fünftel mehr",
        "price": "Preis", "running_per_hour": "Betrieb", "rent_per_hour": "Miete", "utilisation": "Auslastung",
        "fixed_per_month": "Unterhalt", "life_months": "Lebensdauer", "residual": "Restwert", "discount_rate": "Zins",
    },
}  # fmt: skip

Amount = float | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("breakeven")(breakeven_command)


def breakeven_command(
    workload: Annotated[
        str | None, typer.Argument(help="A workload of the estate.", show_default="plain numbers")
    ] = None,
    price: Annotated[Amount, typer.Option(help="To buy one machine.", min=0.0)] = None,
    rent: Annotated[Amount, typer.Option(help="Per hour, to rent its like.", min=0.0)] = None,
    running: Annotated[
        Amount, typer.Option(help="Per hour that the own machine works.", min=0.0, show_default="0")
    ] = None,
    fixed: Annotated[
        Amount,
        typer.Option(
            help="Per month of owning: space, staff, licences, maintenance.", min=0.0, show_default="0"
        ),
    ] = None,
    utilisation: Annotated[
        Amount,
        typer.Option(
            help="Fraction of all hours that it works.",
            min=0.0,
            max=1.0,
            show_default="the workload's, else 1",
        ),
    ] = None,
    life: Annotated[Amount, typer.Option(help="Months of use.", min=1.0, show_default="60")] = None,
    residual: Annotated[
        Amount, typer.Option(help="What it brings at the end.", min=0.0, show_default="0")
    ] = None,
    discount: Annotated[
        Amount,
        typer.Option(help="Per year, for present values.", min=0.0, show_default="the estate's, else 0"),
    ] = None,
    machine: Annotated[
        str | None, typer.Option(help="Owned pool, SITE/POOL.", show_default="the best that fits")
    ] = None,
    offer: Annotated[
        str | None,
        typer.Option(
            help="What is rented: SITE/POOL or OPERATOR/REGION/SKU.", show_default="the cheapest by the hour"
        ),
    ] = None,
    rent_spread: Annotated[
        float, typer.Option(help="Standard deviation of the logarithm of the rent.", min=0.0)
    ] = 0.25,
    utilisation_spread: Annotated[
        float, typer.Option(help="Standard deviation of the utilisation, as a fraction of it.", min=0.0)
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Of the random draws.", min=0)] = 0,
    estate: EstateOption = HERE,
    at: AtOption = None,
    off: OffOption = None,
    currency: CurrencyOption = None,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Own against rent: month, utilisation, present value, probability, and what it hangs on.

    For a workload, the machine comes from the owned pools that may hold it, the rent from the offers it could
    use; what is given as a number stands instead. Without a workload, --price and --rent are all it needs, in
    one currency.

    Examples:

      situs breakeven triage

      situs breakeven triage --price 250000 --offer aws/us-east-1/p5.48xlarge --json

      situs breakeven --price 833806 --rent 98.32 --running 0.87
    """
    from situs.economics.breakeven import Case, Spread, break_even
    from situs.planner.analysis.ownrent import Given, own_or_rent

    spread = Spread(rent=rent_spread, utilisation=utilisation_spread)
    if workload is not None:
        session = open_session(estate, at, off, currency, facts)
        given = Given(
            machine=machine, offer=offer, price=price, residual=residual, fixed_per_month=fixed,
            running_per_hour=running, rent_per_hour=rent, utilisation=utilisation, life_months=life,
            discount_rate=discount,
        )  # fmt: skip
        found = own_or_rent(
            session.intent, session.facts, session.at, workload,
            off=session.off, given=given, spread=spread, seed=seed,
        )  # fmt: skip
        if as_json:
            emit_json(found)
            return
        _show_sides(found)
        _show_answer(found.answer, spread)
        _show_cheaper(found)
        return
    if price is None or rent is None:
        raise InputError("name a workload of the estate, or give both --price and --rent")
    if machine is not None or offer is not None:
        raise InputError("--machine and --offer are about an estate; name a workload too")
    case = Case(
        price=price, running_per_hour=running or 0.0, rent_per_hour=rent, fixed_per_month=fixed or 0.0,
        utilisation=1.0 if utilisation is None else utilisation, life_months=life or 60.0,
        residual=residual or 0.0, discount_rate=discount or 0.0,
    )  # fmt: skip
    answer = break_even(case, spread=spread, seed=seed)
    if as_json:
        emit_json(answer)
    else:
        _show_answer(answer, spread)


def _show_sides(found: OwnOrRent) -> None:
    t, case = TEXTS[language()], found.case

    def money(value: float | Decimal, digits: int = 2) -> str:
        return f"{value:,.{digits}f} {found.currency}"

    period = t["once"] if found.once else t["month"]
    own = t["machines"].format(n=found.own.machines, name=found.own.name)
    figures = t["cost"].format(
        price=money(case.price), fixed=money(case.fixed_per_month), running=money(case.running_per_hour, 4)
    )
    console.print(f"{t['own']}: {t['given'] if found.own.name == 'given' else own}", soft_wrap=True)
    console.print(f"  {figures}; {t['busy'].format(share=f'{case.utilisation:.1%}')}", soft_wrap=True)
    if found.rent.name == "given":
        console.print(f"{t['rent']}: {money(case.rent_per_hour)}/h, {t['given']}")
    else:
        rented = t["rented"].format(cost=money(found.rent.cost) + period, rent=money(case.rent_per_hour, 4))
        console.print(f"{t['rent']}: {_named(found.rent)}", soft_wrap=True)
        console.print(f"  {rented}", soft_wrap=True)
        listed = f"{t['listed']}: " if found.rent.listed else ""
        console.print(f"  [dim]{listed}{found.rent.source}[/]", soft_wrap=True)
    if found.others:
        others = ", ".join(f"{_named(o)} {money(o.cost)}" for o in found.others)
        console.print(f"[dim]{t['others']}: {others}[/]", soft_wrap=True)


def _named(offer: Offer) -> str:
    t = TEXTS[language()]
    return f"{offer.name} ({t[offer.basis]}{'' if offer.speed_known else ', ' + t['unknown']})"


def _show_cheaper(found: OwnOrRent) -> None:
    """What would come out with a rent that no site of the estate offers."""
    if found.cheaper is None or found.cheaper_answer is None:
        return
    answer = found.cheaper_answer
    said = TEXTS[language()]["against"].format(
        name=found.cheaper.name, npv=f"{answer.npv:,.0f} {found.currency}", share=f"{answer.probability:.0%}"
    )
    console.print(said, soft_wrap=True, markup=False)


def _show_answer(answer: BreakEven, spread: Spread) -> None:
    t = TEXTS[language()]
    ahead = t["never"] if answer.hours is None else t["ahead"].format(hours=f"{answer.hours:,.0f}")
    month = t["not_in_life"] if answer.month is None else f"{answer.month:.1f}"
    least = t["not_at_full"] if answer.utilisation is None else f"{answer.utilisation:.1%}"
    between = t["range"].format(low=f"{answer.npv_low:,.0f}", high=f"{answer.npv_high:,.0f}")
    chance = t["spread"].format(rent=f"{spread.rent:.0%}", use=f"{spread.utilisation:.0%}")
    console.print(f"[bold]{ahead}[/]")
    console.print(f"  {t['at']:<20} {month}")
    console.print(f"  {t['least']:<20} {least}")
    console.print(f"  {t['npv']:<20} {answer.npv:,.0f} ({between})")
    console.print(f"  {t['probability']:<20} {answer.probability:.0%} {chance}", soft_wrap=True)
    table = new_table(t["assumption"])
    for heading in (t["lower"], t["higher"]):
        table.add_column(heading, justify="right")
    for swing in answer.tornado:
        table.add_row(t[swing.assumption], f"{swing.low:,.0f}", f"{swing.high:,.0f}")
    console.print(table)
