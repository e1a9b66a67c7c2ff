"""What a case leaves in each row when everything that may be bought is bought, and what still fits there.

A bound from prices alone lets a sliver of anything in.  But a whole unit that does not fit a row at its
fullest is in no placement, so the minimum over a case may leave it out.  Nothing of this is taken from the
certificate: it follows from the problem and the case.
"""

from __future__ import annotations

import numpy as np

from situs.planner.check.sums import sum_by
from situs.planner.problem import Flags, Floats, Problem

LENIENT = 1e-8
"""Relative to all that a row gives and must give; ten times what a placement may be overfull by, so that no
placement that is accepted elsewhere is called impossible here."""


def what_rows_can_spare(
    problem: Problem, buy_high: Floats, forced: Flags, unit_low: dict[int, int]
) -> Floats:
    """(M,) capacity left, at the most, beyond the opens and units a case asks for; negative where it is too small."""
    rows = len(problem.row_capacity)
    seller = np.repeat(np.arange(len(problem.buy_cost)), np.diff(problem.buy_indptr))
    gives = problem.row_capacity + sum_by(problem.buy_row, problem.buy_amount * buy_high[seller], rows)
    taker = np.repeat(np.arange(len(problem.open_cost)), np.diff(problem.open_indptr))
    takes = sum_by(problem.open_row, problem.open_amount * forced[taker], rows)
    for column, units in unit_low.items():
        if units > 0:
            variant, target = problem.col_variant[column], problem.col_target[column]
            limited = problem.target_row[target] >= 0
            np.add.at(takes, problem.target_row[target][limited], units * problem.demand[variant][limited])
            span = slice(problem.extra_indptr[column], problem.extra_indptr[column + 1])
            np.add.at(takes, problem.extra_row[span], units * problem.extra_amount[span])
    return np.asarray(gives - takes + LENIENT * (gives + takes))


def units_that_fit(problem: Problem, spare: Floats, columns: slice) -> Floats:
    """How many units of each column of the chunk fit what its rows can spare, each row taken alone."""
    variant, target = problem.col_variant[columns], problem.col_target[columns]
    fit = np.full(len(variant), np.inf)
    for q in range(problem.demand.shape[1]):
        row = problem.target_row[:, q]
        there = np.where(row >= 0, spare[row], np.inf)[target] if len(spare) else np.full(len(target), np.inf)
        _lower(fit, slice(None), there, problem.demand[:, q][variant])
    indptr = problem.extra_indptr[columns.start : columns.stop + 1]
    # One further use of each column at a time, so that no column stands twice in an assignment.
    length = np.diff(indptr)
    for nth in range(int(length.max(initial=0))):
        having = np.flatnonzero(length > nth)
        item = indptr[having] + nth
        _lower(fit, having, spare[problem.extra_row[item]], problem.extra_amount[item])
    return np.asarray(np.floor(fit))


def _lower(fit: Floats, at: slice | np.ndarray, there: Floats, amount: Floats) -> None:
    often = np.full(len(amount), np.inf)
    np.divide(there, amount, out=often, where=amount > 0)
    fit[at] = np.minimum(fit[at], often)
