"""Do the arrays of a problem fit together?  Every fault is found, each as one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from situs.planner.check.rejected import MalformedProblem, name_offenders
from situs.planner.problem import Problem

_INTS = [
    "count",
    "col_limit",
    "extra_indptr",
    "need_indptr",
    "buy_indptr",
    "open_indptr",
    "group_min",
    "group_max",
]
_IDS = [
    "variant_class",
    "target_row",
    "col_variant",
    "col_target",
    "extra_row",
    "need_open",
    "buy_open",
    "buy_row",
    "open_group",
    "open_row",
]
_FLAGS = ["buy_integer"]
_FLOATS = [
    "penalty",
    "demand",
    "col_cost",
    "extra_amount",
    "row_capacity",
    "buy_cost",
    "buy_limit",
    "buy_amount",
    "open_cost",
    "open_amount",
]
_DTYPES = {
    **dict.fromkeys(_INTS, np.dtype(np.int64)),
    **dict.fromkeys(_IDS, np.dtype(np.int32)),
    **dict.fromkeys(_FLAGS, np.dtype(np.bool_)),
    **dict.fromkeys(_FLOATS, np.dtype(np.float64)),
}
_TABLES = ["demand", "target_row"]
_AT_LEAST = {
    "count": 1,
    "col_limit": 0,
    "demand": 0,
    "extra_amount": 0,
    "row_capacity": 0,
    "buy_cost": 0,
    "buy_limit": 0,
    "buy_amount": 0,
    "open_amount": 0,
    "group_min": 0,
    "group_max": 0,
}


def validate_problem(problem: Problem) -> None:
    """Raise :class:`MalformedProblem` naming every fault, if there is one.

    A problem that passes may still be impossible to satisfy; it is only certain to mean something.
    """
    faults = list(_wrong_types(problem))
    if not faults:
        faults = list(_wrong_lengths(problem))
    if not faults:
        faults = [*_wrong_numbers(problem), *_wrong_references(problem), *_wrong_order(problem)]
    if faults:
        raise MalformedProblem(faults)


def _wrong_types(problem: Problem) -> Iterator[str]:
    for name, dtype in _DTYPES.items():
        array = getattr(problem, name)
        dimensions = 2 if name in _TABLES else 1
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != dimensions:
            found = f"{array.dtype}, {array.ndim}" if isinstance(array, np.ndarray) else type(array).__name__
            yield f"{name} must be an array of {dtype} with {dimensions} dimension(s), not {found}."


def _wrong_lengths(problem: Problem) -> Iterator[str]:
    same = {
        "count": ("penalty",),
        "variant_class": ("demand",),
        "col_variant": ("col_target", "col_cost", "col_limit"),
        "buy_cost": ("buy_limit", "buy_integer", "buy_open"),
        "open_cost": ("open_group",),
        "group_min": ("group_max",),
    }
    for leader, followers in same.items():
        length = len(getattr(problem, leader))
        for name in followers:
            if len(getattr(problem, name)) != length:
                yield f"{name} has {len(getattr(problem, name))} entries, but {leader} has {length}."
    if problem.demand.shape[1] != problem.target_row.shape[1]:
        yield (
            f"demand has {problem.demand.shape[1]} resources, but target_row has "
            f"{problem.target_row.shape[1]}."
        )
    for pointer, owner, items in (
        ("extra_indptr", "col_variant", ("extra_row", "extra_amount")),
        ("need_indptr", "col_variant", ("need_open",)),
        ("buy_indptr", "buy_cost", ("buy_row", "buy_amount")),
        ("open_indptr", "open_cost", ("open_row", "open_amount")),
    ):
        yield from _wrong_pointers(problem, pointer, owner, items)


def _wrong_pointers(problem: Problem, pointer: str, owner: str, items: tuple[str, ...]) -> Iterator[str]:
    indptr = getattr(problem, pointer)
    owners = len(getattr(problem, owner))
    if len(indptr) != owners + 1:
        yield f"{pointer} must have {owners + 1} entries, one more than {owner}, but has {len(indptr)}."
        return
    if indptr[0] != 0 or bool((indptr[1:] < indptr[:-1]).any()):
        yield f"{pointer} must start at 0 and never decrease."
    for name in items:
        if len(getattr(problem, name)) != indptr[-1]:
            yield f"{name} has {len(getattr(problem, name))} entries, but {pointer} ends at {indptr[-1]}."


def _wrong_numbers(problem: Problem) -> Iterator[str]:
    for name in _FLOATS:
        array = getattr(problem, name)
        if name == "row_capacity":
            bad, meaning = np.isnan(array), "a number or inf"
        else:
            bad, meaning = ~np.isfinite(array), "a finite number"
        yield from _sentences(name, array, bad, meaning)
    for name, least in _AT_LEAST.items():
        array = getattr(problem, name)
        yield from _sentences(name, array, array < least, f"at least {least}")
    if not np.isfinite(problem.fixed_cost):
        yield f"fixed_cost is {problem.fixed_cost}, but must be a finite number."
    crossed = problem.group_min > problem.group_max
    yield from name_offenders(
        crossed,
        lambda g: (
            f"Group {g} has a minimum of {problem.group_min[g]} above its maximum of {problem.group_max[g]}."
        ),
    )


def _wrong_references(problem: Problem) -> Iterator[str]:
    classes, variants, targets = len(problem.count), len(problem.variant_class), len(problem.target_row)
    rows, opens, groups = len(problem.row_capacity), len(problem.open_cost), len(problem.group_min)
    for name, least, end in (
        ("variant_class", 0, classes),
        ("target_row", -1, rows),
        ("col_variant", 0, variants),
        ("col_target", 0, targets),
        ("extra_row", 0, rows),
        ("need_open", 0, opens),
        ("buy_open", -1, opens),
        ("buy_row", 0, rows),
        ("open_group", -1, groups),
        ("open_row", 0, rows),
    ):
        array = getattr(problem, name)
        yield from _sentences(name, array, (array < least) | (array >= end), f"from {least} to {end - 1}")


def _wrong_order(problem: Problem) -> Iterator[str]:
    for name in ("variant_class", "col_variant"):
        array = getattr(problem, name)
        if bool((array[1:] < array[:-1]).any()):
            place = int(np.flatnonzero(array[1:] < array[:-1])[0]) + 1
            yield f"{name} must not decrease, but entry {place} does: sort the columns by class and variant."
    yield from _repeated_needs(problem)


def _repeated_needs(problem: Problem) -> Iterator[str]:
    """An open that a column lists twice would be priced twice, and the bound would be no bound."""
    needs = problem.need_open
    if len(needs) < 2:
        return
    starts_column = np.zeros(len(needs) + 1, dtype=np.bool_)
    starts_column[problem.need_indptr] = True
    suspects = (needs[1:] <= needs[:-1]) & ~starts_column[1:-1]
    columns = np.unique(np.searchsorted(problem.need_indptr, np.flatnonzero(suspects), side="right") - 1)
    for column in columns.tolist():
        listed = needs[problem.need_indptr[column] : problem.need_indptr[column + 1]]
        if len(np.unique(listed)) < len(listed):
            yield f"Column {column} lists an open twice in need_open: {listed.tolist()}."
            return


def _sentences(name: str, array: NDArray[np.generic], bad: NDArray[np.bool_], meaning: str) -> list[str]:
    flat = array.reshape(-1)
    return name_offenders(bad.reshape(-1), lambda k: f"{name}[{k}] is {flat[k]}, but must be {meaning}.")
