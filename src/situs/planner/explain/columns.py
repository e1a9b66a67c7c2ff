"""From a workload to its columns in the problem, and the rows that they take from."""

from __future__ import annotations

import numpy as np

from situs.planner.decide import Decided
from situs.planner.problem import Ints


def chosen_columns(decided: Decided, workload: str) -> Ints:
    """Columns of the workload's class that were chosen for it."""
    candidates = decided.candidates
    places = {(a.site, a.pool) for a in decided.plan.decision(workload).assignments}
    number = candidates.class_of(workload)
    units = decided.solution.placement.units
    return np.asarray(
        [
            column
            for column in candidates.columns_of(number)
            if units[column]
            and (candidates.options[column].place.site, candidates.options[column].place.name) in places
        ],
        dtype=np.int64,
    )


def rows_taken(decided: Decided, columns: Ints) -> frozenset[int]:
    """Rows that any of the columns takes from."""
    problem = decided.candidates.problem
    rows: set[int] = set()
    for column in columns:
        own = problem.target_row[problem.col_target[column]]
        takes = problem.demand[problem.col_variant[column]] > 0
        rows.update(int(row) for row in own[takes] if row >= 0)
        span = slice(problem.extra_indptr[column], problem.extra_indptr[column + 1])
        rows.update(problem.extra_row[span].tolist())
    return frozenset(rows)
