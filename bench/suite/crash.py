"""Two hundred times SIGKILL for the control plane while it runs and moves a hundred workloads over four sites.

The workloads themselves tell what came of it: each run claims its generation, its turn and its last step by files
that can be made only once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import postgres
from bench.child import run_child
from bench.crash.kill import Found, killed
from bench.figure import CannotMeasure, Figure, Protocol

KILLS, WORKLOADS, PLANS = 200, 100, 25
LONGEST_JOB_S = 40.0
PATIENCE_S = 3600.0


def figures(protocol: Protocol) -> Iterator[Figure]:
    for kind in ("sqlite", "postgresql"):
        found = [measure(kind, seed) for seed in protocol.seeds[:1]]
        extra = {
            "kills": sum(one.kills for one in found), "workloads": WORKLOADS, "runs": sum(one.runs for one in found),
            "moves": sum(one.moves for one in found), "steps_cut": sum(one.cut for one in found),
        }  # fmt: skip
        for what, unit, value in (
            ("lost", "workloads", sum(one.lost for one in found)),
            ("twice", "runs", sum(one.twice for one in found)),
            ("unexplained", "steps without an end in the journal", sum(one.unexplained for one in found)),
        ):
            yield Figure(f"crash.{kind}.{what}", value, unit, extra={"bar": 0, **extra})
        yield Figure(
            f"crash.{kind}.settled", max(one.settled_s for one in found), "s from the last kill", extra=extra
        )


def measure(kind: str, seed: int) -> Found:
    """In a process of its own: it forks, which only one without threads may do."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="situs-crash-")))
        url = f"sqlite:///{folder / 'control.db'}"
        if kind == "postgresql":
            programs = postgres.programs()
            if programs is None:
                raise CannotMeasure("no PostgreSQL server here: apt-get install postgresql")
            url = stack.enter_context(postgres.server(programs)).new()
        ran = run_child(
            killed, url, folder, WORKLOADS, KILLS, PLANS, seed, LONGEST_JOB_S, hard_limit_s=PATIENCE_S
        )
        if ran.answer is None:
            raise TimeoutError(f"crash on {kind}: it did not settle")
        return ran.answer
