"""Handing a job in: it is done once, however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from situs.api.handed import (
    Handing,
    archive,
    in_the_queue,
    must_have_no_sites_in_a_queue,
    must_keep_secrets,
    name_of,
    workload,
)
from situs.api.identity import Asking
from situs.api.places import LOOKED, nowhere, told
from situs.api.projects import must_submit
from situs.api.services import Given, Key, Services, once
from situs.control import submitting
from situs.control.queues import handing_in
from situs.control.submitting import NoPlace
from situs.model.error import InputError
from situs.model.workload import Workload

router = APIRouter(prefix="/v1", tags=["workloads"])


@router.post("/workloads", status_code=201, responses=LOOKED)
def hand_in(asked: Handing, given: Given, who: Asking, response: Response, key: Key = None) -> dict[str, Any]:
    """Hand work in, to run at once where there is room, or to wait for its turn in a queue.

    409 when it can be nowhere now; `place` says why, as with `dry_run`, which only looks.
    """
    asked = in_the_queue(given.database, asked)
    must_submit(who, asked.use_case)
    must_keep_secrets(asked)
    must_have_no_sites_in_a_queue(asked)
    name = asked.name or name_of(asked, key)
    if asked.dry_run:
        response.status_code = 200
        return told(
            name,
            submitting.look(given.database, name, workload(asked), asked.only),
            asked.hours,
            given.folder,
        )

    def do(again: bool) -> Mapping[str, Any]:
        return _handed_in(given, asked, name, who.name, again=again or asked.name is None)

    made: dict[str, Any] = once(given, who, key, asked, response, do)
    response.headers["Location"] = f"/v1/workloads/{made['name']}"
    return made


def _handed_in(given: Services, asked: Handing, name: str, by: str, *, again: bool) -> Mapping[str, Any]:
    job, code = workload(asked), archive(given.database, asked)
    if again and (before := _as_before(given, name)) is not None:
        return before
    try:
        return _done(given, asked, name, job, code, by)
    except InputError:
        # The same request may have come twice at the same time.
        if again and (before := _as_before(given, name)) is not None:
            return before
        raise


def _done(
    given: Services, asked: Handing, name: str, job: Workload, code: bytes, by: str
) -> Mapping[str, Any]:
    database, queue = given.database, asked.queue
    if queue is not None:
        handing_in.hand_in_work(database, queue, name, job, {".": code}, asked.priority, by)
        return {"name": name, "queue": queue, "site": None, "pool": None, "place": None}
    try:
        placed = submitting.submit(database, name, job, {".": code}, by, asked.only)
    except NoPlace as refused:
        raise nowhere(refused, asked.hours, given.folder) from None
    at = placed.decision.assignments[0]
    place = told(name, placed, asked.hours, given.folder)
    return {"name": name, "queue": None, "site": at.site, "pool": at.pool, "place": place}


def _as_before(given: Services, name: str) -> Mapping[str, Any] | None:
    """What was done for a request of this key that never got its answer."""
    waits = handing_in.found(given.database, name)
    if waits is not None:
        return {"name": name, "queue": waits.queue, "site": None, "pool": None, "place": None}
    submission = submitting.found(given.database, name)
    if submission is None:
        return None
    with given.database.read() as connection:
        at = submitting.placed_at(connection, submission)
    return {"name": name, "queue": None, "site": at.site, "pool": at.pool, "place": None}
