"""The control plane killed at any instant, and frozen and woken: nothing is lost, and nothing is done twice.

The benchmark ``crash`` does the same with a hundred workloads and two hundred kills.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from bench.crash.kill import control_plane, killed
from bench.postgres import Server
from situs.store import runs, steps
from situs.store.database import Database
from situs.store.schema import ready
from situs.store.tables import leases as leases_table
from tests.control.plane import PYTHON, Plane, estate, until
from tests.control.test_plane import COUNTER


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_instants_it_loses_nothing_and_does_nothing_twice(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    found = killed(
        database_url, tmp_path / "situs", workloads=12, kills=24, plans=12, seed=seed, longest_s=6.0
    )
    assert (found.twice, found.lost, found.unexplained) == (0, 0, 0)
    assert found.moves
    assert found.moves + found.cut > 10, "the kills struck where there was something to do"


@pytest.mark.slow
def test_a_control_plane_that_was_frozen_past_its_lease_and_wakes_changes_nothing(
    postgres: Server, tmp_path: Path
) -> None:
    """Stopped at an instant when steps are under way; another takes over, and moves everything somewhere else."""
    url = postgres.new()
    database = ready(Database(url))
    names = [f"w{k}" for k in range(6)]
    there = Plane(database, tmp_path / "situs", estate({name: _counting() for name in names}))
    try:
        with control_plane(url, there.folder) as frozen:
            assert frozen.pid
            there.apply({name: [("a", "box", 1)] for name in names})
            until(lambda: all(there.is_at(name, "a") for name in names), "all run")
            there.apply({name: [("b", "box", 1)] for name in names})
            until(lambda: _begun(database, "stop") > 0, "it is in the middle of moves")
            os.kill(frozen.pid, signal.SIGSTOP)
            old = _token(database)
            with control_plane(url, there.folder):
                until(lambda: _token(database) > old, "another one took over")
                there.apply({name: [("c", "box", 1)] for name in names})
                until(lambda: all(there.is_at(name, "c") for name in names), "all are at c")
                until(lambda: _all_released_but_last(there, names), "the old ones are cleared away")
                before = _everything(database, there, names)
                os.kill(frozen.pid, signal.SIGCONT)
                # It finds out, and stands by: its old token writes nothing more, its late calls do no harm.
                time.sleep(5.0)
                assert _everything(database, there, names) == before
                with database.read() as connection:
                    journal = steps.everything(connection)
                since = max(k for k, entry in enumerate(journal) if entry.token == old)
                assert all(entry.token > old for entry in journal[since + 1 :])
                assert min(k for k, entry in enumerate(journal) if entry.token > old) > since
        for name in names:
            sites = [there.site(site).known() for site in ("a", "b")]
            assert not any(key.workload == name for known in sites for key in known)
    finally:
        there.end_all()
        database.close()


def _counting() -> dict[str, object]:
    slow = COUNTER.replace("sys.exit(0)", "(time.sleep(0.3), sys.exit(0))")
    run = {"command": [*PYTHON, slow], "state": ["count"]}
    return {"stage": "serve", "service": {"requests_per_s": 1}, "run": run}


def _begun(database: Database, kind: str) -> int:
    with database.read() as connection:
        return sum(entry.kind == kind for entry in steps.open_steps(connection))


def _token(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(leases_table.c.token)).scalar_one())


def _all_released_but_last(there: Plane, names: list[str]) -> bool:
    return all(run.phase == "released" for name in names for run in there.runs(name)[:-1])


def _everything(database: Database, there: Plane, names: list[str]) -> object:
    with database.read() as connection:
        rows = [
            (run.workload, run.generation, run.site, run.phase, run.outcome, run.started_at)
            for name in names
            for run in runs.of_workload(connection, name)
        ]
        journal = len(steps.everything(connection))
    return rows, journal, {site: sorted(map(str, there.site(site).known())) for site in "abc"}
