"""Checkpoints that sites hold: taken down while the run goes on, whole or not at all, on every kind that can."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from situs.model.checkpoint import StateFile
from situs.sites.adapter import Adapter, Key, Task
from situs.sites.checkpoints import Checkpoints, Damaged, HoldsCheckpoints, Unsettled
from situs.sites.local import LocalSite
from situs.sites.posix import PosixHost
from situs.sites.ssh import SshSite
from situs.sites.sshshell import SshShell
from tests.sites.ssh_server import SshServer, access
from tests.sites.test_posix import host

KEY = Key("train", 1)
NAMES = ("weights", "folder/optimizer")
COPY, LATER = "unit-1", "unit-2"
WAITS = ("sh", "-c", "mkdir folder; echo w1 >weights; echo o1 >folder/optimizer; sleep 600")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SshServer, SshServer]]:
    folder = tmp_path_factory.mktemp("ssh")
    started = (SshServer(folder / "one"), SshServer(folder / "two"))
    yield started
    for server in started:
        server.stop()


@pytest.fixture(params=["local", "dash", "busybox", "ssh"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Adapter:
    """A site, and the folder that it keeps everything in is somewhere below ``tmp_path``."""
    if request.param == "local":
        return LocalSite(tmp_path / "runs")
    if request.param != "ssh":
        made: PosixHost = host(tmp_path, request.param)
        return made
    servers: tuple[SshServer, ...] = request.getfixturevalue("servers")
    reach = access(tmp_path, *servers)
    return SshSite(
        {
            s.address: PosixHost(SshShell(s.address, reach), str(tmp_path / f"runs-{k}"))
            for k, s in enumerate(servers)
        }
    )


@pytest.fixture
def running(site: Adapter, tmp_path: Path) -> Iterator[Path]:
    """The folder of a run that has written its state."""
    site.start(Task(KEY, WAITS))
    found: list[Path] = []
    while not found:
        found = [path.parent.parent for path in tmp_path.rglob("folder/optimizer")]
    yield found[0]
    site.stop(KEY, 0.0)


@pytest.fixture
def there(site: Adapter) -> Checkpoints:
    assert isinstance(site, HoldsCheckpoints)
    return site.checkpoints()


def written(folder: Path, name: str, content: bytes) -> None:
    """As programs should: beside it, and renamed."""
    new = folder / f"{name}.new"
    new.write_bytes(content)
    new.replace(folder / name)


def brought(there: Checkpoints, copy: str, file: StateFile, tmp_path: Path) -> bytes:
    target = tmp_path / "brought" / file.sha256
    target.parent.mkdir(exist_ok=True)
    there.withdraw(copy, file, target)
    return target.read_bytes()


def test_what_was_taken_down_stays_as_it_was_while_the_run_writes_on(
    there: Checkpoints, running: Path, tmp_path: Path
) -> None:
    files = there.snapshot(KEY, NAMES, COPY)
    assert [file.name for file in files] == list(NAMES)
    assert [file.size_bytes for file in files] == [3, 3]
    for name in NAMES:
        written(running, name, b"later on")
    assert [brought(there, COPY, file, tmp_path) for file in files] == [b"w1\n", b"o1\n"]
    assert there.snapshot(KEY, NAMES, LATER)[0].sha256 == hashlib.sha256(b"later on").hexdigest()


def test_a_mark_changes_with_the_state_alone(there: Checkpoints, running: Path) -> None:
    before = there.mark(KEY, NAMES)
    there.snapshot(KEY, NAMES, COPY)
    assert before is not None and there.mark(KEY, NAMES) == before, "taking it down changes nothing"
    written(running, NAMES[1], b"o2\n")
    assert there.mark(KEY, NAMES) not in (None, before)
    os.utime(running / NAMES[0], (2e9, 2e9))
    assert there.mark(KEY, NAMES) is None, "the last one is still to come"
    (running / NAMES[1]).unlink()
    assert there.mark(KEY, NAMES) is None
    assert there.mark(Key("other", 1), NAMES) is None


def test_what_is_being_written_is_not_taken_down(there: Checkpoints, running: Path) -> None:
    os.utime(running / NAMES[0], (2e9, 2e9))
    with pytest.raises(Unsettled):
        there.snapshot(KEY, NAMES, COPY)


def test_a_file_goes_there_once_and_is_had_by_later_copies(there: Checkpoints, tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    source, file = tmp_path / "source", StateFile("weights", 3 << 20, hashlib.sha256(content).hexdigest())
    source.write_bytes(content)
    assert not there.adopt(LATER, file, COPY)
    there.deposit(COPY, file, source)
    there.deposit(COPY, file, source)
    assert there.adopt(LATER, file, COPY) and there.adopt(LATER, file, COPY)
    there.discard(COPY)
    there.discard(COPY)
    with pytest.raises(Damaged):
        brought(there, COPY, file, tmp_path)
    assert brought(there, LATER, file, tmp_path) == content


def test_damage_is_seen(there: Checkpoints, tmp_path: Path) -> None:
    source, file = tmp_path / "source", StateFile("weights", 4, hashlib.sha256(b"good").hexdigest())
    source.write_bytes(b"evil")
    with pytest.raises(Damaged):
        there.deposit(COPY, file, source)
    source.write_bytes(b"good")
    there.discard(COPY)
    there.deposit(COPY, file, source)
    for path in tmp_path.rglob(f"checkpoints/{COPY}/{file.sha256}"):
        path.chmod(0o600)
        path.write_bytes(b"evil")
    with pytest.raises(Damaged):
        brought(there, COPY, file, tmp_path)
    assert not (tmp_path / "brought" / file.sha256).exists()
    assert not there.adopt(LATER, file, COPY)


def test_links_lead_nowhere_else(there: Checkpoints, running: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (running / NAMES[1]).unlink()
    (running / NAMES[1]).symlink_to(tmp_path / "secret")
    for call in (lambda: there.mark(KEY, NAMES), lambda: there.snapshot(KEY, NAMES, COPY)):
        assert refused(call)


def refused(call: Callable[[], object]) -> bool:
    try:
        return call() is None
    except Exception as error:
        return "folder" in str(error)
