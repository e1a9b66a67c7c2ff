"""Code of runs: sent in parts before it is used, and not at all where it is here already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query

from situs.api.code import Code, found
from situs.api.identity import Asking
from situs.api.permissions import Principal
from situs.api.services import Given
from situs.control.shipping.checking import check
from situs.control.shipping.uploads import LARGEST_BYTES, LARGEST_PART, Uploads
from situs.store import plans

router = APIRouter(prefix="/v1", tags=["code"])


@dataclass(frozen=True)
class Arrived:
    """How much of it is here."""

    whole: bool
    """it may be used"""
    bytes: int
    """otherwise: from which byte on the next part is"""


@router.post("/code")
def look(asked: Code, given: Given, who: Asking) -> Arrived:
    """Whether code is here already, for who can show that they have it, or how much of it has arrived."""
    if found(given.database, asked) is not None:
        return Arrived(True, 0)
    return Arrived(False, Uploads(given.folder).arrived(_sender(who), asked.sha256))


@router.put("/code/{sha256}")
def send(
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    given: Given,
    who: Asking,
    size: Annotated[int, Query(ge=1, le=LARGEST_BYTES, description="Bytes of all of it.")],
    offset: Annotated[int, Query(ge=0, le=LARGEST_BYTES, description="Bytes that are here already.")],
    part: Annotated[bytes, Body(media_type="application/octet-stream", max_length=LARGEST_PART)],
) -> Arrived:
    """The next part of an archive, a tar file compressed by gzip; with the last one it is checked and kept."""
    archive = Uploads(given.folder).add(_sender(who), sha256, size, offset, part)
    if archive is None:
        return Arrived(False, offset + len(part))
    check(archive)
    with given.database.write() as connection:
        plans.keep_contents(connection, {sha256: archive})
    return Arrived(True, size)


def _sender(who: Principal) -> str:
    return who.token or who.name
