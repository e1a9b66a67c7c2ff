"""A site that is cut off with work on it that must never run twice, said to be lost, and back again.

The host is in a network namespace of its own with a real sshd; the line is once taken down and once silent, and the
control plane is killed in between.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.cutting.apart import apart
from bench.cutting.losing import lost
from bench.figure import Figure, Protocol

LEASE_S = 30.0
PATIENCE_S = 900.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    for how in ("down", "silent"):
        found = apart(lost, how, LEASE_S, patience_s=PATIENCE_S)
        extra = {"lease_s": LEASE_S}
        yield Figure(f"lost.{how}.twice", found.twice, "runs", extra={"bar": 0, **extra})
        yield Figure(
            f"lost.{how}.elsewhere", found.away_s, "s from the cut until it runs elsewhere", extra=extra
        )
        yield Figure(f"lost.{how}.lost-steps", found.lost_steps, "steps of 0.1 s done again", extra=extra)
        yield Figure(
            f"lost.{how}.cleared", found.cleared_s, "s from the mending until nothing is left", extra=extra
        )
