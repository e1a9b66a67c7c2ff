"""Leases with fencing tokens: of several control planes on one database, one at a time may act.

A lease ends by time, and time alone is never safe: its holder may be frozen, wake up after the end and believe
that it still holds it.  So each new holder gets a higher token, and every write of a holder checks in the same
transaction that nobody has a higher one.  The time only decides how long the others wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from situs.model.error import SitusError
from situs.store.database import SILENT_S, Database, DatabaseAway, clock
from situs.store.insert import insert_missing
from situs.store.silent import end_silent, lock_within
from situs.store.tables import leases

NOBODY = ""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LeaseLost(SitusError):
    """Somebody else holds the lease now; whoever sees this must do nothing more."""


@dataclass(frozen=True)
class Lease:
    """The right to act, until somebody with a higher token has it."""

    name: str
    holder: str
    token: int


def acquire(database: Database, name: str, holder: str, for_s: float, *, dead: str = "") -> Lease | None:
    """Take a lease that is free or over, or that ``dead`` holds, which is known to have ended; else None.

    Raises DatabaseAway, also when somebody keeps it locked; whoever does so in silence is cut off then.
    """
    try:
        with database.write() as connection:
            lock_within(connection, SILENT_S)
            return _acquired(connection, name, holder, for_s, dead)
    except DatabaseAway:
        end_silent(database, leases)
        raise


def _acquired(connection: Connection, name: str, holder: str, for_s: float, dead: str) -> Lease | None:
    insert_missing(connection, leases, [{"name": name, "holder": NOBODY, "token": 0, "expires": LONG_AGO}])
    now = clock(connection)
    taken = connection.execute(
        update(leases)
        .where(leases.c.name == name)
        .where(or_(leases.c.expires <= now, leases.c.holder == (dead or NOBODY)))
        .values(holder=holder, token=leases.c.token + 1, expires=now + timedelta(seconds=for_s))
        .returning(leases.c.token)
    ).scalar_one_or_none()
    return None if taken is None else Lease(name, holder, taken)


@dataclass(frozen=True)
class Held:
    """How a lease stands."""

    holder: str
    """empty for nobody"""
    token: int
    expires: datetime


def found(connection: Connection, name: str) -> Held | None:
    """Who holds a lease, or held it last; None when nobody ever did."""
    wanted = select(leases.c.holder, leases.c.token, leases.c.expires).where(leases.c.name == name)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else Held(*row)


def holder_of(database: Database, name: str) -> str:
    """Who holds a lease, or held it last; empty for nobody."""
    with database.read() as connection:
        held = found(connection, name)
    return held.holder if held else NOBODY


def renew(database: Database, lease: Lease, for_s: float) -> None:
    """Hold it longer. Raises LeaseLost when somebody else has it."""
    with database.write() as connection:
        check(connection, lease)
        connection.execute(
            update(leases)
            .where(leases.c.name == lease.name)
            .values(expires=clock(connection) + timedelta(seconds=for_s))
        )


def release(database: Database, lease: Lease) -> None:
    """Let others have it at once; nothing happens when they have it already."""
    with database.write() as connection:
        connection.execute(
            update(leases)
            .where(leases.c.name == lease.name, leases.c.token == lease.token)
            .values(holder=NOBODY, expires=LONG_AGO)
        )


def check(connection: Connection, lease: Lease) -> None:
    """Make sure, until this transaction ends, that nobody has a higher token. Raises LeaseLost."""
    wanted = select(leases.c.holder, leases.c.token).where(leases.c.name == lease.name)
    # Locked, so that whoever takes the lease waits until what is written under the old token is there.
    now = connection.execute(wanted.with_for_update()).one_or_none()
    if now is None or now.token != lease.token:
        held = f"{now.holder or 'somebody'} has token {now.token}" if now else "it is gone"
        raise LeaseLost(
            f"the lease {lease.name!r} of {lease.holder} with token {lease.token} is over: {held}"
        )
