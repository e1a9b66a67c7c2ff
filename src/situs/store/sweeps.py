"""Sweeps: arrays whose members are compared while they run, so that the hopeless ones end early.

What members report is kept in the order in which it was read, each line once, and is never changed: what is decided
follows from that order alone.  A decision is written down before anything is done about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, and_, func, insert, or_, select

from situs.store.arrays import Value
from situs.store.database import clock
from situs.store.insert import insert_missing
from situs.store.runs import Run
from situs.store.tables import (
    array_ends,
    array_members,
    runs,
    sweep_draws,
    sweep_readings,
    sweep_reports,
    sweep_verdicts,
    sweeps,
)

Goal = Literal["minimise", "maximise"]
Rule = Literal["asha", "median", "none"]


@dataclass(frozen=True)
class Sweep:
    """What an array's members are compared by."""

    array: str
    objective: str
    """what they report is called so"""
    goal: Goal
    rule: Rule
    """by which the hopeless end early"""
    first_step: int
    """nobody is judged before"""
    last_step: int | None
    """nobody is judged from here on: who comes so far is about to end; None: it is not known"""
    reduction: int
    """of those that reach a rung, one in so many goes on (``asha``)"""
    drawn: Mapping[str, Any]
    """how the parameters were drawn"""
    patience: int | None = None
    """who has not become better for so many steps ends, whatever the rule; None: it may take as long as it likes"""


@dataclass(frozen=True)
class Report:
    """One line that a member has written."""

    member: str
    generation: int
    line: int
    """from 0"""
    step: int | None
    """None: the line is no report"""
    value: float | None
    """None: it is no number, as when training has diverged"""


@dataclass(frozen=True)
class Verdict:
    """What was decided about a member once it had come to a step."""

    member: str
    step: int
    verdict: Literal["goes on", "stops"]
    report: int
    """the number of the report that it was decided after"""
    reason: str


@dataclass(frozen=True)
class Draw:
    """What was drawn for a member once others had reported."""

    member: str
    parameters: Mapping[str, Value]
    report: int
    """the number of the last report that was known by then; 0: none was"""


def add(connection: Connection, sweep: Sweep) -> None:
    """Write down a sweep whose array is there."""
    connection.execute(insert(sweeps), [vars(sweep)])


def found(connection: Connection, array: str) -> Sweep | None:
    """One sweep; None when the array is none, or is not there."""
    row = connection.execute(select(sweeps).where(sweeps.c.array == array)).one_or_none()
    return None if row is None else Sweep(*row)


def all_of_them(connection: Connection) -> list[Sweep]:
    """All sweeps, by name."""
    return [Sweep(*row) for row in connection.execute(select(sweeps).order_by(sweeps.c.array))]


def to_read(connection: Connection) -> list[Run]:
    """Runs of members that may have reported what was not read yet."""
    removed = select(array_ends.c.array).where(array_ends.c.act == "removed")
    wanted = (
        select(runs)
        .join(array_members, array_members.c.name == runs.c.workload)
        .join(sweeps, sweeps.c.array == array_members.c.array)
        .outerjoin(
            sweep_readings,
            and_(sweep_readings.c.member == runs.c.workload, sweep_readings.c.generation == runs.c.generation),
        )
        .where(
            sweep_readings.c.member.is_(None), sweeps.c.array.not_in(removed), runs.c.unit == 0,
            or_(runs.c.phase == "ended", and_(runs.c.phase != "released", runs.c.started_at.is_not(None))),
        )
        .order_by(runs.c.workload, runs.c.generation)
    )  # fmt: skip
    return [Run(*row) for row in connection.execute(wanted)]


def lines_read(connection: Connection, member: str, generation: int) -> int:
    """So many lines of the run's reports are kept."""
    wanted = select(func.max(sweep_reports.c.line)).where(
        sweep_reports.c.member == member, sweep_reports.c.generation == generation
    )
    last = connection.execute(wanted).scalar_one()
    return 0 if last is None else int(last) + 1


def keep(connection: Connection, reports: Sequence[Report]) -> None:
    """Add what was read; what is there already stays as it is."""
    at = clock(connection)
    insert_missing(connection, sweep_reports, [vars(report) | {"at": at} for report in reports])


def read_to_end(connection: Connection, member: str, generation: int, trouble: str | None) -> None:
    """Write down that the run reports nothing more. ``trouble``: why nothing could be read."""
    row = {"member": member, "generation": generation, "at": clock(connection), "trouble": trouble}
    insert_missing(connection, sweep_readings, [row])


def readings(connection: Connection, array: str) -> set[tuple[str, int]]:
    """Its runs that were read to the end: member and generation."""
    wanted = (
        select(sweep_readings.c.member, sweep_readings.c.generation)
        .join(array_members, array_members.c.name == sweep_readings.c.member)
        .where(array_members.c.array == array)
    )
    return {(row.member, row.generation) for row in connection.execute(wanted)}


def reports(connection: Connection, array: str, after: int = 0) -> list[tuple[int, Report]]:
    """What its members have reported since number ``after``, each with its number, in the order of reading."""
    wanted = (
        select(sweep_reports.c.seq, *(sweep_reports.c[name] for name in Report.__dataclass_fields__))
        .join(array_members, array_members.c.name == sweep_reports.c.member)
        .where(array_members.c.array == array, sweep_reports.c.seq > after)
        .order_by(sweep_reports.c.seq)
    )
    return [(row[0], Report(*row[1:])) for row in connection.execute(wanted)]


def judge(connection: Connection, verdicts: Sequence[Verdict]) -> None:
    """Write down what was decided; what was decided before stays as it is."""
    at = clock(connection)
    insert_missing(connection, sweep_verdicts, [vars(verdict) | {"at": at} for verdict in verdicts])


def verdicts(connection: Connection, array: str) -> list[Verdict]:
    """All that was decided about its members, in that order."""
    wanted = (
        select(*(sweep_verdicts.c[name] for name in Verdict.__dataclass_fields__))
        .join(array_members, array_members.c.name == sweep_verdicts.c.member)
        .where(array_members.c.array == array)
        .order_by(sweep_verdicts.c.report, sweep_verdicts.c.step)
    )
    return [Verdict(*row) for row in connection.execute(wanted)]


def draw(connection: Connection, drawn: Draw) -> None:
    """Write down what was drawn; what was drawn before stays as it is."""
    insert_missing(connection, sweep_draws, [vars(drawn) | {"at": clock(connection)}])


def draws(connection: Connection, array: str) -> list[Draw]:
    """All that was drawn for its members once others had reported, by number."""
    wanted = (
        select(sweep_draws.c.member, sweep_draws.c.parameters, sweep_draws.c.report)
        .join(array_members, array_members.c.name == sweep_draws.c.member)
        .where(array_members.c.array == array)
        .order_by(array_members.c.number)
    )
    return [Draw(*row) for row in connection.execute(wanted)]
