"""A service of two units moved from site to site while people ask it, the control plane killed in every second move.

Requests go through HAProxy, over connections that are kept and over new ones.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import run_child
from bench.figure import CannotMeasure, Figure, Protocol
from bench.serving.story import Moved, moved

MOVES = 20
PATIENCE_S = 900.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    found = measure()
    extra = {"moves": found.moves, "requests": found.requests}
    yield Figure("service-move.failed", found.failed, "requests", extra={"bar": 0, **extra})
    yield Figure("service-move.slowest", found.slowest_s, "s for one request", extra=extra)
    yield Figure("service-move.longest", found.longest_move_s, "s for one move", extra=extra)


def measure() -> Moved:
    """In a process of its own: it forks, which only one without threads may do."""
    if shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
        raise CannotMeasure("no HAProxy here: apt-get install haproxy")
    with tempfile.TemporaryDirectory(prefix="situs-serve-") as folder:
        ran = run_child(moved, Path(folder) / "plane", MOVES, hard_limit_s=PATIENCE_S)
    if ran.answer is None:
        raise TimeoutError("the moves did not come to an end")
    return ran.answer
