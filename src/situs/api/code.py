"""Code that was sent before: named by its content, and given only to those who show that they have it themselves."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from pydantic import Field

from situs.api.problems import Problem
from situs.api.services import Body
from situs.control.shipping.checking import check
from situs.model.error import InputError
from situs.store import plans
from situs.store.database import Database


class Code(Body):
    """An archive by its content. Many see the one hash, beside runs; only who has the content knows the other."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    sha512: Annotated[str, Field(pattern="^[0-9a-f]{128}$")]


def found(database: Database, code: Code) -> bytes | None:
    """It, where it is here and is what was said; None: it is to be sent."""
    try:
        with database.read() as connection:
            content = plans.content(connection, code.sha256)
    except InputError:
        return None
    return content if hmac.compare_digest(hashlib.sha512(content).hexdigest(), code.sha512) else None


def archive_of(database: Database, code: Code) -> bytes:
    """The archive to run. Raises Problem when it was not sent, InputError for what is none."""
    archive = found(database, code)
    if archive is None:
        raise Problem(422, f"code: {code.sha256[:12]} is not here; send it first (`PUT /v1/code/SHA256`)")
    check(archive)
    return archive
