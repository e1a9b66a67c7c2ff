"""A JSON of custom prices: what a framework contract, a quote or an internal price list says.

::

    {"operator": "hoster", "country": "DE", "currency": "EUR", "as_of": "2026-10-01", "source": "quote 4711",
     "prices": [{"sku": "gpu-1", "cpus": 16, "memory": "64GiB", "accelerator": "L4", "accelerators": 1,
                 "price": "0.85 EUR/h", "spot": "0.30 EUR/h"}],
     "exchange": {"INR": 97.2}}

An entry of ``prices`` has the fields of the plain price sheet's columns; what stands beside ``prices`` counts
for all of them.  ``exchange`` says how many units of a currency one euro buys.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from situs.facts.fact import Fact
from situs.facts.importing.imported import Defaults, Imported
from situs.facts.importing.sheet import FIELDS, add_price
from situs.facts.table import built
from situs.model.error import Position, Problem

SHARED = ("operator", "country", "currency", "as_of", "source")
TOP = (*SHARED, "prices", "exchange")
_SPACE = " \t\r\n"


def read_custom(content: bytes, name: str, defaults: Defaults, problems: list[Problem]) -> Imported:
    """All entries as prices, and rates of exchange."""
    imported = Imported()
    value, text = _parsed(content, name, problems)
    if value is None:
        return imported
    start = Position(name, 1, 1)
    problems.extend(_strangers(value, TOP, start))
    said = {key: value[key] for key in SHARED if value.get(key) is not None}
    shared = built(Defaults, {**dict(defaults), **said}, start, problems)
    if shared is None:
        return imported
    entries = value.get("prices", [])
    if not isinstance(entries, list):
        problems.append(Problem("prices must be a list", start))
        entries = []
    where: dict[str, Position] = {}
    for entry, at in zip(entries, _places(text, name, "prices"), strict=False):
        if not isinstance(entry, dict):
            problems.append(Problem(f"{str(entry)[:80]!r} is no price; write an object with its fields", at))
            continue
        problems.extend(_strangers(entry, FIELDS, at))
        cells = {key: item for key, item in entry.items() if key in FIELDS and item is not None}
        if any(isinstance(item, list | dict | bool) for item in cells.values()):
            problems.append(Problem("the fields of a price are texts and numbers", at))
            continue
        add_price(imported, cells, at, shared, problems, where)
    _rates(imported, value.get("exchange", {}), shared, start, problems)
    return imported


def _rates(imported: Imported, rates: Any, defaults: Defaults, at: Position, problems: list[Problem]) -> None:
    if not isinstance(rates, dict):
        problems.append(Problem("exchange must be an object of currencies", at))
        return
    for currency, rate in rates.items():
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
            problems.append(Problem(f"{currency!r} is not a currency code such as EUR", at))
            continue
        fields = {
            "value": rate,
            "unit": f"{currency}/EUR",
            "as_of": defaults.as_of,
            "source": defaults.source,
        }
        fact = built(Fact, fields, at, problems)
        if fact is not None and fact.value == 0:
            problems.append(Problem(f"a rate of 0 for {currency} would make money worthless", at))
        elif fact is not None:
            imported.rates[currency] = fact


def _parsed(content: bytes, name: str, problems: list[Problem]) -> tuple[dict[str, Any] | None, str]:
    def no_constant(constant: str) -> Any:
        raise ValueError(f"{constant} is not a figure")

    try:
        text = content.decode("utf-8-sig")
        value = json.loads(text, parse_float=Decimal, parse_constant=no_constant)
        if isinstance(value, dict) and ("prices" in value or "exchange" in value):
            return value, text
        problems.append(Problem("the file must be an object with prices or exchange", Position(name, 1, 1)))
    except json.JSONDecodeError as error:
        problems.append(Problem(f"this is not JSON: {error.msg}", Position(name, error.lineno, error.colno)))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problems.append(Problem("the file is not UTF-8 text", Position(name, line, 1), "save it as UTF-8"))
    except (ValueError, RecursionError) as error:
        problems.append(Problem(f"this is not usable JSON: {error}", Position(name)))
    return None, ""


def _strangers(value: dict[str, Any], known: tuple[str, ...], at: Position) -> Iterable[Problem]:
    for key in value:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            fix = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            yield Problem(f"there is no field {key[:80]!r}", at, fix)


def _places(text: str, name: str, key: str) -> Iterable[Position]:
    """Where the items of the list under a key of the outermost object begin. The text is known to be JSON."""
    decoder = json.JSONDecoder()
    at = _past(text, 0, "{")
    while text[at] != "}":
        found, at = decoder.raw_decode(text, at)
        at = _past(text, at, ":")
        if found == key and text[at] == "[":
            at = _past(text, at, "[")
            while text[at] != "]":
                line = text.count("\n", 0, at) + 1
                yield Position(name, line, at - text.rfind("\n", 0, at))
                _, at = decoder.raw_decode(text, at)
                at = _past(text, at, ",")
            at += 1
        else:
            _, at = decoder.raw_decode(text, at)
        at = _past(text, at, ",")


def _past(text: str, at: int, sign: str) -> int:
    """Past the sign, where it is there, and the space around it."""
    while text[at] in _SPACE:
        at += 1
    if text[at] == sign:
        at += 1
        while text[at] in _SPACE:
            at += 1
    return at
