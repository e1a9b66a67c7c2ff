"""``situs run`` at a server: a control plane in a process of its own, and commands in theirs, on another folder."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from situs.client.asking import Asking
from situs.client.remote_jobs import PART_BYTES, RemoteJobs
from situs.client.servers import Server
from situs.control import ground
from situs.control.shipping import snapshot
from situs.model.error import InputError
from situs.sites.local import LocalSite
from situs.store import plans
from situs.store.database import Database
from situs.store.schema import ready
from tests.api.asked import token
from tests.api.test_serving import free_port
from tests.cli.test_run import SAY, WAIT, Person
from tests.control.plane import until

ESTATE = """
sites:
  a:
    kind: on_prem
    country: DE
    clearance: 4
    pools: {box: {node: {cpu: 8, memory: 16GiB}, count: 1, price: {basis: owned, price: 0 EUR}}}
  b:
    kind: on_prem
    country: DE
    clearance: 4
    pools: {box: {node: {cpu: 8, memory: 16GiB}, count: 1, price: {basis: owned, price: 0 EUR}}}
queues: {line: {quota: {cpu: 4}}}
use_cases: {red: {owner: x, value: 1 EUR/month}}
"""


class There:
    """A control plane elsewhere, which can be killed and begin again at the same address."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "estate.yaml").write_text(ESTATE)
        self.folder = folder / ".situs"
        self.folder.mkdir()
        self.database = ready(Database(str(self.folder / "control.db")))
        ground.ensure(self.database, folder, "root")
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def begin(self) -> None:
        words = ["up", "-C", str(self.folder.parent), "--no-replan", "--listen", f"127.0.0.1:{self._port}"]
        self._process = subprocess.Popen([sys.executable, "-m", "situs.cli", *words])
        until(self._answers, "it answers")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self.kill()
        for root in (self.folder / "sites").glob("*/runs"):
            site = LocalSite(root)
            for key in site.known():
                site.stop(key, grace_s=0.0)
        self.database.close()

    def keeps(self, sha256: str) -> bool:
        try:
            with self.database.read() as connection:
                return bool(plans.content(connection, sha256))
        except InputError:
            return False

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None
        try:
            return httpx.get(f"{self.url}/v1/login").is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    made = There(tmp_path / "there")
    made.begin()
    yield made
    made.end()


@pytest.fixture
def person(there: There, tmp_path: Path) -> Person:
    """Who may hand in work of one use case there, in a folder of code."""
    for name in ("project", "home"):
        (tmp_path / name).mkdir()
    made = Person(tmp_path / "project", tmp_path / "home")
    made.env |= {
        "SITUS_SERVER": there.url, "SITUS_TOKEN": token(there.database, ("data-scientist", "red"), name="ann"),
    }  # fmt: skip
    made.write(train=SAY, wait=WAIT)
    return made


def large(person: Person) -> None:
    """What does not get smaller by packing, and takes several parts."""
    (person.folder / "table.bin").write_bytes(random.Random(7).randbytes(3 * PART_BYTES))


