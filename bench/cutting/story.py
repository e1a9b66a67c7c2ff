"""Work at a far host whose line is cut in the middle of a start, of reading logs, of a move and of a stop."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.crash.kill import control_plane
from bench.crash.story import plan_for
from bench.cutting.far_host import Cut, FarHost, far_host
from bench.sshd import access
from situs.control.connect import by_kind
from situs.control.orders import apply
from situs.facts import load
from situs.intent import loads
from situs.model.error import SitusError
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.sites.adapter import Key
from situs.store import runs, steps
from situs.store.database import Database
from situs.store.schema import ready

WORKLOADS = ("one", "two", "three")
TALKER = "talker"
STEP_S = 0.1
PATIENCE_S = 300.0
MOMENTS = ("start", "logs", "move away", "move there", "stop")


@dataclass(frozen=True)
class Found:
    """What came of it."""

    cuts: int
    """during which nobody got through"""
    twice: int
    """runs beside another one, or of a generation that ran"""
    lost: int
    """workloads that are not where they should be, or counts that went back"""
    log_off: int
    """bytes of a log that was followed meanwhile that are missing or come twice"""
    slowest_s: float
    """from the line's mending until everything was as planned, at most"""


def cut(folder: Path, for_s: float, how: Cut, moments: tuple[str, ...] = MOMENTS) -> Found:
    """Cut the line for so long in each of the moments; needs root."""
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    database = ready(Database(str(folder / "control.db")))
    try:
        with far_host(folder / "far") as host:
            told = _Told(folder, host, database, evidence)
            with control_plane(f"sqlite:///{folder / 'control.db'}", folder):
                slowest = [told.through(moment, for_s, how) for moment in moments]
            return Found(
                cuts=told.felt, twice=len(list(evidence.glob("*.twice"))), lost=told.lost(),
                log_off=told.log_off, slowest_s=max(slowest),
            )  # fmt: skip
    finally:
        database.close()


class _Told:
    def __init__(self, folder: Path, host: FarHost, database: Database, evidence: Path) -> None:
        self._folder, self._host, self._database, self._evidence = folder, host, database, evidence
        self._intent, self._facts = _intent(folder, host, evidence), load()
        self._plan: Plan | None = None
        self._places: Mapping[str, str] = {}
        self.log_off = self.felt = 0

    def through(self, moment: str, for_s: float, how: Cut) -> float:
        """One cut; gives how long it took from its end until everything was as planned."""
        if moment == "logs":
            self._go(dict.fromkeys((*WORKLOADS, TALKER), "far"))
            _wait(self._is_so)
            with self._following():
                return self._without_line(for_s, how)
        places, step, site = {
            "start": (dict.fromkeys(WORKLOADS, "far"), "start", "far"),
            "move away": (dict.fromkeys(WORKLOADS, "near"), "stop", "far"),
            "move there": (dict.fromkeys(WORKLOADS, "far"), "start", "far"),
            "stop": ({}, "stop", "far"),
        }[moment]
        self._go(places)
        _wait(lambda: self._is_under_way(step, site))
        return self._without_line(for_s, how)

    def lost(self) -> int:
        """Counts that went back, and runs that nobody wants but that live."""
        wrong = 0
        for name in WORKLOADS:
            path = self._evidence / f"{name}.0.log"
            lines = [line.split() for line in path.read_text().splitlines()]
            counts = [int(line[3]) for line in lines]
            wrong += counts != sorted(counts)
            if name not in self._places:
                wrong += lines[-1][0] != "end"
            else:
                wrong += (lines[-1][0], lines[-1][2]) != ("begin", self._places[name])
        return wrong

    def _without_line(self, for_s: float, how: Cut) -> float:
        self._host.cut(how)
        until = time.monotonic() + for_s
        self.felt += self._host.is_cut
        time.sleep(max(0.0, until - time.monotonic()))
        self._host.mend()
        began = time.monotonic()
        _wait(self._is_so)
        return time.monotonic() - began

    def _go(self, places: Mapping[str, str]) -> None:
        self._plan = plan_for(self._intent, places, self._plan.id if self._plan else None)
        self._places = places
        program = {
            "evidence.py": files("bench.crash").joinpath("evidence.py").read_bytes(),
            "talker.py": files("bench.cutting").joinpath("talker.py").read_bytes(),
        }
        apply(self._database, self._plan, self._intent, self._facts, program, "bench")

    def _is_under_way(self, kind: str, site: str) -> bool:
        with self._database.read() as connection:
            open_ = steps.open_steps(connection)
        return any((entry.kind, entry.site) == (kind, site) for entry in open_)

    def _is_so(self) -> bool:
        with self._database.read() as connection:
            newest = {run.workload: run for run in runs.present(connection)}
        for name in (*WORKLOADS, TALKER):
            run, site = newest.get(name), self._places.get(name)
            if site is None:
                if run is not None and run.alive:
                    return False
            elif run is None or run.phase != "placed" or run.site != site or run.started_at is None:
                return False
        return True

    @contextmanager
    def _following(self) -> Iterator[None]:
        """Read a log all the while, and hold it against what was to be said."""
        heard, over = bytearray(), threading.Event()
        site = by_kind(self._folder)("far", self._intent.sites["far"])

        def follow() -> None:
            key, since = Key(TALKER, 1), 0
            while not over.is_set():
                try:
                    piece, since = site.logs(key, since)
                    heard.extend(piece)
                except SitusError:
                    continue
                time.sleep(0.05)

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield
            so_far = len(heard)
            _wait(lambda: len(heard) > so_far)
        finally:
            over.set()
            thread.join()
        lines = bytes(heard).decode().splitlines(keepends=True)
        wanted = "".join(f"{k}\n" for k in range(len(lines)))
        self.log_off += sum(a != b for a, b in zip(wanted, heard.decode(), strict=False))
        self.log_off += abs(len(heard) - len(wanted[: len(heard)]))


def _intent(folder: Path, host: FarHost, evidence: Path) -> Intent:
    pool = {"node": {"cpu": 4, "memory": "8GiB"}, "count": 9, "price": {"basis": "owned", "price": "0 EUR"}}
    near: dict[str, Any] = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": pool}}
    reach = access(folder, host.server)
    options = {
        "hosts": host.server.address, "config": str(reach.config), "known_hosts": str(reach.known_hosts),
        "identity": str(reach.identity), "slots": "9",
    }  # fmt: skip
    far = {**near, "adapter": {"kind": "ssh", "options": options}}
    counts = [sys.executable, "-S", "evidence.py", str(evidence), "0", str(STEP_S)]
    talks = [sys.executable, "-S", "talker.py"]

    def service(command: list[str], file: str) -> dict[str, Any]:
        return {
            "stage": "serve", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}],
            "service": {"requests_per_s": 1},
            "run": {"command": command, "files": [file], "state": ["count"], "grace": "10s"},
        }  # fmt: skip

    workloads = {name: service(counts, "evidence.py") for name in WORKLOADS}
    workloads[TALKER] = service(talks, "talker.py")
    return loads(json.dumps({"sites": {"near": near, "far": far}, "workloads": workloads})).intent


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come about within {PATIENCE_S:.0f} s")
        time.sleep(0.005)
