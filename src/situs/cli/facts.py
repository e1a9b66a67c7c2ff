"""``situs facts``: dated figures with their sources."""

from __future__ import annotations

from typing import Annotated

import typer

from situs.cli import catalogues, prices
from situs.cli.catalogues import ROWS
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json
from situs.cli.session import FactsOption
from situs.cli.tables import table as new_table

facts_app = typer.Typer(
    no_args_is_help=True, help="Dated, sourced figures: prices, emissions, countries, schemes."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    prices.register(facts_app)
    app.add_typer(facts_app, name="facts")


@facts_app.command("list")
def list_command(
    catalogue: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(ROWS)}.", show_default=False)
    ] = None,
    estate: EstateOption = HERE,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """The catalogues with their versions, or what is in one.

    Examples:

      situs facts list

      situs facts list prices --json

      situs facts list laws
    """
    from situs.store.catalogues import Catalogues

    known = Catalogues(estate).facts(facts or ())
    if catalogue is None:
        rows = [{"catalogue": name, "version": version} for name, version in sorted(known.versions.items())]
    else:
        rows = catalogues.rows(known, catalogue)
    if as_json:
        emit_json(rows)
        return
    table = new_table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*row.values())
    console.print(table)


@facts_app.command("show")
def show_command(
    name: Annotated[
        str,
        typer.Argument(
            help="A sku (operator/region/sku), region (operator/region), operator, country, group, law, "
            "currency or certificate scheme."
        ),
    ],
    estate: EstateOption = HERE,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything known by a name, with source and date.

    Examples:

      situs facts show aws/us-east-1/p5.48xlarge

      situs facts show EU

      situs facts show eu-us-dpf
    """
    from situs.store.catalogues import Catalogues

    found = catalogues.known_by(Catalogues(estate).facts(facts or ()), name)
    if as_json:
        emit_json(found)
    else:
        console.print_json(data=found)


@facts_app.command("versions")
def versions_command(estate: EstateOption = HERE, as_json: JsonOption = False) -> None:
    """The versions of catalogues that recorded plans were made with; each can be given to --facts.

    Examples:

      situs facts versions -C examples/clinic-group
    """
    from situs.store.catalogues import Catalogues

    kept = Catalogues(estate).kept()
    if as_json:
        emit_json([{"catalogue": v.catalogue, "version": v.version} for v in kept])
        return
    for version in kept:
        console.print(str(version), soft_wrap=True)
