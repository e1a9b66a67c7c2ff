"""Two control planes on one PostgreSQL: the one that leads is frozen in the middle of moves, a minute past its lease.

The other one takes over and moves everything somewhere else; then the first is woken, and nothing may change by it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import postgres
from bench.child import run_child
from bench.crash.frozen import frozen
from bench.figure import CannotMeasure, Figure, Protocol

PAST_LEASE_S, WORKLOADS = 60.0, 24
PATIENCE_S = 1800.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    programs = postgres.programs()
    if programs is None:
        raise CannotMeasure("no PostgreSQL server here: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="situs-frozen-") as folder, postgres.server(programs) as server:
        # In a process of its own: it forks, which only one without threads may do.
        ran = run_child(frozen, server.new(), Path(folder), PAST_LEASE_S, WORKLOADS, hard_limit_s=PATIENCE_S)
    found = ran.answer
    if found is None:
        raise TimeoutError("it did not settle")
    extra = {"workloads": WORKLOADS, "steps_cut": found.cut, "past_lease_s": found.past_lease_s}
    for what, unit, value in (
        ("changes", "changes by the woken one", len(found.changes)),
        ("steps", "steps under its old token", found.by_its_token),
        ("twice", "runs", found.twice),
    ):
        yield Figure(f"frozen.{what}", value, unit, extra={"bar": 0, **extra})
    yield Figure("frozen.past-lease", found.past_lease_s, "s frozen past the end of its lease", extra=extra)
