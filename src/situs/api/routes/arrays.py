"""Arrays: one job that runs many times, handed in, looked at and ended as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from situs.api.handed import (
    Handing,
    Word,
    archive,
    in_the_queue,
    must_be_no_secrets,
    must_have_no_sites_in_a_queue,
    must_keep_secrets,
    name_of,
    workload,
)
from situs.api.identity import Asking
from situs.api.places import LOOKED, nowhere, told
from situs.api.problems import Problem
from situs.api.projects import Readable, must_of, must_submit
from situs.api.routes.estate import Changed, Reason
from situs.api.services import (
    Cursor,
    Given,
    IfMatch,
    IfNoneMatch,
    Key,
    Limit,
    Services,
    after,
    cursor_of,
    must_match,
    once,
    with_tag,
)
from situs.control.arrays import making, standing
from situs.control.arrays.making import Wanted
from situs.control.arrays.member import LARGEST, PARAMETER, checked_name
from situs.control.arrays.standing import ArrayView
from situs.control.submitting import NoPlace
from situs.model.error import InputError
from situs.model.plan import Fit

router = APIRouter(prefix="/v1", tags=["arrays"])
Parameter = Annotated[str, Field(pattern=f"^{PARAMETER.pattern}$", max_length=200)]


class HandingMany(Handing):
    """A job to be run many times; `{name}` in its command is a member's parameter of that name."""

    parameters: list[dict[Parameter, Word | int | float | bool]] = Field(min_length=1, max_length=LARGEST)
    """of each member"""
    at_once: int | None = Field(None, ge=1, le=LARGEST)
    """so many run at the same time; None: as many as there is room for"""


@dataclass(frozen=True)
class ArrayPage:
    """Some arrays, by name, without their members."""

    items: list[ArrayView]
    next: str | None
    """cursor of the next page; None: that is all"""


@router.get("/arrays")
def listed(given: Given, who: Asking, limit: Limit = 100, cursor: Cursor = None) -> ArrayPage:
    """All arrays that one may read and that were not removed."""
    start, readable = after(cursor), Readable(given, who)
    with given.database.read() as connection:
        views = sorted(standing.overview(connection), key=lambda view: view.name)
    found = [view for view in views if view.name > start and view.name in readable]
    return ArrayPage(found[:limit], cursor_of(found[limit - 1].name) if len(found) > limit else None)


@router.post("/arrays", status_code=201, responses=LOOKED)
def hand_in(
    asked: HandingMany, given: Given, who: Asking, response: Response, key: Key = None
) -> dict[str, Any]:
    """Hand an array in; its members begin as there is room, or in turn in a queue.

    409 when they can be nowhere; `place` says why, as with `dry_run`, which only looks where the first would go.
    """
    asked = in_the_queue(given.database, asked)
    must_submit(who, asked.use_case)
    must_keep_secrets(asked)
    must_have_no_sites_in_a_queue(asked)
    must_be_no_secrets(_texts(asked.parameters))
    for member in asked.parameters:
        for number, parameter in enumerate(member):
            checked_name(parameter, list(member)[:number])
    name = asked.name or name_of(asked, key)
    if asked.dry_run:
        response.status_code = 200
        return told(
            name,
            making.look(given.database, _wanted(asked, name), workload(asked)),
            asked.hours,
            given.folder,
        )

    def do(again: bool) -> Mapping[str, Any]:
        return _handed_in(given, asked, name, who.name, again=again or asked.name is None)

    made: dict[str, Any] = once(given, who, key, asked, response, do)
    response.headers["Location"] = f"/v1/arrays/{made['name']}"
    return made


@router.get("/arrays/{name}", response_model=ArrayView, responses={304: {"description": "It is as it was."}})
def one(name: str, given: Given, who: Asking, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """How one stands, with its members and what each has cost."""
    must_of(given, who, "read", name)
    return with_tag(_view(given, name), response, if_none_match)


@router.post("/arrays/{name}/stop")
def stop(
    name: str, given: Given, who: Asking, why: Reason | None = None, if_match: IfMatch = None
) -> Changed:
    """Have all its members end, and begin no more; what they wrote is kept."""
    must_of(given, who, "stop", name)
    must_match(lambda: _view(given, name), if_match)
    return Changed(changed=making.end(given.database, name, "stopped", who.name, why.reason if why else None))


@router.delete("/arrays/{name}")
def remove(name: str, given: Given, who: Asking, if_match: IfMatch = None) -> Changed:
    """Have all its members end, and nothing of them kept but their history."""
    must_of(given, who, "stop", name)
    must_match(lambda: _view(given, name), if_match)
    return Changed(changed=making.end(given.database, name, "removed", who.name))


def _view(given: Services, name: str) -> ArrayView:
    view = standing.of_array(given.database, name)
    if view is None:
        raise Problem(404, f"there is no array {name!r}")
    return view


def _texts(parameters: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """Where in them there is text -> the text."""
    return {
        f"parameters/{number}/{name}": value
        for number, member in enumerate(parameters)
        for name, value in member.items()
        if isinstance(value, str)
    }


def _handed_in(given: Services, asked: HandingMany, name: str, by: str, *, again: bool) -> Mapping[str, Any]:
    made = {"name": name, "size": len(asked.parameters), "at_once": asked.at_once, "queue": asked.queue}
    if again and making.is_array(given.database, name):
        return made
    wanted, job, code = _wanted(asked, name), workload(asked), archive(given.database, asked)
    placed = making.look(given.database, wanted, job)
    if placed.fit is Fit.NEVER:
        raise nowhere(NoPlace(name, placed), asked.hours, given.folder)
    try:
        making.make(given.database, wanted, job, {".": code}, by)
    except InputError:
        # The same request may have come twice at the same time.
        if not (again and making.is_array(given.database, name)):
            raise
    return made


def _wanted(asked: HandingMany, name: str) -> Wanted:
    return Wanted(name, asked.parameters, asked.at_once, asked.queue, asked.priority, asked.only)
