"""``situs breakeven``: when owning beats renting."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from situs.cli.output import JsonOption, console, emit_json
from situs.model.error import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("breakeven")(breakeven_command)


def breakeven_command(
    price: Annotated[float, typer.Option(help="To buy the machine.")],
    rent: Annotated[float, typer.Option(help="Per hour, to rent its like.")],
    running: Annotated[float, typer.Option(help="Per hour that the own machine works.")] = 0.0,
    fixed: Annotated[
        float, typer.Option(help="Per month of owning: space, staff, licences, maintenance.")
    ] = 0.0,
    utilisation: Annotated[
        float, typer.Option(help="Fraction of all hours that it works.", min=0.0, max=1.0)
    ] = 1.0,
    life: Annotated[float, typer.Option(help="Months of use.", min=1.0)] = 60.0,
    residual: Annotated[float, typer.Option(help="What it brings at the end.")] = 0.0,
    discount: Annotated[float, typer.Option(help="Per year, for present values.", min=0.0)] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Own against rent, in one currency: month, utilisation, present value, probability, and what it hangs on.

    Examples:

      situs breakeven --price 833806 --rent 98.32 --running 0.87

      situs breakeven --price 250000 --rent 24 --running 1.6 --fixed 900 --utilisation 0.6 --discount 0.06
    """
    from dataclasses import asdict

    from situs.economics.breakeven import Case, break_even

    if min(price, rent, running, fixed, residual) < 0:
        raise InputError("prices are zero or more")
    answer = break_even(
        Case(
            price=price,
            running_per_hour=running,
            rent_per_hour=rent,
            utilisation=utilisation,
            fixed_per_month=fixed,
            life_months=life,
            residual=residual,
            discount_rate=discount,
        )
    )
    if as_json:
        emit_json(asdict(answer))
        return
    never = "never"
    console.print(f"buying is ahead after {f'{answer.hours:,.0f} hours of work' if answer.hours else never}")
    console.print(
        f"  month                {f'{answer.month:.1f}' if answer.month is not None else 'not within its life'}"
    )
    least = "not even at full use" if answer.utilisation is None else f"{answer.utilisation:.0%}"
    console.print(f"  least utilisation    {least}")
    console.print(f"  present value        {answer.npv:,.0f}")
    console.print(f"  probability          {answer.probability:.0%} when rent and utilisation spread")
    table = Table("assumption", "a fifth lower", "a fifth higher")
    for swing in answer.tornado:
        table.add_row(swing.assumption, f"{swing.low:,.0f}", f"{swing.high:,.0f}")
    console.print(table)
