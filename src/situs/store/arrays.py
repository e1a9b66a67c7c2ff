"""Arrays: one job that runs many times, each time with other parameters.

An array and its members are written down together, before any of them is handed in: each member has its name and
its parameters for good, so whoever hands it in a second time finds the name taken.  What people do about an array is
only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select

from situs.store.database import clock
from situs.store.names import among
from situs.store.runs import Run
from situs.store.tables import (
    array_ends,
    array_members,
    arrays,
    queued,
    runs,
    steps,
    submissions,
    sweep_draws,
)

Value = str | int | float | bool
End = Literal["stopped", "removed"]
"""``stopped``: its members are to end, and what they wrote stays; ``removed``: nothing of them is to be kept"""


@dataclass(frozen=True)
class Array:
    """One job with its members."""

    name: str
    at: datetime
    by: str
    work: str
    """what each member is to run but for its parameters, as :func:`situs.store.queued.keep_work` gave it"""
    size: int
    at_once: int | None
    """so many members run at the same time at most; None: as many as there is room for"""
    queue: str | None
    priority: int
    sites: Sequence[str] | None
    """its members run at these alone; None: anywhere"""


@dataclass(frozen=True)
class Member:
    """One time that the job is to run."""

    array: str
    number: int
    """from 0"""
    name: str
    parameters: Mapping[str, Value]
    """none: they are drawn before it is handed in"""


@dataclass(frozen=True)
class Ended:
    """That an array is to end."""

    array: str
    act: End
    at: datetime
    by: str
    reason: str | None


def add(connection: Connection, array: Array, members: Sequence[Member]) -> None:
    """Write down an array that is new, with all its members."""
    connection.execute(insert(arrays), [vars(array)])
    connection.execute(insert(array_members), [vars(member) for member in members])


def found(connection: Connection, name: str) -> Array | None:
    """One array; None when there never was one of this name."""
    row = connection.execute(select(arrays).where(arrays.c.name == name)).one_or_none()
    return None if row is None else Array(*row)


def all_of_them(connection: Connection) -> list[Array]:
    """All arrays, the oldest first."""
    return [Array(*row) for row in connection.execute(select(arrays).order_by(arrays.c.at, arrays.c.name))]


def members(connection: Connection, array: str) -> list[Member]:
    """All members, by number; what was drawn for one later is its parameters."""
    wanted = (
        select(array_members, sweep_draws.c.parameters.label("drawn"))
        .outerjoin(sweep_draws, sweep_draws.c.member == array_members.c.name)
        .where(array_members.c.array == array)
        .order_by(array_members.c.number)
    )
    return [
        Member(row.array, row.number, row.name, row.parameters if row.drawn is None else row.drawn)
        for row in connection.execute(wanted)
    ]


def of_members(connection: Connection) -> dict[str, str]:
    """Names of all members -> the array of each."""
    wanted = select(array_members.c.name, array_members.c.array)
    return {row.name: row.array for row in connection.execute(wanted)}


def claimed(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of these names that arrays or their members have."""
    return among(connection, names, (arrays.c.name, array_members.c.name))


def handed_in(connection: Connection, array: str) -> dict[str, str]:
    """Names of the members that were handed in -> the last thing that was done about each."""
    acts: dict[str, str] = {}
    for table in (submissions, queued):
        wanted = (
            select(table.c.name, table.c.act)
            .join(array_members, array_members.c.name == table.c.name)
            .where(array_members.c.array == array)
            .order_by(table.c.seq)
        )
        acts |= {row.name: row.act for row in connection.execute(wanted)}
    return acts


def last_runs(connection: Connection, array: str) -> dict[str, Run]:
    """The newest run of each member that has one, by its name."""
    wanted = (
        select(runs)
        .join(array_members, array_members.c.name == runs.c.workload)
        .where(array_members.c.array == array)
        .order_by(runs.c.generation)
    )
    return {row.workload: Run(*row) for row in connection.execute(wanted)}


def mark(connection: Connection) -> Mapping[str, object]:
    """The same while nothing has happened that members may wait for."""
    counts = {
        "arrays": select(func.count()).select_from(arrays),
        "ends": select(func.count()).select_from(array_ends),
        "submissions": select(func.max(submissions.c.seq)),
        "queued": select(func.max(queued.c.seq)),
        "steps": select(func.max(steps.c.seq)),
    }
    return {name: connection.execute(wanted).scalar_one() for name, wanted in counts.items()}


def end(connection: Connection, array: str, act: End, by: str, reason: str | None = None) -> bool:
    """Write down that it is to end; False when that was so already."""
    before = ends(connection, array)
    if act in before or "removed" in before:
        return False
    row = vars(Ended(array, act, clock(connection), by, reason))
    connection.execute(insert(array_ends), [row])
    return True


def ends(connection: Connection, array: str) -> dict[str, Ended]:
    """What people did about it."""
    wanted = select(array_ends).where(array_ends.c.array == array)
    return {row.act: Ended(*row) for row in connection.execute(wanted)}
