"""``situs facts``: dated figures with their sources."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from situs.cli import prices
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json
from situs.cli.session import FactsOption
from situs.model.error import InputError

facts_app = typer.Typer(
    no_args_is_help=True, help="Dated, sourced figures: prices, emissions, countries, schemes."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    prices.register(facts_app)
    app.add_typer(facts_app, name="facts")


@facts_app.command("list")
def list_command(
    catalogue: Annotated[str | None, typer.Argument(help="prices, exchange, groups or schemes.")] = None,
    estate: EstateOption = HERE,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """The catalogues with their versions, or what is in one.

    Examples:

      situs facts list

      situs facts list prices --json
    """
    from situs.store.catalogues import Catalogues

    known = Catalogues(estate).facts(facts or ())
    if catalogue is None:
        rows = [{"catalogue": name, "version": version} for name, version in sorted(known.versions.items())]
    elif catalogue == "prices":
        rows = [
            {
                "sku": p.key, "cpus": str(p.cpus), "memory_gib": str(p.memory_gib),
                "accelerators": f"{p.accelerators}× {p.accelerator}" if p.accelerators else "",
                "per_hour": f"{p.per_hour} {p.currency}", "spot": str(p.per_hour_spot or ""), "as_of": p.as_of,
            }
            for p in known.prices()
        ]  # fmt: skip
    elif catalogue == "exchange":
        rows = [
            {"currency": c, "per_eur": str(f.value), "as_of": f.as_of, "source": f.source}
            for c, rates in sorted(known.exchange.items())
            for f in rates
        ]
    elif catalogue == "groups":
        rows = [{"group": name, "title": known.group_titles[name]} for name in known.groups()]
    elif catalogue == "schemes":
        rows = [
            {"scheme": s.scheme, "title": s.title, "issuer": s.issuer, "covers": s.covers}
            for s in known.schemes()
        ]
    else:
        raise InputError(f"there is no list of {catalogue!r}; there are prices, exchange, groups, schemes")
    if as_json:
        emit_json(rows)
        return
    table = Table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*row.values())
    console.print(table)


@facts_app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="A sku (operator/region/sku), country, group or operator.")],
    estate: EstateOption = HERE,
    facts: FactsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything known by a name, with source and date.

    Examples:

      situs facts show aws/us-east-1/p5.48xlarge

      situs facts show EU
    """
    from situs.store.catalogues import Catalogues

    known = Catalogues(estate).facts(facts or ())
    found: dict[str, object] = {}
    if (price := known.price(name)) is not None:
        found["price"] = price.model_dump(mode="json")
    if name in known.memberships:
        found["members"] = [m.model_dump(mode="json", exclude_none=True) for m in known.memberships[name]]
    if name in known.country_names:
        found["country"] = known.country_names[name]
        if (carbon := known.country_carbon.get(name)) is not None:
            found["electricity"] = carbon.model_dump(mode="json", exclude_none=True)
    if (egress := known.egress(name)) is not None:
        found["egress"] = egress.model_dump(mode="json")
    if (storage := known.storage(name)) is not None:
        found["storage"] = storage.model_dump(mode="json", exclude_none=True)
    if commitments := known.commitments(name):
        found["commitments"] = {kind: str(rate) for kind, rate in commitments.items()}
    if not found:
        raise InputError(f"nothing is known by the name {name!r}; `situs facts list prices` shows the skus")
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
