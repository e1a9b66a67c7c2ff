"""Replicas: where copies of data may be, what keeping one costs, and how a workload gets at its data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from situs.model.data import Dataset
from situs.model.network import ANY
from situs.model.quantity import HOURS_PER_MONTH
from situs.model.refusal import Refusal
from situs.model.workload import Workload
from situs.planner.compile.assembly import Assembly
from situs.planner.compile.transport import Transport
from situs.planner.compile.world import World
from situs.planner.problem import Flags

MOST_SOURCES = 4
"""Remote replicas that are considered for each input at a site, cheapest to read first. A fifth-cheapest
source only matters when four cheaper replicas of the same data are all closed, and every one more multiplies
the ways to read several inputs."""

MOST_WAYS = 64
"""Ways to combine the sources of all inputs and outputs at one site, cheapest first."""


@dataclass(frozen=True)
class Way:
    """One way for a workload at a site to get at all its data."""

    reads: tuple[tuple[str, str], ...]
    """(dataset, site of the replica)"""
    writes: tuple[tuple[str, str], ...]
    cost: float
    """of transfers within the horizon, where links have one price"""
    listed: float
    """the same with tiered links at their list price; for ranking and for showing"""
    extra: tuple[tuple[int, float], ...]
    needs: tuple[int, ...]
    ready_h: float = 0.0
    """from the plan's instant until the last new copy that it reads has come over"""
    read_h: float = 0.0
    """what is read over links takes so long, once it runs"""
    write_h: float = 0.0
    """what is written over links takes so long, after it ran"""


@dataclass(frozen=True)
class Copy:
    """A possible replica and what it costs in the horizon."""

    open: int
    dataset: str
    site: str
    exists: bool
    source: str | None
    """where a new one is copied from"""
    storage: float
    direct: float
    """cost of the first copy and of keeping it fresh, where the link has one price"""
    transfer: float
    """the same at list price, tiered links included"""
    ready_h: float


