"""The control plane in figures, as Prometheus reads them.

What this process does is counted as it happens, and begins at nothing when it is started anew, as counters may.  How
things stand, and what they cost, is read from the database when somebody asks, at most every few seconds.  No label
takes more values than the estate has sites and use cases; workloads are told of by traces and by history.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Float, cast, func, select

from situs.control import views
from situs.control.acts import Done
from situs.control.checkpoints.standing import kept
from situs.control.observe import Look
from situs.control.watcher import Watcher
from situs.model.error import InputError
from situs.store.database import Database, DatabaseAway, clock
from situs.store.events import Event
from situs.store.steps import Entry
from situs.store.tables import usage
from situs.version import __version__

FRESH_S = 5.0
"""Who asks more often is given what was read last."""
MOST_SERIES = 1000
"""Of one metric; what goes beyond is counted as ``other``."""
STEP_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300)
TURN_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


class Metrics(Watcher):
    """All figures of one process."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        self._leads = Gauge("situs_leader", "1 when this process leads, 0 when it stands by", **own)
        self._turns = Histogram(
            "situs_turn_duration_seconds", "One turn of deciding and writing", buckets=TURN_S, **own
        )
        self._steps = Counter("situs_steps", "Steps done at sites", ["kind", "outcome", "site"], **own)
        self._took = Histogram(
            "situs_step_duration_seconds", "One step at a site", ["kind"], buckets=STEP_S, **own
        )
        self._looks = Counter("situs_looks", "Looks at sites", ["site", "outcome"], **own)
        self._up = Gauge("situs_site_up", "1 when the site answered the last look", ["site"], **own)
        self._ahead = Gauge("situs_site_clock_ahead_seconds", "The site's clock before ours", ["site"], **own)
        self._events = Counter("situs_events", "Events written", ["kind"], **own)
        build = Gauge("situs_build_info", "The version that runs", ["version"], **own)
        build.labels(__version__).set(1)
        self._looked: dict[str, float] = {}
        self._standing = _Standing(database, self._looked)
        self.registry.register(self._standing)

    def leading(self, token: int | None) -> None:
        self._leads.set(0 if token is None else 1)
        if token is None:
            self._looked.clear()

    def turned(self, seconds: float) -> None:
        self._turns.observe(seconds)

    def looked(self, look: Look) -> None:
        site, ok = look.sight.site, look.sight.ok
        self._looked[site] = time.monotonic()
        self._looks.labels(site, "ok" if ok else "failed").inc()
        self._up.labels(site).set(int(ok))
        self._ahead.labels(site).set(look.health.clock_ahead_s)

    def stepped(self, done: Done) -> None:
        failed = done.result.error is not None and not done.result.broken
        self._steps.labels(done.step.kind, "failed" if failed else "done", done.step.site).inc()
        self._took.labels(done.step.kind).observe(done.took_s)

    def wrote(self, events: Sequence[Event], entries: Sequence[Entry]) -> None:
        for event in events:
            self._events.labels(event.kind).inc()


class _Standing:
    """How units stand and what they cost, read from the database when it is asked for."""

    def __init__(self, database: Database, looked: dict[str, float]) -> None:
        self._database = database
        self._looked = looked
        self._reading = threading.Lock()
        self._read_at = float("-inf")
        self._cost: dict[tuple[str, ...], float] = defaultdict(float)
        self._counted = 0
        self._read: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Nothing is asked of the database when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        ages = GaugeMetricFamily("situs_site_look_age_seconds", "Since the last look", labels=["site"])
        for site, at in dict(self._looked).items():
            ages.add_metric([site], time.monotonic() - at)
        yield ages
        with self._reading:
            if time.monotonic() - self._read_at > FRESH_S:
                answers = GaugeMetricFamily("situs_database_up", "1 when the database answered")
                try:
                    self._read = [self._units(), self._costs(), *self._checkpoints()]
                    answers.add_metric([], 1)
                except DatabaseAway:
                    # What was read before would be taken for how things stand now.
                    self._read = []
                    answers.add_metric([], 0)
                self._read.append(answers)
                self._read_at = time.monotonic()
            yield from self._read

    def _units(self) -> Metric:
        family = GaugeMetricFamily(
            "situs_units", "Units by how they stand and where", labels=["state", "site"]
        )
        units = views.overview(self._database).units
        counted: dict[tuple[str, ...], float] = defaultdict(float)
        for unit in units:
            counted[unit.standing, unit.site or unit.wanted_site or ""] += 1
        for labels, count in _bounded(counted):
            family.add_metric(labels, count)
        return family

    def _checkpoints(self) -> Iterator[Metric]:
        """By where they are kept; of age counts the newest one of each unit."""
        count, newest = defaultdict[tuple[str, ...], float](float), dict[tuple[str, str, int], datetime]()
        with self._database.read() as connection:
            now = clock(connection)
            for workload, each in kept(connection):
                count[each.site,] += 1
                newest.setdefault((each.site, workload, each.unit), each.at)
        oldest: dict[tuple[str, ...], float] = {}
        for (site, *_), at in newest.items():
            oldest[site,] = max(oldest.get((site,), 0.0), (now - at).total_seconds())
        there = GaugeMetricFamily("situs_checkpoints", "Checkpoints that are kept elsewhere", labels=["site"])
        ages = GaugeMetricFamily(
            "situs_checkpoint_age_seconds", "Of the unit whose newest one is the oldest", labels=["site"]
        )
        for family, values in ((there, count), (ages, oldest)):
            for labels, value in _bounded(values):
                family.add_metric(labels, value)
            yield family

    def _costs(self) -> Metric:
        family = CounterMetricFamily(
            "situs_cost",
            "What runs and idle capacity have cost",
            labels=["use_case", "site", "kind", "currency"],
        )
        keys = (usage.c.use_case, usage.c.site, usage.c.kind, usage.c.currency)
        amount, last = func.sum(cast(usage.c.amount, Float)), func.max(usage.c.seq)
        wanted = select(*keys, amount, last).where(usage.c.seq > self._counted).group_by(*keys)
        with self._database.read() as connection:
            # The ledger only ever grows, so what was added up once is added up for good.
            for *parts, more, seq in connection.execute(wanted):
                self._cost[tuple(part or "" for part in parts)] += more
                self._counted = max(self._counted, seq)
        for labels, total in _bounded(self._cost):
            family.add_metric(labels, total)
        return family


def _bounded(counted: Mapping[tuple[str, ...], float]) -> Iterator[tuple[Sequence[str], float]]:
    """The largest ones, and the sum of all others."""
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    yield from ordered[:MOST_SERIES]
    if rest := sum(count for _, count in ordered[MOST_SERIES:]):
        yield ["other"] * len(ordered[0][0]), rest


def serve(metrics: Metrics, address: str) -> Any:
    """Answer at ``host:port`` until the process ends; gives the server. Raises InputError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"--metrics {address!r} is no address; write it as 127.0.0.1:9464")
    try:
        server, _ = start_http_server(int(port), host.strip("[]"), metrics.registry)
    except OSError as error:
        raise InputError(f"--metrics {address}: {error.strerror or error}") from None
    return server
