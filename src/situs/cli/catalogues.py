"""What the catalogues of facts hold, as rows to show and as all that is known by one name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from situs.model.error import InputError, Problem

if TYPE_CHECKING:
    from situs.facts import Facts

Rows = Iterator[dict[str, str]]


def rows(known: Facts, catalogue: str) -> list[dict[str, str]]:
    """A catalogue, one row for each figure. Raises InputError for one that does not exist."""
    from situs.policy.meant import meant

    if catalogue not in ROWS:
        raise InputError([Problem(f"there is no list of {catalogue!r}", fix=meant(catalogue, ROWS))])
    return list(ROWS[catalogue](known))


def _prices(known: Facts) -> Rows:
    for p in known.prices():
        yield {
            "sku": p.key, "cpus": str(p.cpus), "memory_gib": str(p.memory_gib),
            "accelerators": f"{p.accelerators}× {p.accelerator}" if p.accelerators else "",
            "per_hour": f"{p.per_hour:f} {p.currency}", "spot": f"{p.per_hour_spot:f}" if p.per_hour_spot else "",
            "as_of": p.as_of, "source": p.source,
        }  # fmt: skip


def _exchange(known: Facts) -> Rows:
    for currency, rates in sorted(known.exchange.items()):
        for fact in rates:
            yield {
                "currency": currency, "per_eur": str(fact.value), "as_of": fact.as_of, "source": fact.source
            }  # fmt: skip


def _groups(known: Facts) -> Rows:
    for name in known.groups():
        yield {
            "group": name,
            "title": known.group_titles[name],
            "countries": " ".join(sorted({member.country for member in known.memberships[name]})),
        }


def _laws(known: Facts) -> Rows:
    """Acts that put countries into groups, which drills switch off."""
    for group, members in sorted(known.memberships.items()):
        for member in members:
            if member.law is not None:
                yield {
                    "law": member.law, "group": group, "country": member.country,
                    "valid_from": f"{member.valid_from:%Y-%m-%d}",
                    "valid_until": f"{member.valid_until:%Y-%m-%d}" if member.valid_until else "",
                    "source": member.source,
                }  # fmt: skip


def _schemes(known: Facts) -> Rows:
    for s in known.schemes():
        yield {
            "scheme": s.scheme, "title": s.title, "issuer": s.issuer, "covers": s.covers, "source": s.source
        }  # fmt: skip


def _countries(known: Facts) -> Rows:
    for code, name in sorted(known.country_names.items()):
        yield {"country": code, "name": name}


def _carbon_countries(known: Facts) -> Rows:
    for country, fact in sorted(known.country_carbon.items()):
        yield {
            "country": country, "g_per_kwh": str(fact.value), "as_of": fact.as_of, "source": fact.source
        }  # fmt: skip


def _carbon_regions(known: Facts) -> Rows:
    for (operator, region), fact in sorted(known.region_carbon.items()):
        yield {
            "operator": operator, "region": region, "g_per_kwh": str(fact.value), "as_of": fact.as_of,
            "source": fact.source,
        }  # fmt: skip


def _regions(known: Facts) -> Rows:
    for (operator, region), country in sorted(known.region_countries.items()):
        yield {"operator": operator, "region": region, "country": country}


def _round_trips(known: Facts) -> Rows:
    for (one, other), fact in sorted(known.round_trips.items()):
        yield {
            "from": one, "to": other, "ms": str(fact.value), "as_of": fact.as_of, "source": fact.source
        }  # fmt: skip


def _egress(known: Facts) -> Rows:
    for operator, egress in sorted(known.egress_facts.items()):
        for tier in egress.tiers:
            yield {
                "operator": operator, "free_gb": str(egress.free_gb),
                "up_to_gb": "" if tier.up_to_gb is None else str(tier.up_to_gb),
                "usd_per_gb": f"{tier.price_per_gb_usd:f}", "as_of": egress.as_of, "source": egress.source,
            }  # fmt: skip


def _storage(known: Facts) -> Rows:
    for operator, fact in sorted(known.storage_facts.items()):
        yield {
            "operator": operator, "price": f"{fact.value} {fact.unit}", "as_of": fact.as_of,
            "source": fact.source,
        }  # fmt: skip


def _commitments(known: Facts) -> Rows:
    for operator, given in sorted(known.commitment_facts.items()):
        for kind, discount in given.discounts.items():
            yield {
                "operator": operator, "commitment": kind, "discount": str(discount), "as_of": given.as_of,
                "source": given.source,
            }  # fmt: skip


ROWS: Mapping[str, Callable[[Facts], Rows]] = {
    "prices": _prices, "exchange": _exchange, "groups": _groups, "laws": _laws, "schemes": _schemes,
    "countries": _countries, "carbon_countries": _carbon_countries, "carbon_regions": _carbon_regions,
    "regions": _regions, "round_trips": _round_trips, "egress": _egress, "storage": _storage,
    "commitments": _commitments,
}  # fmt: skip


def known_by(known: Facts, name: str) -> dict[str, object]:
    """Everything known by a name. Raises InputError, with the likely name, when that is nothing."""
    from situs.policy.meant import meant

    found: dict[str, object] = {}
    if (price := known.price(name)) is not None:
        found["price"] = price.model_dump(mode="json")
    if name in known.memberships:
        found["title"] = known.group_titles[name]
        found["members"] = [m.model_dump(mode="json", exclude_none=True) for m in known.memberships[name]]
    if acts := [row for row in _laws(known) if row["law"] == name]:
        found["law"] = acts
    if name in known.country_names:
        found["country"] = known.country_names[name]
        if (carbon := known.country_carbon.get(name)) is not None:
            found["electricity"] = carbon.model_dump(mode="json", exclude_none=True)
    if name in known.exchange:
        found["euro"] = [fact.model_dump(mode="json", exclude_none=True) for fact in known.exchange[name]]
    if schemes := [scheme.model_dump(mode="json") for scheme in known.schemes() if scheme.scheme == name]:
        found["scheme"] = schemes[0]
    operator, _, region = name.partition("/")
    if (operator, region) in known.region_countries:
        found["country"] = known.region_countries[operator, region]
    if (operator, region) in known.region_carbon:
        carbon = known.region_carbon[operator, region]
        found["electricity"] = carbon.model_dump(mode="json", exclude_none=True)
    if (egress := known.egress(name)) is not None:
        found["egress"] = egress.model_dump(mode="json")
    if (storage := known.storage(name)) is not None:
        found["storage"] = storage.model_dump(mode="json", exclude_none=True)
    if (commitments := known.commitment_facts.get(name)) is not None:
        found["commitments"] = commitments.model_dump(mode="json", exclude_none=True)
    if not found:
        hint = meant(name, _names(known), ())
        fix = hint if hint.startswith("did you mean") else SEE_LISTS
        raise InputError([Problem(f"nothing is known by the name {name!r}", fix=fix)])
    return found


SEE_LISTS = "`situs facts list` shows the catalogues, and `situs facts list prices` what is in one"


def _names(known: Facts) -> set[str]:
    return {
        *known.price_facts, *known.memberships, *known.laws(), *known.country_names, *known.exchange,
        *(scheme.scheme for scheme in known.schemes()), *known.egress_facts, *known.storage_facts,
        *known.commitment_facts, *("/".join(pair) for pair in (*known.region_countries, *known.region_carbon)),
    }  # fmt: skip
