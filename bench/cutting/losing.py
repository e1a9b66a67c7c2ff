"""A far host that is cut off with work on it that must never run twice, and is said to be lost at once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.crash.kill import control_plane, kill
from bench.crash.story import plan_for
from bench.cutting.far_host import Cut, FarHost, far_host
from bench.sshd import access
from situs.control.orders import apply, lose
from situs.facts import load
from situs.intent import loads
from situs.model.intent import Intent
from situs.store import runs
from situs.store.database import Database
from situs.store.runs import Run
from situs.store.schema import ready

NAME = "once"
PROGRAM = "evidence.py"
STEP_S = 0.1
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Lost:
    """What came of it."""

    twice: int
    """runs beside another one of the unit"""
    away_s: float
    """from the cut until the work is confirmed to run elsewhere"""
    lost_steps: int
    """that the work did at the lost site until that ended it, and does again"""
    cleared_s: float
    """from the mending of the line until nothing is left of the old run"""


def lost(folder: Path, how: Cut, lease_s: float) -> Lost:
    """Lose a site while it works on; the control plane is killed in the middle of it. Needs root."""
    evidence, url = folder / "evidence", f"sqlite:///{folder / 'control.db'}"
    evidence.mkdir(parents=True)
    database, facts = ready(Database(str(folder / "control.db"))), load()
    program = {PROGRAM: files("bench.crash").joinpath(PROGRAM).read_bytes()}
    try:
        with far_host(folder / "far", 90) as host:
            intent = _intent(folder, host, evidence, lease_s)
            plan = plan_for(intent, {NAME: "far"}, None)
            apply(database, plan, intent, facts, program, "bench")
            with control_plane(url, folder) as first:
                _wait(lambda: _is_at(database, "far"))
                host.cut(how)
                cut_at = time.monotonic()
                lose(database, "far", "bench", "it is cut off")
                elsewhere = plan_for(intent, {NAME: "near"}, plan.id)
                apply(database, elsewhere, intent, facts, program, "bench")
                _wait(lambda: any(run.phase == "leaving" for run in _runs(database)))
                kill(first)
            with control_plane(url, folder):
                _wait(lambda: _is_at(database, "near"))
                away_s = time.monotonic() - cut_at
                host.mend()
                mended_at = time.monotonic()
                _wait(lambda: _runs(database)[0].phase == "released")
                cleared_s = time.monotonic() - mended_at
                # The old run was killed without a word: what it had counted is known by how long it lived.
                old = _runs(database)[0]
                lived_s = old.metered_s
            twice = len(list(evidence.glob("*.twice")))
            return Lost(twice, away_s, round(lived_s / STEP_S), cleared_s)
    finally:
        database.close()


def _intent(folder: Path, host: FarHost, evidence: Path, lease_s: float) -> Intent:
    pool = {"node": {"cpu": 4, "memory": "8GiB"}, "count": 9, "price": {"basis": "owned", "price": "0 EUR"}}
    near: dict[str, Any] = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": pool}}
    reach = access(folder, host.server)
    options = {
        "hosts": host.server.address, "config": str(reach.config), "known_hosts": str(reach.known_hosts),
        "identity": str(reach.identity), "slots": "9",
    }  # fmt: skip
    work = {
        "stage": "train", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}],
        "job": {"work": "1h"}, "lease": f"{lease_s}s", "site_loss": {"restart": True},
        "run": {
            "command": [sys.executable, "-S", PROGRAM, str(evidence), "0", str(STEP_S)], "files": [PROGRAM],
            "state": ["count"], "grace": "5s",
        },
    }  # fmt: skip
    far = {**near, "adapter": {"kind": "ssh", "options": options}}
    return loads(json.dumps({"sites": {"near": near, "far": far}, "workloads": {NAME: work}})).intent


def _runs(database: Database) -> list[Run]:
    with database.read() as connection:
        return runs.of_workload(connection, NAME)


def _is_at(database: Database, site: str) -> bool:
    return any(run.site == site and run.phase == "placed" and run.started_at for run in _runs(database))


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come about within {PATIENCE_S:.0f} s")
        time.sleep(0.02)
