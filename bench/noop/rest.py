"""A control plane at rest: everything runs where it should, and it looks after it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.crash.story import plan_for
from bench.noop.site import NoopSite
from situs.control.loop import Controller
from situs.control.orders import apply
from situs.facts import load
from situs.intent import loads
from situs.model.estate import Site
from situs.sites.adapter import Adapter
from situs.store import runs
from situs.store.database import Database
from situs.store.schema import ready

STARTING_S = 600.0
CALM_S = 90.0
"""After a minute and a half without any change, sites are looked at as seldom as they ever are."""


@dataclass(frozen=True)
class Rest:
    """What it takes."""

    cores: float
    """share of one core"""
    mib: float
    """memory in use (resident)"""
    starting_s: float
    """from the plan until all run"""


def at_rest(folder: Path, sites: int, workloads: int, measured_s: float) -> Rest:
    """Run the control plane in this process, with its usual pace."""
    names = [f"w{k:05}" for k in range(workloads)]
    pool = {"node": {"cpu": 4, "memory": "8GiB"}, "count": 99, "price": {"basis": "owned", "price": "0 EUR"}}
    site = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": pool}}
    service = {
        "stage": "serve", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}],
        "service": {"requests_per_s": 1}, "run": {"command": ["serve"]},
    }  # fmt: skip
    content = {"sites": {f"s{k:03}": site for k in range(sites)}, "workloads": dict.fromkeys(names, service)}
    intent = loads(json.dumps(content)).intent
    plan = plan_for(intent, {name: f"s{k % sites:03}" for k, name in enumerate(names)}, None)
    database = ready(Database(str(folder / "control.db")))
    apply(database, plan, intent, load(), {}, "bench")
    made: dict[str, NoopSite] = {}

    def connect(name: str, _site: Site) -> Adapter:
        return made.setdefault(name, NoopSite())

    controller = Controller(database, folder, connect)
    thread = threading.Thread(target=controller.run)
    began = time.monotonic()
    thread.start()
    try:
        while _running(database) < workloads:
            if time.monotonic() - began > STARTING_S:
                raise TimeoutError(f"{_running(database)} of {workloads} run after {STARTING_S:.0f} s")
            time.sleep(0.5)
        starting_s = time.monotonic() - began
        time.sleep(CALM_S)
        used, since = time.process_time(), time.monotonic()
        time.sleep(measured_s)
        cores = (time.process_time() - used) / (time.monotonic() - since)
        return Rest(cores, _resident_mib(), starting_s)
    finally:
        controller.stop()
        thread.join()
        database.close()


def _running(database: Database) -> int:
    with database.read() as connection:
        return sum(run.phase == "placed" and run.started_at is not None for run in runs.present(connection))


def _resident_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not tell what memory a process uses")
