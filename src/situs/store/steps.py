"""The journal of steps at sites: each is on disk before it begins, and again when it is done or has failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select

from situs.store.tables import steps

State = Literal["begun", "done", "failed", "cut"]
"""``cut``: whoever began it is gone, so that nobody knows whether it happened; what followed made sure."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    step: str
    """the same in the lines of one step"""
    state: State
    at: datetime
    token: int
    """of the lease under which it was written"""
    kind: str
    workload: str
    unit: int
    generation: int
    site: str
    cause: str | None = None
    """why it is done; or, when it failed, why it did"""


def write(connection: Connection, entries: Iterable[Entry]) -> None:
    """Add lines."""
    rows = [vars(entry) for entry in entries]
    if rows:
        connection.execute(insert(steps), rows)


def open_steps(connection: Connection) -> list[Entry]:
    """Steps that were begun and of which nothing more is written."""
    later = select(steps.c.step).where(steps.c.state != "begun")
    wanted = select(steps).where(steps.c.state == "begun", steps.c.step.not_in(later)).order_by(steps.c.seq)
    return [Entry(*row[1:]) for row in connection.execute(wanted)]


def of_workload(connection: Connection, workload: str) -> list[Entry]:
    """The journal of one workload, the oldest first."""
    wanted = select(steps).where(steps.c.workload == workload).order_by(steps.c.seq)
    return [Entry(*row[1:]) for row in connection.execute(wanted)]


def everything(connection: Connection) -> list[Entry]:
    """The whole journal, the oldest first."""
    return [Entry(*row[1:]) for row in connection.execute(select(steps).order_by(steps.c.seq))]
