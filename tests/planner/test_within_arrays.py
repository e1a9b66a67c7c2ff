"""Compiled loops stay within their arrays: compiled with checks, which they do without elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SOLVE_ALL = """
from dataclasses import replace

import numpy as np

from situs.planner.solve import Infeasible, engine, primal, solve
from tests.planner.oracle import random_problem

FURTHER = 300


def crossing_many_rows(problem):
    # As over a calendar: every column takes from hundreds of rows, all with room.
    columns, rows = len(problem.col_cost), len(problem.row_capacity)
    return replace(
        problem,
        extra_indptr=np.arange(columns + 1, dtype=np.int64) * FURTHER,
        extra_row=np.tile(rows + np.arange(FURTHER), columns).astype(np.int32),
        extra_amount=np.ones(columns * FURTHER),
        row_capacity=np.concatenate((problem.row_capacity, np.full(FURTHER, 1e6))),
    )


engine.SMALL, engine.MOST_SEARCHES, primal.FEWEST_TRIALS = -1, 1, 2000
solved = 0
for seed in range(40):
    for problem in (random_problem(seed), crossing_many_rows(random_problem(seed))):
        try:
            solve(problem, gap=0.0)
            solved += 1
        except Infeasible:
            pass
assert solved > 40
"""


@pytest.mark.slow
def test_large_problems_are_searched_within_the_arrays(tmp_path: Path) -> None:
    checked = {
        **os.environ,
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    ran = subprocess.run(
        [sys.executable, "-c", SOLVE_ALL], env=checked, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
