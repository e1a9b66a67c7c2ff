"""A control plane that is killed with SIGKILL again and again while plans are applied, and what came of it."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.context import ForkProcess
from pathlib import Path

from bench.crash.story import Story, everything_away, place, story
from situs.control.connect import by_kind
from situs.control.loop import Controller
from situs.control.orders import apply
from situs.control.pace import Pace
from situs.facts import Facts, load
from situs.sites.local import LocalSite
from situs.store import runs, steps
from situs.store.database import Database
from situs.store.schema import ready

PACE = Pace(look_s=0.2, rest_s=0.4, poll_s=0.05, shown_s=0.2, meter_s=1.0, lease_s=3.0)
LONGEST_LIFE_S = 0.5
"""A life begins within some 0.1 s; in most of the time that is left it is in the middle of something."""
BEGINNING_S = 5.0
"""How long every other life is given until a run begins in it; in the others a busy machine may begin none."""
SETTLING_S = 600.0
SAYING_S = 60.0


@dataclass(frozen=True)
class Found:
    """What the evidence says."""

    kills: int
    runs: int
    """that began"""
    moves: int
    twice: int
    """runs beside another one of the same unit, or of a generation that ran, or work that was done again"""
    lost: int
    """jobs that never came to their end, services that do not run where they should, counts that went back"""
    settled_s: float
    """from the last kill until everything was as the last plan says"""
    unexplained: int
    """steps of the journal without an end"""
    cut: int
    """steps that a kill cut off"""


def killed(
    url: str, folder: Path, workloads: int, kills: int, plans: int, seed: int, longest_s: float
) -> Found:
    """Apply plan after plan while the control plane is killed; then let it settle, and look."""
    rng = random.Random(seed)
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    told, facts = story(evidence, workloads, plans, seed, longest_s), load()
    database = ready(Database(url))
    try:
        done = 0
        for number, _ in enumerate(told.plans):
            _apply(database, told, number, facts)
            while done < kills * (number + 1) // plans:
                with control_plane(url, folder) as process:
                    if done % 2:
                        _until_a_run_begins(evidence)
                    time.sleep(rng.uniform(0.0, LONGEST_LIFE_S))
                    kill(process)
                done += 1
        began = time.monotonic()
        with control_plane(url, folder):
            wait(lambda: _settled(database, told))
            settled_s = time.monotonic() - began
            lost = _lost(told, evidence)
            apply(database, everything_away(told), told.intent, facts, told.program, "bench")
            wait(lambda: _empty(database))
        return _found(database, evidence, kills, lost, settled_s)
    finally:
        database.close()
        end_all(folder)


@contextmanager
def control_plane(url: str, folder: Path, said: Path | None = None) -> Iterator[ForkProcess]:
    """One in a process of its own, which has ended when this is left. ``said``: a file for what it says of itself."""
    process = multiprocessing.get_context("fork").Process(
        target=_control, args=(url, folder, said), daemon=True
    )
    process.start()
    try:
        yield process
    finally:
        kill(process)


def kill(process: ForkProcess) -> None:
    """At this instant, without a word."""
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def _control(url: str, folder: Path, said: Path | None) -> None:
    def say(text: str) -> None:
        if said is not None:
            with said.open("a") as file:
                file.write(f"{text}\n")

    Controller(Database(url), folder, by_kind(folder), PACE, say).run()


def _apply(database: Database, told: Story, number: int, facts: Facts) -> None:
    apply(database, told.plans[number], told.intent, facts, told.program, "bench")


def _until_a_run_begins(evidence: Path) -> None:
    """Or until none has for so long that there is none to begin: those that were to move may have ended."""
    known, deadline = _begun(evidence), time.monotonic() + BEGINNING_S
    while _begun(evidence) == known and time.monotonic() < deadline:
        time.sleep(0.02)


def _begun(evidence: Path) -> int:
    return len(list(evidence.glob("*.begun")))


def wait(true: Callable[[], bool]) -> None:
    """Until it is true. Raises TimeoutError."""
    deadline = time.monotonic() + SETTLING_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not settle within {SETTLING_S:.0f} s")
        time.sleep(0.2)


def _settled(database: Database, told: Story) -> bool:
    with database.read() as connection:
        newest = {run.workload: run for run in runs.present(connection)}
    return all(
        name in newest
        and (
            newest[name].outcome == "succeeded"
            if count
            else newest[name].phase == "placed"
            and newest[name].started_at is not None
            and newest[name].site == place(told.plans[-1], name)
        )
        for name, count in told.steps.items()
    )


def _empty(database: Database) -> bool:
    with database.read() as connection:
        return not any(run.alive for run in runs.present(connection))


def _lost(told: Story, evidence: Path) -> int:
    """What has begun takes a moment to say so; what never does is lost."""
    deadline = time.monotonic() + SAYING_S
    while True:
        lost = sum(not _as_it_should_be(name, count, told, evidence) for name, count in told.steps.items())
        if not lost or time.monotonic() > deadline:
            return lost
        time.sleep(0.1)


def _as_it_should_be(name: str, count: int, told: Story, evidence: Path) -> bool:
    path = evidence / f"{name}.0.log"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    counts = [int(line[3]) for line in lines]
    if counts != sorted(counts):
        return False
    if count:
        return (evidence / f"{name}.0.done").exists()
    return bool(lines) and lines[-1][0] == "begin" and lines[-1][2] == place(told.plans[-1], name)


def _found(database: Database, evidence: Path, kills: int, lost: int, settled_s: float) -> Found:
    with database.read() as connection:
        journal = steps.everything(connection)
        unexplained = len(steps.open_steps(connection))
    sites: dict[str, list[str]] = {}
    for path in evidence.glob("*.log"):
        begun = [line.split() for line in path.read_text().splitlines() if line.startswith("begin")]
        sites[path.name] = [line[2] for line in begun]
    moves = sum(a != b for seen in sites.values() for a, b in pairwise(seen))
    twice = len(list(evidence.glob("*.twice")))
    states = Counter(entry.state for entry in journal)
    total = sum(map(len, sites.values()))
    return Found(kills, total, moves, twice, lost, settled_s, unexplained, states["cut"])


def end_all(folder: Path) -> None:
    """Whatever still runs at the sites."""
    for root in (folder / "sites").glob("*/runs"):
        site = LocalSite(root)
        for key in site.known():
            site.stop(key, grace_s=0.0)
