"""Price lists of others among an estate's own catalogues, and catalogues held side by side."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from situs.facts import Facts, load, read
from situs.facts.difference import Difference, differences
from situs.facts.importing import LAYOUTS, Defaults, Imported, Layout, catalogue_files, import_prices
from situs.facts.layer import CATALOGUES, layers_at, over, read_file
from situs.model.base import Model
from situs.model.error import InputError, Problem
from situs.store.catalogues import Catalogues


class ImportReport(Model):
    """What came of an import."""

    files: tuple[Path, ...]
    written: bool
    prices: int
    rates: int
    """of exchange"""
    added: int
    """prices of what had none so far"""
    changed: int
    """prices other than those so far"""
    same: int
    left_out: tuple[str, ...]
    """what no price was made of, with its reason and place"""


def import_file(
    estate: Path,
    file: Path,
    *,
    layout: str | None = None,
    operator: str | None = None,
    country: str | None = None,
    currency: str | None = None,
    as_of: str | None = None,
    source: str | None = None,
    name: str | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Make a price list a catalogue of the estate. Raises InputError with every problem; then nothing is written."""
    chosen: Layout | None = next((known for known in LAYOUTS if known == layout), None)
    if layout is not None and chosen is None:
        raise InputError(f"there is no layout {layout!r}; there are {', '.join(LAYOUTS)}")
    catalogues = Catalogues(estate)
    before = catalogues.facts()
    defaults = _defaults(
        {
            "as_of": as_of or f"{datetime.now(UTC):%Y-%m-%d}", "source": source or f"imported from {file.name}",
            "operator": operator, "country": country, "currency": currency or "USD",
            "regions": {**{(p.operator, p.region): p.country for p in before.prices()}, **before.region_countries},
        }
    )  # fmt: skip
    imported = import_prices(read_file(file), str(file), defaults, chosen)
    files = catalogue_files(imported, name or operator or file.stem)
    if not dry_run:
        for each, content in files.items():
            catalogues.add(each, content)
    added, changed = _news(imported, before)
    return ImportReport(
        files=tuple(catalogues.own / each for each in files),
        written=not dry_run,
        prices=len(imported.prices),
        rates=len(imported.rates),
        added=added,
        changed=changed,
        same=len(imported.prices) - added - changed,
        left_out=tuple(str(entry) for entry in imported.left_out),
    )


def diff_facts(estate: Path, before: str, after: str | None = None) -> tuple[Difference, ...]:
    """What two sets of facts say differently. Each is a file, a kept version, or ``packaged``; None: what is used now.

    Two files are held against each other as they are; anything else stands for all facts with it.
    """
    catalogues = Catalogues(estate)
    alone = all(reference is not None and Path(reference).exists() for reference in (before, after))
    found = differences(_side(catalogues, before, alone), _side(catalogues, after, alone))
    only = {_catalogue(catalogues, reference) for reference in (before, after)} - {None}
    return tuple(entry for entry in found if not only or entry.catalogue in only)


def _defaults(fields: Mapping[str, object]) -> Defaults:
    try:
        return Defaults.model_validate(fields)
    except ValidationError as error:
        problems = []
        for item in error.errors(include_url=False):
            option = str(item["loc"][0]).replace("_", "-")
            why = item["msg"].removeprefix("Value error, ")
            problems.append(Problem(f"--{option} {item['input']!r} is not usable: {why}"))
        raise InputError(problems) from None


def _news(imported: Imported, before: Facts) -> tuple[int, int]:
    """How many prices are new, and how many are other than those so far."""
    added = changed = 0
    for key, fact in imported.prices.items():
        known = before.price(key)
        if known is None:
            added += 1
        elif (known.per_hour, known.per_hour_spot, known.currency) != (
            fact.per_hour, fact.per_hour_spot, fact.currency,
        ):  # fmt: skip
            changed += 1
    return added, changed


def _side(catalogues: Catalogues, reference: str | None, alone: bool) -> Facts:
    if reference is None:
        return catalogues.facts()
    if reference == "packaged":
        return load()
    if alone:
        return read(over(dict.fromkeys(CATALOGUES, ()), layers_at(Path(reference))))
    return catalogues.facts([reference])


def _catalogue(catalogues: Catalogues, reference: str | None) -> str | None:
    """The one catalogue that a reference is a version of; None where it stands for all."""
    if reference is None or reference == "packaged" or Path(reference).exists():
        return None
    return catalogues.find(reference).catalogue
