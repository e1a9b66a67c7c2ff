"""A real Ray cluster: the conformance suite, and what only such a site has."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from situs.model import estate
from situs.model.error import InputError, SitusError
from situs.sites.adapter import Adapter, Key, Nodes, StaleGeneration, Task, Unreachable
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener, ended, python, until
from situs.sites.discover import found_sites
from situs.sites.ray.address import address_of
from situs.sites.ray.api import RayApi
from situs.sites.ray.names import Names
from situs.sites.ray.nodes import inventory
from situs.sites.ray.site import RayOptions, RaySite
from situs.sites.ray.states import NodeWord, status_of
from situs.sites.registry import kind, opened
from tests.sites.ray_cluster import CPUS, GPUS, RAY, ray_cluster

KEY = Key("job", 1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    if not RAY.exists():
        pytest.skip("needs a Ray cluster: make ray")
    with ray_cluster() as address:
        until(lambda: RaySite(RayApi(address), Names("x"), Path("unused")).health().ok, "the cluster is up")
        yield address


@pytest.mark.slow
class TestRay(AdapterConformance):
    """A cluster of one node."""

    OWN_VARIABLES = frozenset({"RAY_ADDRESS"})
    STEP_S = 5.0

    @pytest.fixture
    def open_site(self, cluster: str, tmp_path: Path) -> Opener:
        return lambda: RaySite(RayApi(cluster), Names(str(tmp_path)), tmp_path / "kept")

    @pytest.mark.parametrize("seed", [1])
    def test_killed_at_random_instants_it_loses_nothing_and_runs_nothing_twice(
        self, open_site: Opener, tmp_path: Path, seed: int
    ) -> None:
        super().test_killed_at_random_instants_it_loses_nothing_and_runs_nothing_twice(
            open_site, tmp_path, seed
        )

    # What only Ray has

    def test_what_a_run_may_use_is_reserved_and_the_rest_waits(
        self, site: RaySite, cluster: str, tmp_path: Path
    ) -> None:
        gate, mark, second = tmp_path / "gate", tmp_path / "mark", Key("second", 1)
        text = (
            "import os, time\nprint(os.environ['CUDA_VISIBLE_DEVICES'], flush=True)\n"
            f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"
        )
        site.start(Task(KEY, python(text), accelerators=GPUS))
        until(lambda: site.logs(KEY)[0], "it has its accelerators")
        site.start(Task(second, python(f"open({str(mark)!r}, 'x')"), accelerators=1))
        status = site.status(second)
        assert (status.state, "resources" in (status.detail or "")) == ("queued", True)
        assert site.stop(second).reason == "stopped"
        with pytest.raises(SitusError, match="still runs"):
            site.forget(KEY)
        gate.touch()
        assert ended(site, KEY).succeeded
        assert site.logs(KEY)[0] == b"0,1\n"
        # Its turn comes, and goes by.
        site.forget(second)
        assert not mark.exists()
        assert site.known() == [KEY]

    def test_what_the_clusters_people_stop_was_cancelled(
        self, site: RaySite, cluster: str, tmp_path: Path
    ) -> None:
        site.start(Task(KEY, python("print('x', flush=True); import time; time.sleep(600)")))
        until(lambda: site.logs(KEY)[0], "it runs")
        RayApi(cluster).stop(Names(str(tmp_path)).job(KEY))
        status = ended(site, KEY)
        assert (status.reason, status.exit_code) == ("cancelled", -signal.SIGTERM)

    def test_a_lost_answer_starts_no_second_copy_and_a_job_that_was_removed_is_lost(
        self, cluster: str, tmp_path: Path
    ) -> None:
        count = tmp_path / "count"
        task = Task(KEY, python(f"open({str(count)!r}, 'a').write('x')"))
        site = RaySite(Deaf(cluster), Names(str(tmp_path)), tmp_path / "kept")
        with pytest.raises(Unreachable):
            site.start(task)
        site = RaySite(RayApi(cluster), Names(str(tmp_path)), tmp_path / "kept")
        site.start(task)
        # Another one that has nothing of ours but the cluster finds it there.
        other = RaySite(RayApi(cluster), Names(str(tmp_path)), tmp_path / "other")
        assert other.known() == [KEY]
        assert ended(other, KEY).succeeded
        other.start(task)
        with pytest.raises(StaleGeneration):
            other.fence(Key("job", 0))
        assert count.read_text() == "x"
        name = Names(str(tmp_path)).job(KEY)
        until(lambda: RayApi(cluster).job(name)["status"] == "SUCCEEDED", "Ray knows of it")  # type: ignore[index]
        RayApi(cluster).delete(name)
        assert site.status(KEY).reason == "lost"
        site.start(task)
        assert count.read_text() == "x"

    def test_a_run_whose_minder_is_killed_ends_and_is_lost(self, site: RaySite) -> None:
        text = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
        site.start(Task(KEY, python(text)))
        until(lambda: site.logs(KEY)[0], "it runs")
        run = int(site.logs(KEY)[0])
        (minder,) = [
            int(path.name)
            for path in Path("/proc").iterdir()
            if path.name.isdigit() and words(path)[1:4:2] == [b"run.py", site._names.mark.encode()]
        ]
        os.kill(minder, signal.SIGKILL)
        status = ended(site, KEY)
        assert status.reason == "lost"
        assert not self.alive(run)

    def test_inventory_is_what_the_cluster_was_told(self, cluster: str, tmp_path: Path) -> None:
        there = RaySite(RayApi(cluster), Names("x"), tmp_path).inventory()
        assert (there.cpus, dict(there.accelerators), len(there.nodes)) == (CPUS, {"gpu": GPUS}, 1)
        npu = RaySite(RayApi(cluster), Names("x"), tmp_path, RayOptions("NPU")).inventory()
        assert dict(npu.accelerators) == {"npu": 3}


def words(process: Path) -> list[bytes]:
    """The command line of a process; none of one that is gone."""
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


class Deaf(RayApi):
    """Loses the answer to what it submits."""

    def submit(self, name: str, **body: object) -> None:
        """Submit, and hear nothing."""
        super().submit(name, **body)
        raise Unreachable("cut")


@pytest.mark.slow
def test_a_cluster_that_asks_for_a_token_gets_it_by_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not RAY.exists():
        pytest.skip("needs a Ray cluster: make ray")
    token = "canary-of-a-ray-cluster-0123456789"
    monkeypatch.setenv("SITUS_SECRET_RAY", token)
    with ray_cluster(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token) as address:

        def site(**options: str) -> Adapter:
            place = estate.Site.model_validate(
                {"kind": "on_prem", "operator": "self", "country": "DE", "pools": {},
                 "adapter": {"kind": "ray", "options": {"address": address, **options}}}
            )  # fmt: skip
            return opened("hall", place, tmp_path)

        until(lambda: site(token="env:RAY").health().ok, "the cluster is up")
        health = site().health()
        assert not health.ok
        assert "token" in (health.next_step or "")
        with pytest.raises(SitusError) as refused:
            site().inventory()
        assert token not in str(refused.value)


def test_a_cluster_that_is_away_is_told_of(tmp_path: Path) -> None:
    site = RaySite(RayApi("http://127.0.0.1:9"), Names("x"), tmp_path)
    assert "8265" in (site.health().next_step or "")
    with pytest.raises(Unreachable):
        site.known()


@pytest.mark.parametrize("text", ["ray.example:8265", "http://ray.example:8265", "https://me@ray.example"])
def test_a_token_goes_to_no_address_that_others_can_listen_to(text: str) -> None:
    with pytest.raises(ValueError, match="https"):
        address_of(text)


def test_models_come_from_labels_and_from_what_older_clusters_have() -> None:
    def node(**more: object) -> dict[str, object]:
        return {"resources_total": {"CPU": 8.0, "GPU": 4.0, "memory": 2.0**36, **more}}

    new = {**node(), "labels": {"ray.io/accelerator-type": "H100"}}
    there = inventory([new, node(**{"accelerator_type:A100": 1.0}), {"resources_total": {"CPU": 2.0}}], "GPU")
    assert dict(there.accelerators) == {"H100": 4, "A100": 4}
    assert Nodes(1, 2, 0.0, {}) in there.nodes
    assert there.cpus == 18


@pytest.mark.parametrize(
    ("said", "began", "ours", "reason"),
    [
        ({"status": "FAILED"}, False, False, "cancelled"),
        ({"status": "STOPPED"}, False, True, "stopped"),
        ({"status": "FAILED", "end_time": 1_000}, True, False, "lost"),
        ({"status": "FAILED", "end_time": 999_000}, True, False, None),
        ({"status": "STOPPED", "end_time": 999_000}, True, True, None),
    ],
)
def test_a_job_without_an_end_of_its_run(
    said: dict[str, object], began: bool, ours: bool, reason: str | None
) -> None:
    now = datetime.fromtimestamp(1000, UTC)
    status = status_of(said, NodeWord(began=began), ours=ours, now=now)
    assert status.reason == reason
    assert status.alive == (reason is None)


def test_half_an_end_is_none() -> None:
    now = datetime.fromtimestamp(1000, UTC)
    for text in (b"", b"exited 0 1 2\n"):
        assert status_of({"status": "RUNNING"}, NodeWord(text), ours=False, now=now).state == "running"


@pytest.mark.parametrize("option", [{"address": "ray"}, {"resource": "CPU"}, {"ca": "ca.pem"}])
def test_options_that_make_no_sense_are_refused(option: dict[str, str], tmp_path: Path) -> None:
    place = estate.Site.model_validate(
        {"kind": "on_prem", "operator": "self", "country": "DE", "pools": {},
         "adapter": {"kind": "ray", "options": option}}
    )  # fmt: skip
    with pytest.raises(InputError):
        opened("hall", place, tmp_path)
    assert set(option) <= set(kind("ray").options)


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"RAY_ADDRESS": "https://ray.example"}, "https://ray.example"),
        ({"RAY_API_SERVER_ADDRESS": "http://127.0.0.1:8265", "RAY_ADDRESS": "https://b.example"}, "http://127.0.0.1:8265"),
        ({"RAY_ADDRESS": "10.0.0.1:6379"}, None),
        ({"RAY_ADDRESS": "http://ray.example"}, None),
    ],
)  # fmt: skip
def test_the_cluster_that_rays_own_tools_use_is_found(
    environment: dict[str, str], address: str | None, tmp_path: Path
) -> None:
    found = [site for site in found_sites(everything=True, home=tmp_path, environment=environment)
             if site.adapter == "ray"]  # fmt: skip
    assert [dict(site.options) for site in found] == ([{"address": address}] if address else [])
