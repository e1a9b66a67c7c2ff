"""A real training run moved in mid-epoch: from one place of this machine to another, over SSH, and back.

Its loss curve is held, to nine digits, against that of the same run that nobody moves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import run_child
from bench.figure import CannotMeasure, Figure, Protocol
from bench.moving.story import Moved, moved
from bench.sshd import PROGRAM

STEPS = 300
PATIENCE_S = 900.0


def figures(_protocol: Protocol) -> Iterator[Figure]:
    found = measure()
    extra = {"way": " → ".join(found.sites), "steps": STEPS}
    yield Figure(
        "move.lost-steps", found.lost_steps, "steps done again by one move, at most",
        extra={"bar": found.interval, **extra},
    )  # fmt: skip
    yield Figure("move.steps-off", found.steps_off, "steps with another loss", extra={"bar": 0, **extra})
    yield Figure("move.twice", found.outside, "steps beside a later run", extra={"bar": 0, **extra})
    yield Figure(
        "move.pause", found.pause_s, "s from the last step here to the first there, at most", extra=extra
    )


def measure() -> Moved:
    """In a process of its own: it forks, which only one without threads may do."""
    if PROGRAM is None:
        raise CannotMeasure("no sshd here: apt-get install openssh-server")
    with tempfile.TemporaryDirectory(prefix="situs-move-") as folder:
        ran = run_child(moved, Path(folder), STEPS, hard_limit_s=PATIENCE_S)
    if ran.answer is None:
        raise TimeoutError("the moves did not come to an end")
    return ran.answer
