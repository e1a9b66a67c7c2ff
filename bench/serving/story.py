"""A service of two units behind one address, moved from site to site while people ask."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bench.crash.kill import control_plane, kill
from bench.crash.story import SITES, plan_for
from bench.serving.load import asking
from situs.control.orders import apply
from situs.control.traffic.haproxy import Haproxy
from situs.facts import load
from situs.intent import loads
from situs.model.intent import Intent
from situs.store import runs
from situs.store.database import Database
from situs.store.schema import ready

KEEPING, ANEW = 6, 4
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Moved:
    """What those who asked have noticed."""

    moves: int
    requests: int
    failed: int
    how: tuple[str, ...]
    """some of the failures"""
    slowest_s: float
    longest_move_s: float
    """from the plan until nobody is left at the old place"""


def moved(folder: Path, moves: int, restarts: bool = True) -> Moved:
    """Move it so often; ``restarts``: the control plane is killed in the middle of each second move."""
    folder.mkdir(parents=True)
    database = ready(Database(str(folder / "control.db")))
    url, port = f"sqlite:///{folder / 'control.db'}", _free_port()
    intent, facts = _intent(port), load()
    program = {"service.py": files("bench.serving").joinpath("service.py").read_bytes()}
    took = []
    try:
        with ExitStack() as planes:
            process = planes.enter_context(control_plane(url, folder))
            plan = plan_for(intent, {"web": SITES[0]}, None)
            apply(database, plan, intent, facts, program, "bench")
            _wait(lambda: _served_at(database, SITES[0]) and _answers(port))
            with asking("127.0.0.1", port, KEEPING, ANEW) as asked:
                for number in range(1, moves + 1):
                    site = SITES[number % len(SITES)]
                    plan, began = plan_for(intent, {"web": site}, plan.id), time.monotonic()
                    apply(database, plan, intent, facts, program, "bench")
                    if restarts and number % 2 == 0:
                        _wait(lambda site=site: _is_there(database, site))  # type: ignore[misc]
                        kill(process)
                        process = planes.enter_context(control_plane(url, folder))
                    _wait(lambda site=site: _served_at(database, site))  # type: ignore[misc]
                    took.append(time.monotonic() - began)
                time.sleep(0.5)
            apply(database, plan_for(intent, {}, plan.id), intent, facts, program, "bench")
            _wait(lambda: not _alive(database))
        return Moved(
            moves, asked.answered.total() + len(asked.failed), len(asked.failed), tuple(asked.failed[:5]),
            asked.slowest_s, max(took),
        )  # fmt: skip
    finally:
        Haproxy(folder).stop()
        database.close()


def _intent(port: int) -> Intent:
    pool = {"node": {"cpu": 4, "memory": "8GiB"}, "count": 9, "price": {"basis": "owned", "price": "0 EUR"}}
    site = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": pool}}
    web = {
        "stage": "serve", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}],
        "service": {"requests_per_s": 1, "listen": f"127.0.0.1:{port}", "drain": "10s"},
        "run": {"command": ["python", "-S", "service.py"], "files": ["service.py"], "health": "/ready"},
    }  # fmt: skip
    return loads(json.dumps({"sites": dict.fromkeys(SITES, site), "workloads": {"web": web}})).intent


def _alive(database: Database) -> list[runs.Run]:
    with database.read() as connection:
        return [run for run in runs.present(connection) if run.alive]


def _is_there(database: Database, site: str) -> bool:
    return any(run.site == site and run.started_at is not None for run in _alive(database))


def _served_at(database: Database, site: str) -> bool:
    """Served there, and nowhere else any more."""
    alive = _alive(database)
    return bool(alive) and all(run.site == site and run.ready_at is not None for run in alive)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0) as line:
            line.sendall(b"GET /ask HTTP/1.0\r\n\r\n")
            return b" 200 " in line.recv(100)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come about within {PATIENCE_S:.0f} s")
        time.sleep(0.02)
