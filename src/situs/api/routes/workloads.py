"""Workloads: looking at them, their history, stopping and removing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from situs.api.identity import Asking
from situs.api.permissions import DEFAULT
from situs.api.projects import Readable, must_of
from situs.api.routes.estate import Changed, Reason
from situs.api.services import (
    Cursor,
    Given,
    IfMatch,
    IfNoneMatch,
    Limit,
    after,
    cursor_of,
    must_match,
    with_tag,
)
from situs.control import submitting, views
from situs.control.projects import known_names
from situs.control.running import Running, running
from situs.control.views import WorkloadHistory, WorkloadView

router = APIRouter(prefix="/v1", tags=["workloads"])


@dataclass(frozen=True)
class Item:
    """One workload of a list."""

    name: str
    project: str


@dataclass(frozen=True)
class Page:
    """Some workloads, by name."""

    items: list[Item]
    next: str | None
    """cursor of the next page; None: that is all"""


@router.get("/workloads")
def listed(given: Given, who: Asking, limit: Limit = 100, cursor: Cursor = None) -> Page:
    """Names of all workloads that one may read."""
    start, may = after(cursor), who.projects("read")
    with given.database.read() as connection:
        names = known_names(connection)
    found = [
        Item(name, project or DEFAULT)
        for name, project in sorted(names.items())
        if name > start and (may is None or (project or DEFAULT) in may)
    ]
    return Page(found[:limit], cursor_of(found[limit - 1].name) if len(found) > limit else None)


@router.get("/running")
def now(given: Given, who: Asking) -> Sequence[Running]:
    """All that runs now and one may read, the dearest first."""
    readable = Readable(given, who)
    return [each for each in running(given.database) if each.workload in readable]


@router.get(
    "/workloads/{name}", response_model=WorkloadView, responses={304: {"description": "It is as it was."}}
)
def one(name: str, given: Given, who: Asking, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """How one stands: its units and runs, what it has used, and why it is not as it should be."""
    must_of(given, who, "read", name)
    return with_tag(views.of_workload(given.database, name), response, if_none_match)


@router.get("/workloads/{name}/history")
def history(name: str, given: Given, who: Asking) -> WorkloadHistory:
    """All that ever happened to it, or to an array, and every step that was done."""
    must_of(given, who, "read", name)
    return views.history_of(given.database, name)


@router.post("/workloads/{name}/stop")
def stop(
    name: str, given: Given, who: Asking, why: Reason | None = None, if_match: IfMatch = None
) -> Changed:
    """Have it end; what it wrote is kept."""
    must_of(given, who, "stop", name)
    must_match(lambda: views.of_workload(given.database, name), if_match)
    return Changed(changed=submitting.stop(given.database, name, who.name, why.reason if why else None))


@router.delete("/workloads/{name}")
def remove(name: str, given: Given, who: Asking, if_match: IfMatch = None) -> Changed:
    """Have it end, and nothing of it kept but its history."""
    must_of(given, who, "stop", name)
    must_match(lambda: views.of_workload(given.database, name), if_match)
    return Changed(changed=submitting.remove(given.database, name, who.name))
