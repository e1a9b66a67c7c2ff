"""All catalogues together: packaged with situs, extended by the user's own, each with a version."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from situs.facts.fact import Egress, EgressTier, Fact, Membership, PriceFact, Scheme
from situs.model.error import InputError

CATALOGUES = (
    "prices.csv",
    "egress.json",
    "storage.json",
    "commitments.json",
    "exchange.csv",
    "carbon_regions.csv",
    "carbon_countries.csv",
    "round_trips.csv",
    "countries.csv",
    "groups.json",
    "schemes.json",
)


@dataclass(frozen=True, eq=False)
class Facts:
    """Dated, sourced figures. Made by :func:`load`; never changed."""

    versions: Mapping[str, str]
    """catalogue -> newest date in it and the beginning of its content's hash"""
    price_facts: Mapping[str, PriceFact]
    exchange: Mapping[str, Sequence[Fact]]
    """currency -> units of it for one euro"""
    egress_facts: Mapping[str, Egress]
    storage_facts: Mapping[str, Fact]
    """operator -> US dollars per GB and month, standard class"""
    commitment_facts: Mapping[str, Mapping[str, Decimal]]
    """operator -> kind of commitment -> discount, 0 to 1"""
    region_carbon: Mapping[tuple[str, str], Fact]
    country_carbon: Mapping[str, Fact]
    round_trips: Mapping[tuple[str, str], Fact]
    memberships: Mapping[str, Sequence[Membership]]
    group_titles: Mapping[str, str]
    scheme_facts: Sequence[Scheme]
    country_names: Mapping[str, str]
    _groups: dict[tuple[str, datetime, frozenset[str]], frozenset[str] | None] = field(default_factory=dict)

    def rate(self, source: str, target: str, at: datetime) -> Decimal:
        """Units of ``target`` for one unit of ``source``, by the newest rates valid at the instant."""
        if source == target:
            return Decimal(1)
        return self._per_euro(target, at) / self._per_euro(source, at)

    def _per_euro(self, currency: str, at: datetime) -> Decimal:
        known = [fact for fact in self.exchange.get(currency, ()) if fact.valid_at(at)]
        if not known:
            raise InputError(
                f"no exchange rate is known for {currency}{_meant(currency, self.exchange)}; "
                "add one with `situs facts import`"
            )
        return max(known, key=lambda fact: fact.as_of).value

    def price(self, sku: str, at: datetime | None = None) -> PriceFact | None:
        """The price of ``operator/region/sku``, None where it is in no catalogue."""
        return self.price_facts.get(sku)

    def prices(self) -> Sequence[PriceFact]:
        """All prices, by key."""
        return [self.price_facts[key] for key in sorted(self.price_facts)]

    def egress(self, operator: str) -> Egress | None:
        """What leaving an operator costs."""
        return self.egress_facts.get(operator)

    def storage(self, operator: str) -> Fact | None:
        """US dollars per GB and month at an operator."""
        return self.storage_facts.get(operator)

    def commitments(self, operator: str) -> Mapping[str, Decimal]:
        """Discounts an operator gives for terms."""
        return self.commitment_facts.get(operator, {})

    def carbon(self, operator: str, region: str | None, country: str) -> Fact | None:
        """Grams of CO2 equivalent per kWh: by the operator's region, else by country."""
        return (self.region_carbon.get((operator, region)) if region else None) or self.country_carbon.get(
            country
        )

    def round_trip_ms(self, one: str, other: str) -> Fact | None:
        """Published round trip between two cities, either way round."""
        return self.round_trips.get((one, other)) or self.round_trips.get((other, one))

    def group(self, name: str, at: datetime, off: frozenset[str] = frozenset()) -> frozenset[str] | None:
        """The countries of a group at an instant; those that are in it only by a law in ``off`` are not.

        None where there is no such group.
        """
        key = (name, at, off)
        if key not in self._groups:
            members = self.memberships.get(name)
            self._groups[key] = (
                None
                if members is None
                else frozenset(
                    m.country
                    for m in members
                    if m.valid_from <= at
                    and (m.valid_until is None or at < m.valid_until)
                    and m.law not in off
                )
            )
        return self._groups[key]

    def groups(self) -> Sequence[str]:
        """Names of all country groups."""
        return sorted(self.memberships)

    def laws(self) -> frozenset[str]:
        """Ids of the laws that put countries into groups."""
        return frozenset(m.law for members in self.memberships.values() for m in members if m.law)

    def schemes(self) -> Sequence[Scheme]:
        """All certificate schemes."""
        return self.scheme_facts

    def country_name(self, code: str) -> str:
        """A country's name in English, the code itself where it is unknown."""
        return self.country_names.get(code, code)


def _meant(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def load(extra: Sequence[Path] = ()) -> Facts:
    """The packaged catalogues, and the user's own files or folders on top; later ones win."""
    own = tuple(path for place in extra for path in _files(place))
    return _load(own) if own else _packaged()


@cache
def _packaged() -> Facts:
    return _load(())


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.iterdir() if path.suffix in (".csv", ".json"))
    if not place.exists():
        raise InputError(f"there is no fact catalogue at {place}")
    return [place]


