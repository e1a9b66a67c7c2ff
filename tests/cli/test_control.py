"""The commands of the control plane: a plan is applied, becomes true, is looked at, held, and taken back."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from situs.sites.local import LocalSite
from tests.cli.conftest import Call

ESTATE = """
settings: {at: 2026-11-23T08:00Z, currency: EUR}
sites:
  attic:
    kind: on_prem
    country: DE
    clearance: 4
    pools: {box: {node: {cpu: 4, memory: 8GiB}, count: 2, price: {basis: owned, price: 100 EUR}}}
links:
  - {from: "*", to: "*", latency: 10ms, bandwidth: 1Gbit/s, price: 0 EUR/GB}
workloads:
  web:
    stage: serve
    label: {level: 0}
    shapes: [{cpu: 1, memory: 1GiB}]
    service: {requests_per_s: 1}
    run: {command: [sleep, "600"]}
  broken:
    stage: train
    label: {level: 0}
    shapes: [{cpu: 1, memory: 1GiB}]
    job: {work: 1h}
    run: {command: ["false"], retries: 0}
"""
PATIENCE_S = 60.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    yield folder
    for root in (folder / ".situs" / "sites").glob("*/runs"):
        site = LocalSite(root)
        for key in site.known():
            site.stop(key, grace_s=0.0)


@pytest.fixture
def applied(call: Call, home: Path) -> Path:
    assert call("plan", "-C", home).code == 0
    assert call("apply", "latest", "-C", home, "--by", "ann").code == 0
    return home


@contextmanager
def up(home: Path) -> Iterator[subprocess.Popen[str]]:
    """The control plane as the command starts it; ended as a service manager ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "situs.cli", "up", "-C", str(home)], stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def standings(call: Call, home: Path) -> dict[str, str]:
    return {unit["workload"]: unit["standing"] for unit in call("ps", "--json", "-C", home).json["units"]}


class TestBefore:
    @pytest.mark.parametrize("command", [["ps"], ["status", "web"], ["history"], ["rollback"], ["pause"]])
    def test_without_a_database_they_say_what_makes_one(
        self, call: Call, home: Path, command: list[str]
    ) -> None:
        done = call(*command, "-C", home)
        assert (done.code, done.out) == (2, "")
        assert "`situs apply` makes it" in done.err
        assert not (home / ".situs" / "control.db").exists()

    def test_what_is_applied_waits_for_a_control_plane(self, call: Call, applied: Path) -> None:
        done = call("ps", "-C", applied)
        assert "by ann, as generation 1" in done.out
        assert "`situs up` starts one" in done.out
        assert standings(call, applied) == {"web": "waiting", "broken": "waiting"}


class TestRunning:
    def test_it_becomes_true_and_is_told_of(self, call: Call, applied: Path) -> None:
        with up(applied):
            until(
                lambda: standings(call, applied) == {"web": "running", "broken": "failed"}, "it becomes true"
            )
            shown = call("ps", "--json", "-C", applied).json
            assert re.fullmatch(r".+, process \d+", shown["leader"])
            assert [(site["site"], site["ok"]) for site in shown["sites"]] == [("attic", True)]
        # It has gone; what runs at the sites runs on.
        assert call("ps", "--json", "-C", applied).json["leader"] is None
        key = LocalSite(applied / ".situs" / "sites" / "attic" / "runs").known()
        assert {str(k): LocalSite(applied / ".situs/sites/attic/runs").status(k).state for k in key} == {
            "web.0@1": "running", "broken.0@1": "ended",
        }  # fmt: skip
        well, badly = call("status", "web", "-C", applied), call("status", "broken", "-C", applied)
        assert (well.code, badly.code) == (0, 1)
        assert "running" in well.out and "failed (1)" in badly.out
        (unit,) = call("status", "broken", "--json", "-C", applied).json["units"]
        assert unit["cause"] == "it failed with exit code 1"
        assert "read its output" in unit["next_step"]
        past = call("history", "broken", "--json", "-C", applied).json
        assert [event["kind"] for event in past["events"]] == ["placed", "started", "ended", "waiting"]
        assert {(step["kind"], step["state"]) for step in past["steps"]} == {
            (kind, state) for kind in ("start", "close") for state in ("begun", "done")
        }
        assert "exit code 1" in call("history", "broken", "-C", applied).out

    def test_german_has_no_english_words_of_ours(self, call: Call, applied: Path) -> None:
        for command in (["ps"], ["history"], ["status", "web"], ["pause"], ["resume"], ["drain", "attic"]):
            words = set(re.findall(r"[a-z]{4,}", call("--lang", "de", *command, "-C", applied).out.lower()))
            assert not words & {
                "workload",
                "running",
                "waiting",
                "generations",
                "plans",
                "since",
                "reason",
                "force",
            }


