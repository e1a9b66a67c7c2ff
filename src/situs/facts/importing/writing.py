"""Imported prices as catalogue files, the same bytes for the same prices."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from situs.facts.fact import PriceFact
from situs.facts.importing.imported import Imported

PRICE_COLUMNS = tuple(PriceFact.model_fields)


def catalogue_files(imported: Imported, name: str) -> dict[str, bytes]:
    """File name -> content. The name has the newest day in it, so that a later list does not replace it."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "import"
    files = {}
    if imported.prices:
        day = max(fact.as_of for fact in imported.prices.values())
        rows = (
            {column: _cell(getattr(fact, column)) for column in PRICE_COLUMNS}
            for _, fact in sorted(imported.prices.items())
        )
        files[f"prices-{slug}-{day}.csv"] = _csv(PRICE_COLUMNS, rows)
    if imported.rates:
        day = max(fact.as_of for fact in imported.rates.values())
        rates = (
            {"currency": currency, "per_eur": _cell(fact.value), "as_of": fact.as_of, "source": fact.source}
            for currency, fact in sorted(imported.rates.items())
        )
        files[f"exchange-{slug}-{day}.csv"] = _csv(("currency", "per_eur", "as_of", "source"), rates)
    return files


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    return "" if value is None else str(value)
