"""A training run on two sites of this machine and one behind a real SSH server, moved from one to the next."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from math import inf, isclose
from pathlib import Path
from typing import Any

from bench.crash.kill import control_plane
from bench.crash.story import plan_for
from bench.moving.training import INTERVAL, reference
from bench.sshd import SshServer, access
from situs.control.orders import apply
from situs.facts import load
from situs.intent import loads
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.store import runs
from situs.store.database import Database
from situs.store.schema import ready

WAY = ("north", "south", "remote", "north")
"""Where the run is, one place after the other; ``remote`` is behind SSH."""
STEP_S = 0.05
PATIENCE_S = 300.0
CLOSE = 1e-9
"""Relative: sums come out a little differently in another process; a step more or less is a millionth at least."""


@dataclass(frozen=True)
class Line:
    """One step of the run, as it wrote it down."""

    generation: int
    site: str
    step: int
    loss: float


@dataclass(frozen=True)
class Moved:
    """What the curve says."""

    sites: tuple[str, ...]
    """where it was, in order"""
    lost_steps: int
    """the most steps that one move had to do again"""
    interval: int
    """steps between checkpoints: so many may be lost"""
    steps_off: int
    """steps whose loss is not that of a run that nobody moved, or that are missing"""
    outside: int
    """steps beside another run, or after a later one began"""
    pause_s: float
    """the longest time from the last step at one place to the first at the next"""


def moved(folder: Path, steps: int, way: tuple[str, ...] = WAY) -> Moved:
    """Train, and move on each time that some twenty steps were done at a place, in the middle of an epoch."""
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    curve = evidence / "curve"
    curve.touch()
    server = SshServer(folder / "sshd")
    database = ready(Database(str(folder / "control.db")))
    try:
        intent, facts = _intent(folder, server, evidence, steps), load()
        program = {"training.py": files("bench.moving").joinpath("training.py").read_bytes()}
        plan: Plan | None = None
        stays: list[float] = []
        with control_plane(f"sqlite:///{folder / 'control.db'}", folder):
            for number, site in enumerate(way, 1):
                plan = plan_for(intent, {"train": site}, plan.id if plan else None)
                left = _last_change(curve)
                apply(database, plan, intent, facts, program, "bench")
                _wait(lambda number=number: _steps_of(curve, number) >= 1)  # type: ignore[misc]
                stays.append(time.time() - left)
                _wait(lambda number=number: _steps_of(curve, number) > 2 * INTERVAL + 3)  # type: ignore[misc]
            _wait(lambda: _is_done(database))
        return _told(read(curve), steps, max(stays[1:]))
    finally:
        database.close()
        server.stop()


def read(curve: Path) -> list[Line]:
    """The lines of the curve."""
    found = [line.split() for line in curve.read_text().splitlines()]
    return [Line(int(g), site, int(step), float.fromhex(loss)) for g, site, step, loss in found]


def _told(lines: list[Line], steps: int, pause_s: float) -> Moved:
    changes = [(one, two) for one, two in pairwise(lines) if one.generation != two.generation]
    last = {line.step: line.loss for line in lines}
    wanted = reference(steps)
    off = sum(not isclose(last.get(k, inf), loss, rel_tol=CLOSE) for k, loss in enumerate(wanted, 1))
    again = [line for line in lines if not isclose(line.loss, wanted[line.step - 1], rel_tol=CLOSE)]
    return Moved(
        sites=(lines[0].site, *(two.site for _, two in changes)),
        lost_steps=max((one.step + 1 - two.step for one, two in changes), default=0),
        interval=INTERVAL,
        steps_off=off + len(again),
        outside=sum(two.generation < one.generation for one, two in changes),
        pause_s=pause_s,
    )


def _intent(folder: Path, server: SshServer, evidence: Path, steps: int) -> Intent:
    pool = {"node": {"cpu": 4, "memory": "8GiB"}, "count": 9, "price": {"basis": "owned", "price": "0 EUR"}}
    site: dict[str, Any] = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": pool}}
    reach = access(folder, server)
    options = {
        "hosts": server.address, "config": str(reach.config), "known_hosts": str(reach.known_hosts),
        "identity": str(reach.identity),
    }  # fmt: skip
    remote = {**site, "adapter": {"kind": "ssh", "options": options}}
    train = {
        "stage": "train", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}], "job": {"work": "1h"},
        "run": {
            "command": [sys.executable, "training.py", str(evidence), str(steps), str(STEP_S)],
            "files": ["training.py"], "state": ["checkpoint.npz"], "grace": "5s",
        },
    }  # fmt: skip
    sites = {"north": site, "south": site, "remote": remote}
    return loads(json.dumps({"sites": sites, "workloads": {"train": train}})).intent


def _steps_of(curve: Path, generation: int) -> int:
    return sum(line.startswith(f"{generation} ") for line in curve.read_text().splitlines())


def _last_change(curve: Path) -> float:
    return curve.stat().st_mtime


def _is_done(database: Database) -> bool:
    with database.read() as connection:
        found = [run for run in runs.of_workload(connection, "train") if run.phase != "placed"]
    return bool(found) and found[-1].outcome == "succeeded"


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come about within {PATIENCE_S:.0f} s")
        time.sleep(0.02)
