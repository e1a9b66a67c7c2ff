"""What is tuned, in the words of situs.

The peer is told the very parameters that situs draws, or draws by its own model from the same ranges.
"""

from __future__ import annotations

from dataclasses import dataclass

from situs.control.sweeps.drawing import drawn
from situs.store.arrays import Value

STEPS = 27
AT_ONCE = 2
FIRST_STEP, REDUCTION = 1, 3
LEARNED_FIRST_STEP, LEARNED_REDUCTION = 3, 2
"""Where trials are drawn by a model they are good ones soon, of which more may go on, and each is to tell it more."""
PATIENCE = 4
"""with trials that do not become better, where each side does its best"""
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


def options(trials: int, seed: int, *, learned: bool) -> list[str]:
    """The same for ``situs sweep``; ``learned``: it draws by its model, and has no patience without end."""
    given = [
        "--trials", str(trials), "--seed", str(seed), "--at-once", str(AT_ONCE), "--minimise", "loss",
        "--max-steps", str(STEPS), "--reduction", str(LEARNED_REDUCTION if learned else REDUCTION), "--cpu", "1",
        "--name", "bench", "--no-env",
    ]  # fmt: skip
    given += ["--min-steps", str(LEARNED_FIRST_STEP if learned else FIRST_STEP)]
    if learned:
        given += ["--sampler", "gp", "--patience", str(PATIENCE)]
    return given + [word for name, text in DRAWN.items() for word in ("--draw", f"{name}={text}")]
