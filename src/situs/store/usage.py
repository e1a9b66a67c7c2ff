"""The ledger: who used what, where, for how long, and what that cost; what nobody used has lines of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select

from situs.model.amount import Exact
from situs.store.tables import usage


@dataclass(frozen=True)
class Line:
    """One line of the ledger; it is never changed: what was wrong is put right by a further one."""

    kind: Literal["run", "idle", "transfer"]
    """``idle``: capacity that is paid for and that no workload used; ``transfer``: the way of data to a run"""
    site: str
    pool: str
    since: datetime
    until: datetime
    unit_s: float
    """seconds of a run, or of a node that idled"""
    amount: Exact
    currency: str
    workload: str | None = None
    unit: int | None = None
    generation: int | None = None
    use_case: str | None = None
    cpu_s: float | None = None


def write(connection: Connection, lines: Iterable[Line]) -> None:
    """Add lines."""
    rows = [vars(line) for line in lines]
    if rows:
        connection.execute(insert(usage), rows)


def lines(connection: Connection, workload: str | None = None) -> list[Line]:
    """The ledger, or what it has of one workload, the oldest first."""
    wanted = select(*(usage.c[name] for name in Line.__dataclass_fields__)).order_by(usage.c.seq)
    if workload is not None:
        wanted = wanted.where(usage.c.workload == workload)
    return [Line(*row) for row in connection.execute(wanted)]


def of_use_cases(connection: Connection, after: int, since: datetime) -> list[tuple[int, Line]]:
    """Lines of use cases that are newer than number ``after`` and end after ``since``, with their numbers."""
    columns = (usage.c[name] for name in Line.__dataclass_fields__)
    wanted = select(usage.c.seq, *columns).where(
        usage.c.seq > after, usage.c.until >= since, usage.c.use_case.is_not(None)
    )
    return [(row[0], Line(*row[1:])) for row in connection.execute(wanted.order_by(usage.c.seq))]
