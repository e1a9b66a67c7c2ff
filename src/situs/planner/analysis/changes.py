"""Changes to an estate for a drill: each takes an intent and gives another; nothing is changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from situs.intent.loader import NAMED
from situs.intent.references import check_references
from situs.model.error import InputError, Problem
from situs.model.estate import Link, OnDemand, Owned, Pool, Reserved, Site, Spot
from situs.model.intent import Intent
from situs.model.money import KwhPrice, Money
from situs.model.plan import Plan
from situs.model.workload import Workload
from situs.planner.previous import Continued, carried_out
from situs.policy.meant import meant

M = TypeVar("M", bound=BaseModel)


def with_price(intent: Intent, operator: str, factor: Decimal) -> Intent:
    """What ``operator`` (or the site of that name) charges, times ``factor``: nodes, storage and links."""
    sites = {name: site for name, site in intent.sites.items() if operator in (site.operator, name)}
    if not sites:
        known = {site.operator for site in intent.sites.values()} | set(intent.sites)
        raise InputError([Problem(f"there is no operator or site {operator!r}", fix=meant(operator, known))])
    changed = {name: _repriced_site(site, factor) for name, site in sites.items()}
    links = tuple(
        _updated(
            link,
            price=_times(link.price, factor),
            tiers=tuple(_updated(tier, price=_times(tier.price, factor)) for tier in link.tiers),
        )
        if link.source in sites
        else link
        for link in intent.links
    )
    return _updated(intent, sites={**intent.sites, **changed}, links=links)


def with_site_down(intent: Intent, name: str) -> Intent:
    """The estate without a site: nothing can run there, and its replicas cannot be read.

    What ran there still says so: it has to be started elsewhere, and that has a bill.
    """
    _named(intent.sites, name, "site")
    datasets = {
        key: _updated(dataset, replicas=tuple(r for r in dataset.replicas if r != name))
        for key, dataset in intent.datasets.items()
    }
    links = tuple(link for link in intent.links if name not in (link.source, link.target))
    sites = {key: value for key, value in intent.sites.items() if key != name}
    return _updated(intent, sites=sites, datasets=datasets, links=links)


def with_demand(intent: Intent, name: str, factor: float) -> Intent:
    """A workload (or all of a use case) asked for ``factor`` times as much."""
    chosen = {key: w for key, w in intent.workloads.items() if name in (key, w.use_case)}
    if not chosen:
        known = {*intent.workloads, *intent.use_cases}
        raise InputError([Problem(f"there is no workload or use case {name!r}", fix=meant(name, known))])
    return _updated(
        intent, workloads={**intent.workloads, **{key: _scaled(w, factor) for key, w in chosen.items()}}
    )


def with_kwh(intent: Intent, price: KwhPrice) -> Intent:
    """Electricity at one price everywhere, at every hour."""
    sites = {
        name: _updated(site, electricity=_updated(site.electricity, price=price, bands=()))
        if site.electricity
        else site
        for name, site in intent.sites.items()
    }
    return _updated(intent, sites=sites)


def with_more(intent: Intent, more: Intent) -> Intent:
    """Two estates as one; a name in both is an error."""
    there = {way for link in intent.links for way in _ways(link)}
    for link in more.links:
        if link not in intent.links and (again := sorted(there & _ways(link))):
            source, target = again[0]
            raise InputError(
                f"the way from {source!r} to {target!r} is in the estate already; leave it out of what is added"
            )
    links = (*intent.links, *(link for link in more.links if link not in intent.links))
    merged: dict[str, Any] = {"links": links}
    for part in ("sites", "locations", "datasets", "workloads", "use_cases", "rules"):
        one, two = getattr(intent, part), getattr(more, part)
        twice = sorted(set(one) & set(two))
        if twice:
            raise InputError(
                f"{part} {', '.join(twice)} are in the estate already; give the added ones other names"
            )
        merged[part] = {**one, **two}
    whole = _updated(intent, **merged)
    # Each may be sound alone, and the two wait for each other.
    names = {section: getattr(whole, section) for section in NAMED}
    problems = list(check_references(whole, lambda _: None, names))
    if problems:
        raise InputError(problems)
    return whole


def _ways(link: Link) -> set[tuple[str, str]]:
    back = {(link.target, link.source)} if link.both_ways else set()
    return {(link.source, link.target)} | back


def as_planned(intent: Intent, plan: Plan) -> Continued:
    """The estate once the plan is carried out: work stands where it decided, data too."""
    settled = carried_out(intent, plan)
    held: dict[str, list[str]] = {}
    for replica in plan.replicas:
        if replica.change != "drop":
            held.setdefault(replica.dataset, []).append(replica.site)
    datasets = {
        name: _updated(dataset, replicas=tuple(sorted(held.get(name, dataset.replicas))))
        for name, dataset in intent.datasets.items()
    }
    return Continued(_updated(settled.intent, datasets=datasets), settled.split)


def _repriced_site(site: Site, factor: Decimal) -> Site:
    pools = {name: _repriced_pool(pool, factor) for name, pool in site.pools.items()}
    storage = _updated(site.storage, price=_times(site.storage.price, factor))
    return _updated(site, pools=pools, storage=storage)


def _repriced_pool(pool: Pool, factor: Decimal) -> Pool:
    basis = pool.price
    if isinstance(basis, OnDemand | Spot):
        return _updated(pool, price=_updated(basis, price=_times(basis.price, factor)))
    if isinstance(basis, Reserved):
        return _updated(
            pool,
            price=_updated(basis, price=_times(basis.price, factor), upfront=_times(basis.upfront, factor)),
        )
    if isinstance(basis, Owned):
        return _updated(pool, price=_updated(basis, price=_times(basis.price, factor)))
    return pool


def _scaled(workload: Workload, factor: float) -> Workload:
    if workload.service is not None:
        service = workload.service
        return _updated(
            workload,
            service=_updated(
                service,
                requests_per_s=service.requests_per_s * factor,
                gb_per_month=service.gb_per_month * factor,
            ),
        )
    job = workload.job
    assert job is not None
    if job.per_month is not None:
        return _updated(workload, job=_updated(job, per_month=job.per_month * factor))
    return _updated(workload, count=max(1, round(workload.count * factor)))


def _times(price: Any, factor: Decimal) -> Any:
    if price is None:
        return None
    assert isinstance(price, Money)
    return price.model_copy(update={"amount": price.amount * factor})


def _updated(model: M, **changes: Any) -> M:
    """A copy with other values; models are immutable and their parts are checked when they are made."""
    return model.model_copy(update=changes)


def _named(mapping: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in mapping:
        raise InputError([Problem(f"there is no {what} {name!r}", fix=meant(name, mapping))])
    return mapping[name]
