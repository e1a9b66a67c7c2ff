"""Runs on several nodes: what a cluster is told, what it means, and the first processes of their pods; no cluster."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from situs.sites.adapter import Key, Status, Task, Unsupported, Usage
from situs.sites.conformance.waiting import PATIENCE_S, until
from situs.sites.kubernetes.access import Access
from situs.sites.kubernetes.gang import INDEX, service
from situs.sites.kubernetes.kind import KUBERNETES
from situs.sites.kubernetes.manifests import MAIN, KubernetesOptions, claim, job
from situs.sites.kubernetes.members import judged, members, to_be_ended
from situs.sites.kubernetes.names import Names
from situs.sites.kubernetes.records import Record
from situs.sites.kubernetes.site import KubernetesSite
from tests.sites.kubernetes_pod import SHELLS, Pod

KEY = Key("train", 3)
NAMES = Names("cluster")
OPTIONS = KubernetesOptions(image="debian:12", claim="team")
NODES = 3


class TestTold:
    def told(self, options: KubernetesOptions = OPTIONS, **more: Any) -> dict[str, Any]:
        return job(Task(KEY, ("true",), nodes=NODES, **more), options, NAMES)

    def variables(self, told: dict[str, Any]) -> dict[str, Any]:
        (main,) = told["spec"]["template"]["spec"]["containers"]
        names = [one["name"] for one in main["env"]]
        assert len(set(names)) == len(names)
        return {one["name"]: one.get("value") or one["valueFrom"] for one in main["env"]}

    def test_all_pods_are_begun_at_once_and_none_again(self) -> None:
        spec = self.told()["spec"]
        assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", NODES, NODES)
        assert (spec["backoffLimitPerIndex"], spec["podReplacementPolicy"]) == (0, "Failed")
        assert "backoffLimit" not in spec, "the cluster would remove the pods of the others, and their output"
        (rule,) = spec["podFailurePolicy"]["rules"]
        assert (rule["action"], rule["onPodConditions"][0]["type"]) == ("FailJob", "DisruptionTarget")

    def test_each_knows_its_number_and_how_to_reach_the_first(self) -> None:
        told = self.told(accelerators=4)
        name, pod = NAMES.run(KEY), told["spec"]["template"]["spec"]
        headless = service(KEY, NAMES)
        assert pod["subdomain"] == headless["metadata"]["name"] == name
        assert headless["spec"]["clusterIP"] == "None"
        labels = told["spec"]["template"]["metadata"]["labels"]
        assert headless["spec"]["selector"].items() <= labels.items()
        seen = self.variables(told)
        first = f"{name}-0.{name}"
        assert (seen["MASTER_ADDR"], seen["PET_MASTER_ADDR"], seen["SITUS_FIRST_NODE"]) == (
            first,
            first,
            first,
        )
        assert (seen["WORLD_SIZE"], seen["PET_NNODES"], seen["SITUS_NODES"]) == ("3", "3", "3")
        assert (seen["MASTER_PORT"], seen["PET_MASTER_PORT"], seen["PET_NPROC_PER_NODE"]) == (
            "29500",
            "29500",
            "4",
        )
        number = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}
        assert (seen["RANK"], seen["PET_NODE_RANK"], seen["SITUS_NODE_RANK"]) == (number, number, number)

    def test_a_task_may_have_its_own_but_for_what_situs_goes_by(self) -> None:
        own = {"MASTER_PORT": "7", "RANK": "r", "SITUS_NODES": "9", "SITUS_NODE_RANK": "9"}
        seen = self.variables(self.told(env=own))
        assert (seen["MASTER_PORT"], seen["RANK"], seen["SITUS_NODES"]) == ("7", "r", "3")
        assert isinstance(seen["SITUS_NODE_RANK"], dict)

    def test_a_run_on_one_node_is_told_nothing_of_it(self) -> None:
        told = job(Task(KEY, ("true",)), OPTIONS, NAMES)
        assert not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "SITUS_NODES"} & self.variables(told).keys()
        assert "subdomain" not in told["spec"]["template"]["spec"]
        assert "completionMode" not in told["spec"]

    @pytest.mark.parametrize("nodes", [1, NODES])
    def test_a_queue_of_kueue_begins_it(self, nodes: int) -> None:
        """Whole, once there is room: Kueue takes jobs that are suspended, and their pods as one."""
        queued = KubernetesOptions(image="debian:12", claim="team", queue="research")
        told = job(Task(KEY, ("true",), nodes=nodes), queued, NAMES)
        assert told["spec"]["suspend"] is True
        assert told["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"
        assert "suspend" not in job(Task(KEY, ("true",), nodes=nodes), OPTIONS, NAMES)["spec"]

    def test_names_are_short_enough_for_a_cluster(self) -> None:
        name = NAMES.run(Key("x" * 99, 10**9, 10**6))
        # The cluster adds the number, and five letters by chance.
        assert len(f"{name}-4095-abcde") <= 63

    def test_it_needs_a_folder_that_nodes_share(self) -> None:
        own = KubernetesOptions(image="debian:12")
        access = Access("https://127.0.0.1:1", __import__("ssl").create_default_context(), lambda: None, "x")
        alone = KubernetesSite(access, own)
        assert "nodes" not in alone.capabilities
        with pytest.raises(Unsupported, match="ReadWriteMany"):
            alone.start(Task(KEY, ("true",), nodes=2))
        shared = KubernetesOptions(image="debian:12", access_mode="ReadWriteMany")
        assert claim(KEY, shared, NAMES)["spec"]["accessModes"] == ["ReadWriteMany"]
        for options in (shared, OPTIONS):
            assert "nodes" in KubernetesSite(access, options).capabilities
        assert [*KUBERNETES.check({"claim": "team", "access_mode": "ReadWriteMany"})] != []
        with pytest.raises(ValueError, match="ReadWriteMany"):
            KUBERNETES.options["access_mode"].read("ReadWriteOften")


class TestMeant:
    RECORD = Record(True, NODES)

    def pod(self, rank: int, state: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "metadata": {
                "name": f"pod-{rank}", "creationTimestamp": more.get("made", "2026-01-01T00:00:00Z"),
                "annotations": {INDEX: str(rank)},
            },
            "spec": {"containers": [{"name": MAIN, "resources": {}}]},
            "status": {
                "phase": more.get("phase", "Running"), "conditions": more.get("conditions", []),
                "containerStatuses": [{"name": MAIN, "state": state}] if state else [],
            },
        }  # fmt: skip

    def running(self, rank: int) -> dict[str, Any]:
        return self.pod(rank, {"running": {}})

    def ended(self, rank: int, code: int, message: str = "", at_s: int = 4) -> dict[str, Any]:
        stamps = {"startedAt": "2026-01-01T00:00:01Z", "finishedAt": f"2026-01-01T00:00:{at_s:02}Z"}
        return self.pod(rank, {"terminated": {"exitCode": code, "message": message, **stamps}})

    def waiting(self, rank: int) -> dict[str, Any]:
        why = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}
        return self.pod(rank, {}, phase="Pending", conditions=[why])

    def test_it_runs_once_all_do(self) -> None:
        two = [self.running(0), self.running(2)]
        status = judged(self.RECORD, None, [*two, self.waiting(1)])
        assert status == Status("queued", detail="2 of 3 nodes are there: Unschedulable: no room")
        made = {"metadata": {}, "spec": {}}
        assert judged(self.RECORD, made, two) == Status("queued", detail="2 of 3 nodes are there")
        assert judged(self.RECORD, None, [*two, self.running(1)]).state == "running"
        assert judged(self.RECORD, None, [*two, self.ended(1, 0)]).state == "running"

    def test_it_has_ended_well_once_all_have(self) -> None:
        pods = [
            self.ended(rank, 0, f"reason= wall_cs={rank}00 cpu_us=1000000 peak_bytes={rank * 2**30}")
            for rank in range(NODES)
        ]
        status = judged(self.RECORD, None, pods)
        assert status == Status("ended", 0, "exited", Usage(2.0, 3.0, 2.0))

    def test_it_has_failed_when_one_has_and_that_one_is_the_cause(self) -> None:
        cause = self.ended(1, 3, "reason= wall_cs=100 cpu_us= peak_bytes=", at_s=9)
        followed = [
            self.ended(0, 143, "reason=other wall_cs=100 cpu_us= peak_bytes=", at_s=8),
            self.ended(2, 143, "reason=stopped wall_cs=100 cpu_us= peak_bytes=", at_s=8),
        ]
        status = judged(self.RECORD, None, [*followed, cause])
        assert (status.state, status.exit_code, status.reason) == ("ended", 3, "exited")
        assert status.detail == "node 1 ended first"
        going = judged(self.RECORD, None, [cause, self.running(0), self.running(2)])
        assert going == Status("running", detail="node 1 has failed, and the others are ended for it")

    def test_the_others_are_ended_when_one_has_failed_and_only_then(self) -> None:
        going = [self.running(0), self.waiting(2)]
        assert to_be_ended(self.RECORD, [*going, self.running(1)]) == []
        assert to_be_ended(self.RECORD, [*going, self.ended(1, 0)]) == []
        assert to_be_ended(self.RECORD, [*going, self.ended(1, 1)]) == going
        evicted = self.pod(1, {}, phase="Failed")
        assert to_be_ended(self.RECORD, [*going, evicted]) == going

    def test_what_was_asked_for_is_the_reason(self) -> None:
        record = Record(True, NODES, why="stopped")
        pods = [self.ended(rank, 0, "reason=stopped wall_cs=1") for rank in range(NODES)]
        status = judged(record, None, pods)
        assert (status.reason, status.exit_code) == ("stopped", 0)
        assert judged(record, None, []) == Status("ended", None, "stopped")

    def test_that_not_all_came_is_told(self) -> None:
        pods = [
            self.ended(0, 75, "reason=cancelled late=600 wall_cs=60000"),
            self.ended(1, 75, "reason=other"),
        ]
        status = judged(self.RECORD, {"metadata": {}, "spec": {}}, pods)
        assert (status.state, status.reason) == ("ended", "cancelled")
        assert status.detail == "node 0 ended first: not all of its nodes were there within 600 s"

    def test_that_the_site_took_one_away_is_told(self) -> None:
        why = {
            "type": "Failed",
            "status": "True",
            "reason": "PodFailurePolicy",
            "message": "a node was drained",
        }
        job = {"metadata": {}, "spec": {}, "status": {"conditions": [why]}}
        status = judged(self.RECORD, job, [])
        assert (status.reason, status.detail) == ("cancelled", "PodFailurePolicy: a node was drained")
        assert judged(self.RECORD, None, [self.ended(0, 0)]).reason == "lost"

    def test_of_two_pods_with_one_number_the_first_counts(self) -> None:
        second = self.pod(0, {"terminated": {"exitCode": 75}}, made="2026-01-02T00:00:00Z")
        found = members([second, self.running(1), self.running(0)])
        assert list(found) == [0, 1]
        assert "running" in found[0]["status"]["containerStatuses"][0]["state"]


Gang = list[Pod]


@pytest.fixture(params=SHELLS, ids=[name for name, _ in SHELLS])
def gang(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gang]:
    _, shell = request.param
    if not shutil.which(shell[0]):
        pytest.skip(f"needs Debian package: {shell[0]}")
    pods = [Pod(tmp_path, shell, rank, NODES) for rank in range(NODES)]
    yield pods
    for pod in pods:
        pod.kill()


@pytest.mark.slow
class TestTogether:
    """Real first processes of three pods, which share a folder."""

    def test_none_begins_before_all_are_there(self, gang: Gang, tmp_path: Path) -> None:
        text = (
            f"import os; print(os.environ['SITUS_NODE_RANK'], len(os.listdir({str(tmp_path / 'there')!r})))"
        )
        (tmp_path / "there").mkdir()
        for pod in gang:
            # The last comes when the others have waited for a while.
            until(
                lambda pod=pod: pod is gang[0] or (gang[0].folder / "control" / "here" / "0").exists(),
                "0 is there",
            )
            (tmp_path / "there" / pod.said.name).touch()
            pod.begin(text)
        for rank, pod in enumerate(gang):
            code, told, out = pod.end()
            assert (code, out, told.get("reason")) == (0, f"{rank} {NODES}\n".encode(), None)
        hosts = (gang[0].folder / "control" / "hosts").read_text()
        assert hosts.splitlines() == [f"job-{rank}.job" for rank in range(NODES)]
        assert not list((gang[0].folder / "control" / "failed").iterdir())

    def test_one_that_fails_ends_the_others(self, gang: Gang) -> None:
        listen = (
            "import os, signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))\n"
            "open('ready' + os.environ['SITUS_NODE_RANK'], 'w')\n"
        )
        fail = "while not all(map(os.path.exists, ('ready0', 'ready2'))): time.sleep(0.01)\nsys.exit(3)"
        for rank, pod in enumerate(gang):
            pod.begin(listen + (fail if rank == 1 else "time.sleep(600)"))
        code, told, _ = gang[1].end()
        assert (code, told.get("reason")) == (3, None)
        for pod in (gang[0], gang[2]):
            code, told, out = pod.end()
            assert (code, told["reason"], out) == (0, "other", b"bye\n")

    def test_those_that_come_when_one_has_failed_never_begin(self, gang: Gang) -> None:
        gang[0].begin("print('ran')")
        until((gang[0].folder / "control" / "here" / "0").exists, "it waits")
        gang[0].order_stop(0)
        assert gang[0].end()[1]["reason"] == "stopped"
        for pod in gang[1:]:
            pod.begin("print('ran')")
            code, told, out = pod.end()
            assert (code, told["reason"], out) == (75, "other", b"")

    def test_they_do_not_wait_for_ever(self, gang: Gang) -> None:
        for pod in gang[:2]:
            pod.begin("print('ran')", meet_cs=100)
        ends = [pod.end() for pod in gang[:2]]
        assert all((code, out) == (75, b"") for code, _, out in ends)
        reasons = sorted(told["reason"] for _, told, _ in ends)
        assert reasons in (["cancelled", "other"], ["cancelled", "cancelled"])
        assert {told["late"] for _, told, _ in ends if told["reason"] == "cancelled"} == {"1"}

    def test_all_of_them_are_stopped_each_with_its_grace(self, gang: Gang) -> None:
        text = (
            "import os, signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
            "open('ready' + os.environ['SITUS_NODE_RANK'], 'w')\ntime.sleep(600)"
        )
        for pod in gang:
            pod.begin(text)
        for rank, pod in enumerate(gang):
            until((pod.folder / "work" / f"ready{rank}").exists, f"{rank} listens")
        for pod in gang:
            pod.order_stop(PATIENCE_S)
        for pod in gang:
            code, told, _ = pod.end()
            assert (code, told["reason"]) in ((0, "stopped"), (0, "other"))

    def test_each_runs_once(self, gang: Gang) -> None:
        for pod in gang:
            pod.begin("print('ran')")
        assert [pod.end()[2] for pod in gang] == [b"ran\n"] * NODES
        gang[1].begin("print('ran')")
        code, told, out = gang[1].end()
        assert (code, told["reason"], re.search(b"ran", out)) == (75, "lost", None)
        assert not (gang[0].folder / "control" / "failed" / "1").exists()
