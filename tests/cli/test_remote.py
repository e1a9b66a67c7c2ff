"""The same commands against a server: the same output and exit codes, also when the server goes away meanwhile."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.control import submitting
from situs.control.arrays import making
from situs.control.arrays.making import Wanted
from situs.control.asked import Asked, workload_of
from situs.control.shipping import snapshot
from tests.api.asked import token
from tests.cli.conftest import Call, Done
from tests.cli.served import Served
from tests.control.plane import Plane, estate, until
from tests.store.databases import migrated

CASE = {"owner": "x", "value": "1 EUR/month"}
NEVER = "import time\nwhile True: time.sleep(1)"


ASKED = """ps
status web
status bad
status many
status nobody
history
history done
history many
history nobody
queue
queue line
queue none
top --once
logs done
logs many-1
logs nobody
logs many
logs -f bad
logs -f done
logs -f nobody
logs -f many
proposed
stop web
stop nobody
rm nobody
approve
rollback
rollback --to 0000
move web
move web --cancel
move web --resume
drain nowhere"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    (made / ".situs").mkdir(parents=True)
    return made


@pytest.fixture
def plane(home: Path) -> Iterator[Plane]:
    written = estate(
        {"web": {"run": NEVER, "use_case": "red"}},
        queues={"line": {"quota": {"cpu": 1}}}, use_cases={"red": CASE, "blue": CASE},
    )  # fmt: skip
    made = Plane(migrated(home / ".situs" / "control.db"), home / ".situs", written)
    made.apply({"web": [("a", "box", 1)]})
    yield made
    made.end_all()
    made.database.close()


@pytest.fixture
def served(plane: Plane, call: Call) -> Iterator[Served]:
    made = Served(plane.database, plane.folder)
    made.begin()
    assert call("login", made.url, "--name", "prod", "--token-file", made.token).code == 0
    yield made
    made.end()


def hand_in(plane: Plane, name: str, program: str, use_case: str | None = None) -> None:
    job = workload_of(Asked(("python3", "-c", program), use_case=use_case))
    submitting.submit(plane.database, name, job, {".": code(plane)}, "ann")


def code(plane: Plane) -> bytes:
    empty = plane.folder / "empty"
    empty.mkdir(exist_ok=True)
    return snapshot(empty).archive


def same(one: Done, other: Done) -> None:
    """But for the time that passed between the two."""
    passed = re.compile(r"(\d+ (s|min)\b|\"(at|for_s)\": [^,\n]+)|[ ─]{2,}")
    assert (one.code, passed.sub("_", one.out), passed.sub("_", one.err)) == (
        other.code,
        passed.sub("_", other.out),
        passed.sub("_", other.err),
    )


@pytest.mark.slow
def test_what_is_shown_is_the_same_as_on_the_spot(
    plane: Plane, home: Path, served: Served, call: Call
) -> None:
    hand_in(plane, "done", "print('grüße')")
    hand_in(plane, "bad", "raise SystemExit(3)")
    job = workload_of(Asked(("python3", "-c", "print('{lr}')")))
    making.make(plane.database, Wanted("many", [{"lr": 0.1}, {"lr": 0.01}]), job, {".": code(plane)}, "ann")
    with plane.leading():
        until(lambda: plane.outcome("done") == "succeeded" and plane.outcome("bad") == "failed", "both ran")
        until(lambda: call("status", "many", "-C", home, "--json").json["state"] == "done", "all members ran")
    for line in ASKED.splitlines():
        words = line.split()
        for more in ([], ["--json"]):
            same(call(*words, *more, "-C", home), call(*words, *more, "--server", "prod"))
    same(call("--lang", "de", "ps", "-C", home), call("--lang", "de", "ps"))


