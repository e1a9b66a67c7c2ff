"""Work that people hand in beside the plan in force: each has a plan of its own, for it alone.

What people do about one is only ever added: handed in, stopped, removed.  The newest says how it stands, and a name
is never used twice, so that whoever asks again after a lost answer finds what was done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from situs.model.error import SitusError
from situs.store.database import clock
from situs.store.insert import insert_missing
from situs.store.tables import submissions

Act = Literal["submitted", "stopped", "removed"]
"""``stopped``: it is to end, and what it wrote stays; ``removed``: nothing of it is to be kept"""


class Overtaken(SitusError):
    """Somebody else handed something in meanwhile; what was decided before does not hold any more."""


@dataclass(frozen=True)
class Submission:
    """One thing that was done about one piece of work."""

    seq: int
    at: datetime
    act: Act
    name: str
    plan: str
    """of it alone"""
    by: str
    reason: str | None


def version(connection: Connection) -> int:
    """A number that grows with everything that is done about any of them."""
    return int(connection.execute(select(func.coalesce(func.max(submissions.c.seq), 0))).scalar_one())


def add(
    connection: Connection, after: int, act: Act, name: str, plan: str, by: str, reason: str | None = None
) -> Submission:
    """Write down what is done, as the next thing after version ``after``. Raises Overtaken."""
    wanted = Submission(after + 1, clock(connection), act, name, plan, by, reason)
    # Two who saw the same version want the same number; the second finds it taken.
    insert_missing(connection, submissions, [vars(wanted)])
    if newest(connection, name) != wanted:
        raise Overtaken("something else was handed in meanwhile")
    return wanted


def newest(connection: Connection, name: str) -> Submission | None:
    """How one stands; None when there never was one of this name."""
    wanted = select(submissions).where(submissions.c.name == name).order_by(submissions.c.seq.desc()).limit(1)
    found = connection.execute(wanted).one_or_none()
    return None if found is None else Submission(*found)


def kept(connection: Connection) -> list[Submission]:
    """How each one stands that was not removed, in the order of the last thing that was done about it."""
    last = select(func.max(submissions.c.seq)).group_by(submissions.c.name)
    wanted = select(submissions).where(submissions.c.seq.in_(last), submissions.c.act != "removed")
    return [Submission(*row) for row in connection.execute(wanted.order_by(submissions.c.seq))]
