"""Who one is, and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Response
from pydantic import Field

from situs.api.identity import Asking
from situs.api.permissions import EVERYTHING, Grant, Principal, Role, grants_of
from situs.api.problems import Problem
from situs.api.routes.estate import Changed
from situs.api.services import Body, Given
from situs.model.base import Name
from situs.store import tokens
from situs.store.tokens import Token

router = APIRouter(prefix="/v1", tags=["access"])


class NewGrant(Body):
    """A role in a project."""

    role: Role
    project: Name | None = None
    """a use case, or `default`; None: all"""


class NewToken(Body):
    """For whom, what it may, and for how long."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    grants: list[NewGrant] = Field(min_length=1, max_length=50)
    days: int = Field(90, ge=1, le=366)


@dataclass(frozen=True)
class Known:
    """What is known of a token."""

    id: str
    name: str
    grants: list[Grant]
    created: datetime
    by: str
    expires: datetime
    revoked: datetime | None


@dataclass(frozen=True)
class Made:
    """A new token. It is shown this once."""

    token: str
    known: Known


@dataclass(frozen=True)
class WayIn:
    """How people become known here."""

    issuer: str | None
    """OpenID issuer to log in at; None: tokens alone are taken"""
    client_id: str | None
    """client that the login must be for"""


@router.get("/login")
def way_in(given: Given) -> WayIn:
    """Where to log in. It needs no token."""
    login = given.login
    return WayIn(login.issuer if login else None, login.client_id if login else None)


@router.get("/me")
def me(who: Asking) -> Principal:
    """Who one is for this server, and what one may."""
    return who


@router.get("/tokens")
def listed(given: Given) -> list[Known]:
    """All tokens there ever were, without what makes them good."""
    with given.database.read() as connection:
        return [_known(token) for token in tokens.everything(connection)]


@router.post("/tokens", status_code=201)
def create(asked: NewToken, given: Given, who: Asking, response: Response) -> Made:
    """Make a token."""
    grants = [{"role": grant.role, "project": grant.project or EVERYTHING} for grant in asked.grants]
    with given.database.write() as connection:
        valid = timedelta(days=asked.days)
        known, shown = tokens.create(connection, asked.name, grants, valid, who.name, who.token)
    response.headers["Location"] = f"/v1/tokens/{known.id}"
    return Made(shown, _known(known))


@router.delete("/tokens/{token}")
def revoke(token: str, given: Given, who: Asking) -> Changed:
    """It is good for nothing from now on."""
    with given.database.write() as connection:
        changed = tokens.revoke(connection, token, who.name)
    if changed is None:
        raise Problem(404, f"there is no token {token!r}")
    return Changed(changed=changed)


def _known(token: Token) -> Known:
    return Known(
        token.id,
        token.name,
        list(grants_of(token.grants)),
        token.created,
        token.by,
        token.expires,
        token.revoked,
    )
