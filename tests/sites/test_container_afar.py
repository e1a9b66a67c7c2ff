"""An engine of a host that SSH reaches: the conformance suite through real sshd and dockerd, and what SSH adds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from situs.model import estate
from situs.model.error import InputError
from situs.sites.adapter import Key, Task, Unreachable
from situs.sites.conformance.waiting import Opener, ended, python, until
from situs.sites.container.creation import ContainerOptions
from situs.sites.container.site import ContainerSite
from situs.sites.hostkeys import NotTrusted
from situs.sites.registry import opened
from situs.sites.sshshell import SshShell
from situs.sites.sshsocket import ForwardedSocket
from tests.sites.container_conformance import ContainerConformance
from tests.sites.container_engine import IMAGE, ContainerEngine
from tests.sites.cut_line import CutLine
from tests.sites.ssh_server import SshServer, access
from tests.sites.started import started_engine

pytestmark = pytest.mark.slow

KEY = Key("job", 1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerEngine]:
    with started_engine(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    server = SshServer(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def options(engine: ContainerEngine, tmp_path: Path) -> Iterator[ContainerOptions]:
    mounts = (*engine.python_mounts, f"{tmp_path}:{tmp_path}")
    yield ContainerOptions(str(tmp_path), engine.socket, IMAGE, network="none", mounts=mounts)
    engine.clear()


def reached(server: SshServer, options: ContainerOptions, folder: Path, address: str = "") -> ContainerSite:
    shell = SshShell(address or server.address, access(folder, server))
    return ContainerSite(options, ForwardedSocket(shell, options.socket))


class TestContainerAfar(ContainerConformance):
    """The same suite as for an engine of this machine."""

    STEP_S = 8.0

    @pytest.fixture
    def open_site(self, server: SshServer, options: ContainerOptions, tmp_path: Path) -> Opener:
        return lambda: reached(server, options, tmp_path)


def test_it_is_reached_again_when_the_line_was_cut(
    server: SshServer, options: ContainerOptions, tmp_path: Path
) -> None:
    line = CutLine(server.port)
    reach = access(tmp_path, server, ports=(line.port,))
    user = server.address.partition("@")[0]
    site = ContainerSite(
        options, ForwardedSocket(SshShell(f"{user}@127.0.0.1:{line.port}", reach), options.socket)
    )
    try:
        site.start(Task(KEY, python("print('on', flush=True); import time; time.sleep(600)")))
        line.arm(2000, "drop")
        for _ in range(100):
            try:
                site.status(KEY)
            except Unreachable:
                break
        assert line.faults == 1
        until(lambda: site.health().ok, "it answers again by itself")
        assert site.status(KEY).state == "running"
        # Whoever goes in comes by the same line.
        words = site.enter(KEY, ("cat", "/proc/1/comm"), terminal=False)
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout.strip(), done.stderr
        assert site.stop(KEY, grace_s=0.0).state == "ended"
    finally:
        line.close()


def test_a_host_that_is_not_known_is_not_talked_to(
    server: SshServer, options: ContainerOptions, tmp_path: Path
) -> None:
    nobody = replace(access(tmp_path, server), known_hosts=tmp_path / "nothing")
    (tmp_path / "nothing").write_text("")
    site = ContainerSite(options, ForwardedSocket(SshShell(server.address, nobody), options.socket))
    with pytest.raises(NotTrusted, match="compare its key"):
        site.status(KEY)


def test_a_host_without_the_socket_is_told_of(
    server: SshServer, options: ContainerOptions, tmp_path: Path
) -> None:
    site = reached(server, replace(options, socket=f"{tmp_path}/none"), tmp_path)
    health = site.health()
    assert not health.ok and f"{tmp_path}/none of {server.address}" in (health.cause or "")


def described(**options: str) -> estate.Site:
    return estate.Site.model_validate(
        {"kind": "on_prem", "country": "DE", "adapter": {"kind": "container", "options": options}}
    )


def test_an_estate_names_the_host(
    server: SshServer, options: ContainerOptions, engine: ContainerEngine, tmp_path: Path
) -> None:
    reach = access(tmp_path, server)
    told = {"host": server.address, "config": str(reach.config), "known_hosts": str(reach.known_hosts)}
    site = opened(
        "afar",
        described(**told, identity=str(reach.identity), socket=engine.socket, image=IMAGE, network="none"),
        tmp_path,
    )
    site.start(Task(KEY, ("sh", "-c", "echo there")))
    assert ended(site, KEY).succeeded
    assert site.logs(KEY)[0] == b"there\n"


def test_how_a_host_is_reached_is_nothing_without_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="jump: only with a host"):
        opened("afar", described(jump="bastion"), tmp_path)
