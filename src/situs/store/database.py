"""The control plane's database: SQLite in a file by default, PostgreSQL by URL; the same statements for both.

SQLite keeps a write-ahead log and forces each commit to disk, so that what was acknowledged survives a loss of
power.  A transaction that will write says so when it begins: one that reads first and writes later could
otherwise find that another one was faster, and would have to be made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DatabaseError, InternalError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from situs.model.error import InputError, SitusError
from situs.store.files import make_folder

BUSY_S = 30.0
"""A writer waits so long for its turn: writers hold the file for milliseconds, a disk that stalls for seconds."""
SILENT_S = 10
"""A server undoes a transaction whose client says nothing for so long: one that was frozen in the middle of it, or
whose line was cut, would otherwise keep its locks, and nobody else could take the lease."""


class DatabaseAway(SitusError):
    """The database gave no answer."""


class DatabaseDamaged(SitusError):
    """What is in the file is no database any more, or not all of it."""


class Database:
    """One database. Threads may share it; each transaction has a connection of its own."""

    def __init__(self, url: str) -> None:
        """``url``: a file's path, ``sqlite:///path`` or ``postgresql://user@host/name``. Raises InputError."""
        self.url = address(url)
        self.engine = _engine(self.url)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of everything and changes nothing."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._answering(), self._connected(**level) as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is on disk when it is left without an error, and undone otherwise."""
        with self._answering(), self._connected(writes=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @contextmanager
    def _connected(self, **options: Any) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InternalError) as error:
            # The server's end of a transaction counts as an internal error; any other one is a fault of ours.
            if isinstance(error, InternalError) and not error.connection_invalidated:
                raise
            said = str(error.orig).strip().splitlines()
            shown = self.url.render_as_string(hide_password=True)
            raise DatabaseAway(
                f"the database {shown} gave no answer: {said[0] if said else error}"
            ) from error
        except DatabaseError as error:
            # All other kinds of it have classes of their own.
            if type(error) is not DatabaseError:
                raise
            raise DatabaseDamaged(
                f"the database {self.url.render_as_string(hide_password=True)} is damaged: {error.orig}; "
                "`situs doctor` tells more, `situs db restore` makes one from a backup"
            ) from error


def clock(connection: Connection) -> datetime:
    """The database's own time, the same for all who share it; a file's is this machine's."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def address(text: str) -> URL:
    """A file's path or an address as one address. Raises InputError."""
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text)))
    try:
        url = make_url(text)
    except ArgumentError:
        raise InputError(
            f"{text.partition('@')[2] or text!r} is no address of a database; "
            "write sqlite:///path/to/file or postgresql://user@host/name"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise InputError(
            f"situs does not speak {url.drivername}; use a file (sqlite:///path) or postgresql://"
        )
    return url


def _engine(url: URL) -> Engine:
    if url.drivername != "sqlite":
        try:
            given = url.query.get("options", "")
            options = f"{given} -c idle_in_transaction_session_timeout={SILENT_S}s"
            return create_engine(url, pool_pre_ping=True, connect_args={"options": options})
        except ModuleNotFoundError:
            raise InputError("PostgreSQL needs its driver: pip install 'situs[postgres]'") from None
    if not url.database or url.database == ":memory:":
        raise InputError("a database in memory would be gone with the process; name a file: sqlite:///path")
    make_folder(Path(url.database).parent)
    # For the owner's eyes only, from the first byte on.
    Path(url.database).touch(mode=0o600)
    engine = create_engine(url, connect_args={"timeout": BUSY_S})

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _entry: ConnectionPoolEntry) -> None:
        # Python's driver must not begin transactions by itself: it would begin those that only read.
        raw.isolation_level = None
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