@pytest.mark.slow
def test_a_script_runs_there_and_what_it_writes_is_shown_here(there: There, person: Person) -> None:
    large(person)
    (person.folder / "tool").write_text('#!/bin/sh\ncat "$0" | wc -l; ls table.bin\n')
    (person.folder / "tool").chmod(0o755)
    red = ("--use-case", "red")
    code, out, err = person.type("run", "train.py", "--dry-run", "--json", "--hours", "2", *red)
    assert code == 0, err
    assert json.loads(out)["estimate"] is not None and json.loads(out)["site"] in ("a", "b")
    assert json.loads(person.type("ps", "--json")[1])["units"] == []
    assert not list((there.folder / "uploads").glob("*")), "nothing is sent to look"

    words = (
        "run",
        "train.py",
        "--name",
        "one",
        "--site",
        "b",
        "--env",
        "CODE=3",
        *red,
        "--",
        "--epochs",
        "3",
    )
    code, out, err = person.type(*words)
    assert (code, out) == (3, "epoch --epochs 3\n"), err
    assert "sending code: 0 of 12 MiB are there" in err and "sending code: 8 of 12 MiB are there" in err
    assert "one goes to b/box" in err and "one ended with exit code 3" in err
    assert not (person.folder / ".situs").exists()
    assert there.keeps(snapshot(person.folder).sha256)

    # The same code is not sent again, and what may be executed still may.
    code, out, err = person.type("run", "./tool", "--name", "two", "--json", *red)
    assert code == 0, err
    assert "sending" not in err and err.splitlines()[-2:] == ["2", "table.bin"]
    assert (json.loads(out)["name"], json.loads(out)["exit_code"]) == ("two", 0)
    code, out, err = person.type("run", "train.py", "--name", "one", *red)
    assert code == 2 and "already" in err

    code, out, err = person.type("run", "train.py", "--array", "lr=1,2", "--name", "many", *red, "--", "{lr}")
    assert code == 0, err
    assert sorted(out.splitlines()) == ["many-0 (lr=1) done", "many-1 (lr=2) done"]
    assert person.type("logs", "many-1")[1] == "epoch 2\n"
    code, out, err = person.type("run", "train.py", "--queue", "line", "--name", "three", *red)
    assert (code, out) == (0, "epoch\n"), err
    assert "three waits for its turn in line" in err


@pytest.mark.slow
def test_ctrl_c_only_stops_showing_and_who_may_not_is_told_so(there: There, person: Person) -> None:
    red = ("--use-case", "red")
    attached = person.begin("run", "wait.py", "--name", "long", *red)
    assert attached.stdout is not None and attached.stdout.readline() == "begun\n"
    attached.send_signal(signal.SIGINT)
    _, err = attached.communicate(timeout=60)
    assert attached.returncode == 130 and "long runs on" in err
    assert person.type("status", "long", "--json")[0] == 0
    assert person.type("stop", "long")[0] == 0
    code, out, err = person.type("run", "wait.py", "--name", "far", "--detach", "--json", *red)
    assert code == 0 and json.loads(out)["name"] == "far", err
    assert person.type("rm", "far")[0] == 0

    for words, env, said, wanted in (
        (("train.py",), {}, "does not have 'submit' in default", 1),
        (("train.py", *red), {"SITUS_TOKEN": token(there.database, ("viewer", "*"))}, "'submit'", 1),
        (("train.py", *red, "--by", "eva"), {}, "knows who asks", 2),
        (("train.py", *red, "--site", "nowhere"), {}, "no site 'nowhere'", 2),
        (("train.py", *red, "--cpu", "1000"), {}, "there is no place for", 1),
        (("gone.py", *red), {}, "no file gone.py", 2),
        (("train.py", *red, "--queue", "line", "--site", "a"), {}, "a queue says where", 2),
        (("train.py", *red, "--env", "KEY=AKIAIOSFODNN7EXAMPLE"), {}, "seems to be a secret", 2),
    ):
        code, out, err = person.type("run", *words, env=env)
        assert (code, out) == (wanted, ""), (words, err)
        assert said in err
    names = {unit["workload"] for unit in json.loads(person.type("ps", "--json")[1])["units"]}
    assert names <= {"long"}


@pytest.mark.slow
def test_an_upload_that_was_cut_off_goes_on_though_the_server_was_killed(
    there: There, person: Person
) -> None:
    large(person)
    taken = snapshot(person.folder)
    jobs = RemoteJobs(Asking(Server("there", there.url, person.env["SITUS_TOKEN"])))

    def cut(arrived: int, _size: int) -> None:
        if arrived:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.send(taken.archive, cut)
    there.kill()
    (half,) = (there.folder / "uploads").iterdir()
    assert half.stat().st_size == PART_BYTES and half.stat().st_mode & 0o077 == 0
    # A part of a part, as a server leaves it that is killed while it writes.
    os.truncate(half, PART_BYTES - 1000)
    assert not there.keeps(taken.sha256)
    there.begin()
    code, out, err = person.type("run", "train.py", "--use-case", "red")
    assert (code, out) == (0, "epoch\n"), err
    sent = [line for line in err.splitlines() if line.startswith("sending")]
    assert len(sent) == 3 and "0 of 12" not in sent[0], sent
    assert there.keeps(taken.sha256) and not list((there.folder / "uploads").iterdir())
