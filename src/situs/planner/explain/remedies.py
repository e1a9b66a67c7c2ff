"""What could be different at a site, at a workload and at its data, nearest first.

Whether one of these changes lifts a refusal is for the rules to say; here they are only thought of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import combinations

from situs.model.estate import Administrators, KeyCustody, Link, Site, Tenancy
from situs.model.label import HIGHEST_LEVEL, Label
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit
from situs.planner.explain.labelled import Holder

Edits = tuple[Edit, ...]

MOST_MEASURES = 3
"""Encryption of three kinds is the most that one rule asks of a site at once."""

NOBODY = "name of the owner"
"""Stands for who would have to sign where the estate does not say whose the data are."""


def site_can_do(world: World, workload: str, name: str, label: Label) -> Iterator[Edits]:
    """What the operator of the site, or whoever waits for its answers, can do."""
    site = world.site(name)
    yield from ((edit,) for edit in _clearance(name, site))
    yield from _latency(world, workload, name)
    measures = [*_encryption(name, site), *_custody(name, site), *_tenancy(name, site)]
    yield from ((edit,) for edit in measures)
    yield from ((edit,) for edit in _administrators(world, name, site, label))
    for size in range(2, MOST_MEASURES + 1):
        yield from combinations(measures, size)


def owners_can_sign(
    world: World,
    workload: str,
    name: str,
    label: Label,
    datasets: Sequence[str],
    holders: Sequence[Holder],
    unsigned: Sequence[str],
) -> Iterator[Edits]:
    """What the owners of the workload and of its data can sign: leaving, lower labels, purpose, countries."""
    leaving = tuple(
        Edit(path=f"/datasets/{dataset}/may_leave", value=True, was=False)
        for dataset in datasets
        if not world.intent.datasets[dataset].may_leave
    )
    for size in range(1, len(leaving) + 1):
        yield from combinations(leaving, size)
    for dataset in unsigned:
        entry = world.intent.datasets[dataset]
        path = f"/datasets/{dataset}/declassified_by"
        yield (Edit(path=path, value=entry.owner or NOBODY, was=entry.declassified_by),)
    yield from _purposes(world, workload, label, holders)
    yield from _wider(world.site(name), holders)


def certified(
    name: str, site: Site, schemes: Sequence[str], begin: datetime, until: datetime
) -> tuple[Edit, ...]:
    """Each scheme certified from ``begin`` to ``until``: the certificate that lapses first is prolonged."""
    edits = []
    for scheme in schemes:
        covered, last = begin, None
        ordered = sorted(enumerate(site.certificates), key=lambda entry: entry[1].valid_from)
        for number, held in ordered:
            if held.scheme == scheme and held.valid_from <= covered < held.valid_until:
                covered, last = held.valid_until, number
        if last is None:
            value = {"scheme": scheme, "valid_from": begin.isoformat(), "valid_until": until.isoformat()}
            edits.append(Edit(path=f"/sites/{name}/certificates/-", value=value))
        elif covered < until:
            path = f"/sites/{name}/certificates/{last}/valid_until"
            edits.append(Edit(path=path, value=until.isoformat(), was=covered.isoformat()))
    return tuple(edits)


def _clearance(name: str, site: Site) -> Iterator[Edit]:
    for level in range(site.clearance + 1, HIGHEST_LEVEL + 1):
        yield Edit(path=f"/sites/{name}/clearance", value=level, was=site.clearance)


def _encryption(name: str, site: Site) -> Iterator[Edit]:
    for what in ("at_rest", "in_transit", "in_use"):
        if not getattr(site.encryption, what):
            yield Edit(path=f"/sites/{name}/encryption/{what}", value=True, was=False)


def _custody(name: str, site: Site) -> Iterator[Edit]:
    steps = list(KeyCustody)
    for custody in steps[steps.index(site.key_custody) + 1 :]:
        yield Edit(path=f"/sites/{name}/key_custody", value=custody.value, was=site.key_custody.value)


def _tenancy(name: str, site: Site) -> Iterator[Edit]:
    steps = list(Tenancy)
    for tenancy in steps[steps.index(site.tenancy) + 1 :]:
        yield Edit(path=f"/sites/{name}/tenancy", value=tenancy.value, was=site.tenancy.value)


def _administrators(world: World, name: str, site: Site, label: Label) -> Iterator[Edit]:
    """Own people; or those who sit where they may; or somebody in the site's country, or the first allowed."""
    people = site.administrators
    path = f"/sites/{name}/administrators"
    if people.employer != "self":
        yield Edit(path=f"{path}/employer", value="self", was=people.employer)
    allowed = _countries(world, label)
    for countries in (people.countries & allowed, frozenset({site.country}), frozenset(sorted(allowed)[:1])):
        if countries and countries != people.countries:
            yield Edit(path=f"{path}/countries", value=sorted(countries), was=sorted(people.countries))
    own = Administrators(employer="self")
    if people not in (own, Administrators()):
        was = people.model_dump(mode="json") | {"countries": sorted(people.countries)}
        yield Edit(path=path, value={"employer": "self"}, was=was)


