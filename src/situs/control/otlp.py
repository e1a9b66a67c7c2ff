"""Sending traces to a collector by OTLP over HTTP.

It follows the journal: how far it has come is kept in a file beside the estate, and moves on only once a collector has
taken what came before.  So nothing is left out when the process ends, and what is sent twice has the same ids.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from situs.control.traces import Life, Span, spans, step_span
from situs.control.watcher import Watcher
from situs.model.error import InputError
from situs.sites.secrets import redacted
from situs.store import events as happened
from situs.store import plans, runs, steps
from situs.store.database import Database, DatabaseAway
from situs.store.files import write_atomically
from situs.store.tables import events as events_table
from situs.store.tables import steps as steps_table
from situs.version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

EVERY_S = 1.0
AT_ONCE = 200


class Otlp(Watcher):
    """Sends what has ended, while this process leads."""

    def __init__(self, database: Database, endpoint: str, kept: Path) -> None:
        """``endpoint``: such as ``http://127.0.0.1:4318``; ``kept``: the file. Raises InputError."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ModuleNotFoundError:
            raise InputError("traces need OpenTelemetry: pip install 'situs[otel]'") from None
        if not endpoint.startswith(("http://", "https://")):
            raise InputError(f"--otlp {endpoint!r} is no address; write it as http://127.0.0.1:4318")
        self._exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=10)
        self._database = database
        self._kept = kept
        self._leads = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        """Begin."""
        with self._database.read() as connection:
            self._position(connection)
        self._thread.start()

    def stop(self) -> None:
        """Send what is there still, and end."""
        self._stopped.set()
        self._thread.join(EVERY_S * 15)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def leading(self, token: int | None) -> None:
        if token is not None:
            self._leads.set()

    def _run(self) -> None:
        while not self._leads.wait(EVERY_S / 4):
            if self._stopped.is_set():
                return
        over = False
        while not over:
            # Once more after the end, for what ended last.
            over = self._stopped.wait(EVERY_S)
            try:
                while self._send():
                    pass
            except DatabaseAway:
                continue

    def _send(self) -> bool:
        """The next ones; whether there were any, and the collector took them."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        with self._database.read() as connection:
            position = self._position(connection)
            found, further = _after(connection, position)
        if further == position:
            return False
        if (
            found
            and self._exporter.export([_readable(span) for span in found]) is not SpanExportResult.SUCCESS
        ):
            return False
        write_atomically(self._kept, json.dumps(further).encode())
        return True

    def _position(self, connection: Connection) -> dict[str, int]:
        """How far it has come; without a file it begins with what ends from now on."""
        if not self._kept.exists():
            now = {
                name: connection.execute(select(func.coalesce(func.max(table.c.seq), 0))).scalar_one()
                for name, table in (("events", events_table), ("steps", steps_table))
            }
            write_atomically(self._kept, json.dumps(now).encode())
            return now
        position: dict[str, int] = json.loads(self._kept.read_bytes())
        return position


def _after(connection: Connection, position: dict[str, int]) -> tuple[list[Span], dict[str, int]]:
    """Spans of runs that ended, and of those that were released, after a position; and the position after them."""
    targets = plans.history(connection)
    salt = f"{targets[0].plan} {targets[0].at.timestamp()}" if targets else ""
    found: list[Span] = []
    events, further = events_table.c, dict(position)
    ended = (
        select(events.seq, events.workload, events.unit, events.generation)
        .where(events.kind == "ended", events.seq > position["events"]).order_by(events.seq).limit(AT_ONCE)
    )  # fmt: skip
    for seq, workload, unit, generation in connection.execute(ended).all():
        further["events"] = seq
        history = [run for run in runs.of_workload(connection, workload) if run.unit == unit]
        run = next((run for run in history if run.generation == generation), None)
        if run is None or run.ended_at is None:
            continue
        before = [one.ended_at for one in history if one.generation < generation and one.ended_at]
        decided = [target.at for target in targets if target.plan == run.plan and target.at <= run.placed_at]
        mine = (unit, generation)
        life = Life(
            run, max([*before, *decided], default=None),
            [e for e in steps.of_workload(connection, workload) if (e.unit, e.generation) == mine],
            [e for e in happened.of_workload(connection, workload) if (e.unit, e.generation) == mine],
        )  # fmt: skip
        found += spans(life, salt)
    journal = steps_table.c
    released = (
        select(steps_table)
        .where(journal.kind == "release", journal.state == "done", journal.seq > position["steps"])
        .order_by(journal.seq).limit(AT_ONCE)
    )  # fmt: skip
    for seq, *row in connection.execute(released).all():
        further["steps"] = seq
        entry = steps.Entry(*row)
        known = [run for run in runs.of_workload(connection, entry.workload) if run.unit == entry.unit]
        began = connection.execute(
            select(journal.at).where(journal.step == entry.step, journal.state == "begun")
        ).scalar_one_or_none()
        found += [
            step_span(run, entry, began or entry.at, salt)
            for run in known
            if run.generation == entry.generation
        ]
    return found, further


def _readable(span: Span) -> ReadableSpan:
    """As OpenTelemetry has it."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    def context(span_id: int) -> SpanContext:
        return SpanContext(
            span.trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        )

    status = Status(StatusCode.ERROR, redacted(span.error)) if span.error else Status(StatusCode.OK)
    named: dict[str, Any] = {"service.name": "situs", "service.version": __version__}
    return ReadableSpan(
        span.name, context(span.span_id), None if span.parent_id is None else context(span.parent_id),
        Resource(named), span.attributes, kind=SpanKind.INTERNAL, status=status,
        start_time=int(span.began.timestamp() * 1e9), end_time=int(span.ended.timestamp() * 1e9),
    )  # fmt: skip
