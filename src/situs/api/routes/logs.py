"""What runs write: so far, and as it comes."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from situs.api.identity import Asking
from situs.api.projects import must_of
from situs.api.services import Given
from situs.api.streams import Message, streamed
from situs.control.attached import At, End, InLine, Output, Reader, Seen, Trouble
from situs.control.connect import by_kind
from situs.control.held_up import HeldUp
from situs.model.amount import plain as exact

router = APIRouter(prefix="/v1", tags=["workloads"])
LARGEST_TEXT = 1 << 20
"""Of a log, in one answer."""
Unit = Annotated[int, Query(ge=0, le=1_000_000)]


@dataclass(frozen=True)
class Text:
    """A part of what a unit has written."""

    text: str
    next: int
    """byte to go on from"""
    site: str
    generation: int
    """of the run that has written it"""
    base64: str | None = None
    """the same byte for byte, where it is not all text"""


@router.get("/workloads/{name}/logs")
def logs(
    name: str,
    given: Given,
    who: Asking,
    unit: Unit = 0,
    since: Annotated[int, Query(ge=0, le=2**53, description="Byte to begin with.")] = 0,
) -> Text:
    """What a unit has written so far, where it runs or ran last."""
    must_of(given, who, "logs", name)
    reader = Reader(given.database, by_kind(given.folder))
    run = reader.run(name, unit)
    content, following = reader.output(run, since)
    part = content[:LARGEST_TEXT]
    return Text(
        next=min(following, since + LARGEST_TEXT), site=run.site, generation=run.generation, **_text(part)
    )


@router.get("/workloads/{name}/logs/stream", response_class=StreamingResponse)
def follow(
    name: str,
    given: Given,
    who: Asking,
    unit: Unit = 0,
    last_event_id: Annotated[str | None, Header(max_length=40, pattern=r"^[0-9]{1,18}\.[0-9]{1,18}$")] = None,
) -> StreamingResponse:
    """What it writes, as server-sent events, wherever it moves, until it ends.

    An event's id is the run's generation and how many bytes of what it wrote were told: that is where it goes on.
    """
    must_of(given, who, "logs", name)
    reader = Reader(given.database, by_kind(given.folder))
    # Once it has begun to answer, it cannot say any more that there is nothing.
    reader.must_be_known(name)
    generation, _, offset = (last_event_id or "0.0").partition(".")
    return streamed(_followed(reader, name, unit, int(generation), int(offset)))


def _followed(reader: Reader, name: str, unit: int, generation: int, offset: int) -> Iterator[Message | None]:
    for seen in reader.follow(name, unit, since=(generation, offset) if generation else None):
        if isinstance(seen, At) and seen.run.generation != generation:
            generation, offset = seen.run.generation, 0
        elif isinstance(seen, Output):
            offset += len(seen.text)
        kind, data = _told(reader, seen)
        yield Message(f"{generation}.{offset}", kind, data)


def _told(reader: Reader, seen: Seen) -> tuple[str, Mapping[str, Any]]:
    match seen:
        case Output(text):
            return "output", _text(text)
        case At(run, runs):
            return "at", {"site": run.site, "generation": run.generation, "runs": runs}
        case InLine(queue, place, waiting):
            return "in-line", {"queue": queue, "place": place, "waiting": waiting}
        case HeldUp(cause, next_step):
            return "held-up", {"cause": cause, "next_step": next_step}
        case Trouble(what):
            return "trouble", {"what": what}
        case End(_, code, reason, stopped):
            cost, currency = reader.cost(seen)
            return "end", {
                "exit_code": code, "reason": reason, "stopped": stopped, "cost": exact(cost), "currency": currency,
            }  # fmt: skip


def _text(content: bytes) -> dict[str, Any]:
    """As text; what is no text, or begins or ends within a letter, comes in base64 besides."""
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        exact = base64.b64encode(content).decode()
        return {"text": content.decode(errors="replace"), "base64": exact}
