"""Optuna, which many tune with: a library in one process, with a database if that is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from bench.figure import CannotMeasure
from bench.sweeps.ours import TRAIN
from bench.sweeps.trials import (
    AT_ONCE,
    DRAWN,
    FIRST_STEP,
    LEARNED_FIRST_STEP,
    LEARNED_REDUCTION,
    REDUCTION,
    STEPS,
    Found,
    parameters,
)
from situs.control.sweeps.space import Range, axes

PYTHON = Path(__file__).parents[2] / ".venv-optuna" / "bin" / "python"


def swept(trials: int, seed: int, *, learned: bool) -> tuple[str, Found]:
    """Its name with its version, and what it has found. Raises CannotMeasure where it is not installed.

    ``learned``: it draws by its own model; otherwise it is told what to try.
    """
    if not PYTHON.exists():
        raise CannotMeasure("Optuna is not here: make optuna")
    asked = {
        "parameters": None if learned else parameters(trials, seed), "trials": trials, "steps": STEPS,
        "at_once": AT_ONCE, "first_step": LEARNED_FIRST_STEP if learned else FIRST_STEP,
        "reduction": LEARNED_REDUCTION if learned else REDUCTION, "seed": seed,
        "ranges": {name: vars(axis) for name, axis in axes(DRAWN, {}).items() if isinstance(axis, Range)},
    }  # fmt: skip
    words = [str(PYTHON), str(Path(__file__).with_name("optuna_sweep.py")), sys.executable, str(TRAIN)]
    began = time.perf_counter()
    done = subprocess.run(words, input=json.dumps(asked), capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - began
    if done.returncode:
        raise CannotMeasure(f"Optuna failed: {done.stderr.strip()[-300:]}")
    told = json.loads(done.stdout)
    return f"Optuna {told['version']}", Found(told["best"], told["steps"], wall_s)
