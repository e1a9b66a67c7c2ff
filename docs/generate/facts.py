"""The reference of the packaged facts: which catalogues there are, how old they are, where they are from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from situs.facts import load

INTRODUCTION = """\
# Facts

Every figure that situs does not get from your estate is a fact: it has a value, a day on which it was true,
and a source. Facts come in catalogues; a catalogue's version is the newest day in it and the beginning of
its content's hash. A plan names the versions it used.

`situs facts list` shows them, `situs facts show NAME` everything known by a name, and `--facts FILE` puts
your own catalogue on top of the packaged one whose name its name begins with (`prices-2026-10.csv`).
"""

MEANING = {
    "prices": "list prices of rented machines, in US dollars an hour",
    "egress": "what operators charge for data that leave them",
    "storage": "what operators charge for data that rest with them",
    "commitments": "discounts for a promised term",
    "exchange": "units of a currency for one euro",
    "carbon_regions": "grams of CO2e per kWh, by an operator's region",
    "carbon_countries": "grams of CO2e per kWh, by country",
    "round_trips": "milliseconds there and back between cities",
    "regions": "where the regions of operators are",
    "countries": "names of countries (ISO 3166)",
    "groups": "which country is in which group of law, from when to when, and by which act",
    "schemes": "certificates that places hold",
}


def page() -> str:
    """The catalogues, then the groups of countries and the laws that can be switched off."""
    facts = load()
    lines = [
        INTRODUCTION,
        "## Catalogues",
        "",
        "| catalogue | what | entries | version |",
        "|---|---|---:|---|",
    ]
    for name in _catalogues():
        stem = name.partition(".")[0]
        lines.append(f"| `{stem}` | {MEANING[stem]} | {_entries(name)} | `{facts.versions[stem]}` |")
    lines += ["", "## Sources", ""]
    for name in _catalogues():
        sources = sorted(set(_sources(_content(name))))
        if sources:
            lines += [f"**{name.partition('.')[0]}**", "", *(f"- {source}" for source in sources), ""]
    lines += ["## Groups of countries", "", "| group | what |", "|---|---|"]
    lines += [f"| `{group}` | {facts.group_titles[group]} |" for group in facts.groups()]
    lines += [
        "",
        "## Laws",
        "",
        "A country may be in a group only by one act; `--law ACT=off` rehearses its end.",
        "",
    ]
    lines += [f"- `{law}`" for law in sorted(facts.laws())]
    return "\n".join(lines)


def _catalogues() -> list[str]:
    """The files of the package, in the order of their meaning; one that nobody described fails here."""
    names = {file.name.partition(".")[0]: file.name for file in (files("situs.facts") / "data").iterdir()}
    assert set(names) == set(MEANING), set(names) ^ set(MEANING)
    return [names[stem] for stem in MEANING]


def _content(name: str) -> Any:
    text = (files("situs.facts") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text))) if name.endswith(".csv") else json.loads(text)


def _entries(name: str) -> int:
    content = _content(name)
    if isinstance(content, list):
        return len(content)
    inner = content.get("groups") or content.get("schemes")
    return len(inner) if inner else sum(isinstance(value, dict) for value in content.values())


def _sources(content: Any) -> Iterator[str]:
    """Every ``source`` anywhere in a catalogue."""
    if isinstance(content, list):
        for item in content:
            yield from _sources(item)
    elif isinstance(content, dict):
        if isinstance(content.get("source"), str):
            yield content["source"]
        for value in content.values():
            yield from _sources(value)
