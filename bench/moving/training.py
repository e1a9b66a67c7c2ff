"""The run that is moved: a network of two layers learns handwritten digits by stochastic gradient descent.

``python training.py FOLDER STEPS STEP_S``.  It knows nothing of moves: it keeps a checkpoint every ``INTERVAL`` steps,
as any training does, goes on from the one it finds, and ends when a signal ends it.  In FOLDER it leaves a line for
each step: generation, site, step, loss.  The loss of a step depends on all steps before it, so a curve that is
the same to nine digits as that of a run that nobody moved is proof that nothing was lost or done twice.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

INTERVAL = 10
"""Steps between checkpoints."""
BATCH, HIDDEN, RATE, MOMENTUM = 32, 64, 0.05, 0.9
CHECKPOINT = Path("checkpoint.npz")

State = dict[str, np.ndarray]


def main(folder: str, steps: int, step_s: float) -> None:
    generation, site = os.environ["SITUS_GENERATION"], os.environ["SITUS_SITE"]
    state = dict(np.load(CHECKPOINT)) if CHECKPOINT.exists() else begun()
    pictures, digits = data()
    with (Path(folder) / "curve").open("a", buffering=1) as curve:
        while int(state["step"]) < steps:
            loss = step(state, pictures, digits)
            curve.write(f"{generation} {site} {int(state['step'])} {loss.hex()}\n")
            if int(state["step"]) % INTERVAL == 0:
                keep(state)
            time.sleep(step_s)


def reference(steps: int) -> list[float]:
    """The loss of each step of a run that nobody moves."""
    state, (pictures, digits) = begun(), data()
    return [step(state, pictures, digits) for _ in range(steps)]


def data() -> tuple[np.ndarray, np.ndarray]:
    digits = load_digits()
    return digits.data / 16.0, digits.target


def begun() -> State:
    rng = np.random.default_rng(0)
    weights = {"one": rng.normal(0, 0.1, (64, HIDDEN)), "two": rng.normal(0, 0.1, (HIDDEN, 10))}
    speeds = {f"{name}_speed": np.zeros_like(value) for name, value in weights.items()}
    return {"step": np.array(0), **weights, **speeds}


def step(state: State, pictures: np.ndarray, digits: np.ndarray) -> float:
    """One batch; changes the state, gives the loss before the change."""
    per_epoch = len(digits) // BATCH
    epoch, turn = divmod(int(state["step"]), per_epoch)
    order = np.random.default_rng(epoch).permutation(len(digits))
    chosen = order[turn * BATCH : (turn + 1) * BATCH]
    given, wanted = pictures[chosen], digits[chosen]
    hidden = np.maximum(given @ state["one"], 0.0)
    scores = hidden @ state["two"]
    scores -= scores.max(axis=1, keepdims=True)
    likely = np.exp(scores)
    likely /= likely.sum(axis=1, keepdims=True)
    loss = float(-np.log(likely[np.arange(BATCH), wanted]).mean())
    likely[np.arange(BATCH), wanted] -= 1.0
    back = (likely @ state["two"].T) * (hidden > 0)
    slopes = {"two": hidden.T @ likely / BATCH, "one": given.T @ back / BATCH}
    for name, slope in slopes.items():
        state[f"{name}_speed"] = MOMENTUM * state[f"{name}_speed"] - RATE * slope
        state[name] = state[name] + state[f"{name}_speed"]
    state["step"] = np.array(int(state["step"]) + 1)
    return loss


def keep(state: State) -> None:
    """In one step, so that whoever takes it away never sees half of it."""
    new = CHECKPOINT.with_name("new.npz")
    np.savez(new, **state)
    new.replace(CHECKPOINT)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
