"""Bringing a database to the schema of this situs, forward from every released one."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from situs.model.error import SitusError
from situs.store.database import Database

ONE_AT_A_TIME = 0x73697475
"""Number of the lock by which only one process at a time changes a PostgreSQL schema."""


class WrongSchema(SitusError):
    """The database was made by another version of situs."""


def newest() -> str:
    """The revision of this situs."""
    return _revisions()[-1]


def revision(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database, to: str = "head") -> tuple[str | None, str]:
    """Bring it up to date; gives the revisions before and after. Raises WrongSchema for a newer one."""
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": ONE_AT_A_TIME})
        before = revision(connection)
        _must_be_known(before)
        command.upgrade(_config(connection), to)
        after = revision(connection)
        assert after is not None
        return before, after


def ready(database: Database) -> Database:
    """Make the tables of an empty database; raises WrongSchema for one of another version."""
    with database.read() as connection:
        before = revision(connection)
        empty = before is None and not inspect(connection).get_table_names()
    if empty:
        upgrade(database)
        return database
    if before is None:
        raise WrongSchema(f"{_named(database)} holds tables, but none of situs; name a database of its own")
    _must_be_known(before)
    if before != newest():
        raise WrongSchema(
            f"{_named(database)} has schema {before}, this situs needs {newest()}; run `situs db upgrade`"
        )
    return database


def _must_be_known(found: str | None) -> None:
    if found is not None and found not in _revisions():
        raise WrongSchema(f"the database has schema {found}, made by a newer situs; install that one")


@cache
def _revisions() -> tuple[str, ...]:
    """All that this situs knows, in order; they are files of its own, and stay as they are."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(script.revision for script in scripts)[::-1]


def _named(database: Database) -> str:
    return database.url.render_as_string(hide_password=True)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "situs:store/migrations")
    config.attributes["connection"] = connection
    return config
