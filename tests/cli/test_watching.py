"""The control plane as it is seen from outside: figures over HTTP and lines of JSON, of a real one that runs."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.postgres import Server
from situs.control import metrics
from situs.control.logs import JsonLog
from situs.sites.local import LocalSite
from situs.store import usage
from situs.store.database import Database
from situs.store.events import Event
from situs.store.schema import ready
from situs.store.usage import Line
from tests.cli.conftest import Call
from tests.cli.test_control import ESTATE, until
from tests.store.databases import migrated


@pytest.fixture
def home(tmp_path: Path, call: Call) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    assert call("plan", "-C", folder).code == 0
    assert call("apply", "latest", "-C", folder, "--by", "ann").code == 0
    yield folder
    site = LocalSite(folder / ".situs" / "sites" / "attic" / "runs")
    for key in site.known():
        site.stop(key, grace_s=0.0)


class Up:
    """A control plane that is watched."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "situs.cli", "up", "-C", str(home), "--metrics", self.address,
                "--log-format", "json",
            ],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(json.loads(line))

    def figures(self) -> dict[tuple[str, ...], float]:
        """(name, values of labels by their names) -> figure; empty while it does not answer."""
        try:
            text = httpx.get(f"http://{self.address}/metrics").text
        except httpx.TransportError:
            return {}
        return {
            (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@contextmanager
def watched(home: Path) -> Iterator[Up]:
    plane = Up(home)
    try:
        yield plane
        plane.process.send_signal(signal.SIGTERM)
        assert plane.process.wait(60) == 0
    finally:
        plane.process.kill()
        plane.process.wait()
        plane._reader.join()


@pytest.mark.slow
def test_figures_and_lines_tell_what_it_does(home: Path) -> None:
    with watched(home) as plane:
        running, failed = (("situs_units", "site=attic", f"state={state}") for state in ("running", "failed"))
        until(
            lambda: (plane.figures().get(running), plane.figures().get(failed)) == (1, 1), "both are counted"
        )
        seen = plane.figures()
        assert seen["situs_leader",] == 1
        assert seen["situs_database_up",] == 1
        assert seen["situs_site_up", "site=attic"] == 1
        assert seen["situs_steps_total", "kind=start", "outcome=done", "site=attic"] == 2
        assert seen["situs_step_duration_seconds_count", "kind=start"] == 2
        assert seen["situs_looks_total", "outcome=ok", "site=attic"] >= 1
        assert 0 <= seen["situs_site_look_age_seconds", "site=attic"] < 60
        assert seen["situs_turn_duration_seconds_count",] >= 1
        costs = {key: value for key, value in seen.items() if key[0] == "situs_cost_total"}
        assert any("site=attic" in key and "currency=EUR" in key for key in costs), seen.keys()
    lines = plane.lines
    assert all({"at", "level", "event", "text"} <= line.keys() for line in lines)
    journal = [line for line in lines if line["event"] == "journal" and line["workload"] == "broken"]
    states = [line["state"] for line in journal if line["kind"] == "start"]
    assert states == ["begun", "done"]
    assert len({line["step"] for line in journal if line["kind"] == "start"}) == 1
    started = next(line for line in lines if line["event"] == "started" and line["workload"] == "web")
    assert (started["unit"], started["generation"], started["site"]) == (0, 1, "attic")
    assert [line["text"] for line in lines if line["event"] == "lease"] == ["leads", "leads no longer"]


@pytest.mark.parametrize("address", ["9464", "127.0.0.1:x", "127.0.0.1:99999", "256.1.1.1:9464"])
def test_an_address_that_is_none_is_refused(call: Call, home: Path, address: str) -> None:
    done = call("up", "-C", home, "--metrics", address, "--no-replan")
    assert done.code == 2
    assert address in done.err


def test_a_line_shows_no_secret() -> None:
    lines: list[str] = []
    text = "its address is postgresql://ann:hunter2@db/x and its key AKIAIOSFODNN7EXAMPLE"
    JsonLog(lines.append).wrote([Event(at(), "trouble", "situs", text)], [])
    assert json.loads(lines[0])["level"] == "warning"
    assert not re.search("hunter2|AKIA", lines[0])


def test_what_are_too_many_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_SERIES", 2)
    counted = {("a", "x"): 5.0, ("b", "x"): 3.0, ("c", "x"): 2.0, ("d", "x"): 1.0}
    assert list(metrics._bounded(counted)) == [(("a", "x"), 5), (("b", "x"), 3), (["other", "other"], 3)]


def test_costs_are_added_up_on_both_kinds_of_database(tmp_path: Path, postgres: Server) -> None:
    for place in (str(tmp_path / "x.db"), postgres.new()):
        database = ready(Database(place))
        figures = metrics.Metrics(database)
        for amount in ("0.25", "1.5"):
            line = Line("run", "attic", "box", at(), at(), 1.0, Decimal(amount), "EUR", "web", 0, 1, "clinic")
            with database.write() as connection:
                usage.write(connection, [line])
            figures._standing._read_at = float("-inf")
            cost = {
                sample.labels["use_case"]: sample.value
                for f in figures.registry.collect()
                for sample in f.samples
                if sample.name == "situs_cost_total"
            }
        assert cost == {"clinic": 1.75}
        database.close()


def test_a_database_that_is_away_is_told_and_nothing_old_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "FRESH_S", -1.0)
    database = migrated(tmp_path / "x.db")
    figures = metrics.Metrics(database)

    def names() -> dict[str, float]:
        return {
            sample.name: sample.value for family in figures.registry.collect() for sample in family.samples
        }

    assert names()["situs_database_up"] == 1
    database.close()
    (tmp_path / "x.db").unlink()
    (tmp_path / "x.db").mkdir()
    assert names()["situs_database_up"] == 0


def at() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