@pytest.mark.slow
def test_what_is_ordered_is_done_once_and_by_whom_is_known(
    plane: Plane, home: Path, served: Served, call: Call
) -> None:
    hand_in(plane, "job", NEVER)
    job = workload_of(Asked(("python3", "-c", NEVER)))
    making.make(plane.database, Wanted("many", [{}, {}]), job, {".": code(plane)}, "ann")
    for words, undo in (
        (["pause", "--reason", "net"], ["resume"]),
        (["drain", "a"], ["drain", "a", "--end"]),
        (["lost", "b", "--reason", "fire"], ["found", "b"]),
    ):
        for each in (words, undo):
            assert call(*each, "--json").json == {"changed": True}
            assert call(*each, "--json").json == {"changed": False}
    assert "number" not in call("ps").out
    for name in ("job", "many"):
        assert call("stop", name, "--reason", "enough").out.startswith(f"{name} is stopped")
        assert "that was so already" in call("stop", name).out
        assert call("rm", name, "--json").json == {"changed": True}
    told = call("history", "job", "-C", home, "--json").json["events"]
    assert {event["by"] for event in told if event["kind"] in ("stopped", "removed")} == {"root"}
    by = call("stop", "job", "--by", "eva")
    assert by.code == 2
    assert "knows who asks" in by.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["cp", "job:x"],
        ["ssh", "job"],
        ["dev"],
        ["doctor"],
        ["down"],
        ["token", "list"],
        ["token", "create", "x", "--role", "viewer"],
        ["db", "upgrade"],
        ["db", "backup", "x"],
        ["site", "list"],
        ["site", "rm", "x"],
        ["site", "add", "x", "--kind", "local", "--country", "DE"],
    ],
    ids=" ".join,
)
def test_what_works_on_the_spot_alone_says_so(served: Served, call: Call, words: list[str]) -> None:
    for more in ([], ["--server", "prod"]):
        done = call(*words, *more)
        assert (done.code, done.out) == (2, "")
        assert f"situs {words[0]} works on the machine of the control plane alone" in done.err
    assert "works on the machine" not in call(*words, "--server", "local").err


@pytest.mark.slow
def test_who_may_read_one_project_sees_what_is_of_it(
    plane: Plane, served: Served, call: Call, tmp_path: Path
) -> None:
    hand_in(plane, "secret", NEVER, "blue")
    shown = tmp_path / "token"
    shown.write_text(token(plane.database, ("data-scientist", "red")))
    assert call("login", "prod", "--name", "red", "--token-file", shown).code == 0
    seen = call("ps", "--server", "red")
    assert seen.code == 0
    assert "web" in seen.out and "secret" not in seen.out
    assert "of the projects that you may read" in seen.out
    assert call("status", "secret", "--server", "red").code == 2
    refused = call("pause", "--server", "red")
    assert refused.code == 1
    assert "does not have 'operate'" in refused.err


@pytest.mark.slow
def test_reading_along_goes_on_where_it_was_when_the_server_comes_back(
    plane: Plane, home: Path, served: Served, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    program = (
        "import sys, time, pathlib\nout = sys.stdout.buffer\n"
        "for k in range(6):\n"
        "    out.write(f'zeile {k} ü'.encode()[:-1]); out.flush()\n"
        f"    while not pathlib.Path({str(gate)!r}, str(k)).exists(): time.sleep(0.02)\n"
        "    out.write('ü'.encode()[1:] + bytes([255, 10])); out.flush()\n"
        "raise SystemExit(7)\n"
    )
    hand_in(plane, "job", program)
    wanted = b"".join(f"zeile {k} ü".encode() + b"\xff\n" for k in range(6))
    out = tmp_path / "out"
    with plane.leading(), out.open("wb") as file:
        words = [sys.executable, "-m", "situs.cli", "logs", "-f", "job", "--server", "prod"]
        reading = subprocess.Popen(words, stdout=file, stderr=subprocess.PIPE, env=dict(os.environ))
        try:
            for k in range(6):
                until(lambda k=k: f"zeile {k}".encode() in out.read_bytes(), f"line {k} is shown")  # type: ignore[misc]
                if k in (1, 3):
                    served.end()
                    (gate / str(k)).touch()
                    served.begin()
                else:
                    (gate / str(k)).touch()
            _, said = reading.communicate(timeout=60)
        finally:
            reading.kill()
            reading.wait()
    assert out.read_bytes() == wanted, "nothing twice, nothing left out"
    assert reading.returncode == 7
    assert b"does not answer" in said or b"trying again" in said
    assert b"job ended with exit code 7" in said
    assert json.loads((tmp_path / "settings" / "situs" / "usual.json").read_text()) == {"server": "prod"}
