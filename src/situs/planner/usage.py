"""What a placement takes from each row."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Floats, Placement, Problem


def row_load(problem: Problem, placement: Placement) -> Floats:
    """(M,) use of each row by units and opens."""
    load = np.zeros(len(problem.row_capacity))
    used = np.flatnonzero(placement.units)
    rows = problem.target_row[problem.col_target[used]]
    taken = problem.demand[problem.col_variant[used]] * placement.units[used, None]
    limited = rows >= 0
    np.add.at(load, rows[limited], taken[limited])
    columns = np.repeat(np.arange(len(problem.col_cost)), np.diff(problem.extra_indptr))
    np.add.at(load, problem.extra_row, problem.extra_amount * placement.units[columns])
    opens = np.repeat(np.arange(len(problem.open_cost)), np.diff(problem.open_indptr))
    np.add.at(load, problem.open_row, problem.open_amount * placement.opened[opens])
    return load
