"""Every name must lead somewhere: cross references, circles, and data with two makers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from graphlib import CycleError, TopologicalSorter

from situs.model.error import Position, Problem
from situs.model.intent import Intent
from situs.model.network import ANY

Locate = Callable[[tuple[str | int, ...]], Position | None]


def check_references(intent: Intent, locate: Locate) -> Iterator[Problem]:
    """Problems with names, each at the place where the name stands."""
    yield from _links(intent, locate)
    yield from _datasets(intent, locate)
    yield from _workloads(intent, locate)
    yield from _circles(intent, locate)


def _missing(kind: str, name: str, known: Collection[str], at: Position | None) -> Problem:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    fix = (
        f"did you mean {close[0]}?"
        if close
        else (f"there are {', '.join(sorted(known)[:8])}" if known else None)
    )
    return Problem(f"there is no {kind} {name!r}", at, fix)


def _links(intent: Intent, locate: Locate) -> Iterator[Problem]:
    for number, link in enumerate(intent.links):
        if link.source != ANY and link.source not in intent.sites:
            yield _missing("site", link.source, intent.sites, locate(("links", number, "from")))
        if link.target != ANY and link.target not in intent.sites and link.target not in intent.locations:
            places = [*intent.sites, *intent.locations]
            yield _missing("site or location", link.target, places, locate(("links", number, "to")))
    for name in sorted(set(intent.sites) & set(intent.locations)):
        yield Problem(
            f"{name!r} is both a site and a location", locate(("locations", name)), "rename the location"
        )


def _datasets(intent: Intent, locate: Locate) -> Iterator[Problem]:
    for name, dataset in intent.datasets.items():
        for number, site in enumerate(dataset.replicas):
            if site not in intent.sites:
                yield _missing("site", site, intent.sites, locate(("datasets", name, "replicas", number)))
        if len(set(dataset.replicas)) != len(dataset.replicas):
            yield Problem(
                f"dataset {name!r} names a site twice",
                locate(("datasets", name, "replicas")),
                "one replica a site",
            )
        if dataset.max_copies is not None and dataset.max_copies < dataset.min_copies:
            yield Problem(
                f"dataset {name!r}: max_copies is less than min_copies",
                locate(("datasets", name, "max_copies")),
            )


def _workloads(intent: Intent, locate: Locate) -> Iterator[Problem]:
    maker: dict[str, str] = {}
    for name, workload in intent.workloads.items():
        at = ("workloads", name)
        if workload.use_case is not None and workload.use_case not in intent.use_cases:
            yield _missing("use case", workload.use_case, intent.use_cases, locate((*at, "use_case")))
        for number, item in enumerate(workload.inputs):
            if item.dataset not in intent.datasets:
                yield _missing(
                    "dataset", item.dataset, intent.datasets, locate((*at, "inputs", number, "dataset"))
                )
        for number, output in enumerate(workload.outputs):
            here = locate((*at, "outputs", number, "dataset"))
            if output.dataset not in intent.datasets:
                yield _missing("dataset", output.dataset, intent.datasets, here)
            elif output.dataset in maker and maker[output.dataset] != name:
                yield Problem(
                    f"dataset {output.dataset!r} is made by {maker[output.dataset]!r} and {name!r}",
                    here,
                    "give each its own output",
                )
            maker.setdefault(output.dataset, name)
        for number, limit in enumerate(workload.latency):
            if limit.location not in intent.locations:
                yield _missing(
                    "location", limit.location, intent.locations, locate((*at, "latency", number, "location"))
                )
        for field in ("after", "affinity"):
            for other in sorted(getattr(workload, field)):
                if other not in intent.workloads:
                    yield _missing("workload", other, intent.workloads, locate((*at, field)))
                elif other == name:
                    yield Problem(f"workload {name!r} names itself in {field}", locate((*at, field)))
        current = workload.current
        if current is not None:
            if current.site not in intent.sites:
                yield _missing("site", current.site, intent.sites, locate((*at, "current", "site")))
            elif current.pool is not None and current.pool not in intent.sites[current.site].pools:
                pools = intent.sites[current.site].pools
                yield _missing("pool", f"{current.pool}", pools, locate((*at, "current", "pool")))


def _circles(intent: Intent, locate: Locate) -> Iterator[Problem]:
    order = {
        name: [o for o in workload.after if o in intent.workloads]
        for name, workload in intent.workloads.items()
    }
    if (circle := _circle(order)) is not None:
        yield Problem(
            f"workloads wait for each other: {' → '.join(circle)}",
            locate(("workloads", circle[0], "after")),
            "leave one of them out",
        )
    lineage: dict[str, list[str]] = {}
    for workload in intent.workloads.values():
        inputs = [item.dataset for item in workload.inputs]
        for output in workload.outputs:
            entry = intent.datasets.get(output.dataset)
            if entry is None or entry.declassified is None:
                lineage.setdefault(f"{output.dataset}", []).extend(inputs)
    if (circle := _circle(lineage)) is not None:
        yield Problem(
            f"data come from themselves: {' → '.join(circle)}",
            locate(("datasets", circle[0])),
            "write the result to a new dataset",
        )


def _circle(graph: dict[str, list[str]]) -> list[str] | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return None
