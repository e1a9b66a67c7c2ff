"""Names of workloads: each is used once, by whatever way the work is handed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, select

from situs.store.tables import queued, runs, submissions

AT_ONCE = 500
"""Names in one question: databases limit how many parameters a statement has."""


def used(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of these names that were handed in before, or ran."""
    return among(connection, names, (submissions.c.name, queued.c.name, runs.c.workload))


def among(connection: Connection, names: Iterable[str], columns: Sequence[Column[Any]]) -> set[str]:
    """Those of these names that one of the columns holds."""
    asked, found = list(names), set()
    for k in range(0, len(asked), AT_ONCE):
        some = asked[k : k + AT_ONCE]
        for column in columns:
            found |= set(connection.execute(select(column).where(column.in_(some))).scalars())
    return found
