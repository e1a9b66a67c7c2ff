"""What happened, as sentences, for people and auditors: decisions, changes by hand, ends, troubles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, func, insert, select

from situs.store.tables import events

BY = "situs"
"""Who did it where no person has."""


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    at: datetime
    kind: str
    by: str
    """a person, or the control plane"""
    text: str
    workload: str | None = None
    unit: int | None = None
    generation: int | None = None
    site: str | None = None


def write(connection: Connection, happened: Iterable[Event]) -> None:
    """Add events."""
    rows = [vars(event) for event in happened]
    if rows:
        connection.execute(insert(events), rows)


def of_workload(connection: Connection, workload: str) -> list[Event]:
    """What happened to a workload, the oldest first."""
    wanted = select(*_columns()).where(events.c.workload == workload).order_by(events.c.seq)
    return [Event(*row) for row in connection.execute(wanted)]


def newest(connection: Connection, count: int) -> list[Event]:
    """What happened last, the newest first."""
    wanted = select(*_columns()).order_by(events.c.seq.desc()).limit(count)
    return [Event(*row) for row in connection.execute(wanted)]


def after(connection: Connection, seq: int, count: int) -> list[tuple[int, Event]]:
    """What happened since number ``seq``, the oldest first, at most so many; each with its number."""
    wanted = select(events.c.seq, *_columns()).where(events.c.seq > seq).order_by(events.c.seq).limit(count)
    return [(row[0], Event(*row[1:])) for row in connection.execute(wanted)]


def last(connection: Connection) -> int:
    """The number of the newest; 0: nothing has happened yet."""
    return int(connection.execute(select(func.coalesce(func.max(events.c.seq), 0))).scalar_one())


def _columns() -> list[Column[Any]]:
    return [events.c[name] for name in Event.__dataclass_fields__]
