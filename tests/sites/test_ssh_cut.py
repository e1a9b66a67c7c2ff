"""The line to a host is cut, or goes silent, in the middle of things: it converges, and nothing runs twice.

The evidence is the job's own: it writes a line into a file each time that it runs.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from situs.sites.adapter import Adapter, Key, Task, Unreachable
from situs.sites.conformance.waiting import ended, python, until
from situs.sites.posix import PosixHost
from situs.sites.ssh import SshSite
from situs.sites.sshshell import SshShell
from tests.sites.cut_line import CutLine, Fault
from tests.sites.ssh_server import SshServer, access

pytestmark = pytest.mark.slow

T = TypeVar("T")
MOST_TRIES = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    server = SshServer(tmp_path_factory.mktemp("cut"))
    yield server
    server.stop()


@pytest.fixture
def line(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[CutLine]:
    # A line that is silent for seconds is cut here; nobody waits for the quarter of a minute that it takes in life.
    monkeypatch.setattr("situs.sites.sshshell.ALIVE_S", 0.5)
    monkeypatch.setattr("situs.sites.sshshell.CONNECT_S", 3.0)
    monkeypatch.setattr("situs.sites.again.PAUSES_S", (0.01, 0.05))
    line = CutLine(server.port)
    yield line
    line.close()


def over(line: CutLine, server: SshServer, folder: Path) -> SshSite:
    """The server as a site, seen over the line."""
    reach = access(folder, server, ports=(line.port,))
    address = server.address.replace(str(server.port), str(line.port))
    return SshSite({"host": PosixHost(SshShell(address, reach), f"runs/{folder.name}")})


def insisting(ask: Callable[[], T]) -> T:
    """As a control plane does: again, while no answer comes."""
    for _ in range(MOST_TRIES):
        try:
            return ask()
        except Unreachable:
            continue
    raise AssertionError(f"no answer in {MOST_TRIES} tries")


def day(site: Adapter, folder: Path, rng: random.Random, armed: Callable[[], None]) -> None:
    """Everything that is done with a run, each with a line that fails somewhere in the middle."""
    count, gate, source = folder / "count", folder / "gate", folder / "source"
    source.write_bytes(rng.randbytes(300_000))
    key = Key("job", 1)
    armed()
    digest = insisting(lambda: site.put(key, source, "input"))
    text = (
        f"import os, time, sys; open({str(count)!r}, 'a').write('x\\n'); print('y' * 200_000, flush=True)\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        "import shutil; shutil.copy('input', 'output'); time.sleep(600)"
    )
    armed()
    insisting(lambda: site.start(Task(key, python(text), {"TOKEN": "z" * 20_000})))
    until(lambda: insisting(lambda: site.logs(key, 200_000))[0], "it has printed")
    armed()
    seen, where = insisting(lambda: site.logs(key))
    assert (seen, where) == (b"y" * 200_000 + b"\n", 200_001)
    gate.touch()
    until(lambda: (server_file(folder) / "output").exists(), "it has written its output")
    armed()
    assert insisting(lambda: site.stop(key, grace_s=2.0)).reason == "stopped"
    armed()
    assert insisting(lambda: site.get(key, "output", folder / "back")) == digest
    armed()
    assert insisting(site.known) == [key]
    assert count.read_text() == "x\n", "it ran once"


HOMES: dict[Path, Path] = {}


def server_file(folder: Path) -> Path:
    """The run's folder, as this machine sees it."""
    return HOMES[folder] / "runs" / folder.name / "runs" / "job.0@1" / "work"


@pytest.mark.parametrize("fault", ["drop", pytest.param("silence", marks=pytest.mark.slow)])
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_a_line_that_fails_in_the_middle_of_anything(
    server: SshServer, line: CutLine, tmp_path: Path, fault: Fault, seed: int
) -> None:
    rng = random.Random(f"{seed}{fault}")
    HOMES[tmp_path] = server.home
    site = over(line, server, tmp_path)
    insisting(site.health)
    day(
        site,
        tmp_path,
        rng,
        lambda: line.arm(rng.choice((rng.randrange(2_000), rng.randrange(40_000))), fault),
    )
    assert line.faults >= 3, "the line did fail"


@pytest.mark.parametrize("fault", ["drop", pytest.param("silence", marks=pytest.mark.slow)])
def test_a_start_whose_answer_is_lost_starts_once(
    server: SshServer, line: CutLine, tmp_path: Path, fault: Fault
) -> None:
    """Cut at every few bytes of a start, from its first to its last."""
    site = over(line, server, tmp_path)
    insisting(site.health)
    count = tmp_path / "count"
    number = 0
    # On until a start gets through before the line fails: then it was cut everywhere before that.
    while True:
        before, number = line.faults, number + 1
        line.arm(number * 250, fault)
        text = f"open({str(count)!r}, 'a').write('{number}\\n')"
        insisting(lambda text=text, number=number: site.start(Task(Key(f"job-{number}", 1), python(text))))  # type: ignore[misc]
        through = line.faults == before
        line.arm(1 << 40, fault)
        assert ended(site, Key(f"job-{number}", 1)).succeeded
        if through:
            break
        assert number < 200
    assert sorted(map(int, count.read_text().split())) == list(range(1, number + 1))
    assert line.faults >= 3


def test_a_client_that_is_killed_in_the_middle_of_a_start(server: SshServer, tmp_path: Path) -> None:
    """SIGKILL at instants all over a start; the next client goes on with the same."""
    reach = access(tmp_path, server)
    site = SshSite({"host": PosixHost(SshShell(server.address, reach), f"runs/{tmp_path.name}")})
    site.health()
    count, rng = tmp_path / "count", random.Random(4)
    rounds = 12
    for number in range(rounds):
        task = Task(Key(f"job-{number}", 1), python(f"open({str(count)!r}, 'a').write('{number}\\n')"))
        child = os.fork()
        if child == 0:
            own = SshSite({"host": PosixHost(SshShell(server.address, reach), f"runs/{tmp_path.name}")})
            own.start(task)
            os._exit(0)
        # Anywhere in the time that a start takes, from the connection on.
        time.sleep(rng.uniform(0.0, 0.5))
        os.kill(child, 9)
        os.waitpid(child, 0)
        site.start(task)
        assert ended(site, task.key).succeeded
    assert sorted(map(int, count.read_text().split())) == list(range(rounds))
