"""How fast queues hand out quota: the two loads that Kueue's scheduler is measured with, against sites that pretend.

Kueue's figures are those that its project publishes for the same loads; it writes each step through the API of
Kubernetes, on other machines. What counts here is that every quota and priority held, as the journal tells.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.noop.load import BASELINE, LARGE, Load, Ran, run
from bench.noop.rules import broken
from situs.store.database import Database

PEER = "Kueue, as published (other machines, each step through the Kubernetes API)"
CASES = (("baseline", BASELINE, 351.0, 75.0), ("large", LARGE, 1179.0, 60.0))


def figures(_protocol: Protocol) -> Iterator[Figure]:
    for name, load, peer_s, bar_s in CASES:
        with tempfile.TemporaryDirectory(prefix="situs-throughput-") as folder:
            ran = run_child(_checked, Path(folder), load)
        assert ran.answer is not None, "it did not come to its end"
        took, wrong = ran.answer
        for text in wrong:
            print(f"throughput {name}: {text}")
        extra = {"workloads": load.total, "bound": round(load.least_s, 1), "preempted": took.preempted}
        yield Figure(f"throughput.{name}", took.took_s, "s", PEER, peer_s, {"bar": bar_s, **extra})
        yield Figure(
            f"throughput.{name}.broken-rules", len(wrong), "rules broken, by the journal", extra={"bar": 0}
        )
        yield Figure(f"throughput.{name}.memory", took.memory_mib, "MiB at most", extra={"bar": 1024})


def _checked(folder: Path, load: Load) -> tuple[Ran, list[str]]:
    ran = run(folder, load)
    database = Database(str(folder / "control.db"))
    with database.read() as connection:
        # The first few tell what is wrong.
        return ran, list(islice(broken(connection, load), 20))
