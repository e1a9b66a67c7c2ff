"""Two control planes on one database: the one that leads is frozen in the middle of moves, and woken much later."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import cycle
from multiprocessing.context import ForkProcess
from pathlib import Path

from sqlalchemy import select

from bench.crash.kill import control_plane, end_all, wait
from bench.crash.story import intent_for, plan_for, program
from situs.control.orders import apply
from situs.facts import load
from situs.store import runs, steps
from situs.store.database import Database, clock
from situs.store.schema import ready
from situs.store.tables import events, leases, targets

STEP_S = 1.0
"""Who is asked to end does so after the step that it is in, so that a move takes a moment in which it can be cut."""
STANDS_BY = "standing by"
OWN = ("count", "count.new")
"""Files that those that run write themselves."""
AWAY, BACK, ELSEWHERE = "north", "south", "east"


@dataclass(frozen=True)
class Woken:
    """What came of it."""

    changes: tuple[str, ...]
    """rows, steps, events, plans in force, and files at sites that are others once the woken one stands by"""
    by_its_token: int
    """steps written under its old token after it was frozen"""
    twice: int
    """runs beside another one of the same unit, or of a generation that ran, by their own evidence"""
    cut: int
    """steps that were under way when it was frozen"""
    past_lease_s: float
    """from the end of its lease until it was woken"""


def frozen(url: str, folder: Path, past_lease_s: float, workloads: int = 6) -> Woken:
    """Freeze it while it moves everything, have the other one move everything elsewhere, and wake it.

    ``past_lease_s``: it is woken no earlier than so long after the end of its lease.
    """
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    names = [f"w{k:02}" for k in range(workloads)]
    intent, facts = intent_for(evidence, dict.fromkeys(names, 0), STEP_S), load()
    database, parent = ready(Database(url)), None

    def everything_to(site: str) -> None:
        nonlocal parent
        plan = plan_for(intent, dict.fromkeys(names, site), parent)
        apply(database, plan, intent, facts, program(), "bench")
        parent = plan.id

    try:
        with _two(url, folder) as (first, said):
            at_rest = _threads(first.other)
            everything_to(AWAY)
            wait(lambda: _all_at(database, names, AWAY))
            sites, cut = cycle((BACK, AWAY)), 0
            while not cut:
                # They may all have moved before anybody looked: then they move once more.
                site = next(sites)
                everything_to(site)
                wait(partial(_is_moving_or_there, database, names, site))
                os.kill(_pid(first.leader), signal.SIGSTOP)
                cut = _under_way(database, "stop")
                if not cut:
                    os.kill(_pid(first.leader), signal.SIGCONT)
            old, expires = _lease(database)
            wait(lambda: _lease(database)[0] > old)
            everything_to(ELSEWHERE)
            wait(lambda: _all_at(database, names, ELSEWHERE) and _is_cleared(database))
            wait(lambda: (_now(database) - expires).total_seconds() >= past_lease_s)
            before, often = _everything(database, folder), said.read_text().count(STANDS_BY)
            past_s = (_now(database) - expires).total_seconds()
            os.kill(_pid(first.leader), signal.SIGCONT)
            # It finds out and stands by; what it had begun at sites has come to its end once its threads have.
            wait(lambda: said.read_text().count(STANDS_BY) > often and _threads(first.leader) <= at_rest)
            after = _everything(database, folder)
        changed = tuple(f"{what}: {each}" for what in before for each in before[what] ^ after[what])
        return Woken(changed, _written_by(database, old), len(list(evidence.glob("*.twice"))), cut, past_s)
    finally:
        database.close()
        end_all(folder)


@dataclass(frozen=True)
class _Two:
    leader: ForkProcess
    other: ForkProcess


@contextmanager
def _two(url: str, folder: Path) -> Iterator[tuple[_Two, Path]]:
    """One that leads and one that stands by, and the file for what the first says."""
    said, by_the_other = folder / "first.said", folder / "second.said"
    for path in (said, by_the_other):
        path.touch()
    with control_plane(url, folder, said) as leader:
        wait(lambda: "leading" in said.read_text())
        with control_plane(url, folder, by_the_other) as other:
            wait(lambda: STANDS_BY in by_the_other.read_text())
            yield _Two(leader, other), said


def _pid(process: ForkProcess) -> int:
    assert process.pid is not None
    return process.pid


def _threads(process: ForkProcess) -> int:
    return len(list(Path(f"/proc/{_pid(process)}/task").iterdir()))


def _lease(database: Database) -> tuple[int, datetime]:
    with database.read() as connection:
        row = connection.execute(select(leases.c.token, leases.c.expires)).one()
    return row.token, row.expires


def _now(database: Database) -> datetime:
    with database.read() as connection:
        return clock(connection)


def _under_way(database: Database, kind: str | None = None) -> int:
    with database.read() as connection:
        return sum(kind in (None, entry.kind) for entry in steps.open_steps(connection))


def _all_at(database: Database, names: list[str], site: str) -> bool:
    with database.read() as connection:
        newest = {run.workload: run for run in runs.present(connection)}
    return newest.keys() == set(names) and all(
        run.site == site and run.phase == "placed" and run.started_at is not None for run in newest.values()
    )


def _is_moving_or_there(database: Database, names: list[str], site: str) -> bool:
    return _under_way(database, "stop") > 0 or _all_at(database, names, site)


def _is_cleared(database: Database) -> bool:
    """Whether nothing is left of earlier runs, and nothing is under way."""
    with database.read() as connection:
        known = runs.present(connection)
    return all(run.phase == "placed" for run in known) and not _under_way(database)


def _everything(database: Database, folder: Path) -> Mapping[str, frozenset[object]]:
    """All that somebody who leads may change, but for what the one that leads now writes at rest."""
    with database.read() as connection:
        rows = [
            (
                run.workload,
                run.unit,
                run.generation,
                run.site,
                run.phase,
                run.outcome,
                run.started_at,
                run.tries,
            )
            for run in runs.present(connection)
        ]
        return {
            "runs": frozenset(rows),
            "steps": frozenset(steps.everything(connection)),
            # Whoever leads tells how sites answer; a busy machine may make one late.
            "events": frozenset(
                connection.execute(select(events.c.seq).where(events.c.kind != "site")).scalars()
            ),
            "targets": frozenset(connection.execute(select(targets.c.generation)).scalars()),
            # What runs keeps its own count there, from its first step on.
            "files": frozenset(path for path in (folder / "sites").rglob("*") if path.name not in OWN),
        }


def _written_by(database: Database, token: int) -> int:
    """Steps under a token after the first one under a higher token."""
    with database.read() as connection:
        journal = steps.everything(connection)
    later = next(k for k, entry in enumerate(journal) if entry.token > token)
    return sum(entry.token <= token for entry in journal[later:])
