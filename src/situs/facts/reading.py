"""Layers to facts: every row held to its model, every problem reported with its file and line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from situs.facts.catalogue import Facts
from situs.facts.fact import Commitments, Egress, EgressTier, Fact, Membership, PriceFact, Scheme
from situs.facts.layer import Layer, Layers, layers_at, over, packaged
from situs.facts.table import Row, built, read_rows, refuse, told
from situs.model.error import Position, Problem

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prices.csv": ("operator", "region", "country", "sku", "per_hour", "as_of", "source"),
    "exchange.csv": ("currency", "per_eur", "as_of", "source"),
    "carbon_regions.csv": ("operator", "region", "country", "g_per_kwh", "as_of", "source"),
    "carbon_countries.csv": ("country", "g_per_kwh", "as_of", "source"),
    "round_trips.csv": ("from", "to", "rtt_ms", "as_of", "source"),
    "countries.csv": ("country", "name"),
    "regions.csv": ("operator", "region", "country", "as_of", "source"),
}
"""Columns that must be there."""


def load(extra: Sequence[Path] = ()) -> Facts:
    """The packaged catalogues, and the user's own files or folders on top; later ones win.

    Raises InputError with everything that is wrong in them.
    """
    own = [layer for place in extra for layer in layers_at(place)]
    return read(over(packaged(), own)) if own else _packaged()


@cache
def _packaged() -> Facts:
    return read(packaged())


def read(layers: Layers) -> Facts:
    """Facts from the layers of each catalogue. Raises InputError with everything that is wrong."""
    reader = _Reader(layers)
    facts = reader.facts()
    refuse(reader.problems)
    return facts


class _Reader:
    """Collects problems over all layers, so that they are reported together."""

    def __init__(self, layers: Layers) -> None:
        self.problems: list[Problem] = []
        self._layers = layers

    def facts(self) -> Facts:
        prices = {fact.key: fact for row in self._rows("prices.csv") for fact in self._made(PriceFact, row)}
        exchange: dict[str, list[Fact]] = {}
        for row in self._rows("exchange.csv"):
            currency = row.cells.get("currency", "")
            for fact in self._figure(row, "per_eur", f"{currency}/EUR"):
                if fact.value == 0:
                    self.problems.append(Problem("a rate of 0 would make money worthless", row.at))
                exchange.setdefault(currency, []).append(fact)
        regions: dict[tuple[str, str], str] = {}
        for catalogue in ("carbon_regions.csv", "regions.csv"):
            for row in self._rows(catalogue):
                regions[row.cells.get("operator", ""), row.cells.get("region", "")] = row.cells.get(
                    "country", ""
                )
        return Facts(
            layers=self._layers,
            versions={Path(name).stem: self._version(layers) for name, layers in self._layers.items()},
            price_facts=prices,
            exchange=exchange,
            egress_facts=dict(self._documents("egress.json", _egress)),
            storage_facts=dict(self._documents("storage.json", _storage)),
            commitment_facts=dict(self._documents("commitments.json", _commitments)),
            region_carbon={
                (row.cells.get("operator", ""), row.cells.get("region", "")): fact
                for row in self._rows("carbon_regions.csv")
                for fact in self._figure(row, "g_per_kwh", "g/kWh")
            },
            country_carbon={
                row.cells.get("country", ""): fact
                for row in self._rows("carbon_countries.csv")
                for fact in self._figure(row, "g_per_kwh", "g/kWh")
            },
            round_trips={
                (row.cells.get("from", ""), row.cells.get("to", "")): fact
                for row in self._rows("round_trips.csv")
                for fact in self._figure(row, "rtt_ms", "ms")
            },
            memberships=dict(self._documents("groups.json", _memberships)),
            group_titles=dict(self._documents("groups.json", _titles)),
            scheme_facts=tuple(dict(self._documents("schemes.json", _schemes)).values()),
            country_names={
                row.cells.get("country", ""): row.cells.get("name", "") for row in self._rows("countries.csv")
            },
            region_countries=regions,
        )

    def _version(self, layers: tuple[Layer, ...]) -> str:
        """The newest date in a catalogue and the beginning of its content's hash."""
        dates = [""]
        for layer in layers:
            if layer.catalogue.endswith(".csv"):
                rows, _ = read_rows(layer.content, layer.name, ())
                dates.extend(row.cells.get("as_of", "") for row in rows)
            else:
                dates.extend(str(_parsed(layer, []).get("as_of", "")) for _ in (0,))
        digest = hashlib.sha256(b"".join(layer.content for layer in layers)).hexdigest()
        return f"{max(dates) or 'undated'}+{digest[:12]}"

    def _rows(self, catalogue: str) -> Iterator[Row]:
        for layer in self._layers[catalogue]:
            rows, problems = read_rows(layer.content, layer.name, COLUMNS[catalogue])
            self.problems.extend(problems)
            yield from rows

    def _made(self, model: type[PriceFact], row: Row) -> Iterator[PriceFact]:
        made = built(model, row.cells, row.at, self.problems)
        if made is not None:
            yield made

    def _figure(self, row: Row, column: str, unit: str) -> Iterator[Fact]:
        fields = {"value": row.cells.get(column), "unit": unit}
        fields |= {key: row.cells[key] for key in ("as_of", "source") if key in row.cells}
        made = built(Fact, fields, row.at, self.problems)
        if made is not None:
            yield made

    def _documents(self, catalogue: str, entries: Any) -> Iterator[tuple[Any, Any]]:
        """What a JSON catalogue holds, layer by layer; later ones win."""
        for layer in self._layers[catalogue]:
            value = _parsed(layer, self.problems)
            if not value:
                continue
            try:
                yield from list(entries(value))
            except ValidationError as error:
                self.problems.extend(told(error, Position(layer.name)))
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                what = f"{catalogue} does not look like this: {type(error).__name__} {error}"
                self.problems.append(
                    Problem(what, Position(layer.name), f"`situs facts show` and the packaged {catalogue} do")
                )


