"""What a cluster is told, and what its answers mean: all of it without a cluster."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from situs.model.error import SitusError
from situs.sites.adapter import Key, Nodes, Status, Task, Usage
from situs.sites.kubernetes.kind import KUBERNETES
from situs.sites.kubernetes.manifests import (
    MAIN,
    WRAPPER,
    KubernetesOptions,
    Toleration,
    claim,
    folder,
    job,
    literal,
    secret,
)
from situs.sites.kubernetes.members import judged
from situs.sites.kubernetes.names import Names
from situs.sites.kubernetes.nodes import inventory, quantity
from situs.sites.kubernetes.permissions import RULES, manifests, missing
from situs.sites.kubernetes.records import Record
from situs.sites.registry import kind, kinds

KEY = Key("train", 3)
NAMES = Names("cluster")
OPTIONS = KubernetesOptions(image="debian:12")
RFC_1123 = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?")
WORKLOADS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True)
KEYS = st.builds(Key, WORKLOADS, st.integers(1, 10**9), st.integers(0, 10**6))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VARIABLES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


def expanded(text: str, known: dict[str, str]) -> str:
    """What a kubelet makes of a word of a command: $$ is a dollar, $(NAME) the variable where there is one."""
    return re.sub(
        r"\$\$|\$\(([^)]*)\)",
        lambda found: "$" if found[0] == "$$" else known.get(found[1], found[0]),
        text,
        flags=re.DOTALL,
    )


class TestNames:
    @settings(deadline=None)
    @given(KEYS)
    def test_a_cluster_allows_them(self, key: Key) -> None:
        for name in (NAMES.unit(key), NAMES.run(key), NAMES.folder(key)):
            assert RFC_1123.fullmatch(name)
            assert len(name) <= 63
        for role in ("unit", "run", "work", "folder", "job", "secret", "service"):
            for value in NAMES.labels(role, key).values():
                assert len(value) <= 63
                assert LABEL_VALUE.fullmatch(value)

    @settings(deadline=None)
    @given(KEYS, KEYS)
    def test_no_two_runs_share_one(self, one: Key, other: Key) -> None:
        names = [NAMES.run(one), NAMES.folder(one), NAMES.run(other), NAMES.folder(other)]
        assert len(set(names)) == (2 if one == other else 4)
        assert (NAMES.unit(one) == NAMES.unit(other)) == (
            (one.workload, one.unit) == (other.workload, other.unit)
        )

    @pytest.mark.parametrize(
        ("one", "other"), [("Train", "train"), ("a.b", "a-b"), ("x" * 99, "x" * 98), ("a", "a.0")]
    )
    def test_what_looks_alike_to_a_cluster_is_told_apart(self, one: str, other: str) -> None:
        assert NAMES.run(Key(one, 1)) != NAMES.run(Key(other, 1))

    def test_sites_that_share_a_namespace_are_told_apart(self) -> None:
        assert Names("a").run(KEY) != Names("b").run(KEY)
        assert Names("a").selector("job") != Names("b").selector("job")


class TestJob:
    @settings(deadline=None)
    @given(
        KEYS, st.lists(TEXTS, min_size=1, max_size=4), st.dictionaries(VARIABLES, TEXTS, max_size=3),
        st.dictionaries(VARIABLES, st.from_regex(r"hush-[a-z]{20}", fullmatch=True), max_size=3),
        st.none() | st.floats(0.1, 1e6), st.none() | st.floats(0.01, 1e4), st.none() | st.integers(1, 256),
        st.integers(0, 16),
    )  # fmt: skip
    def test_it_says_what_the_task_says_and_no_secret(
        self, key: Key, command: list[str], env: dict[str, str], secrets: dict[str, str], timeout_s: float | None,
        memory_gib: float | None, cpus: int | None, accelerators: int,
    ) -> None:  # fmt: skip
        task = Task(key, tuple(command), env, timeout_s, memory_gib, cpus, accelerators, secrets=secrets)
        told = job(task, OPTIONS, NAMES)
        assert not any(value in str(told) for value in secrets.values())
        pod = told["spec"]["template"]["spec"]
        (main,) = pod["containers"]
        words = [expanded(word, {"HOME": "no", "PATH": "no"} | env) for word in main["command"]]
        assert words[:3] == ["/bin/sh", "-c", WRAPPER]
        assert words[4] == str(key.generation)
        assert words[5] == "" if timeout_s is None else float(words[5]) >= timeout_s
        assert words[6:] == command
        seen = {one["name"]: expanded(one["value"], {}) for one in main["env"]}
        assert seen.items() >= {n: v for n, v in env.items() if not n.startswith("SITUS_")}.items()
        limits = main["resources"]["limits"]
        assert main["resources"]["requests"] == limits
        assert limits.get("cpu") == (None if cpus is None else str(cpus))
        assert limits.get("nvidia.com/gpu") == (str(accelerators) if accelerators else None)
        if memory_gib is not None:
            assert memory_gib * 2**30 <= int(limits["memory"]) < memory_gib * 2**30 + 1
        assert ("envFrom" in main) == bool(secrets)

    def test_it_runs_once_and_confined(self) -> None:
        told = job(Task(KEY, ("true",)), OPTIONS, NAMES)
        pod = told["spec"]["template"]["spec"]
        assert (told["spec"]["backoffLimit"], told["spec"]["completions"], pod["restartPolicy"]) == (
            0,
            1,
            "Never",
        )
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for one in (pod, folder(KEY, OPTIONS, NAMES)["spec"]):
            (container,) = one["containers"]
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
            }  # fmt: skip

    def test_options_reach_it(self) -> None:
        options = KubernetesOptions(
            image="debian:12", tools_image="tools:1", pull="always", image_pull_secret="registry",
            node_selector=(("gpu", "a100"),),
            tolerations=(Toleration("nvidia.com/gpu", None, None), Toleration("team", "ml", "NoSchedule")),
            accelerator_resource="amd.com/gpu", queue="research", priority_class="low",
            storage_class="fast", storage_gib=2.5, user=1000, mounts=("/data:/in:ro", "/scratch:/scratch"),
        )  # fmt: skip
        told = job(Task(KEY, ("true",), accelerators=2), options, NAMES)
        assert told["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"
        pod = told["spec"]["template"]["spec"]
        opener = folder(KEY, options, NAMES)["spec"]
        for one in (pod, opener):
            assert one["nodeSelector"] == {"gpu": "a100"}
            assert one["tolerations"] == [
                {"key": "nvidia.com/gpu", "operator": "Exists"},
                {"key": "team", "operator": "Equal", "value": "ml", "effect": "NoSchedule"},
            ]
            assert one["imagePullSecrets"] == [{"name": "registry"}]
            assert one["priorityClassName"] == "low"
            assert one["securityContext"]["runAsUser"] == 1000
        (main,) = pod["containers"]
        assert main["resources"]["limits"] == {"amd.com/gpu": "2"}
        assert (main["imagePullPolicy"], opener["containers"][0]["image"]) == ("Always", "tools:1")
        assert [(m["mountPath"], m["readOnly"]) for m in main["volumeMounts"][2:]] == [
            ("/in", True), ("/scratch", False),
        ]  # fmt: skip
        assert [v["hostPath"]["path"] for v in pod["volumes"][2:]] == ["/data", "/scratch"]
        spec = claim(KEY, options, NAMES)["spec"]
        assert spec["storageClassName"] == "fast"
        assert spec["resources"]["requests"]["storage"] == "2560Mi"

    def test_runs_may_share_a_claim_and_see_only_their_own_folder(self) -> None:
        options = KubernetesOptions(image="debian:12", claim="team")
        pod = job(Task(KEY, ("true",)), options, NAMES)["spec"]["template"]["spec"]
        opener = folder(KEY, options, NAMES)
        for one in (pod, opener["spec"]):
            assert one["volumes"][0]["persistentVolumeClaim"] == {"claimName": "team"}
        assert pod["containers"][0]["volumeMounts"][0]["subPath"] == NAMES.run(KEY)
        assert opener["metadata"] == folder(Key("other", 1), options, NAMES)["metadata"]
        assert "situs/run" not in opener["metadata"]["labels"]
        both = {"claim": "team", "storage_class": "fast"}
        assert [*KUBERNETES.check(both)] != []
        assert [*KUBERNETES.check({"claim": "team"})] == []

    def test_its_secret_goes_with_it(self) -> None:
        told = secret(Task(KEY, ("true",), secrets={"PASS": "x"}), NAMES, "uid-1")
        assert told["stringData"] == {"PASS": "x"}
        assert told["metadata"]["ownerReferences"][0]["uid"] == "uid-1"

    @pytest.mark.parametrize("env", [{"A B": ""}, {"A=B": ""}, {"A": "\0"}, {"": ""}])
    def test_what_no_environment_can_hold_is_refused(self, env: dict[str, str]) -> None:
        with pytest.raises(SitusError, match="cannot be set"):
            job(Task(KEY, ("true",), env), OPTIONS, NAMES)

    def test_it_needs_an_image(self) -> None:
        with pytest.raises(SitusError, match="option image"):
            job(Task(KEY, ("true",)), KubernetesOptions(), NAMES)

    @settings(deadline=None)
    @given(TEXTS, st.dictionaries(VARIABLES, TEXTS, max_size=2))
    def test_dollars_stay_what_they_are(self, text: str, known: dict[str, str]) -> None:
        assert expanded(literal(text), known) == text


class TestStates:
    def pod(self, state: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z", **more.get("metadata", {})},
            "spec": {"containers": [{"name": MAIN, "resources": {"limits": {"memory": str(2**30)}}}]},
            "status": {
                "phase": more.get("phase", "Running"), "conditions": more.get("conditions", []),
                "containerStatuses": [{"name": MAIN, "state": state}] if state else [],
            },
        }  # fmt: skip

    def ended(self, code: int, message: str = "", reason: str = "Error", **more: Any) -> dict[str, Any]:
        stamps = {"startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:04Z"}
        end = {"exitCode": code, "reason": reason, "message": message, **stamps}
        return self.pod({"terminated": end}, **more)

    def test_what_the_run_told_counts(self) -> None:
        message = "reason= wall_cs=1250 cpu_us=3500000 peak_bytes=536870912"
        status = judged(Record(True), None, [self.ended(7, message)])
        assert status == Status("ended", 7, "exited", Usage(12.5, 3.5, 0.5))
        status = judged(
            Record(True), None, [self.ended(137, "reason=timeout wall_cs=100 cpu_us= peak_bytes=")]
        )
        assert status == Status("ended", -9, "timeout", Usage(1.0, None, None))

    def test_without_a_word_of_it_the_cluster_is_believed(self) -> None:
        assert judged(Record(True), None, [self.ended(137)]) == Status(
            "ended", -9, "signalled", Usage(3.0, None, None)
        )
        status = judged(Record(True), None, [self.ended(137, reason="OOMKilled")])
        assert (status.reason, status.usage) == ("memory", Usage(3.0, None, 1.0))
        status = judged(Record(True), None, [self.ended(128, "no such file: /bin/sh", "StartError")])
        assert (status.exit_code, status.reason, status.detail) == (128, "exited", "no such file: /bin/sh")

    def test_what_the_site_ended_is_told_as_cancelled_and_why(self) -> None:
        why = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": "room",
        }
        pod = self.ended(143, "reason=cancelled wall_cs=1", conditions=[why])
        status = judged(Record(True), None, [pod])
        assert (status.reason, status.detail) == ("cancelled", "PreemptionByScheduler: room")
        status = judged(Record(True), None, [self.ended(137, metadata={"deletionTimestamp": "x"})])
        assert status.reason == "cancelled"
        evicted = self.pod({}, phase="Failed")
        evicted["status"] |= {"reason": "Evicted", "message": "the node is full"}
        status = judged(Record(True), None, [evicted])
        assert (status.state, status.reason, status.detail) == (
            "ended", "cancelled", "Evicted: the node is full",
        )  # fmt: skip

    def test_what_somebody_asked_for_is_the_reason(self) -> None:
        record = Record(True, why="stopped")
        assert judged(record, None, [self.ended(0, "reason=stopped wall_cs=1")]).reason == "stopped"
        assert judged(record, None, []) == Status("ended", None, "stopped")
        assert judged(Record(True), None, []).reason == "lost"

    def test_why_it_waits_is_told(self) -> None:
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        status = judged(Record(True), None, [self.pod(waiting, phase="Pending")])
        assert status == Status("queued", detail="ImagePullBackOff: no such image")
        full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}
        status = judged(Record(True), None, [self.pod({}, phase="Pending", conditions=[full])])
        assert status == Status("queued", detail="Unschedulable: no room")
        suspended = {
            "metadata": {"labels": {"kueue.x-k8s.io/queue-name": "research"}},
            "spec": {"suspend": True},
        }
        assert judged(Record(True), suspended, []).detail == "waits in the queue research"
        assert judged(Record(True), {"metadata": {}, "spec": {}}, []).state == "queued"

    def test_a_job_whose_pod_was_taken_away_has_ended(self) -> None:
        failed = {
            "status": {"conditions": [{"type": "Failed", "status": "True"}]},
            "spec": {},
            "metadata": {},
        }
        assert judged(Record(True), failed, []).reason == "cancelled"

    def test_of_two_pods_the_first_one_counts(self) -> None:
        second = self.ended(75, "reason=lost", metadata={"creationTimestamp": "2026-01-02T00:00:00Z"})
        assert judged(Record(True), None, [second, self.pod({"running": {}})]).state == "running"


class TestNodes:
    def node(self, **more: Any) -> dict[str, Any]:
        return {
            "metadata": {"labels": more.get("labels", {})},
            "spec": {"taints": more.get("taints", []), "unschedulable": more.get("unschedulable", False)},
            "status": {
                "allocatable": {"cpu": "15890m", "memory": "64Gi", **more.get("has", {})},
                "conditions": [{"type": "Ready", "status": more.get("ready", "True")}],
            },
        }  # fmt: skip

    def test_nodes_are_counted_by_shape(self) -> None:
        gpu = {"labels": {"nvidia.com/gpu.product": "NVIDIA-A100"}, "has": {"nvidia.com/gpu": "8"}}
        found = inventory([self.node(), self.node(), self.node(**gpu)], OPTIONS)
        assert found.nodes == (Nodes(2, 15, 64.0), Nodes(1, 15, 64.0, {"NVIDIA-A100": 8}))
        assert (found.cpus, found.accelerators) == (45, {"NVIDIA-A100": 8})

    def test_nodes_that_runs_cannot_be_on_do_not_count(self) -> None:
        taint = {"key": "team", "value": "ml", "effect": "NoSchedule"}
        listed = [
            self.node(ready="False"), self.node(unschedulable=True), self.node(taints=[taint]),
            self.node(taints=[{**taint, "effect": "PreferNoSchedule"}]),
        ]  # fmt: skip
        assert inventory(listed, OPTIONS).cpus == 15
        for toleration, cpus in ((Toleration("team", "ml", None), 30), (Toleration("team", "x", None), 15)):
            assert inventory(listed, KubernetesOptions(tolerations=(toleration,))).cpus == cpus
        chosen = KubernetesOptions(node_selector=(("zone", "a"),))
        assert inventory([self.node(labels={"zone": "a"}), self.node()], chosen).cpus == 15

    @pytest.mark.parametrize(
        ("text", "number"), [("2", 2), ("1500m", 1.5), ("64Gi", 64 * 2**30), ("1k", 1000), ("129e", None)]
    )
    def test_quantities(self, text: str, number: float | None) -> None:
        if number is None:
            with pytest.raises(ValueError, match="no quantity"):
                quantity(text)
        else:
            assert quantity(text) == number


class TestPermissions:
    def test_what_is_shipped_is_what_is_needed(self) -> None:
        documents = list(yaml.safe_load_all(manifests("research")))
        assert [one["kind"] for one in documents] == [
            "Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
        ]  # fmt: skip
        assert missing(documents[2]["rules"]) == []
        assert documents[4]["rules"] == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]

    def test_it_is_the_least(self) -> None:
        words = {verb for verbs in RULES.values() for verb in verbs}
        assert "*" not in words
        assert not {"get", "list", "watch"} & set(RULES["", "secrets"])

    def test_what_is_missing_is_named(self) -> None:
        rules = yaml.safe_load_all(manifests("research"))
        (role,) = (one for one in rules if one["kind"] == "Role")
        less = [rule for rule in role["rules"] if rule["resources"] != ["jobs"]]
        assert missing(less) == ["create jobs", "delete jobs", "get jobs"]
        one = {"apiGroups": ["batch"], "resources": ["jobs"], "resourceNames": ["mine"], "verbs": ["*"]}
        assert missing([*less, one]) == ["create jobs", "delete jobs", "get jobs"]
        assert missing([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]) == []


class TestOptions:
    def test_the_kind_is_known(self) -> None:
        assert "kubernetes" in kinds()
        assert kind("kubernetes") is KUBERNETES

    @pytest.mark.parametrize(
        ("option", "text", "value"),
        [
            ("node_selector", "gpu=a100, zone=", (("gpu", "a100"), ("zone", ""))),
            ("tolerations", "nvidia.com/gpu", (Toleration("nvidia.com/gpu", None, None),)),
            ("tolerations", "a=b:NoExecute", (Toleration("a", "b", "NoExecute"),)),
            ("storage_gib", "2.5", 2.5),
            ("user", "1000", 1000),
            ("mounts", "/a:/b, /c:/d:ro", ("/a:/b", "/c:/d:ro")),
            ("namespace", "research", "research"),
        ],
    )
    def test_they_are_read(self, option: str, text: str, value: object) -> None:
        assert KUBERNETES.options[option].read(text) == value

    @pytest.mark.parametrize(
        ("option", "text"),
        [
            ("node_selector", "gpu"), ("node_selector", "g pu=x"), ("tolerations", "a:Never"), ("pull", "maybe"),
            ("storage_gib", "0"), ("storage_gib", "ten"), ("user", "0"), ("user", "root"), ("mounts", "a:/b"),
            ("mounts", "/a"), ("namespace", "Research"), ("namespace", "a" * 64), ("kubeconfig", "/no/such"),
            ("accelerator_resource", "gpu!"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said(self, option: str, text: str) -> None:
        with pytest.raises(ValueError, match=r"."):
            KUBERNETES.options[option].read(text)
