"""Is a placement feasible, and what does it cost?  Recomputed from the problem and the placement alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from situs.planner.check.rejected import Rejected, name_offenders
from situs.planner.check.sums import sum_by
from situs.planner.problem import Floats, Ints, Placement, Problem

RELATIVE_TOLERANCE = 1e-9
"""How far a row may be overfull, and a claimed cost off, relative to the sum of the terms' sizes.

Adding n numbers in double precision errs by at most n * 1.1e-16 of their total size, so a million terms
in an unlucky order stay within 1.1e-10; ten times that leaves room for the author's own order of adding.
A billionth of a capacity has no meaning to a user and moves no cost a user could see."""


@dataclass(frozen=True, eq=False)
class Checked:
    """What the checker found about a feasible placement, in the problem's currency and units."""

    cost: float
    """recomputed; use this one, not the claim"""
    placement_cost: float
    """the part paid for columns"""
    unplaced_cost: float
    """the penalties of what is left out"""
    bought_cost: float
    opened_cost: float
    units_unplaced: int
    row_used: Floats
    """(M,) by columns and opens together"""
    row_available: Floats
    """(M,) there without buying, plus bought; may be inf"""


def check_placement(problem: Problem, placement: Placement) -> Checked:
    """Recompute feasibility and cost; raise :class:`Rejected` naming every violation.

    The problem is taken as well formed (see :func:`~situs.planner.check.validate_problem`).
    """
    violations = list(_wrong_shapes(problem, placement))
    if violations:
        raise Rejected(violations)
    used, available, size = _rows(problem, placement)
    violations += _class_violations(problem, placement)
    violations += _column_violations(problem, placement)
    violations += _purchase_violations(problem, placement)
    violations += _group_violations(problem, placement)
    violations += name_offenders(
        used > available + RELATIVE_TOLERANCE * size,
        lambda r: f"Row {r} is overfull: {used[r].item()} used of {available[r].item()}.",
    )
    parts = {
        "columns": problem.col_cost * placement.units,
        "unplaced": problem.penalty * placement.unplaced,
        "bought": problem.buy_cost * placement.bought,
        "opened": problem.open_cost * placement.opened,
    }
    cost = math.fsum([problem.fixed_cost, *(float(part.sum()) for part in parts.values())])
    cost_size = math.fsum([abs(problem.fixed_cost), *(float(np.abs(part).sum()) for part in parts.values())])
    if not abs(placement.cost - cost) <= RELATIVE_TOLERANCE * cost_size:
        violations.append(f"The claimed cost is {placement.cost!r}, but the placement costs {cost!r}.")
    if violations:
        raise Rejected(violations)
    return Checked(
        cost=cost,
        placement_cost=float(parts["columns"].sum()),
        unplaced_cost=float(parts["unplaced"].sum()),
        bought_cost=float(parts["bought"].sum()),
        opened_cost=float(parts["opened"].sum()),
        units_unplaced=int(placement.unplaced.sum()),
        row_used=used,
        row_available=available,
    )


def _wrong_shapes(problem: Problem, placement: Placement) -> Iterator[str]:
    for name, length, dtype in (
        ("units", len(problem.col_cost), np.int64),
        ("unplaced", len(problem.count), np.int64),
        ("bought", len(problem.buy_cost), np.float64),
        ("opened", len(problem.open_cost), np.bool_),
    ):
        array = getattr(placement, name)
        if not isinstance(array, np.ndarray) or array.shape != (length,) or array.dtype != dtype:
            found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            yield f"{name} must be {np.dtype(dtype)} of shape ({length},), not {found}."


def _class_violations(problem: Problem, placement: Placement) -> Iterator[str]:
    placed = np.zeros(len(problem.count), dtype=np.int64)
    taken = np.flatnonzero(placement.units)
    np.add.at(placed, problem.variant_class[problem.col_variant[taken]], placement.units[taken])
    yield from name_offenders(
        placed + placement.unplaced != problem.count,
        lambda i: (
            f"Class {i} has {problem.count[i]} units, but {placed[i]} are placed "
            f"and {placement.unplaced[i]} left out."
        ),
    )
    yield from name_offenders(
        placement.unplaced < 0,
        lambda i: f"Class {i} has {placement.unplaced[i]} units left out, fewer than none.",
    )


