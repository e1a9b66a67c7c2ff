"""Names of workloads: each is used once, by whatever way the work is handed in."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select

from situs.store.tables import queued, runs, submissions

AT_ONCE = 500
"""Names in one question: databases limit how many parameters a statement has."""


def used(connection: Connection, names: Iterable[str]) -> Collection[str]:
    """Those of these names that were handed in before, or ran."""
    asked, found = list(names), set()
    for k in range(0, len(asked), AT_ONCE):
        some = asked[k : k + AT_ONCE]
        for column in (submissions.c.name, queued.c.name, runs.c.workload):
            found |= set(connection.execute(select(column).where(column.in_(some))).scalars())
    return found
