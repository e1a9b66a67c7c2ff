"""Databases with the tables of the control plane, without the cost of all migrations for each test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from situs.store.database import Database
from situs.store.schema import ready


def migrated(place: str | Path) -> Database:
    """An empty one, by its file or address; a file is a copy of one that was migrated once in this process."""
    database = Database(str(place))
    if not database.is_sqlite:
        return ready(database)
    assert database.url.database is not None
    Path(database.url.database).write_bytes(_file())
    return database


@cache
def _file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "control.db"
        # Whoever leaves last brings what is in the write-ahead log into the file.
        ready(Database(str(path))).close()
        assert [*path.parent.iterdir()] == [path]
        return path.read_bytes()
