"""Real clusters and engines are connected with one command each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.slurm_cluster import CPUS, GPUS, NODES, SlurmCluster
from situs.control.connect import by_kind
from situs.intent import load
from tests.cli.conftest import Call
from tests.control.test_canary import cluster as cluster
from tests.control.test_canary import engine as engine
from tests.sites.container_engine import IMAGE, ContainerEngine
from tests.sites.ssh_server import SshServer, access


@pytest.fixture
def login(tmp_path: Path, cluster: SlurmCluster) -> Iterator[SshServer]:
    server = SshServer(tmp_path / "login", cluster.env)
    yield server
    server.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_a_slurm_cluster_behind_its_login_node(
    call: Call, home: Path, tmp_path: Path, login: SshServer
) -> None:
    reach = access(tmp_path, login)
    (tmp_path / "nobody").touch()
    words = (
        "site", "add", "cluster", "--kind", "slurm", "--host", login.address, "-o", f"folder={tmp_path}/shared",
        "-o", f"config={reach.config}", "-o", f"identity={reach.identity}",
        "-o", f"known_hosts={tmp_path / 'nobody'}", "--country", "DE", "-C", home, "--json",
    )  # fmt: skip
    refused = call(*words)
    assert refused.code == 2
    shown = next(word for word in refused.err.split() if word.startswith("SHA256:")).strip(".,()")
    done = call(*words, "--fingerprint", shown)
    assert done.code == 0, done.err
    site = load(home).intent.sites["cluster"]
    (pool,) = site.pools.values()
    assert pool.node is not None
    assert (pool.count, pool.node.cpu, pool.node.accelerators) == (NODES, CPUS, GPUS)
    assert by_kind(home / ".situs")("cluster", site).health().ok
    assert call("validate", "-C", home).code == 0


@pytest.mark.slow
def test_a_container_engine(call: Call, home: Path, engine: ContainerEngine) -> None:
    done = call(
        "site", "add", "engine", "--kind", "container", "-o", f"socket={engine.socket}", "-o", f"image={IMAGE}",
        "--country", "DE", "-C", home, "--place", "private",
    )  # fmt: skip
    assert done.code == 0, done.err
    site = load(home).intent.sites["engine"]
    assert by_kind(home / ".situs")("engine", site).health().ok
    assert site.kind == "private"
    assert "namespaces" in (home / "sites" / "engine.yaml").read_text()
