"""What is tuned, in the words of situs; its peer is told the very parameters that situs draws."""

from __future__ import annotations

from dataclasses import dataclass

from situs.control.sweeps.drawing import drawn
from situs.store.arrays import Value

STEPS = 27
AT_ONCE = 2
REDUCTION = 3
DRAWN = {
    "rate": "log(1e-5,1e-1)",
    "penalty": "log(1e-6,1e1)",
    "hidden": "logint(8,256)",
    "batch": "logint(8,256)",
}
ALSO = ("{rate}", "{penalty}", "{hidden}", "{batch}", str(STEPS))
"""the program's arguments"""


@dataclass(frozen=True)
class Found:
    """What a sweep has found."""

    best: float
    """least loss of all that was reported"""
    steps: int
    """of training, all trials together"""
    wall_s: float


def parameters(trials: int, seed: int) -> list[dict[str, Value]]:
    """Of each trial, as situs draws them."""
    return drawn(DRAWN, {}, trials, "random", seed)


def options(trials: int, seed: int) -> list[str]:
    """The same for ``situs sweep``."""
    given = [
        "--trials", str(trials), "--seed", str(seed), "--at-once", str(AT_ONCE), "--minimise", "loss",
        "--max-steps", str(STEPS), "--reduction", str(REDUCTION), "--cpu", "1", "--name", "bench", "--no-env",
    ]  # fmt: skip
    return given + [word for name, text in DRAWN.items() for word in ("--draw", f"{name}={text}")]
