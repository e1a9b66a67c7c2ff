"""Optuna with as many workers, its pruner of the same rule, and the same program for each trial.

Run by the Python of Optuna's own environment: ``optuna_sweep.py PYTHON TRAIN`` reads what is to be done as JSON from
standard input and prints what was found.  Each trial is a process of the program, as with situs, whose reports come
through a pipe at once; so what is compared is who decides, and how long that takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Lock

import optuna


def main() -> None:
    python, train = sys.argv[1], Path(sys.argv[2])
    asked = json.load(sys.stdin)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.SuccessiveHalvingPruner(
        min_resource=asked["first_step"], reduction_factor=asked["reduction"]
    )
    # What its documentation advises where trials run beside each other.
    sampler = optuna.samplers.TPESampler(seed=asked["seed"], constant_liar=True)
    study = optuna.create_study(sampler=sampler, pruner=pruner)
    lock, steps, best = Lock(), 0, float("inf")

    def suggested(trial: optuna.Trial) -> dict[str, float]:
        given: dict[str, float] = {}
        for name, axis in asked["ranges"].items():
            log = axis["kind"].startswith("log")
            if axis["kind"].endswith("int"):
                given[name] = trial.suggest_int(name, int(axis["low"]), int(axis["high"]), log=log)
            else:
                given[name] = trial.suggest_float(name, axis["low"], axis["high"], log=log)
        return given

    def objective(trial: optuna.Trial) -> float:
        nonlocal steps, best
        given = asked["parameters"][trial.number] if asked["parameters"] else suggested(trial)
        trial.set_user_attr("parameters", given)
        words = [python, str(train), *(str(value) for value in given.values()), str(asked["steps"])]
        env = {**os.environ, "SITUS_REPORT": "/dev/stdout"}
        value = float("inf")
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                step, value = int(line.split()[0]), float(line.split()[1])
                with lock:
                    steps, best = steps + 1, min(best, value)
                trial.report(value, step)
                if step < asked["steps"] and trial.should_prune():
                    process.terminate()
                    raise optuna.TrialPruned
        return value

    study.optimize(objective, n_trials=asked["trials"], n_jobs=asked["at_once"])
    print(json.dumps({"best": best, "steps": steps, "version": optuna.__version__}))


main()
