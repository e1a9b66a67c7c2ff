"""Every name must lead somewhere: cross references, circles, and data with two makers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from situs.intent.hints import Hints, shortened, strange_letter
from situs.model.error import Position, Problem
from situs.model.intent import Intent
from situs.model.network import ANY
from situs.model.rule import Match

Locate = Callable[[tuple[str | int, ...]], Position | None]
Names = Mapping[str, Collection[str]]


def check_references(intent: Intent, locate: Locate, names: Names) -> Iterator[Problem]:
    """Problems with names, each at the place where the name stands.

    ``names`` has all that is written in each section, also entries that are not in ``intent`` because
    something else is wrong with them.
    """
    return _Check(intent, locate, names).problems()


class _Check:
    def __init__(self, intent: Intent, locate: Locate, names: Names) -> None:
        self._intent = intent
        self._locate = locate
        self._names = names
        self._hints = Hints()

    def problems(self) -> Iterator[Problem]:
        yield from self._links()
        yield from self._datasets()
        yield from self._workloads()
        yield from self._fronts()
        yield from self._queues()
        yield from self._rules()
        yield from self._circles()

    def _missing(self, kind: str, name: str, known: Collection[str], *path: str | int) -> Problem:
        shown = repr(shortened(name, 150))
        if (letter := strange_letter(name)) is not None:
            return Problem(
                f"there is no {kind} {shown}; it contains {letter}, which is not an ASCII letter",
                self._locate(path), "type the name with plain letters",
            )  # fmt: skip
        fix = self._hints.likely(name, known)
        if fix is None and known:
            some = sorted(known)[:8] if len(known) < 1000 else []
            fix = f"there are {', '.join(some)}{', ...' if len(known) > len(some) else ''}" if some else None
        return Problem(f"there is no {kind} {shown}", self._locate(path), fix)

    def _fronts(self) -> Iterator[Problem]:
        """One address takes requests for one service."""
        first: dict[str, str] = {}
        for name, workload in self._intent.workloads.items():
            listen = workload.service.listen if workload.service is not None else None
            if listen is None:
                continue
            other = first.setdefault(listen, name)
            if other != name:
                yield Problem(
                    f"{listen!r} takes the requests for {other!r} already, at "
                    f"{self._locate(('workloads', other, 'service', 'listen'))}",
                    self._locate(("workloads", name, "service", "listen")), "give it another port",
                )  # fmt: skip

    def _links(self) -> Iterator[Problem]:
        sites, locations = self._names["sites"], self._names["locations"]
        first: dict[tuple[str, str], int] = {}
        for number, link in enumerate(self._intent.links):
            if link.source != ANY and link.source not in sites:
                yield self._missing("site", link.source, sites, "links", number, "from")
            if link.target != ANY and link.target not in sites and link.target not in locations:
                places = [*sites, *locations]
                yield self._missing("site or location", link.target, places, "links", number, "to")
            ways = {(link.source, link.target)} | ({(link.target, link.source)} if link.both_ways else set())
            for source, target in sorted(ways):
                other = first.setdefault((source, target), number)
                if other != number:
                    yield Problem(
                        f"the way from {source!r} to {target!r} is given a second time; the first is at "
                        f"{self._locate(('links', other))}",
                        self._locate(("links", number)),
                        "keep one of them, or leave both_ways out",
                    )
        for name in sorted(set(sites) & set(locations)):
            what = f"{name!r} is both a site and a location"
            yield Problem(what, self._locate(("locations", name)), "rename the location")

    def _datasets(self) -> Iterator[Problem]:
        for name, dataset in self._intent.datasets.items():
            at = ("datasets", name)
            for number, site in enumerate(dataset.replicas):
                if site not in self._names["sites"]:
                    yield self._missing("site", site, self._names["sites"], *at, "replicas", number)
            if len(set(dataset.replicas)) != len(dataset.replicas):
                what = f"dataset {name!r} names a site twice"
                yield Problem(what, self._locate((*at, "replicas")), "one replica a site")
            if dataset.max_copies is not None and dataset.max_copies < dataset.min_copies:
                what = f"max_copies {dataset.max_copies} is less than min_copies {dataset.min_copies}"
                yield Problem(f"dataset {name!r}: {what}", self._locate((*at, "max_copies")))

    def _workloads(self) -> Iterator[Problem]:
        intent, names, locate = self._intent, self._names, self._locate
        maker: dict[str, str] = {}
        for name, workload in intent.workloads.items():
            at = ("workloads", name)
            if workload.use_case is not None and workload.use_case not in names["use_cases"]:
                yield self._missing("use case", workload.use_case, names["use_cases"], *at, "use_case")
            for number, item in enumerate(workload.inputs):
                if item.dataset not in names["datasets"]:
                    yield self._missing(
                        "dataset", item.dataset, names["datasets"], *at, "inputs", number, "dataset"
                    )
            for number, output in enumerate(workload.outputs):
                here = (*at, "outputs", number, "dataset")
                if output.dataset not in names["datasets"]:
                    yield self._missing("dataset", output.dataset, names["datasets"], *here)
                elif output.dataset in maker and maker[output.dataset] != name:
                    yield Problem(
                        f"dataset {output.dataset!r} is made by {maker[output.dataset]!r} and {name!r}",
                        locate(here),
                        "give each its own output",
                    )
                maker.setdefault(output.dataset, name)
            for number, site in enumerate(workload.checkpoint.kept_at if workload.checkpoint else ()):
                if site not in names["sites"]:
                    yield self._missing("site", site, names["sites"], *at, "checkpoint", "kept_at", number)
            for number, limit in enumerate(workload.latency):
                if limit.location not in names["locations"]:
                    path = (*at, "latency", number, "location")
                    yield self._missing("location", limit.location, names["locations"], *path)
            for field in ("after", "affinity"):
                for other in sorted(getattr(workload, field)):
                    if other not in names["workloads"]:
                        yield self._missing("workload", other, names["workloads"], *at, field)
                    elif other == name:
                        yield Problem(f"workload {name!r} names itself in {field}", locate((*at, field)))
                    elif field == "after" and other in intent.workloads and intent.workloads[other].service:
                        yield Problem(
                            f"workload {name!r} waits for the end of {other!r}, a service, which has none",
                            locate((*at, field)),
                            f"leave {other!r} out of after, or name the job whose result the service needs",
                        )
            current = workload.current
            if current is not None:
                if current.site not in names["sites"]:
                    yield self._missing("site", current.site, names["sites"], *at, "current", "site")
                elif current.pool is not None and current.site in intent.sites:
                    pools = intent.sites[current.site].pools
                    if current.pool not in pools:
                        kind = f"pool of {current.site}"
                        yield self._missing(kind, current.pool, list(pools), *at, "current", "pool")

    def _queues(self) -> Iterator[Problem]:
        for name, queue in self._intent.queues.items():
            yield from self._unknown("site", queue.sites or (), self._names["sites"], "queues", name, "sites")
            if queue.project is not None:
                given, known = (queue.project,), self._names["use_cases"]
                yield from self._unknown("use case", given, known, "queues", name, "project")

    def _rules(self) -> Iterator[Problem]:
        """A rule that selects a name which does not exist would silently hold for nothing."""
        names = self._names
        subjects = [*names["workloads"], *names["datasets"]]
        for name, rule in self._intent.rules.items():
            for field in ("applies_to", "only_at", "never_at"):
                match: Match | None = getattr(rule, field)
                if match is None:
                    continue
                at = ("rules", name, field)
                if field == "applies_to":
                    yield from self._unknown("workload or dataset", match.name, subjects, *at, "name")
                    yield from self._unknown("use case", match.use_case, names["use_cases"], *at, "use_case")
                else:
                    yield from self._unknown("site", match.name, names["sites"], *at, "name")

    def _unknown(
        self, kind: str, given: Iterable[str], known: Collection[str], *path: str | int
    ) -> Iterator[Problem]:
        for name in sorted(given):
            if name not in known:
                yield self._missing(kind, name, known, *path)

    def _circles(self) -> Iterator[Problem]:
        workloads = self._intent.workloads
        waiting = {
            name: [other for other in workload.after if other in workloads and other != name]
            for name, workload in workloads.items()
        }
        if (circle := _circle(waiting)) is not None:
            yield Problem(
                f"workloads wait for each other: {circle_text(circle)}",
                self._locate(("workloads", circle[0], "after")),
                "leave one of them out",
            )
        lineage: dict[str, list[str]] = {}
        for workload in workloads.values():
            inputs = [item.dataset for item in workload.inputs]
            for output in workload.outputs:
                entry = self._intent.datasets.get(output.dataset)
                # Only a declassification that somebody signed ends what a label inherits.
                if entry is None or entry.declassified is None or not entry.declassified_by:
                    lineage.setdefault(output.dataset, []).extend(inputs)
        if (circle := _circle(lineage)) is not None:
            yield Problem(
                f"data come from themselves: {circle_text(circle)}",
                self._locate(("datasets", circle[0])),
                "write the result to a new dataset",
            )


def circle_text(circle: list[str]) -> str:
    """A circle as it is read, without the middle of a long one."""
    shown = circle if len(circle) <= 12 else [*circle[:6], "...", *circle[-5:]]
    return " → ".join(shown)


def _circle(graph: dict[str, list[str]]) -> list[str] | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # The same circle is told from the same place, whatever the order of the files.
        circle = [str(name) for name in error.args[1]][:-1]
        first = circle.index(min(circle))
        return [*circle[first:], *circle[:first], circle[first]]
    return None
