"""What only a cluster has, on a real one: rights, queues, drains, secrets, and what is left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from situs.cli.main import app
from situs.sites.adapter import Key, Task
from situs.sites.conformance.waiting import ended, python, until
from situs.sites.kubernetes import entering
from situs.sites.kubernetes.access import access
from situs.sites.kubernetes.cluster import POD, Cluster
from situs.sites.kubernetes.manifests import KubernetesOptions
from situs.sites.kubernetes.permissions import RULES
from situs.sites.kubernetes.site import KubernetesSite
from situs.sites.kubernetes.watching import Watch
from tests.sites.container_engine import python_mounts
from tests.sites.kubernetes_cluster import IMAGE, NO_CLUSTER, KubernetesCluster, is_named

pytestmark = pytest.mark.slow

KEY = Key("job", 1)
FOREVER = python("import time; print('ready', flush=True); time.sleep(600)")
NOWHERE = (("situs-test", "nowhere"),)
RESOURCE = "example.com/situs-test"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesCluster]:
    if not is_named():
        pytest.skip(NO_CLUSTER)
    cluster = KubernetesCluster(tmp_path_factory.mktemp("kubernetes"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def options(cluster: KubernetesCluster, tmp_path: Path) -> Iterator[KubernetesOptions]:
    mounts = (*python_mounts(), f"{tmp_path}:{tmp_path}")
    yield KubernetesOptions(str(tmp_path), IMAGE, IMAGE, mounts=mounts, storage_gib=0.1)
    cluster.clear()


@pytest.fixture
def site(cluster: KubernetesCluster, options: KubernetesOptions) -> KubernetesSite:
    return KubernetesSite(cluster.access(), options)


def pods(cluster: KubernetesCluster, role: str = "job") -> list[dict[str, Any]]:
    """Pods of ours."""
    query = {"labelSelector": f"situs/role={role}"}
    found: list[dict[str, Any]] = cluster.client.get(cluster.inside("pods"), params=query).json()["items"]
    return found


@contextmanager
def labelled(cluster: KubernetesCluster, label: str) -> Iterator[None]:
    """All nodes have the label, for a while."""
    nodes = [node["metadata"]["name"] for node in cluster.client.get("/api/v1/nodes").json()["items"]]

    def patch(value: str | None) -> None:
        for node in nodes:
            body = json.dumps({"metadata": {"labels": {label: value}}})
            headers = {"Content-Type": "application/merge-patch+json"}
            cluster.client.patch(f"/api/v1/nodes/{node}", content=body, headers=headers).raise_for_status()

    patch("yes")
    try:
        yield
    finally:
        patch(None)


def test_the_rights_are_exactly_those_it_uses(
    cluster: KubernetesCluster, options: KubernetesOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = KubernetesSite(cluster.access(), options)
    nowhere = replace(options, node_selector=NOWHERE, access_mode="ReadWriteMany")
    waiting = KubernetesSite(cluster.access(), nowhere)
    seen: set[tuple[str, str, str]] = set()
    real, real_connect = Cluster._answer, entering.connect

    def answer(self: Cluster, method: str, path: str, query: Any = None, **more: Any) -> Any:
        match = re.fullmatch(r"/(?:api|apis/([\w.]+))/v1/namespaces/[^/]+/(\w+)(?:/([^/]+))?(/\w+)?", path)
        if match:
            named = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
            verb = named[method] if match[3] else {"GET": "list", "POST": "create"}[method]
            verb = "watch" if "watch" in (query or {}) else verb
            group, resource = match[1] or "", match[2] + (match[4] or "")
            # What is applied and not there yet is created.
            seen.update((group, resource, one) for one in (verb, *(["create"] if verb == "patch" else [])))
        else:
            assert path in ("/version", "/api/v1/nodes") or path.startswith("/apis/authorization.k8s.io/"), (
                path
            )
        return real(self, method, path, query=query, **more)

    def connect(address: str, **more: Any) -> Any:
        assert address.partition("?")[0].endswith("/exec")
        # Which of the two it is depends on how old the cluster is.
        seen.update({("", "pods/exec", "get"), ("", "pods/exec", "create")})
        return real_connect(address, **more)

    monkeypatch.setattr(Cluster, "_answer", answer)
    monkeypatch.setattr(entering, "connect", connect)
    (tmp_path / "input").write_text("x")
    assert site.health().ok
    assert site.inventory().cpus
    site.fence(KEY)
    site.put(KEY, tmp_path / "input", "input")
    site.start(Task(KEY, FOREVER, secrets={"PASS": "x"}))
    until(lambda: site.logs(KEY)[0], "it has begun")
    site.get(KEY, "input", tmp_path / "output")
    site.stop(KEY, grace_s=0.1)
    # One without a pod: the job itself is looked at, and what the cluster says of it. On two nodes, by a service.
    waiting.start(Task(Key("job", 2), FOREVER, nodes=2))
    waiting.stop(Key("job", 2))
    site._cluster.warnings("job")
    assert len(site.known()) == 2
    site.forget(KEY)
    waiting.forget(Key("job", 2))
    until(lambda: ("", "pods", "watch") in seen, "what was listed is watched")
    assert seen == {(group, resource, verb) for (group, resource), verbs in RULES.items() for verb in verbs}


def test_rights_that_are_missing_are_named(cluster: KubernetesCluster, options: KubernetesOptions) -> None:
    poor = replace(cluster.access(), token=lambda: cluster.token("default"))
    health = KubernetesSite(poor, options).health()
    assert not health.ok
    assert "create jobs" in str(health.cause)
    assert health.next_step == f"situs site rbac --namespace {cluster.namespace} | kubectl apply -f -"
    nobody = replace(poor, token=lambda: "not-a-token")
    assert "renew the credentials" in str(KubernetesSite(nobody, options).health().cause)
    away = replace(poor, server="https://127.0.0.1:1")
    assert "gave no answer" in str(KubernetesSite(away, options).health().cause)


def test_a_secret_is_at_the_cluster_until_the_run_has_begun(
    cluster: KubernetesCluster, site: KubernetesSite, options: KubernetesOptions
) -> None:
    canary = "canary-0123456789"

    def held() -> list[Any]:
        items: list[Any] = cluster.client.get(cluster.inside("secrets")).json()["items"]
        return [one for one in items if "situs/role" in (one["metadata"].get("labels") or {})]

    site.start(Task(KEY, FOREVER, secrets={"PASS": canary}))
    until(lambda: site.status(KEY).state == "running", "it has begun")
    assert held() == []
    for kind in ("jobs", "pods", "configmaps", "events"):
        assert canary not in cluster.client.get(cluster.inside(kind)).text
    # One that never began takes its secret with it.
    waiting = KubernetesSite(cluster.access(), replace(options, node_selector=NOWHERE))
    waiting.start(Task(Key("other", 1), FOREVER, secrets={"PASS": canary}))
    assert waiting.status(Key("other", 1)).state == "queued"
    assert len(held()) == 1
    waiting.stop(Key("other", 1))
    waiting.forget(Key("other", 1))
    until(lambda: held() == [], "the secret is gone")


def test_a_generation_that_was_overtaken_while_it_waited_never_runs(
    cluster: KubernetesCluster, options: KubernetesOptions, tmp_path: Path
) -> None:
    site = KubernetesSite(cluster.access(), replace(options, node_selector=(("situs-test/room", "yes"),)))
    site.start(Task(KEY, python(f"open({str(tmp_path / 'ran')!r}, 'w')")))
    until(lambda: "Unschedulable" in str(site.status(KEY).detail), "it is said why it waits")
    site.fence(Key("job", 2))
    with labelled(cluster, "situs-test/room"):
        status = ended(site, KEY)
    assert (status.reason, status.succeeded) == ("stopped", False)
    assert not (tmp_path / "ran").exists()


def test_what_waits_can_be_stopped(cluster: KubernetesCluster, options: KubernetesOptions) -> None:
    site = KubernetesSite(cluster.access(), replace(options, node_selector=NOWHERE))
    site.start(Task(KEY, FOREVER))
    assert site.status(KEY).state == "queued"
    status = site.stop(KEY)
    assert (status.state, status.reason) == ("ended", "stopped")
    assert site.stop(KEY) == status
    site.start(Task(KEY, FOREVER))
    assert site.status(KEY) == status


def test_a_quota_that_keeps_it_from_running_is_told_of(
    cluster: KubernetesCluster, site: KubernetesSite
) -> None:
    quota = {"metadata": {"name": "full"}, "spec": {"hard": {"count/pods": "0"}}}
    cluster.client.post(cluster.inside("resourcequotas"), json=quota).raise_for_status()
    try:
        # The cluster counts what is there before a quota holds.
        path = cluster.inside("resourcequotas", "full")
        until(lambda: cluster.client.get(path).json()["status"].get("hard"), "the quota holds")
        site.start(Task(KEY, FOREVER))
        until(lambda: "exceeded quota: full" in str(site.status(KEY).detail), "it is said what it waits for")
        assert site.stop(KEY).reason == "stopped"
    finally:
        cluster.client.delete(path).raise_for_status()


def test_an_image_that_cannot_be_had_is_told_of(site: KubernetesSite) -> None:
    site.start(Task(KEY, FOREVER, image="registry.invalid/no-such-image:1"))
    until(lambda: "no-such-image" in str(site.status(KEY).detail), "it is said what it waits for")
    assert site.status(KEY).state == "queued"
    assert site.stop(KEY).reason == "stopped"


def test_a_pod_that_is_taken_away_is_told_as_cancelled_and_does_not_come_again(
    cluster: KubernetesCluster, site: KubernetesSite, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    site.start(Task(KEY, python(f"import time; open({str(count)!r}, 'a').write('x'); time.sleep(600)")))
    until(count.exists, "it has begun")
    (pod,) = pods(cluster)
    cluster.client.delete(cluster.inside("pods", pod["metadata"]["name"])).raise_for_status()
    status = ended(site, KEY)
    assert (status.reason, status.succeeded) == ("cancelled", False)
    assert "situs" in str(status.detail) or "removed" in str(status.detail)
    site.start(Task(KEY, FOREVER))
    assert site.status(KEY) == status
    assert count.read_text() == "x"


def test_a_job_that_somebody_removes_is_not_made_again(
    cluster: KubernetesCluster, site: KubernetesSite, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    site.start(Task(KEY, python(f"import time; open({str(count)!r}, 'a').write('x'); time.sleep(600)")))
    until(count.exists, "it has begun")
    body = {"propagationPolicy": "Background"}
    query = {"labelSelector": "situs/role=job"}
    cluster.client.request("DELETE", cluster.inside("jobs"), params=query, json=body).raise_for_status()
    status = ended(site, KEY)
    assert status.reason in ("cancelled", "lost")
    site.start(Task(KEY, FOREVER))
    assert site.status(KEY) == status
    assert count.read_text() == "x"


def test_accelerators_are_set_aside(cluster: KubernetesCluster, options: KubernetesOptions) -> None:
    site = KubernetesSite(cluster.access(), replace(options, accelerator_resource=RESOURCE))
    node = cluster.client.get("/api/v1/nodes").json()["items"][0]["metadata"]["name"]

    def give(count: str | None) -> None:
        body = json.dumps({"status": {"capacity": {RESOURCE: count}, "allocatable": {RESOURCE: count}}})
        headers = {"Content-Type": "application/merge-patch+json"}
        path = f"/api/v1/nodes/{node}/status"
        cluster.client.patch(path, content=body, headers=headers).raise_for_status()

    give("4")
    try:
        assert site.inventory().accelerators == {"situs-test": 4}
        for name in ("one", "two", "three"):
            site.start(Task(Key(name, 1), FOREVER, accelerators=2))
        for name in ("one", "two"):
            until(lambda name=name: site.status(Key(name, 1)).state == "running", f"{name} runs")
        until(lambda: RESOURCE in str(site.status(Key("three", 1)).detail), "there is no more room")
        site.stop(Key("one", 1), grace_s=0.1)
        until(lambda: site.status(Key("three", 1)).state == "running", "there is room again")
    finally:
        give(None)


def test_a_run_need_not_be_root(cluster: KubernetesCluster, options: KubernetesOptions) -> None:
    site = KubernetesSite(cluster.access(), replace(options, user=4711))
    text = "import os; open('mine', 'w'); print(os.getuid(), open('/proc/self/status').read())"
    site.start(Task(KEY, python(text)))
    assert ended(site, KEY).succeeded, site.logs(KEY)
    said = site.logs(KEY)[0].decode()
    assert said.startswith("4711 ")
    assert re.search(r"CapBnd:\s+0+\n", said)
    assert re.search(r"NoNewPrivs:\s+1\n", said)
    assert re.search(r"Seccomp:\s+2\n", said)


def test_what_is_forgotten_leaves_one_number_behind(
    cluster: KubernetesCluster, site: KubernetesSite, tmp_path: Path
) -> None:
    (tmp_path / "input").write_text("x")
    site.put(KEY, tmp_path / "input", "input")
    site.start(Task(KEY, python("open('output', 'w')"), secrets={"PASS": "x"}))
    ended(site, KEY)
    site.get(KEY, "output", tmp_path / "output")
    site.forget(KEY)

    def left(kind: str) -> list[str]:
        query = {"labelSelector": f"situs/site={site._names.selector('run')['situs/site']}"}
        items = cluster.client.get(cluster.inside(kind), params=query).json()["items"]
        return [one["metadata"]["labels"]["situs/role"] for one in items]

    for kind in ("jobs", "pods", "secrets", "persistentvolumeclaims"):
        until(lambda kind=kind: left(kind) == [], f"no {kind} are left")
    assert left("configmaps") == ["unit"]
    # Also one that was just removed has its folder anew.
    site.put(Key("job", 2), tmp_path / "input", "input")
    site.forget(Key("job", 2))
    site.put(Key("job", 2), tmp_path / "input", "input")


def test_a_cluster_is_connected_with_one_command(
    cluster: KubernetesCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["-o", f"kubeconfig={cluster.kubeconfig}", "-o", "context=test", "-o", f"image={IMAGE}"]
    command = [
        "site",
        "add",
        "research",
        "--kind",
        "kubernetes",
        *options,
        "--country",
        "DE",
        "-C",
        str(tmp_path),
    ]
    app([*command, "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert told["written"]
    assert told["inventory"]["cpus"] >= 1
    text = (tmp_path / "sites" / "research.yaml").read_text()
    assert "kind: kubernetes" in text
    assert "context: test" in text


def test_the_shipped_rights_hold_nothing_else(cluster: KubernetesCluster) -> None:
    """Seen from the cluster: the account cannot read a secret, nor look into another namespace."""
    account = access(cluster.kubeconfig, None, {})
    for path, allowed in (
        (cluster.inside("jobs", "none"), True),
        (cluster.inside("secrets"), False),
        (cluster.inside("secrets", "none"), False),
        ("/api/v1/namespaces/default/pods", False),
        ("/api/v1/namespaces", False),
        ("/api/v1/nodes", True),
    ):
        headers = {"Authorization": f"Bearer {account.token()}"}
        code = cluster.client.get(path, headers=headers).status_code
        assert (code != 403) == allowed, path


def test_runs_that_are_listed_are_watched_and_not_asked_for_one_by_one(
    site: KubernetesSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [Key("job", 1, unit) for unit in range(5)]
    for key in keys:
        site.start(Task(key, FOREVER))
    for key in keys:
        until(lambda key=key: site.status(key).state == "running", f"{key} runs")
    asked: list[str] = []
    real = Cluster._answer

    def answer(self: Cluster, method: str, path: str, query: Any = None, **more: Any) -> Any:
        asked.append(f"{method} {path.rpartition('/')[2]}" + (" watch" if "watch" in (query or {}) else ""))
        return real(self, method, path, query=query, **more)

    monkeypatch.setattr(Cluster, "_answer", answer)
    assert site.known() == keys
    until(lambda: any("watch" in one for one in asked), "the watch has begun")
    asked.clear()
    assert site.known() == keys
    assert {site.status(key).state for key in keys} == {"running"}
    assert [one for one in asked if "watch" not in one] == ["GET configmaps"]
    site.stop(keys[0], grace_s=0.1)
    assert site.known() == keys
    assert [site.status(key).state for key in keys] == ["ended", *["running"] * 4]


def test_a_watch_goes_on_where_it_was_cut(cluster: KubernetesCluster, site: KubernetesSite) -> None:
    """Also when the cluster has forgotten what happened since, as it does after some minutes."""
    own = Cluster(cluster.access())
    watch = Watch(own, POD, {"situs/role": "job"}, "situs/run")
    watch.begin()
    run = site._names.selector("job", KEY)["situs/run"]
    until(lambda: watch.labelled(run) is not None, "it has begun")
    site.start(Task(KEY, FOREVER))
    until(lambda: watch.labelled(run), "it sees a pod")
    # All connections of the watch are cut; the next begins at the version that was seen last, then at one long gone.
    for version in (watch._version, "1"):
        watch._version = version
        own._client._transport._pool.close()  # type: ignore[attr-defined]
        before = watch._heard_at
        until(lambda before=before: watch._heard_at > before, "it goes on")
        assert watch.labelled(run)
    site.stop(KEY, grace_s=0.1)
    site.forget(KEY)
    until(lambda: watch.labelled(run) == [], "it sees that the pod is gone")
