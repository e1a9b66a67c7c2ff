"""What was used and what it cost, and what happened."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BeforeValidator

from situs.api.identity import Asking
from situs.api.permissions import DEFAULT
from situs.api.services import Cursor, Given, Limit, after, cursor_of
from situs.api.streams import Message, streamed
from situs.model.amount import Exact
from situs.store import events, usage
from situs.store.database import Database
from situs.store.events import Event

router = APIRouter(prefix="/v1", tags=["ledger"])
LARGEST = 2**62


def _written_out(value: object) -> object:
    """A bare number would be taken for seconds since 1970, which nobody means."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[Tt ]", value, re.ASCII) is None:
        raise ValueError("write a time with its zone, such as 2026-11-26T08:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


@dataclass(frozen=True)
class Used:
    """What one workload, site or use case has used."""

    name: str
    hours: float
    """of runs, or of nodes that idled"""
    amount: Exact
    currency: str


@dataclass(frozen=True)
class Happened:
    """An event with its number."""

    seq: int
    event: Event


@dataclass(frozen=True)
class Events:
    """Some events, the oldest first."""

    items: list[Happened]
    next: str | None
    """cursor of the next page; None: that is all so far"""


@router.get("/usage")
def used(
    given: Given,
    who: Asking,
    by: Literal["workload", "site", "use_case"] = "workload",
    since: Moment | None = None,
) -> list[Used]:
    """The ledger by workload, site or use case, idle capacity apart; of the projects that one may read."""
    projects = who.projects("read")
    sums: dict[tuple[str, str], tuple[float, Decimal]] = defaultdict(lambda: (0.0, Decimal(0)))
    with given.database.read() as connection:
        lines = usage.lines(connection)
    for line in lines:
        if since is not None and line.until < since:
            continue
        # What nobody used is the whole estate's.
        project = None if line.kind == "idle" else line.use_case or DEFAULT
        if projects is not None and project not in projects:
            continue
        named = {"workload": line.workload, "site": line.site, "use_case": line.use_case or DEFAULT}[by]
        name = f"idle: {line.site}/{line.pool}" if line.kind == "idle" else named or "?"
        hours, amount = sums[name, line.currency]
        sums[name, line.currency] = hours + line.unit_s / 3600, amount + line.amount
    return [Used(name, *sums[name, currency], currency) for name, currency in sorted(sums)]


@router.get("/events")
def happened(given: Given, limit: Limit = 100, cursor: Cursor = None) -> Events:
    """All that ever happened and who did it, the oldest first."""
    start = after(cursor)
    seq = int(start) if start.isdecimal() and int(start) < LARGEST else 0
    with given.database.read() as connection:
        found = events.after(connection, seq, limit)
    last = cursor_of(str(found[-1][0])) if len(found) == limit else None
    return Events([Happened(*each) for each in found], last)


@router.get("/events/stream", response_class=StreamingResponse)
def stream(
    given: Given,
    last_event_id: Annotated[str | None, Header(max_length=30, pattern="^[0-9]+$")] = None,
) -> StreamingResponse:
    """What happens from now on, as server-sent events; after a cut it goes on where it was (`Last-Event-ID`)."""
    return streamed(
        _events(given.database, None if last_event_id is None else min(int(last_event_id), LARGEST))
    )


def _events(database: Database, seq: int | None) -> Iterator[Message | None]:
    if seq is None:
        with database.read() as connection:
            seq = events.last(connection)
    while True:
        with database.read() as connection:
            found = events.after(connection, seq, 500)
        for number, event in found:
            seq = number
            yield Message(str(number), event.kind, event)
        if not found:
            yield None
