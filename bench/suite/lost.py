"""A site that is cut off with work on it that must never run twice, said to be lost, and back again.

The host is in a network namespace of its own with a real sshd; the line is once taken down and once silent, and the
control plane is killed in between.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import run_child
from bench.cutting.losing import Lost, lost
from bench.figure import CannotMeasure, Figure, Protocol
from bench.sshd import PROGRAM

LEASE_S = 30.0
PATIENCE_S = 900.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    for how in ("down", "silent"):
        found = measure(how)
        extra = {"lease_s": LEASE_S}
        yield Figure(f"lost.{how}.twice", found.twice, "runs", extra={"bar": 0, **extra})
        yield Figure(
            f"lost.{how}.elsewhere", found.away_s, "s from the cut until it runs elsewhere", extra=extra
        )
        yield Figure(f"lost.{how}.lost-steps", found.lost_steps, "steps of 0.1 s done again", extra=extra)
        yield Figure(
            f"lost.{how}.cleared", found.cleared_s, "s from the mending until nothing is left", extra=extra
        )


def measure(how: str) -> Lost:
    """In a process of its own: it forks, which only one without threads may do."""
    if PROGRAM is None:
        raise CannotMeasure("no sshd here: apt-get install openssh-server")
    if os.getuid() != 0:
        raise CannotMeasure("networks of their own need root")
    with tempfile.TemporaryDirectory(prefix="situs-lost-") as folder:
        ran = run_child(lost, Path(folder), how, LEASE_S, hard_limit_s=PATIENCE_S)
    if ran.answer is None:
        raise TimeoutError(f"a site whose line was {how} was not got over")
    return ran.answer
