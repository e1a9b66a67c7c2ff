"""What is wrong, in one shape for all (RFC 9457): a title for programs, a sentence for people, never a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from situs.api.refusals import Refusals
from situs.control.approval.naming import NoSuchPlan
from situs.control.approval.proposing import Busy
from situs.control.approval.separation import NotAllowed
from situs.control.shipping.uploads import TooMany
from situs.model.error import InputError, SitusError
from situs.store.database import DatabaseAway
from situs.store.plans import StalePlan

TITLES = {
    304: "not modified", 400: "not understood", 401: "who are you", 403: "not allowed", 404: "not found",
    405: "no such method", 406: "not acceptable", 409: "conflict", 412: "changed meanwhile", 413: "too large",
    415: "not JSON", 422: "wrong input", 428: "say what you saw", 429: "too many requests", 500: "a fault",
    503: "not now",
}  # fmt: skip


class Told(BaseModel):
    """What is wrong."""

    title: str
    status: int
    detail: str
    wrong: list[dict[str, str]] = []
    """of input: where, and what"""


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Told"}}},
    }
    for status, description in (
        ("422", "The input is wrong."), ("4XX", "It is not done."), ("503", "It cannot be done now.")
    )
}  # fmt: skip
"""What every route may answer besides."""


class Problem(Exception):
    """Why a request is not done."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, hidden: bool = False,
        **more: Any,
    ) -> None:  # fmt: skip
        """``hidden``: it is there, but who asks is not told so."""
        super().__init__(detail)
        self.hidden = hidden
        self.status = status
        self.detail = detail
        self.headers = headers
        self.more = more


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """The answer that says so."""
    body = {"title": TITLES.get(status, "refused"), "status": status, "detail": detail, **more}
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def register(app: FastAPI, refusals: Refusals) -> None:
    """Have all that goes wrong be told in this shape, what is refused be noted, and the document say so."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        document["components"]["schemas"].setdefault("Told", Told.model_json_schema())
        return document

    app.openapi = described  # type: ignore[method-assign]

    @app.exception_handler(Problem)
    def known(request: Request, error: Problem) -> JSONResponse:
        if error.status in (401, 403) or error.hidden:
            refusals.note(request, error.status, error.detail)
        return answer(error.status, error.detail, error.headers, **error.more)

    @app.exception_handler(HTTPException)
    def of_the_framework(_request: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    def wrong_input(_request: Request, error: RequestValidationError) -> JSONResponse:
        # What was sent may be a secret, so it is not sent back.
        wrong = [{"at": "/".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        return answer(422, "; ".join(f"{w['at']}: {w['what']}" for w in wrong), wrong=wrong)

    @app.exception_handler(InputError)
    def wrong(_request: Request, error: InputError) -> JSONResponse:
        return answer(422, "; ".join(str(problem) for problem in error.problems))

    @app.exception_handler(NoSuchPlan)
    def no_such_plan(_request: Request, error: NoSuchPlan) -> JSONResponse:
        return answer(404, str(error))

    @app.exception_handler(StalePlan)
    def stale(_request: Request, error: StalePlan) -> JSONResponse:
        return answer(409, str(error))

    @app.exception_handler(NotAllowed)
    def another_person(request: Request, error: NotAllowed) -> JSONResponse:
        refusals.note(request, 403, str(error))
        return answer(403, str(error))

    @app.exception_handler(Busy)
    @app.exception_handler(TooMany)
    def busy(_request: Request, error: Busy | TooMany) -> JSONResponse:
        return answer(429, str(error), {"Retry-After": "5"})

    @app.exception_handler(DatabaseAway)
    def away(_request: Request, error: DatabaseAway) -> JSONResponse:
        return answer(503, str(error), {"Retry-After": "5"})

    @app.exception_handler(Exception)
    def fault(_request: Request, _error: Exception) -> JSONResponse:
        # It is in the log of the server; whoever asked is told nothing of the inside.
        return answer(500, "this is a fault of situs; its log says more")

    @app.exception_handler(SitusError)
    def could_not(_request: Request, error: SitusError) -> JSONResponse:
        return answer(409, str(error))
