"""How sweeps stand: each trial with its best value so far, the best trial first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from situs.control.arrays import standing
from situs.control.arrays.standing import ArrayView, MemberView, State
from situs.model.amount import Exact
from situs.model.error import InputError
from situs.store import arrays, sweeps
from situs.store.arrays import Value
from situs.store.database import Database
from situs.store.runs import Run
from situs.store.sweeps import Goal, Rule, Sweep


@dataclass(frozen=True)
class Trial:
    """How one member stands."""

    number: int
    name: str
    parameters: Mapping[str, Value]
    state: State
    site: str | None
    steps: int | None
    """the last step that it has reported"""
    last: float | None
    """what it reported last; None: nothing yet, or no number"""
    best: float | None
    """of all that it has reported"""
    best_step: int | None
    stopped_for: str | None
    """why it was ended early"""
    exit_code: int | None
    cause: str | None
    hours: float
    cost: Exact
    is_read: bool
    """whether all that it has reported is known, once it has ended"""


@dataclass(frozen=True)
class SweepView:
    """How one sweep stands."""

    name: str
    at: datetime
    by: str
    objective: str
    goal: Goal
    rule: Rule
    drawn: Mapping[str, Any]
    size: int
    at_once: int | None
    queue: str | None
    state: State
    counts: Mapping[State, int]
    early: int
    """members that were ended because others do better"""
    cause: str | None
    """why no more members are handed in"""
    trials: Sequence[Trial]
    """the best first, then those that have reported nothing"""
    hours: float
    cost: Exact
    currency: str | None

    @property
    def best(self) -> Trial | None:
        """The trial with the best value so far; None: nobody has reported one."""
        return self.trials[0] if self.trials and self.trials[0].best is not None else None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs, and nothing will."""
        return self.state in standing.OVER


def read(database: Database, name: str) -> SweepView:
    """One sweep. Raises InputError when there is none of this name."""
    with database.read() as connection:
        sweep = sweeps.found(connection, name)
    array = standing.of_array(database, name) if sweep is not None else None
    if sweep is None or array is None:
        raise InputError(f"there is no sweep {name!r}; `situs sweep ls` lists those there are")
    return _view(database, sweep, array)


def read_all(database: Database) -> list[SweepView]:
    """All sweeps whose arrays were not removed, the oldest first."""
    with database.read() as connection:
        known = {sweep.array for sweep in sweeps.all_of_them(connection)}
        names = [
            array.name
            for array in arrays.all_of_them(connection)
            if array.name in known and "removed" not in arrays.ends(connection, array.name)
        ]
    return [read(database, name) for name in names]


def _view(database: Database, sweep: Sweep, array: ArrayView) -> SweepView:
    with database.read() as connection:
        reports = sweeps.reports(connection, sweep.array)
        verdicts = sweeps.verdicts(connection, sweep.array)
        readings, runs = sweeps.readings(connection, sweep.array), arrays.last_runs(connection, sweep.array)
    last: dict[str, tuple[int, float | None]] = {}
    best: dict[str, tuple[float, int]] = {}
    sign = 1 if sweep.goal == "minimise" else -1
    for _, report in reports:
        if report.step is None:
            continue
        last[report.member] = report.step, report.value
        before = best.get(report.member)
        if report.value is not None and (before is None or sign * report.value < sign * before[0]):
            best[report.member] = report.value, report.step
    stopped = {each.member: each.reason for each in verdicts if each.verdict == "stops"}
    trials = [
        _trial(
            member,
            last.get(member.name),
            best.get(member.name),
            stopped.get(member.name),
            is_read=_is_read(runs.get(member.name), readings),
        )
        for member in array.members
    ]
    trials.sort(key=lambda trial: (trial.best is None, sign * (trial.best or 0.0), trial.number))
    return SweepView(
        sweep.array, array.at, array.by, sweep.objective, sweep.goal, sweep.rule, sweep.drawn, array.size,
        array.at_once, array.queue, array.state, array.counts, sum(t.stopped_for is not None for t in trials),
        array.cause, trials, array.hours, array.cost, array.currency,
    )  # fmt: skip


def _trial(
    member: MemberView, last: tuple[int, float | None] | None, best: tuple[float, int] | None, why: str | None,
    *, is_read: bool,
) -> Trial:  # fmt: skip
    # One that had ended by itself before it could be stopped did all its work.
    ended_early = why if member.state in ("ending", "stopped") else None
    return Trial(
        member.number, member.name, member.parameters, member.state, member.site, last[0] if last else None,
        last[1] if last else None, best[0] if best else None, best[1] if best else None, ended_early,
        member.exit_code, member.cause, member.hours, member.cost, is_read,
    )  # fmt: skip


def _is_read(run: Run | None, readings: Set[tuple[str, int]]) -> bool:
    # What is lost with its site, or removed there, is never read.
    if run is None or run.phase == "released" or run.outcome == "lost":
        return True
    return (run.workload, run.generation) in readings
