"""Tokens that programs and people show to the API: only a hash of each is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from situs.store import events
from situs.store.database import clock
from situs.store.events import Event
from situs.store.tables import tokens

PREFIX = "situs"
"""So that those who look for secrets that got out find ours."""


@dataclass(frozen=True)
class Token:
    """What is known of one."""

    id: str
    name: str
    sha256: str
    grants: Sequence[Mapping[str, str]]
    """each a ``role`` in a ``project``"""
    created: datetime
    by: str
    expires: datetime
    revoked: datetime | None
    revoked_by: str | None
    made_with: str | None = None
    """what was shown by whom it was made; None: nothing, it was the owner of the machine"""


def create(
    connection: Connection, name: str, grants: Sequence[Mapping[str, str]], valid: timedelta, by: str,
    made_with: str | None = None,
) -> tuple[Token, str]:  # fmt: skip
    """Make one; gives what is known of it, and the token itself, which is shown this once."""
    identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    now = clock(connection)
    made = Token(
        identity, name, _hash(secret), [dict(g) for g in grants], now, by, now + valid, None, None, made_with
    )  # fmt: skip
    connection.execute(insert(tokens).values(**vars(made)))
    said = ", ".join(f"{grant['role']} in {grant['project']}" for grant in grants)
    text = f"token {identity} for {name}: {said}, until {made.expires:%Y-%m-%dT%H:%MZ}"
    events.write(connection, [Event(now, "token", by, text)])
    return made, f"{PREFIX}_{identity}_{secret}"


def found(connection: Connection, shown: str) -> Token | None:
    """The token that was shown, if it is one, and is still good."""
    prefix, _, rest = shown.partition("_")
    identity, _, secret = rest.partition("_")
    row = connection.execute(select(tokens).where(tokens.c.id == identity)).one_or_none()
    # As long for a wrong name as for a wrong secret.
    known = Token(*row) if row is not None else None
    good = hmac.compare_digest(_hash(secret), known.sha256 if known is not None else _hash(""))
    if known is None or not good or prefix != PREFIX or known.revoked is not None:
        return None
    return known if clock(connection) < known.expires else None


def everything(connection: Connection) -> list[Token]:
    """All there ever were, the oldest first."""
    return [Token(*row) for row in connection.execute(select(tokens).order_by(tokens.c.created, tokens.c.id))]


def revoke(connection: Connection, identity: str, by: str) -> bool | None:
    """It is good for nothing from now on; False when that was so already, None when there is none."""
    known = connection.execute(select(tokens).where(tokens.c.id == identity)).one_or_none()
    if known is None:
        return None
    if known.revoked is not None:
        return False
    now = clock(connection)
    connection.execute(update(tokens).where(tokens.c.id == identity).values(revoked=now, revoked_by=by))
    events.write(connection, [Event(now, "token", by, f"token {identity} for {known.name} is revoked")])
    return True


def _hash(secret: str) -> str:
    # The secret is drawn, and too long to be guessed: a slow hash would add nothing.
    return hashlib.sha256(secret.encode()).hexdigest()
