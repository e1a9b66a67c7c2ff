"""The line to an SSH host cut for a minute in the middle of a start, of reading logs, of moves, and of a stop.

The host is in a network namespace of its own with a real sshd; the line is once taken down and once silent.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.cutting.apart import apart
from bench.cutting.story import cut
from bench.figure import Figure, Protocol

FOR_S = 60.0
PATIENCE_S = 1800.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    for how in ("down", "silent"):
        found = apart(cut, FOR_S, how, patience_s=PATIENCE_S)
        extra = {"cuts": found.cuts, "seconds": FOR_S}
        for what, unit, value in (
            ("twice", "runs", found.twice),
            ("lost", "workloads", found.lost),
            ("log-off", "bytes of a log that was followed", found.log_off),
        ):
            yield Figure(f"cut.{how}.{what}", value, unit, extra={"bar": 0, **extra})
        yield Figure(f"cut.{how}.settled", found.slowest_s, "s from the mending, at most", extra=extra)
