"""Backing up the whole database into one file, and restoring it into an empty one, of either kind.

The file holds lines of JSON, compressed: a heading with the schema, a line for each row, and a last line with
the number of rows and the hash of all lines before it, so that a file that was cut short is noticed.  All rows
are of one instant, and the control plane goes on meanwhile.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, inspect, select, text

from situs.model.error import InputError
from situs.store.database import Database
from situs.store.schema import revision, upgrade
from situs.version import __version__

FORMAT = "situs backup 1"
BATCH = 500
"""Rows that are written at once: a few hundred are enough to make the way to the database not count."""


def backup(database: Database, path: Path) -> int:
    """Write everything into a file, in one step; gives the number of rows. Raises InputError."""
    if path.exists():
        raise InputError(f"{path} is there already; name a new file")
    new = path.with_name(f".{path.name}.new")
    digest, rows = hashlib.sha256(), 0
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with database.read() as connection, os.fdopen(handle, "wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as file:
                for line in _lines(connection):
                    digest.update(line)
                    file.write(line)
                    rows += 1
                # The heading is a line, but no row.
                rows -= 1
                file.write(_line({"rows": rows, "sha256": digest.hexdigest()}))
            raw.flush()
            os.fsync(raw.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return rows


def restore(database: Database, path: Path) -> int:
    """Read a backup into an empty database and bring it up to date; gives the number of rows.

    Raises InputError when the file is damaged or the database is not empty; nothing is changed then.
    """
    schema = _checked(path)
    with database.read() as connection:
        if inspect(connection).get_table_names():
            raise InputError("the database is not empty; a backup is restored into a new one")
    upgrade(database, schema)
    rows = 0
    with database.write() as connection:
        known = _tables(connection)
        batch: list[dict[str, Any]] = []
        table: Table | None = None
        for name, row in _rows(path):
            if table is not None and (table.name != name or len(batch) >= BATCH):
                connection.execute(insert(table), batch)
                batch = []
            table = known[name]
            batch.append({key: _decoded(value, database.is_sqlite) for key, value in row.items()})
            rows += 1
        if table is not None:
            connection.execute(insert(table), batch)
        if not database.is_sqlite:
            _count_on(connection, known)
    upgrade(database)
    return rows


def _lines(connection: Connection) -> Iterator[bytes]:
    at = datetime.now(UTC).isoformat()
    yield _line({"format": FORMAT, "situs": __version__, "schema": revision(connection), "at": at})
    for name, table in _tables(connection).items():
        for row in connection.execute(select(table).order_by(*table.primary_key)).mappings():
            yield _line({"table": name, "row": {key: _encoded(value) for key, value in row.items()}})


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _checked(path: Path) -> str:
    """The schema of a backup that is whole. Raises InputError."""
    digest, rows, last = hashlib.sha256(), -1, b""
    try:
        with gzip.open(path, "rb") as file:
            heading = file.readline()
            first = json.loads(heading or b"{}")
            if not isinstance(first, dict) or first.get("format") != FORMAT:
                raise InputError(f"{path} is no backup of situs")
            last = heading
            for line in file:
                digest.update(last)
                rows, last = rows + 1, line
        end = json.loads(last)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a backup: {error}") from None
    if end.get("sha256") != digest.hexdigest() or end.get("rows") != rows:
        raise InputError(f"{path} is damaged: it was cut short or changed")
    return str(first["schema"])


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with gzip.open(path, "rb") as file:
        for line in file:
            entry = json.loads(line)
            if "table" in entry:
                yield entry["table"], entry["row"]


def _tables(connection: Connection) -> dict[str, Table]:
    """The tables as they are in the database, each after those it refers to: an old backup has old ones."""
    found = MetaData()
    found.reflect(connection)
    return {table.name: table for table in found.sorted_tables if table.name != "alembic_version"}


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return {"instant": utc.isoformat()}
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    return {"json": value} if isinstance(value, dict | list) else value


def _decoded(value: Any, sqlite: bool) -> Any:
    if not isinstance(value, dict):
        return value
    if "instant" in value:
        instant = datetime.fromisoformat(value["instant"])
        return instant.replace(tzinfo=None) if sqlite else instant
    return base64.b64decode(value["bytes"]) if "bytes" in value else value["json"]


def _count_on(connection: Connection, known: dict[str, Table]) -> None:
    """PostgreSQL's counters go on after the highest number that was restored."""
    for name, table in known.items():
        if "seq" in table.c:
            highest = connection.execute(select(func.max(table.c.seq))).scalar_one() or 0
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:t, 'seq'), :n, false)"),
                {"t": name, "n": highest + 1},
            )
