"""Clients that hold locks of a PostgreSQL server and say nothing any more: frozen, or with their line cut.

The server undoes a transaction in which nothing is asked for a while.  It does not while it believes that a question
is still being sent: a client that is frozen between two of many rows that it writes at once keeps its locks for ever.
Whoever is kept from the lease by that ends such connections.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, text

from situs.store.database import SILENT_S, Database

SILENT = text(
    """
    SELECT count(pg_terminate_backend(activity.pid))
    FROM pg_stat_activity AS activity
    WHERE activity.datname = current_database() AND activity.usename = current_user
      AND activity.pid <> pg_backend_pid()
      AND activity.wait_event_type = 'Client'
      AND activity.state_change < clock_timestamp() - make_interval(secs => :seconds)
      AND EXISTS (
        SELECT FROM pg_locks AS locks
        WHERE locks.pid = activity.pid AND locks.granted AND locks.relation = CAST(:relation AS regclass)
      )
    """
)


def lock_within(connection: Connection, seconds: float) -> None:
    """Wait no longer than this for any lock of this transaction. SQLite has a limit of its own."""
    if connection.dialect.name != "sqlite":
        connection.execute(
            text("SELECT set_config('lock_timeout', :limit, true)"), {"limit": f"{seconds * 1000:.0f}ms"}
        )


def end_silent(database: Database, table: Table, seconds: float = SILENT_S) -> int:
    """End connections of this user that hold a lock on a table and have been silent so long; gives how many."""
    if database.is_sqlite:
        return 0
    with database.write() as connection:
        asked = {"seconds": seconds, "relation": table.name}
        return int(connection.execute(SILENT, asked).scalar_one())
