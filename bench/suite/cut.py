"""The line to an SSH host cut for a minute in the middle of a start, of reading logs, of moves, and of a stop.

The host is in a network namespace of its own with a real sshd; the line is once taken down and once silent.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import run_child
from bench.cutting.story import Found, cut
from bench.figure import CannotMeasure, Figure, Protocol
from bench.sshd import PROGRAM

FOR_S = 60.0
PATIENCE_S = 1800.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    for how in ("down", "silent"):
        found = measure(how)
        extra = {"cuts": found.cuts, "seconds": FOR_S}
        for what, unit, value in (
            ("twice", "runs", found.twice),
            ("lost", "workloads", found.lost),
            ("log-off", "bytes of a log that was followed", found.log_off),
        ):
            yield Figure(f"cut.{how}.{what}", value, unit, extra={"bar": 0, **extra})
        yield Figure(f"cut.{how}.settled", found.slowest_s, "s from the mending, at most", extra=extra)


def measure(how: str) -> Found:
    """In a process of its own: it forks, which only one without threads may do."""
    if PROGRAM is None:
        raise CannotMeasure("no sshd here: apt-get install openssh-server")
    if os.getuid() != 0:
        raise CannotMeasure("networks of their own need root")
    with tempfile.TemporaryDirectory(prefix="situs-cut-") as folder:
        ran = run_child(cut, Path(folder), FOR_S, how, hard_limit_s=PATIENCE_S)
    if ran.answer is None:
        raise TimeoutError(f"a line that was {how} was not got over")
    return ran.answer
