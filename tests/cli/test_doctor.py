"""What ``situs doctor`` finds, on real hosts that are well, dead, mute, strange, or off in time."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from bench.postgres import Server
from situs.cli.doctor_words import ENGLISH, GERMAN
from situs.cli.plane import place_of
from situs.control import ground
from situs.store.database import Database
from situs.store.schema import ready
from tests.cli.conftest import Call
from tests.cli.test_control import ESTATE, up
from tests.cli.test_control import until as until_true
from tests.sites.ssh_server import SshServer, access

PATIENCE_S = 60


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    return folder


def site(name: str, options: dict[str, str]) -> str:
    adapter = json.dumps({"kind": "ssh", "options": options})
    return f"sites: {{{name}: {{kind: edge, country: DE, adapter: {adapter}}}}}\n"


def found(call: Call, home: Path, *more: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = call("doctor", "-C", home, "--json", *more)
    assert done.json["errors"] == sum(f["level"] == "error" for f in done.json["findings"])
    assert done.code == int(done.json["errors"] > 0), done.err
    return {(f["subject"], f["check"]): f for f in done.json["findings"]}


@contextmanager
def mute() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


class TestSites:
    def test_hosts_that_are_well_strange_off_or_open_are_told_apart(
        self, call: Call, home: Path, tmp_path: Path
    ) -> None:
        tools = tmp_path / "tools"
        tools.mkdir()
        (tools / "date").write_text('#!/bin/sh\nexec /bin/date -d "-1 hour" "$@"\n')
        (tools / "date").chmod(0o755)
        good = SshServer(tmp_path / "good")
        late = SshServer(tmp_path / "late", {"PATH": f"{tools}:/usr/bin:/bin"})
        reach = access(tmp_path, good, late)
        nobody = tmp_path / "nobody"
        nobody.touch()
        own = {"config": str(reach.config), "identity": str(reach.identity)}
        known = own | {"known_hosts": str(reach.known_hosts)}
        (home / "well.yaml").write_text(site("well", {"host": good.address, **known}))
        (home / "late.yaml").write_text(site("late", {"host": late.address, **known}))
        (home / "strange.yaml").write_text(
            site("strange", {"host": good.address, **own, "known_hosts": str(nobody)})
        )
        (home / "wrong.yaml").write_text(site("wrong", {"host": "a", "hosts": "b"}))
        (good.home / ".situs" / "well").mkdir(parents=True, mode=0o755)
        (good.home / ".situs" / "well").chmod(0o755)
        try:
            seen = found(call, home)
        finally:
            good.stop()
            late.stop()
        assert seen["well", "site-answers"]["level"] == "ok"
        assert "rwxr-xr-x" in seen["well", "site-mode"]["cause"]
        assert ("late", "site-mode") not in seen
        assert "3600 s behind" in seen["late", "site-behind"]["cause"].replace("3601", "3600").replace(
            "3599", "3600"
        )
        assert seen["late", "site-behind"]["level"] == "error"
        assert "known_hosts" in seen["strange", "site-key"]["cause"]
        assert "either host or hosts" in seen["wrong", "site-options"]["cause"]
        assert seen["attic", "site-answers"]["level"] == "ok"

    def test_a_mute_host_holds_up_nobody(self, home: Path, tmp_path: Path) -> None:
        known = tmp_path / "known"
        known.touch()
        with mute() as port:
            host = {"host": f"x@127.0.0.1:{port}", "known_hosts": str(known), "config": str(known)}
            (home / "mute.yaml").write_text(site("mute", host))
            done = subprocess.run(
                [sys.executable, "-m", "situs.cli", "doctor", "-C", home, "--deadline", "2", "--json"],
                capture_output=True, text=True, timeout=PATIENCE_S,
            )  # fmt: skip
        assert done.returncode == 1, done.stderr
        levels = {(f["subject"], f["check"]): f["level"] for f in json.loads(done.stdout)["findings"]}
        assert levels["mute", "site-silent"] == "error"
        assert levels["attic", "site-answers"] == "ok"


class TestPlane:
    def test_before_anything_was_applied_there_is_nothing_wrong(self, call: Call, home: Path) -> None:
        seen = found(call, home)
        assert ("attic", "site-answers") in seen
        assert [f["level"] for (_, check), f in seen.items() if check == "db-missing"] == ["warning"]
        assert not (home / ".situs" / "control.db").exists()
        shown = call("--lang", "de", "doctor", "-C", home)
        assert shown.code == 0
        assert "noch gibt es keine Datenbank" in shown.out

    def test_who_leads_is_told_and_that_nobody_does(self, call: Call, home: Path) -> None:
        assert call("plan", "-C", home).code == 0
        assert call("apply", "latest", "-C", home).code == 0
        assert found(call, home)["situs up", "plane-none"]["level"] == "error"
        with up(home):
            until_true(lambda: ("situs up", "plane-leads") in found(call, home), "somebody leads")
            until_true(lambda: ("attic", "plane-never") not in found(call, home), "it was looked at")
            seen = found(call, home)
            assert {f["level"] for f in seen.values() if f["check"] not in ("facts-old",)} == {"ok"}, seen
        call("pause", "-C", home, "--by", "ann")
        assert "paused by ann" in found(call, home)["situs up", "plane-paused"]["cause"]

    def test_what_is_ours_is_for_nobody_elses_eyes(self, call: Call, home: Path) -> None:
        assert call("plan", "-C", home).code == 0
        assert call("apply", "latest", "-C", home).code == 0
        own = home / ".situs"
        assert oct(own.stat().st_mode & 0o777) == "0o700"
        own.chmod(0o755)
        (own / "control.db").chmod(0o644)
        seen = found(call, home)
        assert seen[str(own), "file-folder"]["next_step"] == f"chmod 700 {own}"
        assert seen[str(own / "control.db"), "file-open"]["level"] == "error"

    def test_damage_and_an_old_schema_are_found(self, call: Call, home: Path) -> None:
        assert call("plan", "-C", home).code == 0
        assert call("apply", "latest", "-C", home).code == 0
        file = home / ".situs" / "control.db"
        raw = sqlite3.connect(file, isolation_level=None)
        raw.execute("update alembic_version set version_num = 'r0000'")
        raw.close()
        assert found(call, home)[file_url(file), "db-schema"]["level"] == "error"
        raw = sqlite3.connect(file, isolation_level=None)
        raw.execute("update alembic_version set version_num = 'r0001'")
        raw.execute("pragma wal_checkpoint(truncate)")
        raw.close()
        content = bytearray(file.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 20000] = b"\xff" * 20000
        file.write_bytes(content)
        assert found(call, home)[file_url(file), "db-damage"]["level"] == "error"

    def test_a_secret_that_cannot_be_had_is_told_of(self, call: Call, home: Path) -> None:
        text = (home / "estate.yaml").read_text()
        refs = "secrets: {A: file:there, B: file:gone, C: 'env:UNKNOWN-HERE'}".replace("-HERE", "")
        (home / "estate.yaml").write_text(text.replace('[sleep, "600"]', f'[sleep, "600"], {refs}'))
        (home / ".situs" / "secrets").mkdir(parents=True, mode=0o700)
        (home / ".situs" / "secrets" / "there").touch(mode=0o600)
        found_there = [f["cause"] for (_, check), f in found(call, home).items() if check == "secret-none"]
        assert len(found_there) == 1
        assert "B cannot be had: file:gone" in found_there[0]

    def test_a_server_is_asked_what_it_is(self, call: Call, home: Path, postgres: Server) -> None:
        address = postgres.new()
        assert call("plan", "-C", home).code == 0
        assert call("apply", "latest", "-C", home, "--db", address).code == 0
        seen = found(call, home, "--db", address)
        answers = [
            subject for (subject, check), f in seen.items() if check == "db-answers" and f["level"] == "ok"
        ]
        assert len(answers) == 1
        assert answers[0].startswith("postgresql")
        assert ("situs up", "plane-none") in seen
        gone = found(call, home, "--db", "postgresql://ann:hunter2@127.0.0.1:1/none?connect_timeout=2")
        assert [f["level"] for (_, check), f in gone.items() if check == "db-away"] == ["error"]
        assert "hunter2" not in str(gone)

    def test_where_runs_are_only_handed_in_it_looks_at_the_sites_of_the_plan(
        self, call: Call, home: Path, tmp_path: Path
    ) -> None:
        """A folder without an estate, where `situs run` has put this machine's in force, is not wrong."""
        bare = tmp_path / "bare"
        bare.mkdir()
        assert ground.ensure(ready(Database(place_of(None, bare))), bare, "ann")
        seen = found(call, bare)
        assert not any(check == "estate-wrong" for _, check in seen)
        assert any(subject == "this-machine" for subject, _ in seen)

    def test_an_estate_that_cannot_be_read_is_one_finding_among_others(self, call: Call, home: Path) -> None:
        (home / "bad.yaml").write_text("sites: [")
        seen = found(call, home)
        assert seen[str(home), "estate-wrong"]["level"] == "error"


def file_url(file: Path) -> str:
    return f"sqlite:///{file}"


def test_both_languages_say_the_same_of_everything() -> None:
    assert ENGLISH.keys() == GERMAN.keys()
    for check, english in ENGLISH.items():
        for one, other in zip(english, GERMAN[check], strict=True):
            assert fields(one) == fields(other), check


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
