"""``situs run`` as a person lives it: real processes, a real control plane in the background, real interruptions."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from situs.control import background
from situs.control.leader import acting, process_here
from situs.sites.local import LocalSite
from situs.store import runs, submissions
from situs.store.database import Database
from tests.cli.conftest import Call
from tests.control.plane import until

SAY = """
import os, sys, time
print("epoch", *sys.argv[1:], flush=True)
open("model.txt", "w").write("weights")
sys.exit(int(os.environ.get("CODE", "0")))
"""
WAIT = """
import time
print("begun", flush=True)
time.sleep(600)
"""
COUNTS = 60
COUNT = f"""
import sys, time
for number in range({COUNTS}):
    print(number, flush=True)
    time.sleep(0.05)
sys.exit(7)
"""
ENDING_S = 30.0


class Person:
    """Somebody who types commands in a folder."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        keep = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env |= {"HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "200", "NO_COLOR": "1"}

    def begin(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Type a command, and do not wait for its end."""
        return subprocess.Popen(
            [sys.executable, "-m", "situs.cli", *words], cwd=self.folder, env={**self.env, **(env or {})},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def type(self, *words: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Type a command; gives exit code, output and what was said beside it."""
        process = self.begin(*words, env=env)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def database(self) -> Database:
        """What the control plane of the folder knows."""
        return Database(str(self.folder / ".situs" / "control.db"))

    def write(self, **files: str) -> None:
        """Files of the folder, ``train`` for ``train.py``."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)

    def leave(self) -> None:
        """Nothing of it runs on."""
        if not (self.folder / ".situs" / "control.db").exists():
            return
        background.end(self.database())
        for root in (self.folder / ".situs" / "sites").glob("*/runs"):
            site = LocalSite(root)
            for key in site.known():
                site.stop(key, grace_s=0.0)


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    """In a folder of code that has no estate, on a machine of their own."""
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    made = Person(folder, home)
    yield made
    made.leave()


@pytest.mark.slow
def test_a_first_run_needs_nothing_but_a_script(person: Person) -> None:
    person.write(train=SAY)
    code, out, err = person.type("run", "train.py", "--env", "CODE=3", "--", "--epochs", "3")
    assert (code, out) == (3, "epoch --epochs 3\n"), err
    assert "this machine is the only site" in err
    assert "started one in the background" in err
    assert re.search(r"train-\w+ goes to this-machine/machine: it is the only place", err)
    assert "ended with exit code 3; cost so far" in err
    # Files change between runs.
    person.write(train=SAY.replace("epoch", "season"))
    code, out, err = person.type("run", "train.py", "--name", "second", "--json")
    assert code == 0, err
    assert err.splitlines()[-1] == "season" or "season" in err
    told = json.loads(out)
    assert (told["name"], told["site"], told["exit_code"], told["reason"]) == (
        "second",
        "this-machine",
        0,
        "exited",
    )
    assert "background" not in err
    # A control plane that was killed is not taken for one that acts.
    holder = acting(person.database())
    assert holder
    os.kill(int(process_here(holder) or 0), signal.SIGKILL)
    code, out, err = person.type("run", "train.py", "--name", "third")
    assert (code, out) == (0, "season\n"), err
    assert "background" in err
    # Its files can be had afterwards.
    assert person.type("cp", "second:model.txt", "weights.txt")[0] == 0
    assert (person.folder / "weights.txt").read_text() == "weights"
    assert person.type("logs", "second")[1] == "season\n"
    assert person.type("ssh", "second", "--", "cat", "model.txt")[:2] == (0, "weights")
    assert person.type("cp", "second", ".")[0] == 2
    assert person.type("logs", "nobody")[0] == 2


@pytest.mark.slow
def test_all_of_the_output_is_shown_once_though_the_control_plane_dies_meanwhile(person: Person) -> None:
    person.write(train=SAY, count=COUNT)
    assert person.type("run", "train.py")[0] == 0
    attached = person.begin("run", "count.py", "--name", "counting", "--json")
    assert attached.stderr is not None
    counted = []
    for line in attached.stderr:
        if not line.strip().isdigit():
            continue
        counted.append(int(line))
        if len(counted) == 6:
            holder = acting(person.database())
            assert holder
            os.kill(int(process_here(holder) or 0), signal.SIGKILL)
    assert attached.stdout is not None
    out = attached.stdout.read()
    assert attached.wait(60) == 7
    assert counted == list(range(COUNTS))
    assert json.loads(out)["exit_code"] == 7
    assert json.loads(out)["site"] == "this-machine", "what was known before is told at the end"


@pytest.mark.slow
def test_interrupting_only_detaches(person: Person) -> None:
    person.write(train=WAIT)
    attached = person.begin("run", "train.py", "--name", "long")
    assert attached.stdout is not None
    assert attached.stdout.readline() == "begun\n"
    attached.send_signal(signal.SIGINT)
    _, err = attached.communicate(timeout=60)
    assert attached.returncode == 130
    assert "long runs on" in err
    assert "long" in person.type("top", "--once")[1]
    again = person.begin("logs", "-f", "long")
    assert again.stdout is not None
    assert again.stdout.readline() == "begun\n"
    assert person.type("stop", "long", "--reason", "enough")[0] == 0
    _, err = again.communicate(timeout=60)
    assert "long was stopped" in err
    assert person.type("logs", "long")[1] == "begun\n"
    assert "already" in person.type("stop", "long")[1]
    site = LocalSite(person.folder / ".situs" / "sites" / "this-machine" / "runs")
    assert person.type("rm", "long")[0] == 0
    until(lambda: site.known() == [], "nothing of it is kept")


@pytest.mark.slow
def test_a_command_that_is_killed_hands_in_once_or_not_at_all(person: Person) -> None:
    person.write(train="import os\nopen(os.environ['MARK'], 'a').write('x')\n")
    begun = time.monotonic()
    assert (
        person.type("run", "train.py", "--name", "first", "--env", f"MARK={person.folder / 'mark-first'}")[0]
        == 0
    )
    took_s = time.monotonic() - begun
    marks = {f"job-{number}": person.folder / f"mark-{number}" for number in range(6)}
    for name, mark in marks.items():
        process = person.begin(
            "run", "train.py", "--name", name, "--detach", "--cpu", "0.1", "--env", f"MARK={mark}"
        )
        time.sleep(random.uniform(0.5, 1.0) * took_s / 2)
        process.kill()
        process.communicate(timeout=60)
    database = person.database()
    with database.read() as connection:
        handed_in = {name for name in marks if submissions.newest(connection, name) is not None}

    def over(name: str) -> bool:
        with database.read() as connection:
            known = runs.of_workload(connection, name)
        return bool(known) and known[-1].outcome == "succeeded"

    for name in handed_in:
        until(lambda name=name: over(name), f"{name} ran")  # type: ignore[misc]
    assert {name for name, mark in marks.items() if mark.exists()} == handed_in
    assert all(marks[name].read_text() == "x" for name in handed_in)


def test_where_it_would_go_is_said_without_running_it(call: Call) -> None:
    Path("train.py").write_text(SAY)
    Path(".env").write_text("TOKEN=x")
    told = call("run", "train.py", "--dry-run", "--hours", "2", "--json")
    assert told.code == 0, told.err
    values = json.loads(told.out)
    assert (values["fit"], values["site"]) == ("now", "this-machine")
    assert "look like secrets: .env" in told.err
    told = call("run", "train.py", "--dry-run", "--gpu", "1")
    assert told.code == 1
    assert "there is no place for train-" in told.err
    german = call("--lang", "de", "run", "train.py", "--dry-run")
    assert "kommt nach this-machine/machine" in german.err
    assert acting(Database(".situs/control.db")) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.py"], "no file nothing.py"),
        (["left-out.py"], "would not be sent"),
        (["train.py", "--env", "x"], "NAME=VALUE"),
        (["train.py", "--secret", "x"], "--secret is not of the form NAME=VALUE"),
        (["train.py", "--secret", "TOKEN=hunter2"], "reference to a secret"),
        (["train.py", "--secret", "TOKEN=env:X", "--env", "TOKEN=y"], "in env and in secrets"),
        (["train.py", "--memory", "many"], "memory"),
        (["train.py", "--data", "patients"], "no data 'patients'"),
        (["train.py", "--min-runtime", "10m"], "say which queue"),
        (["train.py", "--checkpoint-every", "5min"], "name them as its state"),
        (["train.py", "--checkpoint-size", "2GB"], "how often"),
        (["train.py", "--state", "m", "--checkpoint-every", "often"], "interval"),
        (["train.py", "--data", "patients@7"], "only the newest version"),
        (["train.py", "--packages", "uv.lock"], "no file 'uv.lock'"),
        (["train.py", "--site", "moon"], "no site 'moon'"),
        (["train.py", "--include", "x.key"], "'x.key' is to be sent"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(call: Call, words: list[str], said: str) -> None:
    Path("train.py").write_text(SAY)
    Path("left-out.py").write_text(SAY)
    Path(".situsignore").write_text("left-out.py\n")
    told = call("run", *words, "--dry-run")
    assert (told.code, said in told.err) == (2, True), told.err
    assert "hunter2" not in told.err


def test_a_secret_that_is_written_out_is_warned_of(call: Call) -> None:
    Path("train.py").write_text(SAY)
    told = call("run", "train.py", "--dry-run", "--env", "API_TOKEN=hunter2", "--env", "EPOCHS=3")
    assert told.code == 0, told.err
    assert "API_TOKEN seems to hold a secret" in told.err
    assert "EPOCHS seems" not in told.err
    assert "hunter2" not in told.err


@pytest.mark.slow
def test_a_secret_reaches_the_run_and_nothing_else(person: Person) -> None:
    canary = "canary-in-one-line"
    kept = person.folder / ".situs" / "secrets"
    kept.mkdir(parents=True, mode=0o700)
    (kept / "hf").touch(mode=0o600)
    (kept / "hf").write_text(canary)
    person.write(train="import os; print(os.environ['HF_TOKEN'][::-1])\n")
    code, out, err = person.type("run", "train.py", "--secret", "HF_TOKEN=file:hf")
    assert (code, out) == (0, f"{canary[::-1]}\n"), err
    found = subprocess.run(["grep", "-rlaF", canary, person.folder], capture_output=True, text=True).stdout
    assert found.split() == [str(kept / "hf")]


@pytest.mark.slow
def test_it_is_said_to_run_once_it_does_and_until_then_why_it_does_not(person: Person) -> None:
    person.write(train="import os; print(os.environ['HF_TOKEN'])\n")
    with person.begin("run", "train.py", "--name", "first", "--secret", "HF_TOKEN=file:hf") as process:
        assert process.stderr is not None
        assert process.stdout is not None
        said = ""
        for line in process.stderr:
            said += line
            if "does not run yet" in line:
                break
        assert "first is placed at this-machine, starting\n" in said
        assert "first runs at" not in said
        assert re.search(
            r"first does not run yet: start failed: secret HF_TOKEN: .*; it is tried again\n", said
        )
        kept = person.folder / ".situs" / "secrets"
        kept.mkdir(parents=True, mode=0o700)
        (kept / "hf").touch(mode=0o600)
        (kept / "hf").write_text("here")
        out, err = process.stdout.read(), process.stderr.read()
    assert (process.returncode, out) == (0, "here\n"), err
    assert "first runs at this-machine\n" in err


@pytest.mark.slow
def test_an_array_is_one_line_and_is_shown_member_by_member(person: Person) -> None:
    person.write(train="import sys\nprint(*sys.argv[1:])\nsys.exit(int(sys.argv[2]))\n")
    words = ("run", "train.py", "--array", "code=0,4", "--cpu", "0.1", "--at-once", "1", "--name", "tries")
    assert "the only place" in person.type(*words, "--dry-run", "--", "{index}", "{code}")[2]
    code, out, err = person.type(*words, "--", "{index}", "{code}")
    assert code == 1, err
    assert "tries has 2 members" in err
    assert out.splitlines() == ["tries-0 (code=0) done", "tries-1 (code=4) failed"]
    assert person.type("logs", "tries-1")[1] == "1 4\n"
    assert "name one of its members, such as tries-0" in person.type("logs", "tries")[2]
    code, out, _ = person.type("status", "tries", "--json")
    told = json.loads(out)
    assert (code, told["state"], told["counts"]) == (1, "failed", {"done": 1, "failed": 1})
    assert [(m["parameters"], m["exit_code"]) for m in told["members"]] == [
        ({"code": 0}, 0),
        ({"code": 4}, 4),
    ]
    _, out, _ = person.type("ps")
    assert "1 done, 1 failed" in out
    assert "tries-1" not in out
    assert "gescheitert" in person.type("--lang", "de", "status", "tries")[1]
    assert person.type("rm", "tries")[0] == 0
    assert "tries" not in person.type("ps")[1]
    assert person.type("run", "train.py", "--at-once", "2")[0] == 2
    assert person.type("run", "train.py", "--array", "0")[0] == 2
