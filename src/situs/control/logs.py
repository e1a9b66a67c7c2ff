"""What the control plane does, as one line of JSON each, with the ids that belong to it.

A line is written once what it tells is on disk, so that logs and journal never disagree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from situs.control.acts import Done
from situs.control.watcher import Watcher
from situs.sites.secrets import redacted
from situs.store.events import Event
from situs.store.steps import Entry

TROUBLE = {"trouble"}


class JsonLog(Watcher):
    """Writes lines of JSON."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def leading(self, token: int | None) -> None:
        self._line("lease", "leads" if token is not None else "leads no longer", token=token)

    def stepped(self, done: Done) -> None:
        if done.result.error is not None:
            key, step = done.step.key, done.step
            self._line(
                "step", done.result.error, "warning", kind=step.kind, workload=key.workload, unit=key.unit,
                generation=key.generation, site=step.site, took_s=round(done.took_s, 3),
            )  # fmt: skip

    def wrote(self, events: Sequence[Event], entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._line(
                "journal", entry.cause or entry.state, at=entry.at, kind=entry.kind, state=entry.state, step=entry.step,
                workload=entry.workload, unit=entry.unit, generation=entry.generation, site=entry.site,
                token=entry.token,
            )  # fmt: skip
        for event in events:
            self._line(
                event.kind, event.text, "warning" if event.kind in TROUBLE else "info", at=event.at, by=event.by,
                workload=event.workload, unit=event.unit, generation=event.generation, site=event.site,
            )  # fmt: skip

    def said(self, text: str) -> None:
        self._line("control-plane", text)

    def _line(
        self, event: str, text: str, level: str = "info", at: datetime | None = None, **ids: Any
    ) -> None:
        line = {
            "at": (at or datetime.now(UTC)).isoformat(timespec="milliseconds"), "level": level, "event": event,
            "text": redacted(text), **{name: value for name, value in ids.items() if value is not None},
        }  # fmt: skip
        self._write(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
