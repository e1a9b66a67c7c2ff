"""The control plane at rest with 50 sites and 2,000 services, at its usual pace.

The sites only pretend, so that what is measured is the control plane and not what it looks after.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.noop.rest import at_rest

SITES, WORKLOADS = 50, 2_000
MEASURED_S = 120.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="situs-idle-") as folder:
        ran = run_child(at_rest, Path(folder), SITES, WORKLOADS, MEASURED_S)
    assert ran.answer is not None, "it did not come to rest"
    rest, extra = ran.answer, {"sites": SITES, "workloads": WORKLOADS, "seconds": MEASURED_S}
    yield Figure("idle.cpu", 100 * rest.cores, "% of a core", extra={"bar": 2, **extra})
    yield Figure("idle.memory", rest.mib, "MiB resident", extra={"bar": 300, **extra})
    yield Figure("idle.starting", rest.starting_s, "s from the plan until all run", extra=extra)
