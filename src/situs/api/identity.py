"""Who asks, whether that is allowed, and whether it is too often: for every route, before anything else."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from situs.api.oidc import Login
from situs.api.permissions import DEFAULT, EVERYTHING, OPEN, ROUTES, Grant, Permission, Principal, grants_of
from situs.api.problems import Problem
from situs.store import tokens
from situs.store.database import Database

REMEMBERED = 10_000
"""Of so many who ask it is known how often they do."""


@dataclass
class Pace:
    """How often one may ask: a bucket that holds ``burst`` requests and gets ``per_s`` more each second."""

    per_s: float = 50.0
    burst: float = 200.0
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, who: str) -> float:
        """0: go on; else how long to wait first."""
        now = time.monotonic()
        with self._turn:
            left, at = self._left.pop(who, (self.burst, now))
            left = min(self.burst, left + (now - at) * self.per_s)
            self._left[who] = (max(0.0, left - 1.0), now)
            while len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
            return 0.0 if left >= 1.0 else (1.0 - left) / self.per_s


class Doorman:
    """Lets in who may come in."""

    def __init__(self, database: Database, owner: str | None, pace: Pace, login: Login | None = None) -> None:
        """``owner``: everybody who can reach this server is the owner (its socket is); None: tokens are asked for.

        ``login``: whose word is taken besides that of our own tokens.
        """
        self._database = database
        self._login = login
        self._owner = owner
        self._pace = pace

    def __call__(self, request: Request) -> Principal:
        """Raises Problem for who is not known, may not, or asks too often."""
        route = request.scope["route"]
        is_open = (request.method, route.path) in OPEN
        principal = _stranger(request) if is_open else self._known(request)
        request.state.principal = principal
        wait_s = self._pace.wait_s(principal.token or principal.name)
        if wait_s:
            raise Problem(429, "slow down", {"Retry-After": str(max(1, round(wait_s)))})
        # A route that nobody has thought about is nobody's.
        permission, everywhere = ROUTES.get((request.method, route.path), ("admin", True))
        if permission is not None:
            allowed = (
                principal.may(permission, None)
                if everywhere
                else principal.projects(permission) != frozenset()
            )
            if not allowed:
                where = "in all projects" if everywhere else "in a project"
                raise Problem(403, f"{principal.name} does not have {permission!r} {where}")
        return principal

    def _known(self, request: Request) -> Principal:
        if self._owner is not None:
            return Principal(self._owner, (Grant("admin", EVERYTHING),))
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not shown:
            raise Problem(401, "show a token: Authorization: Bearer ...", {"WWW-Authenticate": "Bearer"})
        shown = shown.strip()
        if self._login is not None and not shown.startswith(f"{tokens.PREFIX}_"):
            principal = self._login.principal(shown)
            if principal is not None:
                return principal
        with self._database.read() as connection:
            token = tokens.found(connection, shown)
        if token is None:
            header = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Problem(401, "this token is not good, or not any more", header)
        return Principal(token.name, grants_of(token.grants), token.id)


def _stranger(request: Request) -> Principal:
    """Somebody who is not known yet; who asks often is told apart by where they come from."""
    return Principal(f"somebody at {request.client.host if request.client else 'the socket'}", ())


def asking(request: Request) -> Principal:
    """Who asks; the doorman has let it in."""
    principal: Principal = request.state.principal
    return principal


Asking = Annotated[Principal, Depends(asking)]


def must(principal: Principal, permission: Permission, use_case: str | None, name: str) -> None:
    """Raises Problem unless it may in the project of this work; who may not even read is not told that it is there."""
    project = use_case or DEFAULT
    if principal.may(permission, project):
        return
    if not principal.may("read", project):
        raise Problem(404, f"there is no workload {name!r}", hidden=True)
    raise Problem(403, f"{principal.name} does not have {permission!r} in {project}")