def _load(own: tuple[Path, ...]) -> Facts:
    raw = {name: [(files("situs.facts") / "data" / name).read_bytes()] for name in CATALOGUES}
    for path in own:
        # An imported catalogue says which it extends by the beginning of its name: prices-2026-10.csv.
        target = next(
            (
                name
                for name in CATALOGUES
                if path.name.startswith(Path(name).stem) and path.suffix == Path(name).suffix
            ),
            None,
        )
        if target is None:
            raise InputError(f"{path}: a catalogue's name begins with one of {', '.join(CATALOGUES)}")
        raw[target].append(path.read_bytes())
    rows: dict[str, list[dict[str, str]]] = {}
    values: dict[str, list[dict[str, Any]]] = {}
    for name, contents in raw.items():
        if name.endswith(".csv"):
            rows[name] = [
                row
                for content in contents
                for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
            ]
        else:
            values[name] = [json.loads(content, parse_float=Decimal) for content in contents]
    versions = {
        Path(
            name
        ).stem: f"{_newest(rows.get(name), values.get(name))}+{hashlib.sha256(b''.join(contents)).hexdigest()[:12]}"
        for name, contents in raw.items()
    }
    return Facts(
        versions=versions,
        price_facts={fact.key: fact for fact in map(_price, rows["prices.csv"])},
        exchange=_grouped(rows["exchange.csv"], lambda r: r["currency"], _rate),
        egress_facts=_egress(values["egress.json"]),
        storage_facts=_storage(values["storage.json"]),
        commitment_facts=_commitments(values["commitments.json"]),
        region_carbon={
            (r["operator"], r["region"]): _figure(r, "g_per_kwh", "g/kWh") for r in rows["carbon_regions.csv"]
        },
        country_carbon={r["country"]: _figure(r, "g_per_kwh", "g/kWh") for r in rows["carbon_countries.csv"]},
        round_trips={(r["from"], r["to"]): _figure(r, "rtt_ms", "ms") for r in rows["round_trips.csv"]},
        memberships={
            name: tuple(Membership.model_validate(m) for m in group["members"])
            for value in values["groups.json"]
            for name, group in value["groups"].items()
        },
        group_titles={
            name: group["title"] for value in values["groups.json"] for name, group in value["groups"].items()
        },
        scheme_facts=tuple(
            Scheme.model_validate(s) for value in values["schemes.json"] for s in value["schemes"]
        ),
        country_names={r["country"]: r["name"] for r in rows["countries.csv"]},
    )


def _newest(rows: list[dict[str, str]] | None, values: list[dict[str, Any]] | None) -> str:
    dates = [row.get("as_of", "") for row in rows or ()] + [
        str(value.get("as_of", "")) for value in values or ()
    ]
    return max(dates, default="") or "undated"


def _grouped(
    rows: list[dict[str, str]], key: Callable[[dict[str, str]], str], make: Callable[[dict[str, str]], Fact]
) -> dict[str, list[Fact]]:
    grouped: dict[str, list[Fact]] = {}
    for row in rows:
        grouped.setdefault(key(row), []).append(make(row))
    return grouped


def _price(row: dict[str, str]) -> PriceFact:
    spot = row.get("usd_per_hour_spot") or ""
    return PriceFact(
        operator=row["operator"],
        region=row["region"],
        country=row["country"],
        sku=row["sku"],
        cpus=Decimal(row["cpus"] or 0),
        memory_gib=Decimal(row["memory_gib"] or 0),
        accelerator=row["accelerator"] or None,
        accelerators=int(Decimal(row["accelerators"] or 0)),
        usd_per_hour=Decimal(row["usd_per_hour"]),
        usd_per_hour_spot=Decimal(spot) if spot else None,
        as_of=row["as_of"],
        source=row["source"],
    )


def _rate(row: dict[str, str]) -> Fact:
    return Fact(
        value=Decimal(row["per_eur"]), unit=f"{row['currency']}/EUR", as_of=row["as_of"], source=row["source"]
    )


def _figure(row: dict[str, str], column: str, unit: str) -> Fact:
    return Fact(value=Decimal(row[column]), unit=unit, as_of=row["as_of"], source=row["source"])


def _operators(values: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    return [
        (operator, entry, value)
        for value in values
        for operator, entry in value.items()
        if isinstance(entry, dict) and "tiers" in entry
    ]


def _egress(values: list[dict[str, Any]]) -> dict[str, Egress]:
    return {
        operator: Egress(
            operator=operator,
            free_gb=entry["free_tier_gb"],
            tiers=tuple(
                EgressTier(up_to_gb=tier["up_to_gb"], price_per_gb_usd=tier["price_per_gb_usd"])
                for tier in entry["tiers"]
            ),
            inter_region_per_gb_usd=entry["inter_region_per_gb_usd"],
            as_of=value["as_of"],
            source=value["source"],
        )
        for operator, entry, value in _operators(values)
    }


def _storage(values: list[dict[str, Any]]) -> dict[str, Fact]:
    """The standard ("hot") class that has a price at any size."""
    facts = {}
    for operator, entry, value in _operators(values):
        hot = next(t for t in entry["tiers"] if t["tier"] == "hot" and "capacity_gb_limit" not in t)
        facts[operator] = Fact(
            value=hot["price_per_gb_month_usd"],
            unit="USD/GB-month",
            as_of=value["as_of"],
            source=value["source"],
        )
    return facts


def _commitments(values: list[dict[str, Any]]) -> dict[str, dict[str, Decimal]]:
    return {
        operator: {kind: Decimal(rate) for kind, rate in rates.items() if not kind.startswith("_")}
        for value in values
        for operator, rates in value["rates_by_cloud"].items()
    }
