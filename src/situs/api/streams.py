"""Server-sent events: lines that come when something happens, over one connection."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

PAUSE_S = 0.3
BEAT_S = 15.0
"""So often a word that there is nothing, so that nobody on the way takes the line for dead."""


@dataclass(frozen=True)
class Message:
    """One event of a stream."""

    id: str
    """from where to go on after a cut"""
    kind: str
    data: Any


def streamed(messages: Iterator[Message | None]) -> StreamingResponse:
    """The answer that brings them; None: there is nothing now."""
    return StreamingResponse(_lines(messages), media_type="text/event-stream")


def _lines(messages: Iterator[Message | None]) -> Iterator[str]:
    said_at = time.monotonic()
    yield ": here\n\n"
    for message in messages:
        if message is not None:
            data = json.dumps(jsonable_encoder(message.data), ensure_ascii=False)
            yield f"id: {message.id}\nevent: {message.kind}\ndata: {data}\n\n"
            said_at = time.monotonic()
            continue
        if time.monotonic() - said_at >= BEAT_S:
            yield ": still here\n\n"
            said_at = time.monotonic()
        time.sleep(PAUSE_S)
