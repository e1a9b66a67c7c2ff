"""Sessions at real sites of each kind that can have one: typed to, left, come back to, ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.slurm_cluster import SlurmCluster
from situs.control.asked import Asked
from situs.control.sessions.beginning import SCRIPT, content, possible, session_of
from situs.control.sessions.coming import BEGINS, Came
from situs.intent import loads
from situs.model import estate
from situs.model.error import InputError
from situs.model.workload import Stage
from situs.sites.adapter import Adapter, Enterable, Key, Task
from situs.sites.conformance.waiting import PATIENCE_S, ended, until
from situs.sites.container.creation import ContainerOptions
from situs.sites.container.site import ContainerSite
from situs.sites.local import LocalSite
from situs.sites.posix import PosixHost
from situs.sites.shell import ThisMachine
from situs.sites.slurm.site import SlurmSite
from situs.sites.slurm.submission import SlurmOptions
from situs.sites.ssh import SshSite
from situs.sites.sshshell import SshShell
from tests.sites.container_engine import IMAGE, ContainerEngine
from tests.sites.ssh_server import SshServer, access
from tests.sites.started import started_cluster, started_engine

KEY = Key("dev", 1)
PLACE = {"kind": "on_prem", "country": "DE", "clearance": 1}
Site = LocalSite | SshSite | SlurmSite | ContainerSite
PATH = os.pathsep.join((f"{sys.base_prefix}/bin", os.environ["PATH"]))


def begin(site: Site, tmp_path: Path, idle_min: float = 0.0, path: str = PATH) -> None:
    """Start a session, and wait until one can come to it."""
    workload = session_of(Asked(("dev",)), idle_min)
    assert workload.run is not None
    script = tmp_path / "session.sh"
    script.write_bytes(content(b"")[SCRIPT])
    site.put(KEY, script, SCRIPT)
    site.start(Task(KEY, workload.run.command, {"PATH": path, **workload.run.env}))
    until(lambda: BEGINS in site.logs(KEY)[0], f"it begins: {site.logs(KEY)[0]!r}")


class Visitor:
    """Somebody at a session, with pipes where a person has a terminal."""

    def __init__(self, site: Site, rows: int = 33, columns: int = 101) -> None:
        self._words = site.enter(KEY, ("sh", SCRIPT, "attach", str(rows), str(columns)), terminal=False)
        self._come()
        # Who comes a moment too early comes again.
        until(lambda: self.shown or self._is_let_in(), "its terminal is there")

    @property
    def shown(self) -> bytes:
        """All that was shown by now."""
        assert self._process.stdout is not None
        self._shown += self._process.stdout.read() or b""
        return self._shown

    def type(self, text: str, end: str = "\r") -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}{end}".encode())

    def sees(self, text: bytes) -> None:
        """Wait for what is to be shown."""
        until(lambda: text in self.shown, f"{text!r} is shown")

    def leave(self) -> int:
        """Close the window; gives the exit code of what showed the terminal."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(PATIENCE_S)

    def vanish(self) -> None:
        """The machine of whoever is there dies."""
        self._process.kill()
        self._process.wait()

    def stay(self) -> int:
        """Until it is over; gives the exit code."""
        until(lambda: self.shown is None or self._process.poll() is not None, "it ends")
        return self._process.returncode

    def _come(self) -> None:
        self._shown = b""
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    def _is_let_in(self) -> bool:
        if self._process.poll() == Came.NOT_YET:
            self._come()
        return False


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with started_cluster(tmp_path_factory.mktemp("slurm") / "cluster", nodes=1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerEngine]:
    with started_engine(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture(params=["local", "ssh", "slurm", "container"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """One of each kind that can have sessions."""
    found: Site
    if request.param == "local":
        found = LocalSite(tmp_path / "site")
    elif request.param == "ssh":
        server = SshServer(tmp_path / "server")
        request.addfinalizer(server.stop)
        found = SshSite({server.address: PosixHost(SshShell(server.address, access(tmp_path, server)))})
    elif request.param == "slurm":
        cluster = request.getfixturevalue("cluster")
        found = SlurmSite(ThisMachine(tmp_path, env=cluster.env), SlurmOptions(str(tmp_path / "site")))
    else:
        engine = request.getfixturevalue("engine")
        options = ContainerOptions("dev", engine.socket, IMAGE, network="none", mounts=engine.python_mounts)
        request.addfinalizer(engine.clear)
        found = ContainerSite(options)
    yield found
    found.stop(KEY, grace_s=0.0)


@pytest.mark.slow
def test_a_person_works_leaves_comes_back_and_ends_it(site: Site, tmp_path: Path) -> None:
    assert isinstance(site, Enterable)
    begin(site, tmp_path)
    first = Visitor(site)
    first.type("stty size; tty; echo made-$((40+2)) | tee result")
    first.sees(b"made-42")
    assert b"33 101" in first.shown
    # Ctrl-C ends what runs in front, and nothing else.
    first.type("sh -c 'echo in-$((1+1)); exec sleep 600'; echo after")
    first.sees(b"in-2")
    first.type("", end="\x03")
    first.type("echo still-$((1+1))")
    first.sees(b"still-2")
    first.leave()
    assert site.status(KEY).state == "running"
    # What was shown is shown again, from the beginning of a line; and it goes on where it was.
    second = Visitor(site, rows=20, columns=60)
    second.type("X=kept")
    second.type("stty size")
    second.sees(b"20 60")
    assert b"made-42" in second.shown
    second.vanish()
    third = Visitor(site)
    third.type("echo $X-too")
    third.sees(b"kept-too")
    fetched = tmp_path / "result"
    site.get(KEY, "result", fetched)
    assert fetched.read_text() == "made-42\n"
    third.type("false; exit 9")
    # Slurm and container engines end at once what stands beside a run that has ended.
    assert third.stay() in (Came.OVER, 128 + signal.SIGTERM, 128 + signal.SIGKILL)
    status = ended(site, KEY)
    assert (status.exit_code, status.reason) == (0, "exited")
    assert b"made-42" in site.logs(KEY)[0]


@pytest.mark.slow
@pytest.mark.parametrize("site", ["local", "container"], indirect=True)
def test_a_session_where_nothing_happens_ends_and_says_so(site: Site, tmp_path: Path) -> None:
    begin(site, tmp_path, idle_min=0.05)
    visitor = Visitor(site)
    # Who computes in silence is not idle.
    visitor.type("end=$(($(date +%s) + 5)); while [ $(date +%s) -lt $end ]; do :; done; echo done-$((1+1))")
    visitor.sees(b"done-2")
    visitor.sees(b"nothing was typed, shown or computed here")
    visitor.stay()
    assert ended(site, KEY).succeeded
    site.get(KEY, ".situs-session/idle", tmp_path / "idle")


@pytest.mark.slow
def test_a_connection_leads_to_what_listens_where_the_session_is(site: Site, tmp_path: Path) -> None:
    begin(site, tmp_path)
    visitor = Visitor(site)
    visitor.type("head -c 3000000 /dev/zero >page; python3 -u -m http.server --bind 127.0.0.1 0")
    until(lambda: re.search(rb"127\.0\.0\.1 port (\d+)", visitor.shown), "it listens")
    found = re.search(rb"127\.0\.0\.1 port (\d+)", visitor.shown)
    assert found is not None
    words = site.enter(KEY, ("sh", SCRIPT, "relay", found[1].decode()), terminal=False)
    asked = b"GET /page HTTP/1.0\r\n\r\n"
    done = subprocess.run(words, input=asked, capture_output=True, timeout=PATIENCE_S, check=False)
    head, _, page = done.stdout.partition(b"\r\n\r\n")
    assert b"200 OK" in head, done.stderr
    assert page == bytes(3_000_000)


@pytest.mark.slow
def test_stopping_ends_the_shell_and_what_it_runs(site: Site, tmp_path: Path) -> None:
    begin(site, tmp_path)
    visitor = Visitor(site)
    visitor.type("trap 'echo gone >bye; exit' HUP; sleep 600 & echo up-$((1+1)); wait")
    visitor.sees(b"up-2")
    status = site.stop(KEY, grace_s=PATIENCE_S)
    assert (status.state, status.reason) == ("ended", "stopped")
    visitor.stay()
    site.get(KEY, "bye", tmp_path / "bye")


@pytest.mark.slow
def test_without_script_python_opens_the_terminal_and_without_both_it_says_what_is_missing(
    tmp_path: Path,
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in (
        "sh",
        "env",
        "setsid",
        "mkdir",
        "mkfifo",
        "sleep",
        "mv",
        "stty",
        "tty",
        "cut",
        "id",
        "grep",
        "tee",
        "find",
    ):
        (tools / name).symlink_to(Path("/usr/bin") / name)
    site = LocalSite(tmp_path / "site")
    workload = session_of(Asked(("dev",)), 0.0)
    assert workload.run is not None
    script = tmp_path / "session.sh"
    script.write_bytes(content(b"")[SCRIPT])
    site.put(KEY, script, SCRIPT)
    site.start(Task(KEY, workload.run.command, {"PATH": str(tools)}))
    assert ended(site, KEY).exit_code == 69
    assert b"neither script (util-linux) nor python3" in site.logs(KEY)[0]
    site.forget(KEY)
    (tools / "python3").symlink_to(sys.executable)
    other = LocalSite(tmp_path / "other")
    begin(other, tmp_path, path=str(tools))
    visitor = Visitor(other)
    visitor.type("echo by-$((1+1)); exit")
    visitor.sees(b"by-2")
    assert visitor.stay() == Came.OVER
    assert ended(other, KEY).succeeded


def test_a_session_is_a_workload_like_any_other(tmp_path: Path) -> None:
    workload = session_of(Asked(("dev",), accelerators=1, env={"TERM": "vt100"}, retries=4), 1.5)
    assert workload.stage is Stage.DEVELOP
    assert workload.run is not None
    assert workload.run.command == ("sh", SCRIPT, "keep", "90")
    assert workload.run.env["TERM"] == "vt100"
    assert (workload.run.retries, workload.run.files) == (0, (SCRIPT,))


def test_only_sites_that_one_can_go_to_have_sessions(tmp_path: Path) -> None:
    sites = loads(
        json.dumps({"sites": {"here": PLACE, "far": {**PLACE, "adapter": {"kind": "ray"}}}})
    ).intent.sites
    able = LocalSite(tmp_path)

    def connect(name: str, site: estate.Site) -> Adapter:
        if name == "far":
            raise InputError("its address is missing")
        return able

    assert possible(sites, connect, None) == {"here"}
    assert possible(sites, connect, frozenset({"here"})) == {"here"}
    for only in ({"far"}, {"here", "far"}):
        with pytest.raises(
            InputError, match=r"at far \(kind ray\): sessions are possible at sites of kind local"
        ):
            possible(sites, connect, frozenset(only))
