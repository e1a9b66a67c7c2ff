"""What routes work on."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict

from situs.api.oidc import Login
from situs.api.permissions import Principal
from situs.api.problems import Problem
from situs.control.approval.proposing import Intake
from situs.control.approval.separation import Approvers, Party
from situs.store import answers
from situs.store.database import Database

MOST = 500


class Body(BaseModel):
    """What is sent along: what it is meant to be, and nothing that could be taken for that."""

    model_config = ConfigDict(strict=True)


@dataclass(frozen=True)
class Services:
    """The database and the folder of a control plane, and who else may approve."""

    database: Database
    folder: Path
    intake: Intake
    approvers: Approvers
    login: Login | None = None
    """whose word is taken for people"""


def party(who: Principal) -> Party:
    """Who asks, for what asks whether two are one person."""
    return Party(who.name, who.token)


def services(request: Request) -> Services:
    """Those of this server."""
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(services)]
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, pattern="^[!-~]+$",
        description="The same for a request that is sent again: it is done once.",
    ),
]  # fmt: skip
IfMatch = Annotated[
    str | None, Header(max_length=200, description="`ETag` of what was seen: 412 if it changed.")
]
IfNoneMatch = Annotated[
    str | None, Header(max_length=200, description="`ETag` of what was seen: 304 if it did not change.")
]


def cursor_of(last: str) -> str:
    """Where the next page begins: after this."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def after(cursor: str | None) -> str:
    """What a page begins after. Raises Problem."""
    if cursor is None:
        return ""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise Problem(422, "cursor: it is not the `next` of a page") from None


def tagged(value: Any) -> str:
    """The ETag of a value."""
    said = json.dumps(jsonable_encoder(value), sort_keys=True).encode()
    return f'"{hashlib.sha256(said).hexdigest()[:32]}"'


def with_tag(value: Any, response: Response, if_none_match: str | None) -> Any:
    """A value with its ETag, or only word that it is the same."""
    tag = tagged(value)
    if if_none_match == tag:
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return value


def must_match(look: Callable[[], Any], if_match: str | None) -> None:
    """Raises Problem when it is not what was seen. Nobody looks where nothing is said of that."""
    if if_match is None:
        return
    value = look()
    if if_match not in ("*", tagged(value)):
        raise Problem(412, "it has changed since it was seen; look again")


def once(
    given: Services, principal: Principal, key: str | None, asked_for: Any, response: Response,
    do: Callable[[bool], Mapping[str, Any]],
) -> Any:  # fmt: skip
    """Do what a request asks for, or give the answer that its key has got before.

    What was begun under a key and never answered is done again: whatever is done here may be. ``do`` is told whether
    that is so.
    """
    if key is None:
        return do(False)
    who = principal.token or principal.name
    request = hashlib.sha256(json.dumps(jsonable_encoder(asked_for), sort_keys=True).encode()).hexdigest()
    with given.database.write() as connection:
        before = answers.begin(connection, who, key, request)
    if before is not None and before.request != request:
        raise Problem(422, "this Idempotency-Key came with another request; take a new one")
    if before is not None and before.status is not None:
        response.headers["Idempotency-Replayed"] = "true"
        return before.body
    made = jsonable_encoder(do(before is not None))
    with given.database.write() as connection:
        answers.end(connection, who, key, 200, made)
    return made