def _parsed(layer: Layer, problems: list[Problem]) -> dict[str, Any]:
    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is not a figure")

    try:
        value = json.loads(layer.content, parse_float=Decimal, parse_constant=no_constant)
        if isinstance(value, dict):
            return value
        problems.append(Problem("a catalogue must be a JSON object", Position(layer.name)))
    except json.JSONDecodeError as error:
        at = Position(layer.name, error.lineno, error.colno)
        problems.append(Problem(f"this is not JSON: {error.msg}", at))
    except (ValueError, RecursionError) as error:
        problems.append(Problem(f"this is not usable JSON: {error}", Position(layer.name)))
    return {}


def _operators(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for operator, entry in value.items():
        if isinstance(entry, dict) and "tiers" in entry:
            yield operator, entry


def _egress(value: dict[str, Any]) -> Iterator[tuple[str, Egress]]:
    for operator, entry in _operators(value):
        yield (
            operator,
            Egress(
                operator=operator,
                free_gb=entry["free_tier_gb"],
                tiers=tuple(EgressTier.model_validate(tier) for tier in entry["tiers"]),
                inter_region_per_gb_usd=entry["inter_region_per_gb_usd"],
                as_of=value["as_of"],
                source=value["source"],
            ),
        )


def _storage(value: dict[str, Any]) -> Iterator[tuple[str, Fact]]:
    """The standard ("hot") class that has a price at any size."""
    for operator, entry in _operators(value):
        hot = [t for t in entry["tiers"] if t["tier"] == "hot" and "capacity_gb_limit" not in t]
        if not hot:
            raise ValueError(f"{operator} has no tier 'hot' for any size")
        yield (
            operator,
            Fact(
                value=hot[0]["price_per_gb_month_usd"],
                unit="USD/GB-month",
                as_of=value["as_of"],
                source=value["source"],
            ),
        )


def _commitments(value: dict[str, Any]) -> Iterator[tuple[str, Commitments]]:
    for operator, rates in value["rates_by_cloud"].items():
        yield (
            operator,
            Commitments(
                operator=operator,
                discounts={kind: Decimal(rate) for kind, rate in rates.items() if not kind.startswith("_")},
                as_of=value["as_of"],
                source=value["source"],
                note=rates.get("_notes"),
            ),
        )


def _memberships(value: dict[str, Any]) -> Iterator[tuple[str, tuple[Membership, ...]]]:
    for name, group in value["groups"].items():
        yield name, tuple(Membership.model_validate(member) for member in group["members"])


def _titles(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, group in value["groups"].items():
        yield name, group["title"]


def _schemes(value: dict[str, Any]) -> Iterator[tuple[str, Scheme]]:
    for scheme in value["schemes"]:
        made = Scheme.model_validate(scheme)
        yield made.scheme, made
