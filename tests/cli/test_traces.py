"""Traces of runs, as a collector gets them: OTLP over HTTP, decoded for real."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from situs.control.traces import Life, spans
from situs.store.events import Event
from situs.store.runs import Run
from situs.store.steps import Entry
from tests.cli.conftest import Call
from tests.cli.test_control import standings, until
from tests.cli.test_watching import home as home

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Collector:
    """Takes spans, on a port that may be closed for a while."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @contextmanager
    def open(self) -> Iterator[None]:
        collector = self

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                    named = {a.key: a.value.string_value for a in part.resource.attributes}
                    collector.services.add(named["service.name"])
                    for scope in part.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", self.port), Take) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield
            finally:
                server.shutdown()

    def of(self, workload: str) -> dict[str, Span]:
        """Spans of a workload's trace, by name."""
        root = next((span for span in self.spans if span.name == f"run {workload}"), None)
        return {span.name: span for span in self.spans if root is not None and span.trace_id == root.trace_id}


@contextmanager
def up(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [
            sys.executable, "-m", "situs.cli", "up", "-C", str(home), "--otlp", f"http://127.0.0.1:{port}",
            "--no-replan",
        ],
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_run_that_ended_while_nobody_listened_is_told_of_after_a_crash(home: Path, call: Call) -> None:
    collector = Collector()
    with up(home, collector.port) as plane:
        until(lambda: standings(call, home).get("broken") == "failed", "it fails, and nobody takes its trace")
        plane.send_signal(signal.SIGKILL)
        plane.wait()
    assert not collector.spans
    with collector.open(), up(home, collector.port) as plane:
        until(lambda: "running" in collector.of("broken"), "it is told of by the next one")
        told = collector.of("broken")
        plane.send_signal(signal.SIGTERM)
        assert plane.wait(60) == 0
    assert collector.services == {"situs"}
    root = told["run broken"]
    assert {"planned", "staged", "running", "close"} <= told.keys()
    assert all(span.parent_span_id == root.span_id for span in told.values() if span is not root)
    assert told["planned"].end_time_unix_nano <= told["staged"].start_time_unix_nano
    assert root.start_time_unix_nano <= told["planned"].start_time_unix_nano
    assert root.end_time_unix_nano == told["running"].end_time_unix_nano
    known = {a.key: a.value for a in root.attributes}
    assert known["situs.workload"].string_value == "broken"
    assert known["situs.site"].string_value == "attic"
    assert known["situs.exit_code"].int_value == 1
    assert root.status.code == 2, "it failed"
    assert not collector.of("web"), "what runs has no end yet"
    ids = [span.span_id for span in collector.spans]
    assert len(ids) == len(set(ids)), "nothing is told twice"


def run(**changes: Any) -> Run:
    given: dict[str, Any] = {
        "workload": "job", "unit": 0, "generation": 2, "site": "cluster", "pool": "gpu", "shape": "", "spec": "x",
        "plan": "sha256:1", "phase": "ended", "placed_at": at(10), "started_at": at(20), "ended_at": at(90),
        "outcome": "succeeded", "exit_code": 0, "reason": "exited",
    }  # fmt: skip
    return Run(**{**given, **changes})


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def entry(step: str, state: Any, seconds: float, cause: str | None = None) -> Entry:
    return Entry(step, state, at(seconds), 7, "start", "job", 0, 2, "cluster", cause)


class TestSpans:
    def test_each_attempt_and_the_wait_for_a_turn_are_spans(self) -> None:
        entries = [
            entry("a", "begun", 11),
            entry("a", "failed", 13, "no"),
            entry("b", "begun", 15),
            entry("b", "done", 20),
        ]
        turn = Event(at(40), "turn", "situs", "has its turn", "job", 0, 2, "cluster")
        found = list(spans(Life(run(), at(5), entries, [turn]), "salt"))
        shown = [(s.name, (s.began - AT).seconds, (s.ended - AT).seconds, s.error) for s in found]
        assert shown == [
            ("run job", 5, 90, None), ("planned", 5, 10, None), ("staged", 11, 13, "no"), ("staged", 15, 20, None),
            ("queued", 20, 40, None), ("running", 40, 90, None),
        ]  # fmt: skip
        assert found == list(spans(Life(run(), at(5), entries, [turn]), "salt")), (
            "the same again after a crash"
        )
        assert len({span.span_id for span in found}) == len(found)

    def test_a_unit_keeps_its_trace_over_runs_and_shares_it_with_none(self) -> None:
        def trace(changed: Run, salt: str = "salt") -> int:
            return next(spans(Life(changed, None, [], []), salt)).trace_id

        assert trace(run()) == trace(run(generation=3, site="elsewhere"))
        assert len({trace(run()), trace(run(unit=1)), trace(run(workload="x")), trace(run(), "other")}) == 4

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"outcome": "failed", "cause": "exit code 3"}, "exit code 3"),
            ({"outcome": "lost"}, "lost"),
            ({}, None),
        ],
    )
    def test_what_failed_is_told_with_its_cause(self, changes: dict[str, Any], error: str | None) -> None:
        assert next(spans(Life(run(**changes), None, [], []), "salt")).error == error


def test_an_address_that_is_none_is_refused(call: Call, home: Path) -> None:
    done = call("up", "-C", home, "--otlp", "localhost:4318", "--no-replan")
    assert done.code == 2
    assert "localhost:4318" in done.err
