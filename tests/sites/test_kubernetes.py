"""A real cluster: the conformance suite, and what only such a site has. Says loudly where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.sites.adapter import Adapter, Key, Task
from situs.sites.conformance.gangs import GangConformance
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener, ended, python, until
from situs.sites.kubernetes.manifests import KubernetesOptions
from situs.sites.kubernetes.site import KubernetesSite
from tests.sites.container_engine import python_mounts
from tests.sites.in_containers import is_alive
from tests.sites.kubernetes_cluster import IMAGE, NO_CLUSTER, KubernetesCluster, is_named
from tests.sites.processor_time import ProcessorTimeConformance

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


class TestKubernetes(ProcessorTimeConformance, AdapterConformance):
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


class TestSharedClaim(TestKubernetes, GangConformance):
    """The same with one claim for all runs, as clusters with a shared file system have it; and several nodes."""

    @pytest.fixture
    def options(self, cluster: KubernetesCluster, tmp_path: Path) -> Iterator[KubernetesOptions]:
        mounts = (*python_mounts(), f"{tmp_path}:{tmp_path}")
        yield KubernetesOptions(str(tmp_path), IMAGE, IMAGE, mounts=mounts, claim=cluster.shared_claim())
        cluster.clear()

    def test_what_members_say_follows_one_after_the_other(self, site: Adapter) -> None:
        """So that what was read stays where it is, however many say something at once."""
        text = "import os, time; print('here', os.environ['RANK'], flush=True); time.sleep(float(os.environ['RANK']))"
        site.start(Task(KEY, python(text), nodes=2))
        read, at = b"", 0
        while site.status(KEY).state != "ended":
            more, at = site.logs(KEY, at)
            read += more
        assert ended(site, KEY).succeeded
        assert read + site.logs(KEY, at)[0] == b"here 0\n--- node 1 ---\nhere 1\n" == site.logs(KEY)[0]

    def test_none_goes_on_when_the_site_takes_one_away(
        self, cluster: KubernetesCluster, site: Adapter
    ) -> None:
        site.start(Task(KEY, python("import time; print('ready', flush=True); time.sleep(600)"), nodes=2))
        until(lambda: site.status(KEY).state == "running", "both run")
        query = {"labelSelector": "situs/role=job"}
        pods = cluster.client.get(cluster.inside("pods"), params=query).json()["items"]
        assert len(pods) == 2
        cluster.client.delete(cluster.inside("pods", pods[0]["metadata"]["name"])).raise_for_status()
        status = ended(site, KEY)
        assert (status.reason, status.succeeded) == ("cancelled", False)

    def test_what_was_on_several_nodes_is_forgotten_whole(
        self, cluster: KubernetesCluster, site: Adapter
    ) -> None:
        site.start(Task(KEY, python("pass"), nodes=2))

        def left(kind: str) -> int:
            query = {"labelSelector": "app.kubernetes.io/managed-by=situs,situs/run"}
            items = cluster.client.get(cluster.inside(kind), params=query).json()["items"]
            return len(
                [one for one in items if one["metadata"]["labels"]["situs/role"] in ("job", "service")]
            )

        assert (left("services"), left("jobs")) == (1, 1)
        assert ended(site, KEY).succeeded
        site.forget(KEY)
        for kind in ("services", "jobs", "pods"):
            until(lambda kind=kind: left(kind) == 0, f"no {kind} are left")
