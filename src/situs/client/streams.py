"""Server-sent events as they are read: what was said, and the id from which to go on after a cut."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Heard:
    """One event."""

    id: str
    kind: str
    data: Mapping[str, Any]


def heard(lines: Iterable[str]) -> Iterator[Heard]:
    """The events in these lines. One that was cut off is left out: it is told again."""
    fields: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif not line and "data" in fields:
            yield Heard(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
            fields = {}


def content(told: Mapping[str, Any]) -> bytes:
    """What was written, byte for byte: as text, and where it is none, in base64 beside it."""
    exact = told.get("base64")
    return base64.b64decode(exact) if exact else str(told["text"]).encode()
