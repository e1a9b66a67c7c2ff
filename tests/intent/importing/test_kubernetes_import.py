"""Kubernetes manifests as workloads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.intent import loads
from situs.intent.importing import Imported
from situs.intent.importing.kubernetes import read_kubernetes
from situs.intent.importing.kubernetes_quantity import parse_quantity, runs_per_month
from situs.intent.reader import read_text
from situs.model.error import InputError
from situs.model.workload import Workload


def imported(*objects: dict[str, Any], hours: float | None = None) -> Imported:
    text = "\n---\n".join(json.dumps(item) for item in objects)
    result = read_kubernetes(read_text(text, "all.yaml"), hours)
    assert loads(result.yaml()).intent == result.intent
    return result


def deployment(pod: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "resources": {"requests": {"cpu": "2", "memory": "4Gi"}}}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]} | (pod or {})}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
        "spec": {"template": template} | spec,
    }  # fmt: skip


def only(result: Imported) -> Workload:
    (workload,) = result.intent.workloads.values()
    return workload


def told(result: Imported) -> str:
    return "\n".join(str(remark) for remark in result.unmapped)


def container(**resources: Any) -> dict[str, Any]:
    return {"name": "c", "resources": resources}


def test_requests_of_containers_add_up_and_init_containers_need_their_own() -> None:
    pod = {
        "containers": [
            container(requests={"cpu": "500m", "memory": "1Gi"}),
            container(limits={"cpu": 1, "memory": "512Mi", "nvidia.com/gpu": 2, "ephemeral-storage": "10G"}),
        ],
        "initContainers": [
            container(requests={"cpu": 4, "memory": "1Mi"}),
            container(requests={"cpu": "250m"}) | {"restartPolicy": "Always"},
        ],
    }
    (shape,) = only(imported(deployment(pod))).shapes
    assert (shape.cpu, shape.memory, shape.accelerators, shape.disk) == (4, 1.5, 2, 10)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_replicas_become_what_must_be_answered(kind: str) -> None:
    workload = only(imported(deployment(replicas=5) | {"kind": kind}))
    assert workload.service is not None
    assert workload.service.requests_per_s == 5
    assert workload.shapes[0].throughput == 1
    assert workload.count == 1


def test_a_job_runs_once_in_parallel_and_in_rounds() -> None:
    job = deployment({"restartPolicy": "Never"}, parallelism=4, completions=10) | {"kind": "Job"}
    result = imported(job, hours=2)
    workload = only(result)
    assert workload.job is not None
    assert (workload.count, workload.job.work, workload.job.per_month) == (4, 6, None)
    assert any("completions 10 by 4" in remark.what for remark in result.assumed)


def test_a_cron_job_runs_as_often_as_its_schedule_says() -> None:
    cron = {
        "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "lab"},
        "spec": {"schedule": "30 2 * * *", "suspend": True, "jobTemplate": {"spec": deployment()["spec"]}},
    }  # fmt: skip
    result = imported(cron)
    job = result.intent.workloads["lab.nightly"].job
    assert job is not None
    assert job.per_month == pytest.approx(365 / 12, abs=1e-3)
    assert "suspend true" in told(result)


@pytest.mark.parametrize(
    ("schedule", "per_year"),
    [
        ("0 3 * * *", 365), ("*/15 * * * *", 365 * 96), ("0 0 1 * *", 12), ("@weekly", 365 / 7), ("0 0 31 * *", 7),
        ("0 0 * * 1-5", 365 * 5 / 7), ("0 0 * * 0,7", 365 / 7), ("0 0 29 2 *", 0),
        ("5,35 8-17 * jan-mar MON", 90 / 7 * 20),
        ("0 0 1 1 *", 1), ("0 */6 * * *", 365 * 4), ("10-40/10 0 * * *", 365 * 4),
    ],
)  # fmt: skip
def test_schedules(schedule: str, per_year: float) -> None:
    assert runs_per_month(schedule) * 12 == pytest.approx(per_year)


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "60 * * * *", "0 0 0 * *", "5-1 * * * *", "*/0 * * * *", "x * * * *"]
)
def test_wrong_schedules(schedule: str) -> None:
    with pytest.raises(ValueError, match="cron schedule"):
        runs_per_month(schedule)


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", 0.5), (2, 2), ("1Gi", 2**30), ("1.5G", 1.5e9), ("1e3", 1000), ("100Ki", 102400), (".5", 0.5)],
)
def test_quantities(text: object, value: float) -> None:
    assert parse_quantity(text) == pytest.approx(value)


@given(st.one_of(st.text(max_size=8), st.booleans(), st.floats(), st.none()))
def test_any_quantity_is_read_or_refused(value: object) -> None:
    try:
        assert 0 <= parse_quantity(value) <= 1e24
    except ValueError as error:
        assert "quantity" in str(error) or "more than" in str(error)


def test_gpu_labels_name_the_accelerator_wherever_they_stand() -> None:
    gpu = {"containers": [container(limits={"nvidia.com/gpu": 1})]}
    by_selector = gpu | {
        "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4", "disk": "ssd"}
    }
    terms = [{"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "In",
                                    "values": ["NVIDIA-A100-SXM4-80GB", "NVIDIA-H100-80GB-HBM3"]}]}]  # fmt: skip
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    by_affinity = gpu | {"affinity": {"nodeAffinity": required}}
    result = imported(deployment(by_selector))
    assert only(result).shapes[0].accelerator == {"T4"}
    assert "node label disk ssd" in told(result)
    assert only(imported(deployment(by_affinity))).shapes[0].accelerator == {"A100-80GB", "H100"}


def test_only_what_selects_spot_may_go_there() -> None:
    spot = only(imported(deployment({"nodeSelector": {"karpenter.sh/capacity-type": "spot"}})))
    assert spot.label is None
    written = imported(deployment())
    steady = only(written)
    assert steady.label is not None
    assert steady.label.obligations == {"no-spot"}
    assert "label" in {remark.what for remark in written.assumed}


def anti(key: str, app: str = "x") -> dict[str, Any]:
    term = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def test_required_anti_affinity_to_itself_is_spread() -> None:
    workload = only(imported(deployment(anti("topology.kubernetes.io/region"), replicas=2)))
    assert workload.count == 2  # each on its own, so that they can be at two sites
    assert workload.service is not None
    assert workload.service.requests_per_s == 1
    (spread,) = workload.spread
    assert (spread.over, spread.at_most) == ("site", 1)
    (spread,) = only(imported(deployment(anti("topology.kubernetes.io/zone"), replicas=2))).spread
    assert (spread.over, spread.at_most) == ("power_zone", 1)
    inside = imported(deployment(anti("kubernetes.io/hostname"), replicas=2))
    assert not only(inside).spread
    assert "anti-affinity over kubernetes.io/hostname" in told(inside)


@pytest.mark.parametrize(
    ("replicas", "domains", "skew", "at_most"), [(6, 3, 1, 2), (7, 3, 1, 3), (6, 2, 2, 4), (2, 2, 1, 1)]
)
def test_a_spread_constraint_allows_the_fullest_place_it_can_have(
    replicas: int, domains: int, skew: int, at_most: int
) -> None:
    constraint = {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": skew, "minDomains": domains,
                  "whenUnsatisfiable": "DoNotSchedule"}  # fmt: skip
    workload = only(imported(deployment({"topologySpreadConstraints": [constraint]}, replicas=replicas)))
    assert workload.spread[0].at_most == at_most
    # By hand: the fullest place when all differ by no more than the skew.
    fullest = max(
        most for most in range(replicas + 1)
        if any(most + rest == replicas for rest in range((domains - 1) * max(0, most - skew), (domains - 1) * most + 1))
    )  # fmt: skip
    assert at_most == fullest


def test_affinity_finds_the_pods_it_means() -> None:
    near = deployment()
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}}
    near["spec"]["template"]["spec"]["affinity"] = {
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    }
    db = deployment()
    db["metadata"] = {"name": "db", "namespace": "data"}
    db["spec"]["template"]["metadata"]["labels"] = {"app": "db", "tier": "1"}
    assert imported(near, db).intent.workloads["x"].affinity == {"data.db"}
    assert "no such pods" in told(imported(near))


def test_claims_become_datasets_with_their_size() -> None:
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "models"},
             "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "20G"}}}}  # fmt: skip
    volumes = [
        {"name": "m", "persistentVolumeClaim": {"claimName": "models"}},
        {"name": "gone", "persistentVolumeClaim": {"claimName": "elsewhere"}},
        {"name": "nfs", "nfs": {"server": "s", "path": "/p"}},
    ]
    result = imported(deployment({"volumes": volumes}), claim)
    assert {name: d.size_gb for name, d in result.intent.datasets.items()} == {"models": 20, "elsewhere": 0}
    assert [item.remote for item in only(result).inputs] == [False, False]
    assert "storage class 'fast'" in told(result)
    assert "volume 'nfs' (nfs)" in told(result)


def test_a_stateful_set_asks_for_storage_for_each_replica() -> None:
    template = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "100G"}}}}
    result = imported(deployment(replicas=3, volumeClaimTemplates=[template]) | {"kind": "StatefulSet"})
    assert result.intent.datasets["data-x"].size_gb == 300


def test_lists_and_bare_templates_are_read() -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container(requests={"cpu": 1})]}}
    template = {
        "kind": "PodTemplate",
        "metadata": {"name": "t"},
        "template": {"spec": pod["spec"] | {"restartPolicy": "Never"}},
    }
    result = imported({"kind": "List", "items": [pod, template]})
    assert result.intent.workloads["p"].service is not None
    assert result.intent.workloads["t"].job is not None


def test_everything_else_is_told() -> None:
    inside = {"tolerations": [{"key": "a"}], "priorityClassName": "high", "hostNetwork": True, "schedulerName": "s",
              "containers": [container() | {"image": "i", "env": [], "command": ["x"], "ports": []}]}  # fmt: skip
    result = imported(
        deployment(inside, strategy={"type": "Recreate"}),
        {"kind": "Service", "metadata": {"name": "svc"}},
        {"kind": "PersistentVolumeClaim", "metadata": {"name": "loose"}, "spec": {}},
    )
    text = told(result)
    for word in ("tolerations", "priorityClassName 'high'", "hostNetwork, schedulerName", "command, env, image, ports",
                 "of the Deployment: strategy", "Service 'svc'", "PersistentVolumeClaim 'loose'"):  # fmt: skip
        assert word in text, word
    assert {remark.what for remark in result.assumed} >= {"cpu", "memory", "stage", "requests per second"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "there is no Kubernetes object in it"),
        ("a: 1", "it has no kind"),
        ("{kind: Deployment, spec: {replicas: -1}}", "replicas -1 is not a whole number"),
        ("{kind: Job, metadata: {name: j}}", "Job 'j' has no containers"),
        (
            "{kind: Pod, spec: {containers: [{resources: {requests: {cpu: lots}}}]}}",
            "all.yaml:1:57: cpu: 'lots' is not a Kubernetes quantity",
        ),
        ("{kind: CronJob, spec: {schedule: 'now'}}", "'now' is not a cron schedule"),
        ("{kind: List, items: [1]}", "this item is not a Kubernetes object"),
    ],
)
def test_mistakes_are_told(text: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        read_kubernetes(read_text(text, "all.yaml"))
    assert what in str(caught.value)
    assert all(problem.at is not None for problem in caught.value.problems)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(alphabet="ab1", max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["spec", "template", "containers", "resources", "requests", "cpu", "metadata", "name",
                             "replicas", "affinity", "podAntiAffinity", "nodeSelector", "volumes", "jobTemplate",
                             "schedule", "topologySpreadConstraints", "persistentVolumeClaim", "claimName",
                             "requiredDuringSchedulingIgnoredDuringExecution", "nodeAffinity", "initContainers"]),
            inner, max_size=4,
        ),
    ),
    max_leaves=25,
)  # fmt: skip


@given(kind=st.sampled_from(["Deployment", "CronJob", "Pod", "StatefulSet", "List"]), value=JSON)
def test_any_object_is_imported_or_refused(kind: str, value: object) -> None:
    item = {"kind": kind, "items": [value]} | (value if isinstance(value, dict) else {"spec": value})
    try:
        imported(item)
    except InputError as error:
        assert error.problems
