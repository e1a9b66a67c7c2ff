"""What rules may look at besides subject and site: facts, instant, laws that are off, and the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from situs.facts import Facts
from situs.facts.fact import Membership
from situs.model.network import Network


@dataclass(frozen=True, eq=False)
class Surroundings:
    """One instant under one set of facts and laws."""

    facts: Facts
    at: datetime
    off: frozenset[str]
    network: Network
    _countries: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)

    def countries(self, jurisdictions: frozenset[str]) -> frozenset[str]:
        """Countries that a set of countries and country groups stands for now. An unknown group is nobody."""
        known = self._countries.get(jurisdictions)
        if known is None:
            found: set[str] = set()
            for name in jurisdictions:
                group = self.facts.group(name, self.at, self.off)
                found |= {name} if group is None else group
            known = self._countries[jurisdictions] = frozenset(found)
        return known

    def groups_of(self, country: str | None) -> list[str]:
        """The groups a country belongs to now."""
        if country is None:
            return []
        return [
            name
            for name in self.facts.groups()
            if country in (self.facts.group(name, self.at, self.off) or ())
        ]

    def lost_law(self, jurisdictions: frozenset[str], country: str) -> str | None:
        """The law by which a country would be in one of the groups, were it not off or out of force.

        Of several it is one in force that is off, else the latest.
        """
        acts = [
            (self._in_force(member), member.valid_from, member.law)
            for name in jurisdictions
            for member in self.facts.memberships.get(name, ())
            if member.country == country and member.law is not None
        ]
        return max(acts)[2] if acts else None

    def _in_force(self, member: Membership) -> bool:
        return member.valid_from <= self.at and (member.valid_until is None or self.at < member.valid_until)

    def dated(self, jurisdictions: frozenset[str]) -> str | None:
        """The catalogue of country groups and its date, where one of the jurisdictions is a group."""
        if not any(name in self.facts.memberships for name in jurisdictions):
            return None
        return f"groups {self.facts.versions['groups'].partition('+')[0]}"
