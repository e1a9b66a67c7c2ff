"""A control plane for tests: real local sites, real processes, a thread or a process that leads."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from situs.control.connect import Connect, by_kind
from situs.control.estate_files import EstateFiles
from situs.control.loop import Controller
from situs.control.orders import apply
from situs.control.pace import Pace
from situs.facts import Facts, load
from situs.intent import loads
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.sites.local import LocalSite
from situs.store import plans, runs
from situs.store.database import Database
from situs.store.runs import Run
from tests.store.plans import plan_by_hand

PATIENCE_S = 60.0
PACE = Pace(look_s=0.1, rest_s=0.2, poll_s=0.05, shown_s=0.2, meter_s=0.5, lease_s=2.0)
PYTHON = (sys.executable, "-S", "-c")

Places = Mapping[str, list[tuple[str, str, int]]]


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something that must come true. Fails when it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s in vain: {what}"
        time.sleep(0.02)


def estate(workloads: Mapping[str, Mapping[str, Any]], **more: Any) -> Intent:
    """Three sites that this machine plays, and these workloads; ``run`` may be a line of Python."""
    site = {
        "kind": "on_prem", "country": "DE", "clearance": 4,
        "pools": {
            "box": {"node": {"cpu": 4, "memory": "8GiB"}, "count": 2, "price": {"basis": "owned", "price": "0 EUR"}}
        },
    }  # fmt: skip
    made = {}
    for name, given in workloads.items():
        workload = {
            "stage": "train",
            "label": {"level": 0},
            "shapes": [{"cpu": 0, "memory": "0GiB"}],
            **given,
        }
        if isinstance(workload["run"], str):
            workload["run"] = {"command": [*PYTHON, workload["run"]]}
        if "service" not in workload:
            workload.setdefault("job", {"work": "1h"})
        made[name] = workload
    content = {"sites": dict.fromkeys(("a", "b", "c"), site), "workloads": made, **more}
    return loads(json.dumps(content)).intent


class Plane:
    """One database, and who tells the control plane what to do."""

    def __init__(self, database: Database, folder: Path, intent: Intent) -> None:
        self.database = database
        self.folder = folder
        self.intent = intent
        self.facts: Facts = load()
        self.said: list[str] = []
        self.seen: dict[str, datetime] = {}
        """when each site had been seen last, at the time of asking"""

    def apply(self, places: Places, files: Mapping[str, bytes] | None = None, **changed: Any) -> Plan:
        """A plan by hand that follows the one in force, put in force."""
        with self.database.read() as connection:
            target = plans.in_force(connection)
            before = plans.load(connection, target.plan).plan if target else None
        plan = plan_by_hand(self.intent, places, datetime.now(UTC), before.id if before else None)
        if changed:
            plan = plan.model_copy(update=changed).sealed()
        apply(self.database, plan, self.intent, self.facts, files or {}, "ann")
        return plan

    def runs(self, workload: str) -> list[Run]:
        """All runs of a workload."""
        with self.database.read() as connection:
            return runs.of_workload(connection, workload)

    def last(self, workload: str) -> Run | None:
        """The newest run of a workload's first unit."""
        found = [run for run in self.runs(workload) if run.unit == 0]
        return found[-1] if found else None

    def is_at(self, workload: str, site: str) -> bool:
        """Whether it runs there."""
        return any(
            run.phase == "placed" and run.started_at and run.site == site for run in self.runs(workload)
        )

    def outcome(self, workload: str) -> str | None:
        """How its newest run ended."""
        run = self.last(workload)
        return run.outcome if run else None

    def site(self, name: str) -> LocalSite:
        """A site, as an adapter of its own sees it."""
        return LocalSite(self.folder / "sites" / name / "runs")

    @contextmanager
    def leading(
        self, pace: Pace = PACE, watched: EstateFiles | None = None, connect: Connect | None = None
    ) -> Iterator[Controller]:
        """A control plane in a thread. ``watched``: an estate that it plans for again; ``connect``: its sites."""
        controller = Controller(
            self.database, self.folder, connect or by_kind(self.folder), pace, self.said.append, watched
        )
        failed: list[BaseException] = []

        def run() -> None:
            try:
                controller.run()
            except BaseException as error:
                failed.append(error)
                raise

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield controller
        finally:
            controller.stop()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        assert not failed

    def end_all(self) -> None:
        """End whatever still runs at the sites."""
        for root in (self.folder / "sites").glob("*/runs"):
            site = LocalSite(root)
            for key in site.known():
                site.stop(key, grace_s=0.0)
