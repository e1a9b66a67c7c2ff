"""Inserting what may be there already, in the way of each database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the rows whose key is not there yet; the others stay as they are."""
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(rows))


def insert_or_replace(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the rows; those whose key is there already take the new values."""
    if rows:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        adding = dialect.insert(table)
        keys = [column.name for column in table.primary_key]
        values = {name: adding.excluded[name] for name in rows[0] if name not in keys}
        connection.execute(adding.on_conflict_do_update(index_elements=keys, set_=values), list(rows))
