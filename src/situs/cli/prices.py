"""``situs facts import`` and ``situs facts diff``: price lists of others, and what changed between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.facts.difference import Difference

MOST_LINES = 40
"""More differences than this are read as JSON."""

TEXTS = {
    "en": {
        "prices": "{n} prices", "rates": "{n} rates of exchange", "written": "written to {path}",
        "would": "would be written to {path}", "news": "{added} new, {changed} changed, {same} as before",
        "left": "left out:", "none": "no difference", "more": "and {n} more; --json shows all",
        "catalogue": "catalogue", "name": "name", "figure": "figure", "before": "before", "after": "after",
    },
    "de": {
        "prices": "{n} Preise", "rates": "{n} Wechselkurse", "written": "geschrieben nach {path}",
        "would": "würden geschrieben nach {path}", "news": "{added} neu, {changed} geändert, {same} wie zuvor",
        "left": "ausgelassen:", "none": "kein Unterschied", "more": "und {n} weitere; --json zeigt alle",
        "catalogue": "Katalog", "name": "Name", "figure": "Zahl", "before": "vorher", "after": "nachher",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands below ``situs facts``."""
    app.command("import")(import_command)
    app.command("diff")(diff_command)


def import_command(
    file: Annotated[Path, typer.Argument(help="A price list.", show_default=False)],
    layout: Annotated[
        str | None, typer.Option(help="skypilot, sheet or json.", show_default="by name and first line")
    ] = None,
    operator: Annotated[
        str | None, typer.Option(help="Whose prices they are, where the file does not say.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Where the machines are, where neither file nor region says.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Of prices without one.")] = "USD",
    as_of: Annotated[str | None, typer.Option(help="Day of the prices.", show_default="today")] = None,
    source: Annotated[
        str | None, typer.Option(help="Where they come from.", show_default="the file's name")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the catalogue.", show_default="operator or file name")
    ] = None,
    estate: EstateOption = HERE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a price list a dated, sourced catalogue of the estate; all commands use it from then on.

    Layouts: SkyPilot's catalogue CSV (needs --operator); a plain CSV sheet with the columns sku and price and,
    where they are known, operator, country, region, cpus, memory, accelerator, accelerators,
    accelerator_memory, spot, currency, as_of, source; a JSON with a list of prices of the same fields. One bad
    row and nothing is written.

    Examples:

      situs facts import vms.csv --operator aws --as-of 2026-10-01

      situs facts import quote.csv --operator hoster --country DE --currency EUR --source "quote 4711"
    """
    from situs.store.imports import import_file

    report = import_file(
        estate, file, layout=layout, operator=operator, country=country, currency=currency, as_of=as_of,
        source=source, name=name, dry_run=dry_run,
    )  # fmt: skip
    if as_json:
        emit_json(report)
        return
    t = TEXTS[language()]
    if report.prices:
        news = t["news"].format(added=report.added, changed=report.changed, same=report.same)
        console.print(f"{t['prices'].format(n=report.prices)}: {news}")
    if report.rates:
        console.print(t["rates"].format(n=report.rates))
    for path in report.files:
        console.print(t["written" if report.written else "would"].format(path=path), soft_wrap=True)
    for entry in report.left_out:
        console.print(f"  {t['left']} {entry}", soft_wrap=True, markup=False)


def diff_command(
    before: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="A catalogue file, a kept version, or 'packaged'.", show_default=False
        ),
    ],
    after: Annotated[
        str | None,
        typer.Argument(metavar="NEW", help="The same.", show_default="what the estate uses now"),
    ] = None,
    estate: EstateOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """What two versions of the facts say differently: added, removed, changed by how much. Exit code 1 if so.

    Two files are held against each other as they are; anything else stands for all facts with it.

    Examples:

      situs facts diff facts/prices-aws-2026-09-01.csv facts/prices-aws-2026-10-01.csv

      situs facts diff packaged

      situs facts diff prices@2026-09-06+3fa9c1
    """
    from situs.store.imports import diff_facts

    found = diff_facts(estate, before, after)
    if as_json:
        emit_json(found)
    else:
        _show(found)
    if found:
        raise typer.Exit(1)


def _show(found: tuple[Difference, ...]) -> None:
    t = TEXTS[language()]
    if not found:
        console.print(t["none"])
        return
    table = new_table(t["catalogue"], t["name"], t["figure"])
    for heading in (t["before"], t["after"], "%"):
        table.add_column(heading, justify="right")
    for entry in found[:MOST_LINES]:
        percent = "" if entry.percent is None else f"{entry.percent:+}"
        table.add_row(
            entry.catalogue, entry.name, entry.figure, entry.before or "—", entry.after or "—", percent
        )
    console.print(table)
    if len(found) > MOST_LINES:
        console.print(t["more"].format(n=len(found) - MOST_LINES))
