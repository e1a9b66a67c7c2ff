"""Workloads that come in faster than their quotas let them run, as the scheduler Kueue is measured with.

The figures of the shapes (cohorts, queues, quotas, sizes, times, intervals) are those that Kueue publishes for its own
measurement; the sites only pretend, as its nodes do.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from bench.crash.story import plan_for
from bench.noop.site import SECONDS, NoopSite
from situs.control.loop import Controller
from situs.control.orders import apply
from situs.control.pace import Pace
from situs.control.queues.handing_in import Handed, hand_in, keep
from situs.facts import load
from situs.intent import loads
from situs.model.estate import Site
from situs.model.intent import Intent
from situs.model.workload import Workload
from situs.sites.adapter import Adapter
from situs.store.database import Database
from situs.store.schema import ready
from situs.store.tables import runs

QUOTA, BORROW = 20, 100
TICK_S = 0.02
LONGEST_S = 600.0


@dataclass(frozen=True)
class Kind:
    """Workloads of one size."""

    name: str
    units: int
    lasts_s: float
    priority: int
    every_s: float
    """one comes in after the other in each queue"""
    count: int
    """in each queue"""


@dataclass(frozen=True)
class Load:
    """How much comes in."""

    cohorts: int
    queues: int
    """of each cohort"""
    kinds: tuple[Kind, ...]

    @property
    def total(self) -> int:
        return self.cohorts * self.queues * sum(kind.count for kind in self.kinds)

    @property
    def least_s(self) -> float:
        """Nothing can be quicker: all quotas in full use all the time."""
        return sum(kind.count * kind.units * kind.lasts_s for kind in self.kinds) / QUOTA

    def queue_names(self) -> list[str]:
        return [f"c{c}-q{q}" for c in range(self.cohorts) for q in range(self.queues)]


# Priorities go up to 100 here; theirs are 50, 100 and 200.
BASELINE = Load(5, 6, (
    Kind("small", 1, 0.2, 25, 0.1, 350), Kind("medium", 5, 0.5, 50, 0.5, 100), Kind("large", 20, 1.0, 100, 1.2, 50),
))  # fmt: skip
LARGE = Load(10, 100, (
    Kind("small", 1, 0.15, 25, 0.06, 35), Kind("medium", 5, 0.35, 50, 0.3, 11), Kind("large", 20, 0.7, 100, 0.7, 4),
))  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """How it went."""

    took_s: float
    """from the first that was handed in until all were done"""
    last_in_s: float
    """when the last was handed in"""
    memory_mib: float
    """at most, of the control plane"""
    preempted: int


def intent_of(load_: Load) -> Intent:
    units = load_.cohorts * load_.queues * QUOTA
    pool = {
        "node": {"cpu": units, "memory": "1TiB"},
        "count": 1,
        "price": {"basis": "owned", "price": "0 EUR"},
    }
    site = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": pool}}
    queues = {
        name: {"cohort": name.partition("-")[0], "quota": {"cpu": QUOTA}, "borrow": {"cpu": BORROW}}
        for name in load_.queue_names()
    }
    return loads(json.dumps({"sites": {"noop": site}, "queues": queues})).intent


def work_of(kind: Kind) -> Workload:
    return Workload.model_validate({
        "stage": "batch", "label": {"level": 0}, "shapes": [{"cpu": kind.units, "memory": "0GiB"}],
        "job": {"work": f"{kind.lasts_s / 3600:.9f}h"},
        "run": {"command": ["run"], "env": {SECONDS: str(kind.lasts_s)}},
    })  # fmt: skip


def generate(url: str, load_: Load, began: float) -> None:
    """Hand in what is due, in a process of its own; ``began``: by the wall clock."""
    database = Database(url)
    works = {kind.name: keep(database, work_of(kind), {}) for kind in load_.kinds}
    due = [
        (number * kind.every_s, queue, kind, number)
        for kind in load_.kinds
        for number in range(kind.count)
        for queue in load_.queue_names()
    ]
    due.sort(key=lambda each: each[:2])
    at = 0
    while at < len(due):
        now = time.time() - began
        upto = at
        while upto < len(due) and due[upto][0] <= now and upto - at < 2_000:
            upto += 1
        if upto > at:
            hand_in(
                database,
                [
                    Handed(f"{queue}-{kind.name}-{number:03}", queue, works[kind.name], kind.priority)
                    for _, queue, kind, number in due[at:upto]
                ],
                "generator",
            )
            at = upto
        else:
            time.sleep(min(TICK_S, max(0.0, due[at][0] - now)))
    database.close()


def run(folder: Path, load_: Load, url: str | None = None) -> Ran:
    """Hand all of it in beside a control plane in this process, and wait until all is done."""
    intent = intent_of(load_)
    database = ready(Database(url or str(folder / "control.db")))
    apply(database, plan_for(intent, {}, None), intent, load(), {}, "bench")
    site = NoopSite()

    def connect(_name: str, _site: Site) -> Adapter:
        return site

    controller = Controller(database, folder, connect, Pace(poll_s=0.02))
    thread = threading.Thread(target=controller.run)
    thread.start()
    try:
        began = time.time() + 1.0
        context = multiprocessing.get_context("spawn")
        address = database.url.render_as_string(hide_password=False)
        generator = context.Process(target=generate, args=(address, load_, began))
        generator.start()
        last_in_s, succeeded = 0.0, 0
        while succeeded < load_.total:
            time.sleep(0.25)
            if not last_in_s and not generator.is_alive():
                last_in_s = time.time() - began
            with database.read() as connection:
                done = select(func.count(), func.max(runs.c.ended_at)).where(runs.c.outcome == "succeeded")
                succeeded, last = connection.execute(done).one()
            if time.time() - began > LONGEST_S:
                raise TimeoutError(f"{succeeded} of {load_.total} are done after {LONGEST_S:.0f} s")
        with database.read() as connection:
            outcomes = Counter(connection.execute(select(runs.c.outcome)).scalars())
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Ran(last.timestamp() - began, last_in_s, peak_mib, outcomes["stopped"])
    finally:
        controller.stop()
        thread.join()
        database.close()
