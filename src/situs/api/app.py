"""The application: its routes, who guards them, and how errors are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import Depends, FastAPI, Request, Response

from situs.api import problems
from situs.api.identity import Doorman, Pace
from situs.api.oidc import Login
from situs.api.permissions import ROLES
from situs.api.problems import answer
from situs.api.refusals import Refusals
from situs.api.routes import (
    access,
    arrays,
    code,
    estate,
    handing_in,
    ledger,
    logs,
    moves,
    pipelines,
    plans,
    proposals,
    workloads,
)
from situs.api.services import Services
from situs.control.approval.proposing import Intake
from situs.control.approval.separation import Approvers
from situs.store.database import Database
from situs.version import __version__

LARGEST_BYTES = 24 << 20
"""Of a request: code goes in as text, and data have their own ways."""


def application(
    database: Database, folder: Path, owner: str | None = None, pace: Pace | None = None, login: Login | None = None
) -> FastAPI:  # fmt: skip
    """``folder``: where the control plane keeps what is its own; ``owner`` and ``login``: see :class:`Doorman`."""
    app = FastAPI(
        title="situs",
        version=__version__,
        summary="One control plane over public cloud, private cloud, own data centres and the edge.",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        responses=problems.RESPONSES,
        dependencies=[Depends(Doorman(database, owner, pace or Pace(), login))],
    )
    approvers = Approvers(
        frozenset(role for role, may in ROLES.items() if "approve" in may),
        by_login=login is not None and login.may_approve,
    )
    app.state.services = Services(database, folder, Intake(database, folder.parent), approvers, login)
    problems.register(app, Refusals(database))
    for routes in (
        estate,
        plans,
        proposals,
        workloads,
        moves,
        code,
        handing_in,
        logs,
        arrays,
        pipelines,
        ledger,
        access,
    ):
        app.include_router(routes.router)

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BYTES or "transfer-encoding" in request.headers:
            return answer(413, f"a request may have {LARGEST_BYTES >> 20} MiB, and says how long it is")
        response = await call_next(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return app
