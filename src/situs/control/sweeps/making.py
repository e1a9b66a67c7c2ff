"""Making a sweep: an array with what its members are compared by, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from situs.control.arrays import making
from situs.control.arrays.making import Wanted
from situs.control.sweeps.reports import FILE, VARIABLE
from situs.model.error import InputError
from situs.model.workload import Workload
from situs.planner.single import Placed
from situs.store import sweeps
from situs.store.arrays import Array, Value
from situs.store.database import Database
from situs.store.sweeps import Goal, Rule, Sweep

RULES: tuple[Rule, ...] = ("asha", "median", "none")
USUAL_REDUCTION = 3
"""As in the paper on ``asha`` for most of its experiments beside 4."""


@dataclass(frozen=True)
class Judged:
    """What members are compared by."""

    objective: str
    goal: Goal
    rule: Rule = "asha"
    first_step: int = 1
    last_step: int | None = None
    reduction: int = USUAL_REDUCTION
    patience: int | None = None


def goal_of(minimise: str | None, maximise: str | None) -> tuple[str, Goal]:
    """What is looked for, of which exactly one is given. Raises InputError."""
    if (minimise is None) == (maximise is None):
        raise InputError("say what is looked for: either --minimise loss or --maximise accuracy")
    return (minimise, "minimise") if minimise is not None else (maximise or "", "maximise")


def described(
    ranges: Mapping[str, str], lists: Mapping[str, Sequence[Value]], sampler: str, seed: int
) -> dict[str, Any]:
    """How parameters were drawn, as it is kept."""
    return {
        "draw": dict(ranges), "choose": {name: list(values) for name, values in lists.items()},
        "sampler": sampler, "seed": seed,
    }  # fmt: skip


def reporting(workload: Workload) -> Workload:
    """The job that knows where to report."""
    run = workload.run
    assert run is not None
    return workload.model_copy(update={"run": run.model_copy(update={"env": {**run.env, VARIABLE: FILE}})})


def make(
    database: Database, wanted: Wanted, judged: Judged, drawn: Mapping[str, Any], workload: Workload,
    files: Mapping[str, bytes], by: str,
) -> Array:  # fmt: skip
    """Write it down; its members are handed in by the control plane, as those of any array.

    ``drawn``: how the parameters were drawn. Raises InputError.
    """
    check(judged)
    if drawn.get("sampler") == "gp" and wanted.at_once is None:
        raise InputError(
            "a Gaussian process learns from trials that have reported: say how many run at once (--at-once 4)"
        )
    sweep = Sweep(wanted.name, **vars(judged), drawn=drawn)
    return making.make(
        database, wanted, reporting(workload), files, by, lambda connection: sweeps.add(connection, sweep)
    )


def look(database: Database, wanted: Wanted, workload: Workload) -> Placed:
    """Where its first member would go now. Raises InputError."""
    return making.look(database, wanted, reporting(workload))


def rule_of(text: str) -> Rule:
    """The rule of a name. Raises InputError."""
    for rule in RULES:
        if rule == text:
            return rule
    raise InputError(f"there is no rule {text!r} to stop by; use {', '.join(RULES)}")


def check(judged: Judged) -> None:
    """Raises InputError for what cannot be meant."""
    rule_of(judged.rule)
    if judged.first_step < 1:
        raise InputError(f"the first step to judge at is at least 1, not {judged.first_step}")
    if judged.last_step is not None and judged.last_step <= judged.first_step:
        raise InputError(f"--max-steps {judged.last_step} is to be more than --min-steps {judged.first_step}")
    if judged.patience is not None and judged.patience < 1:
        raise InputError(f"the patience with a trial is at least one step, not {judged.patience}")
    if judged.reduction < 2:
        raise InputError(f"at least one in 2 goes on, not one in {judged.reduction}")


def must_be_sweep(database: Database, name: str) -> None:
    """Raises InputError when there is no sweep of this name."""
    with database.read() as connection:
        if sweeps.found(connection, name) is not None:
            return
    raise InputError(f"there is no sweep {name!r}; `situs sweep ls` lists those there are")
