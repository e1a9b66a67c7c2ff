"""Whether the control plane's database is as it should be: asked of the database itself, changing nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from situs.store.database import Database, clock
from situs.store.schema import newest, revision


@dataclass(frozen=True)
class Checked:
    """What a database said of itself."""

    schema: str | None
    wanted_schema: str
    journal: str | None
    """of SQLite: ``wal`` as it should be; None for a server"""
    damage: str | None
    """what SQLite found; None: nothing, or it is a server, which looks after its own"""
    free_gib: float | None
    """where the file lies; None for a server"""
    clock_ahead_s: float
    """of the server before this machine; 0 for a file"""
    encrypted: bool | None
    """the way to the server; None: a file, or a socket of this machine"""


def checked(database: Database, now_s: float) -> Checked:
    """Look at it. ``now_s``: this machine's clock. Raises DatabaseAway."""
    with database.read() as connection:
        schema = revision(connection)
        if not database.is_sqlite:
            encrypted = connection.execute(
                text(
                    "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND inet_server_addr() IS NOT NULL"
                )
            ).scalar_one_or_none()
            ahead_s = clock(connection).timestamp() - now_s
            return Checked(schema, newest(), None, None, None, ahead_s, encrypted)
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        try:
            found = [str(line) for line in connection.exec_driver_sql("PRAGMA quick_check(3)").scalars()]
        except DatabaseError as error:
            # Some damage is such that it cannot even be looked for.
            found = [str(error.orig)]
    damage = None if found == ["ok"] else "; ".join(found)
    free_gib = shutil.disk_usage(Path(str(database.url.database)).parent).free / 2**30
    return Checked(schema, newest(), str(journal), damage, free_gib, 0.0, None)