class Replicas:
    """All possible replicas as opens of the problem."""

    def __init__(
        self, world: World, assembly: Assembly, transport: Transport, *, copies_wanted: bool = True
    ) -> None:
        """``copies_wanted``: False where storage cannot hold all that are asked for; only what is there is then."""
        self._world = world
        self._copies_wanted = copies_wanted
        self._assembly = assembly
        self._transport = transport
        self.copies: dict[tuple[str, str], Copy] = {}
        producers: dict[str, list[str]] = {}
        for name, workload in sorted(world.intent.workloads.items()):
            for output in workload.outputs:
                producers.setdefault(output.dataset, []).append(name)
        self._producers = producers
        for name in sorted(world.intent.datasets):
            self._add(name, world.intent.datasets[name])

    def _add(self, name: str, dataset: Dataset) -> None:
        world = self._world
        allowed = world.policy.dataset_mask(name)
        sources = {
            site: source
            for k, site in enumerate(world.site_names)
            if allowed[k]
            and (source := self._source(name, dataset, site)) is not None
            and self._has_room(dataset, site)
        }
        # What may be nowhere at all, or cannot get there, stays where it is; posture and the refusals say
        # that it may not.
        sources = sources or {site: site for site in world.site_names if site in dataset.replicas}
        sites = list(sources)
        if not sites:
            return
        produced = name in self._producers
        most = dataset.max_copies or (max(dataset.min_copies, 1) if produced else len(sites))
        there = len(sites) if self._copies_wanted else sum(site in dataset.replicas for site in sites)
        least = min(dataset.min_copies, there)
        group = self._assembly.group(("dataset", name), least, max(most, least))
        for site, source in sources.items():
            self.copies[name, site] = self._copy(name, dataset, site, source, group)

    def _source(self, name: str, dataset: Dataset, site: str) -> str | None:
        """Where a replica at the site comes from: what is there, or is made there, from itself; None: from nowhere."""
        if site in dataset.replicas or not dataset.replicas:
            return site
        source = self._best_source(name, dataset, site)
        if source is None:
            return None
        link = self._world.link(source, site)
        return None if _too_slow(dataset, link.bandwidth if link else None) else source

    def _has_room(self, dataset: Dataset, site: str) -> bool:
        """Whether the site could hold a copy if it held nothing else; what is there has its room."""
        capacity = self._world.site(site).storage.capacity_gb
        return (
            capacity is None
            or site in dataset.replicas
            or grown(dataset, self._world.months) <= capacity + 1e-9
        )

    @cached_property
    def _held_gb(self) -> Mapping[str, float]:
        """What each site holds today, with its growth: a storage that is too full already is full, not impossible."""
        held: dict[str, float] = defaultdict(float)
        for dataset in self._world.intent.datasets.values():
            for site in dataset.replicas:
                held[site] += grown(dataset, self._world.months)
        return held

    def unmet(self, opened: Flags) -> Iterator[Refusal]:
        """Datasets with fewer copies than they should have."""
        for name, dataset in sorted(self._world.intent.datasets.items()):
            copies = sum(bool(opened[copy.open]) for copy in self.copies.values() if copy.dataset == name)
            if copies < dataset.min_copies:
                details = {"dataset": name, "copies": str(copies), "wanted": str(dataset.min_copies)}
                yield Refusal(rule="copies", details=details)

    def _copy(self, name: str, dataset: Dataset, site: str, origin: str, group: int) -> Copy:
        world = self._world
        exists = site in dataset.replicas
        size_gb = grown(dataset, world.months)
        storage = size_gb * world.storage_price(site) * world.months
        cost, source, ready = storage, None, 0.0
        uses: list[tuple[int, float]] = []
        direct = transfer = 0.0
        if origin != site:
            source, link = origin, world.link(origin, site)
            gb = dataset.size_gb + dataset.changes_gb_per_month * world.months
            direct, rows = self._transport.send(link, gb)
            transfer = self._transport.about(link, gb)
            uses.extend(rows)
            cost += direct
            ready = self._transport.hours(link, dataset.size_gb)
        capacity = world.site(site).storage.capacity_gb
        if capacity is not None:
            room = max(capacity, self._held_gb.get(site, 0.0))
            uses.append((self._assembly.row(("storage", site), room), size_gb))
        number = self._assembly.open(("replica", name, site), cost, group, uses)
        return Copy(number, name, site, exists, source, storage, direct, transfer, ready)

    def _best_source(self, name: str, dataset: Dataset, site: str) -> str | None:
        """The existing replica it is cheapest to copy from over a path the rules allow."""
        usable = [
            source
            for source in sorted(dataset.replicas)
            if self._world.link(source, site) is not None
            and not self._world.policy.transfer_refusals(name, source, site)
        ]
        return min(
            usable,
            key=lambda source: (
                self._transport.about(self._world.link(source, site), dataset.size_gb),
                source,
            ),
            default=None,
        )

    def ways(self, workload: Workload, site: str, runs: float) -> list[Way]:
        """All ways (up to the limits above) for ``workload`` to get at its data, and to its users, from ``site``.

        ``runs`` is how often it reads and writes within the horizon.  Empty: it cannot get at them.
        """
        ways = [self._answers(workload, site, runs)]
        for item in workload.inputs:
            dataset = self._world.intent.datasets[item.dataset]
            gb = dataset.size_gb if item.reads_gb is None else item.reads_gb
            sources = self._sources(item.dataset, site, gb * runs, outward=False, remote=item.remote)
            ways = [_extended(way, source, read=True) for way in ways for source in sources]
            ways = sorted(ways, key=lambda way: (way.listed, way.reads))[:MOST_WAYS]
        for output in workload.outputs:
            dataset = self._world.intent.datasets[output.dataset]
            gb = dataset.size_gb if output.writes_gb is None else output.writes_gb
            homes = self._sources(output.dataset, site, gb * runs, outward=True, remote=True)
            ways = [_extended(way, home, read=False) for way in ways for home in homes]
            ways = sorted(ways, key=lambda way: (way.listed, way.reads, way.writes))[:MOST_WAYS]
        return ways

    def _answers(self, workload: Workload, site: str, months: float) -> Way:
        """What a service sends to its users: in equal parts to the places it has limits for, else to anywhere."""
        service = workload.service
        if service is None or not service.gb_per_month:
            return Way((), (), 0.0, 0.0, (), ())
        locations = [limit.location for limit in workload.latency] or [ANY]
        gb = service.gb_per_month * months / len(locations)
        cost = listed = 0.0
        extra: list[tuple[int, float]] = []
        for location in locations:
            link = self._world.link(site, location)
            direct, rows = self._transport.send(link, gb)
            cost += direct
            listed += self._transport.about(link, gb)
            extra.extend(rows)
        return Way((), (), cost, listed, tuple(extra), ())

    def _sources(self, name: str, site: str, gb: float, *, outward: bool, remote: bool) -> list[_Source]:
        """The replica at the site, and the cheapest ones elsewhere that the rules let it reach."""
        here = self.copies.get((name, site))
        found = [] if here is None else [_Source(here, 0.0, 0.0, (), 0.0)]
        if not remote:
            return found
        elsewhere = []
        for other in self._world.site_names:
            copy = self.copies.get((name, other))
            if copy is None or other == site:
                continue
            ends = (site, other) if outward else (other, site)
            link = self._world.link(*ends)
            if link is None or self._world.policy.transfer_refusals(name, *ends):
                continue
            cost, extra = self._transport.send(link, gb)
            listed = self._transport.about(link, gb)
            once = self._transport.hours(link, gb)
            elsewhere.append(_Source(copy, cost, listed, extra, once))
        elsewhere.sort(key=lambda source: (source.listed, not source.copy.exists, source.copy.site))
        return found + elsewhere[:MOST_SOURCES]


@dataclass(frozen=True)
class _Source:
    copy: Copy
    cost: float
    listed: float
    extra: tuple[tuple[int, float], ...]
    hours: float


def _extended(way: Way, source: _Source, *, read: bool) -> Way:
    copy = source.copy
    pair = ((copy.dataset, copy.site),)
    return Way(
        reads=way.reads + pair if read else way.reads,
        writes=way.writes if read else way.writes + pair,
        cost=way.cost + source.cost,
        listed=way.listed + source.listed,
        extra=way.extra + source.extra,
        needs=(*way.needs, copy.open),
        ready_h=max(way.ready_h, copy.ready_h) if read else way.ready_h,
        read_h=max(way.read_h, source.hours) if read else way.read_h,
        write_h=way.write_h if read else max(way.write_h, source.hours),
    )


def grown(dataset: Dataset, months: float) -> float:
    """Mean size in GB over the horizon."""
    return float(dataset.size_gb * (1.0 + dataset.growth_per_month * months / 2.0))


def _too_slow(dataset: Dataset, bandwidth_gbit_s: float | None) -> bool:
    """Whether a link cannot keep a replica fresh: changes come in faster than they go over."""
    if dataset.freshness is None or bandwidth_gbit_s is None:
        return False
    return bool(dataset.changes_gb_per_month * 8.0 / 3600.0 / HOURS_PER_MONTH > bandwidth_gbit_s)
