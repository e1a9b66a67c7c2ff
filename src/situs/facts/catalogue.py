"""All catalogues together: packaged with situs, extended by the user's own, each with a version."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from situs.facts.fact import Commitments, Egress, Fact, Membership, PriceFact, Scheme
from situs.facts.layer import Layers
from situs.model.error import InputError


@dataclass(frozen=True, eq=False)
class Facts:
    """Dated, sourced figures. Made by :func:`situs.facts.reading.load`; never changed."""

    layers: Layers
    """the files that these figures are made of; the same layers give the same facts"""
    versions: Mapping[str, str]
    """catalogue -> newest date in it and the beginning of its content's hash"""
    price_facts: Mapping[str, PriceFact]
    exchange: Mapping[str, Sequence[Fact]]
    """currency -> units of it for one euro"""
    egress_facts: Mapping[str, Egress]
    storage_facts: Mapping[str, Fact]
    """operator -> US dollars per GB and month, standard class"""
    commitment_facts: Mapping[str, Commitments]
    region_carbon: Mapping[tuple[str, str], Fact]
    country_carbon: Mapping[str, Fact]
    round_trips: Mapping[tuple[str, str], Fact]
    memberships: Mapping[str, Sequence[Membership]]
    group_titles: Mapping[str, str]
    scheme_facts: Sequence[Scheme]
    country_names: Mapping[str, str]
    region_countries: Mapping[tuple[str, str], str]
    """(operator, region) -> country"""
    _groups: dict[tuple[str, datetime, frozenset[str]], frozenset[str] | None] = field(default_factory=dict)

    def rate(self, source: str, target: str, at: datetime) -> Decimal:
        """Units of ``target`` for one unit of ``source``, by the newest rates known at the instant.

        Before the first known rate, the first one counts.
        """
        if source == target:
            return Decimal(1)
        return self._per_euro(target, at) / self._per_euro(source, at)

    def _per_euro(self, currency: str, at: datetime) -> Decimal:
        return self.exchange_fact(currency, at).value

    def exchange_fact(self, currency: str, at: datetime) -> Fact:
        """The rate of a currency that counts at the instant, with its source. Raises InputError for none."""
        known = [fact for fact in self.exchange.get(currency, ()) if fact.valid_at(at)]
        if not known:
            raise InputError(
                f"no exchange rate is known for {currency}{_meant(currency, self.exchange)}; "
                "add one with `situs facts import`"
            )
        told = [fact for fact in known if fact.as_of <= f"{at:%Y-%m-%d}"]
        # Of two rates of one day the later layer's counts: max would give the first.
        if told:
            return max(reversed(told), key=lambda fact: fact.as_of)
        return min(known, key=lambda fact: fact.as_of)

    def price(self, sku: str) -> PriceFact | None:
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
        known = self.commitment_facts.get(operator)
        return known.discounts if known else {}

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