class TestOrders:
    def test_a_stale_plan_is_refused_with_the_reason(self, call: Call, applied: Path) -> None:
        call("plan", "-C", applied, "--owner", "bob")
        call("plan", "-C", applied, "--owner", "eve")
        done = call("apply", "latest", "-C", applied)
        assert done.code == 1
        assert "in force since" in done.err and "by ann" in done.err and "situs plan --parent" in done.err

    def test_back_and_forth(self, call: Call, applied: Path) -> None:
        assert call("rollback", "-C", applied).code == 2
        call("plan", "-C", applied, "--owner", "bob")
        second = call("apply", "latest", "--json", "-C", applied, "--reason", "bob asked").json
        first = call("rollback", "--json", "-C", applied).json
        assert (second["generation"], first["generation"], first["kind"]) == (2, 3, "rollback")
        listed = call("history", "--json", "-C", applied).json
        assert [target["plan"] for target in listed] == [first["plan"], second["plan"], first["plan"]]
        assert "bob asked" in call("history", "-C", applied).out

    def test_pause_resume_and_drain(self, call: Call, applied: Path) -> None:
        assert call("pause", "--json", "-C", applied, "--reason", "storm").json == {"changed": True}
        assert "already" in call("pause", "-C", applied).out
        assert "storm" in call("ps", "-C", applied).out
        assert call("resume", "--json", "-C", applied).json == {"changed": True}
        assert call("drain", "attic", "--json", "-C", applied).json == {"changed": True}
        assert "is drained" in call("ps", "-C", applied).out
        assert call("drain", "cellar", "-C", applied).code == 2
        assert call("drain", "attic", "--end", "--json", "-C", applied).json == {"changed": True}

    @pytest.mark.parametrize("command", ["status", "history"])
    def test_a_workload_that_is_none_is_an_error_of_the_user(
        self, call: Call, applied: Path, command: str
    ) -> None:
        done = call(command, "wbe", "-C", applied)
        assert done.code == 2
        assert "`situs ps` lists" in done.err

    def test_a_file_that_is_missing_is_named_before_anything_is_changed(self, call: Call, home: Path) -> None:
        (home / "estate.yaml").write_text(
            ESTATE.replace('[sleep, "600"]}', '[sleep, "600"], files: [gone.py]}')
        )
        call("plan", "-C", home)
        done = call("apply", "latest", "-C", home)
        assert done.code == 2
        assert "gone.py" in done.err
        assert not (home / ".situs" / "control.db").exists()


class TestDatabase:
    def test_upgrade_backup_and_restore(self, call: Call, applied: Path, tmp_path: Path) -> None:
        assert "up to date" in call("db", "upgrade", "-C", applied).out
        file, other = tmp_path / "situs.backup", tmp_path / "other.db"
        saved = call("db", "backup", file, "--json", "-C", applied).json
        assert saved["rows"] > 5
        assert call("db", "backup", file, "-C", applied).code == 2
        assert call("db", "restore", file, "-C", applied).code == 2
        back = call("db", "restore", file, "--db", other)
        assert back.code == 0 and "paused" in back.out
        shown = call("ps", "--json", "--db", other).json
        assert shown["target"]["by"] == "ann"
        assert [hold["kind"] for hold in shown["holds"]] == ["pause"]

    @pytest.mark.parametrize(
        "address", ["mysql://x/y", "postgresql://u:hunter2@127.0.0.1:1/x?connect_timeout=1"]
    )
    def test_an_address_that_leads_nowhere(self, call: Call, address: str) -> None:
        done = call("ps", "--db", address)
        assert done.code in (1, 2)
        assert "hunter2" not in done.err + done.out
        assert "error:" in done.err