def _column_violations(problem: Problem, placement: Placement) -> Iterator[str]:
    units = placement.units
    yield from name_offenders(units < 0, lambda j: f"Column {j} has {units[j]} units, fewer than none.")
    yield from name_offenders(
        units > problem.col_limit,
        lambda j: f"Column {j} has {units[j]} units, more than its limit of {problem.col_limit[j]}.",
    )
    taken = np.flatnonzero(units)
    owner, items = _listed(problem.need_indptr, taken)
    needed = problem.need_open[items]
    yield from name_offenders(
        ~placement.opened[needed],
        lambda n: f"Column {taken[owner[n]]} is used, but the open {needed[n]} it needs is closed.",
    )


def _purchase_violations(problem: Problem, placement: Placement) -> Iterator[str]:
    bought = placement.bought
    yield from name_offenders(
        ~((bought >= 0) & (bought <= problem.buy_limit)),
        lambda k: f"Purchase {k} is {bought[k].item()}, outside 0 to {problem.buy_limit[k].item()}.",
    )
    yield from name_offenders(
        problem.buy_integer & (bought != np.floor(bought)),
        lambda k: f"Purchase {k} is {bought[k].item()}, but comes in whole units only.",
    )
    needs_open = problem.buy_open >= 0
    closed = np.zeros(len(bought), dtype=np.bool_)
    closed[needs_open] = ~placement.opened[problem.buy_open[needs_open]]
    yield from name_offenders(
        closed & (bought > 0),
        lambda k: f"Purchase {k} is made, but the open {problem.buy_open[k]} it needs is closed.",
    )


def _group_violations(problem: Problem, placement: Placement) -> Iterator[str]:
    grouped = placement.opened & (problem.open_group >= 0)
    opened = np.bincount(problem.open_group[grouped], minlength=len(problem.group_min))
    yield from name_offenders(
        (opened < problem.group_min) | (opened > problem.group_max),
        lambda g: (
            f"Group {g} has {opened[g]} opens, outside {problem.group_min[g]} to {problem.group_max[g]}."
        ),
    )


def _rows(problem: Problem, placement: Placement) -> tuple[Floats, Floats, Floats]:
    """What is used of each row, what is available, and the sum of the sizes of all terms in it."""
    rows = len(problem.row_capacity)
    used = np.zeros(rows)
    taken = np.flatnonzero(placement.units)
    units = placement.units[taken].astype(np.float64)
    target, variant = problem.col_target[taken], problem.col_variant[taken]
    for q in range(problem.demand.shape[1]):
        row = problem.target_row[target, q]
        limited = row >= 0
        used += sum_by(row[limited], (units * problem.demand[variant, q])[limited], rows)
    owner, items = _listed(problem.extra_indptr, taken)
    used += sum_by(problem.extra_row[items], units[owner] * problem.extra_amount[items], rows)
    _, items = _listed(problem.open_indptr, np.flatnonzero(placement.opened))
    used += sum_by(problem.open_row[items], problem.open_amount[items], rows)
    buys = np.flatnonzero(placement.bought)
    owner, items = _listed(problem.buy_indptr, buys)
    added = sum_by(problem.buy_row[items], placement.bought[buys][owner] * problem.buy_amount[items], rows)
    available = problem.row_capacity + added
    finite = np.where(np.isfinite(available), available, 0.0)
    return used, available, np.abs(used) + np.abs(finite)


def _listed(indptr: Ints, owners: Ints) -> tuple[Ints, Ints]:
    """The items of some owners of a CSR list: the position in ``owners`` of each item, and the item."""
    lengths = indptr[owners + 1] - indptr[owners]
    position = np.repeat(np.arange(len(owners), dtype=np.int64), lengths)
    before = np.cumsum(lengths) - lengths
    items = np.arange(len(position), dtype=np.int64) + np.repeat(indptr[owners] - before, lengths)
    return position, items
