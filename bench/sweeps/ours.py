"""``situs sweep`` on this machine: the estate is a folder with nothing in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench.sweeps.trials import ALSO, Found, options

SITUS = Path(sys.executable).with_name("situs")
TRAIN = Path(__file__).with_name("train.py")


def swept(folder: Path, trials: int, seed: int, *, learned: bool) -> Found:
    """The best trial, with all that it took."""
    folder.mkdir(parents=True)
    shutil.copy(TRAIN, folder / "train.py")
    env = {**os.environ, "SITUS_LANG": "en"}
    words = [
        str(SITUS),
        "sweep",
        "run",
        *options(trials, seed, learned=learned),
        "train.py",
        "--json",
        "--",
        *ALSO,
    ]
    began = time.perf_counter()
    try:
        done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
        wall_s = time.perf_counter() - began
    finally:
        subprocess.run([SITUS, "down"], cwd=folder, env=env, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"situs sweep ended with {done.returncode}: {done.stderr[-500:]}")
    view = json.loads(done.stdout)
    steps = sum(trial["steps"] or 0 for trial in view["trials"])
    return Found(view["best"]["best"], steps, wall_s)