def _countries(world: World, label: Label) -> frozenset[str]:
    """Countries the label allows now."""
    found: set[str] = set()
    for name in label.jurisdictions or ():
        group = world.facts.group(name, world.at, world.policy.off)
        found |= {name} if group is None else group
    # Where nobody can sit, because it does not exist, nobody can be moved to.
    return frozenset(found & world.facts.country_names.keys())


def _latency(world: World, workload: str, site: str) -> Iterator[Edits]:
    """The limits are raised to what the links have; where nobody has measured, it is found to be enough."""
    edits = []
    for number, limit in enumerate(world.intent.workloads[workload].latency):
        link = world.link(site, limit.location)
        if link is None or link.latency is None:
            edits.append(_measured(world, site, limit.location, link, limit.limit))
        elif link.latency > limit.limit:
            path = f"/workloads/{workload}/latency/{number}/limit"
            edits.append(Edit(path=path, value=link.latency, was=limit.limit))
    if edits:
        yield tuple(edits)


def _measured(world: World, site: str, location: str, link: Link | None, latency: float) -> Edit:
    """The link between the two, with a latency. Where only a general one leads there, it gets its own."""
    content: dict[str, object] = {}
    if link is not None:
        content = link.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    value = {**content, "from": site, "to": location, "latency": latency}
    value.pop("both_ways", None)
    for number, known in enumerate(world.intent.links[world.links_added :]):
        if (known.source, known.target) == (site, location):
            if known.both_ways:
                value["both_ways"] = True
            return Edit(path=f"/links/{number}", value=value, was=content)
    return Edit(path="/links/-", value=value)


def _purposes(world: World, workload: str, label: Label, holders: Sequence[Holder]) -> Iterator[Edits]:
    """Another purpose is stated, or consent is given for the one that is, or both where neither will do."""
    before = world.intent.workloads[workload].purpose
    for purpose in sorted(label.purposes or ()):
        if purpose != before:
            yield (Edit(path=f"/workloads/{workload}/purpose", value=purpose, was=before),)
    if before is not None:
        yield _consent(before, holders)
        return
    for purpose in sorted({given for holder in holders for given in holder.label.purposes or ()}):
        stated = Edit(path=f"/workloads/{workload}/purpose", value=purpose, was=before)
        yield (stated, *_consent(purpose, holders))


def _consent(purpose: str, holders: Sequence[Holder]) -> Edits:
    """The purpose is added to every label that lacks it."""
    return tuple(
        Edit(
            path=f"{holder.path}/purposes",
            value=sorted(holder.label.purposes | {purpose}),
            was=sorted(holder.label.purposes),
        )
        for holder in holders
        if holder.label.purposes is not None and purpose not in holder.label.purposes
    )


def _wider(site: Site, holders: Sequence[Holder]) -> Iterator[Edits]:
    """Further countries allowed: those of the site, operator, parent, administrators; as few as will do."""
    known = {site.country, site.operator_country, site.parent_country, *site.administrators.countries}
    countries = sorted(country for country in known if country)
    for size in range(1, len(countries) + 1):
        for chosen in combinations(countries, size):
            edits = tuple(
                Edit(
                    path=f"{holder.path}/jurisdictions",
                    value=sorted(holder.label.jurisdictions | set(chosen)),
                    was=sorted(holder.label.jurisdictions),
                )
                for holder in holders
                if holder.label.jurisdictions is not None and not set(chosen) <= holder.label.jurisdictions
            )
            if edits:
                yield edits
