"""A real cluster: the conformance suite, and what only such a site has. Says loudly where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.sites.adapter import Adapter, Key, Task
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener, ended, python
from situs.sites.kubernetes.manifests import KubernetesOptions
from situs.sites.kubernetes.site import KubernetesSite
from tests.sites.container_engine import python_mounts
from tests.sites.in_containers import is_alive
from tests.sites.kubernetes_cluster import IMAGE, NO_CLUSTER, KubernetesCluster, is_named

pytestmark = pytest.mark.slow

KEY = Key("job", 1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesCluster]:
    if not is_named():
        pytest.skip(NO_CLUSTER)
    cluster = KubernetesCluster(tmp_path_factory.mktemp("kubernetes"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class TestKubernetes(AdapterConformance):
    """A cluster whose node is this machine."""

    OWN_VARIABLES = frozenset(
        {"HOSTNAME", "KUBERNETES_PORT", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
         "KUBERNETES_SERVICE_PORT_HTTPS"}
        | {f"KUBERNETES_PORT_443_TCP{end}" for end in ("", "_PROTO", "_PORT", "_ADDR")}
    )  # fmt: skip
    STEP_S = 10.0

    @pytest.fixture
    def options(self, cluster: KubernetesCluster, tmp_path: Path) -> Iterator[KubernetesOptions]:
        mounts = (*python_mounts(), f"{tmp_path}:{tmp_path}")
        yield KubernetesOptions(str(tmp_path), IMAGE, IMAGE, mounts=mounts, storage_gib=0.1)
        cluster.clear()

    @pytest.fixture
    def open_site(self, cluster: KubernetesCluster, options: KubernetesOptions) -> Opener:
        def opened() -> Adapter:
            site = KubernetesSite(cluster.access(), options)
            # As a control plane does, for which pods are watched from then on.
            site.known()
            return site

        return opened

    def alive(self, pid: int) -> bool:
        return is_alive(pid, "kubepods", self.folder)

    @pytest.fixture(autouse=True)
    def _remember_folder(self, tmp_path: Path) -> None:
        self.folder = str(tmp_path)

    def test_the_processor_limit_holds(self, site: Adapter) -> None:
        """By time, not by processors: four busy processes together get one second of them each second."""
        text = (
            "import os, time\nfor _ in range(3):\n    if os.fork() == 0: break\n"
            "end = time.monotonic() + 2.0\nwhile time.monotonic() < end: pass\n"
            "try:\n    while True: os.wait()\nexcept ChildProcessError: print(os.times()[:4])\n"
        )
        site.start(Task(KEY, python(text), cpus=1))
        status = ended(site, KEY)
        assert status.usage is not None
        told = site.logs(KEY)[0].decode().splitlines()[-1]
        assert sum(map(float, told.strip("()").split(", "))) <= status.usage.wall_s * 1.1


class TestSharedClaim(TestKubernetes):
    """The same with one claim for all runs, as clusters with a shared file system have it."""

    @pytest.fixture
    def options(self, cluster: KubernetesCluster, tmp_path: Path) -> Iterator[KubernetesOptions]:
        mounts = (*python_mounts(), f"{tmp_path}:{tmp_path}")
        yield KubernetesOptions(str(tmp_path), IMAGE, IMAGE, mounts=mounts, claim=cluster.shared_claim())
        cluster.clear()
