"""SkyPilot tasks as workloads."""

from __future__ import annotations

import pytest

from situs.intent import loads
from situs.intent.importing import Imported
from situs.intent.importing.skypilot import read_skypilot
from situs.intent.reader import read_text
from situs.model.error import InputError
from situs.model.workload import Stage


def imported(text: str, hours: float | None = None, data_gb: float | None = None) -> Imported:
    result = read_skypilot(read_text(text, "task.yaml"), hours, data_gb)
    # Whatever comes out is a sound estate that says the same.
    assert loads(result.yaml()).intent == result.intent
    return result


def unmapped(result: Imported) -> dict[str, str]:
    return {remark.what: str(remark.at) for remark in result.unmapped}


def test_resources_count_for_each_node_and_shapes_over_all() -> None:
    result = imported(
        "name: pretrain\nnum_nodes: 4\nresources: {accelerators: 'A100-80GB:8', cpus: 96+, memory: 8x, "
        "disk_size: 512, use_spot: true}\nrun: torchrun train.py\n",
        hours=36,
    )
    workload = result.intent.workloads["pretrain"]
    (shape,) = workload.shapes
    assert (shape.nodes, shape.accelerators, shape.cpu, shape.memory) == (4, 32, 384, 4 * 96 * 8)
    assert shape.accelerator == {"A100-80GB"}
    assert workload.job is not None
    assert workload.job.work == 36
    assert workload.label is None  # it asked for spot
    assert workload.run is not None
    assert workload.run.command == ("bash", "-c", "torchrun train.py")


@pytest.mark.parametrize(
    ("accelerators", "expected"),
    [
        ("V100", {("V100", 1)}),
        ("H100:8", {("H100", 8)}),
        ("L4:0.5", {("L4", 0.5)}),
        ("{A100: 1, V100-32GB: 2}", {("A100", 1), ("V100-32GB", 2)}),
        ("{'A100:1', 'L40S:2'}", {("A100", 1), ("L40S", 2)}),
        ("['A100:1', 'V100:2', 'nvidia-tesla-t4:4']", {("A100", 1), ("V100", 2), ("T4", 4)}),
    ],
)
def test_every_way_to_name_accelerators(accelerators: str, expected: set[tuple[str, float]]) -> None:
    result = imported(f"resources: {{accelerators: {accelerators}, use_spot: true}}\nrun: x\n")
    shapes = result.intent.workloads["task"].shapes
    assert {(model, s.accelerators) for s in shapes for model in s.accelerator or ()} == expected
    assert len({shape.name for shape in shapes}) == len(shapes)


@pytest.mark.parametrize(
    ("memory", "gib"),
    [("32", 32), ("32+", 32), ("32GB", 32), ("'64Gi+'", 64), ("1TB", 1024), ("4x", 16), ("0.5", 0.5)],
)
def test_every_way_to_write_memory(memory: str, gib: float) -> None:
    result = imported(f"resources: {{cpus: 4+, memory: {memory}}}\n")
    assert result.intent.workloads["task"].shapes[0].memory == gib


def test_choices_inherit_what_stands_around_them() -> None:
    result = imported(
        "resources:\n  cpus: 8\n  memory: 32\n  any_of:\n    - {infra: aws/us-west-2, accelerators: H100}\n"
        "    - {infra: gcp, accelerators: L4, memory: 64}\nrun: x\n"
    )
    shapes = {s.name: (s.cpu, s.memory) for s in result.intent.workloads["task"].shapes}
    assert shapes == {"H100x1": (8, 32), "L4x1": (8, 64)}
    (rule,) = result.intent.rules.values()
    assert rule.only_at is not None
    assert rule.only_at.operator == {"aws", "gcp"}
    assert rule.applies_to is not None
    assert rule.applies_to.name == {"task"}
    assert unmapped(result)["region or zone 'us-west-2'"] == "task.yaml:5:7"


def test_one_choice_without_a_cloud_frees_all() -> None:
    result = imported("resources:\n  ordered:\n    - {infra: aws}\n    - {cpus: 4}\nrun: x\n")
    assert not result.intent.rules
    assert {"the order of the choices", "infra aws of some of the choices"} <= set(unmapped(result))


def test_a_task_that_does_not_ask_for_spot_is_kept_off_it() -> None:
    for resources in ("{cpus: 2}", "{cpus: 2, use_spot: false}"):
        result = imported(f"resources: {resources}\nrun: x\n")
        label = result.intent.workloads["task"].label
        assert label is not None
        assert (label.level, label.obligations) == (0, {"no-spot"})
        assert "label" in {remark.what for remark in result.assumed}


def test_buckets_become_datasets_and_local_files_are_told() -> None:
    result = imported(
        "file_mounts:\n  /in: s3://corpus/v2\n  /copy: {source: 'gs://weights', mode: COPY}\n"
        "  /out: {name: results, store: gcs, mode: MOUNT}\n  /code: ./src\n"
        "inputs: {'s3://corpus/v2': 150}\nrun: x\n",
        data_gb=7,
    )
    workload = result.intent.workloads["task"]
    assert [item.dataset for item in workload.inputs] == ["corpus-v2", "weights"]
    assert [item.dataset for item in workload.outputs] == ["results"]
    assert {name: d.size_gb for name, d in result.intent.datasets.items()} == {
        "corpus-v2": 150, "weights": 7, "results": 7,
    }  # fmt: skip
    assert unmapped(result)["file_mounts '/code': './src'"] == "task.yaml:5:3"
    assert any(remark.what == "size of gs://weights" for remark in result.assumed)


def test_a_service_counts_its_replicas_and_their_rate() -> None:
    result = imported(
        "service:\n  readiness_probe: /health\n  replica_policy: {min_replicas: 3, max_replicas: 9, "
        "target_qps_per_replica: 5}\nresources: {ports: 8080, accelerators: L4}\nrun: serve\n"
    )
    workload = result.intent.workloads["task"]
    assert workload.stage is Stage.SERVE
    assert workload.service is not None
    assert workload.service.requests_per_s == 15
    assert workload.shapes[0].throughput == 5
    assert workload.run is not None
    assert (workload.run.port, workload.run.health) == (8080, "/health")
    assert "max_replicas 9" in unmapped(result)


def test_the_tasks_of_a_pipeline_follow_each_other() -> None:
    result = imported("name: pipeline\n---\nname: prepare\nrun: a\n---\nname: train\nrun: b\n")
    assert result.intent.workloads["train"].after == ("prepare",)
    assert "name of the pipeline 'pipeline'" in unmapped(result)


def test_secrets_are_not_written_down() -> None:
    result = imported("secrets: {TOKEN: hunter2}\nenvs: {A: 1, B: true, C: }\nrun: x\n")
    assert "hunter2" not in result.yaml()
    assert "hunter2" not in str(result.unmapped)
    assert "secrets" in unmapped(result)
    run = result.intent.workloads["task"].run
    assert run is not None
    assert run.env == {"A": "1", "B": "true", "C": ""}


def test_nothing_of_a_full_task_is_dropped_silently() -> None:
    fields = {
        "workdir": ".", "setup": "pip install", "config": "{a: 1}", "event_callback": "echo", "volumes": "{/v: v}",
        "experimental": "{x: 1}", "pool": "p",
    }  # fmt: skip
    inside = {
        "instance_type": "p4d", "accelerator_args": "{a: 1}", "disk_tier": "best", "network_tier": "best",
        "max_hourly_cost": "3", "image_id": "docker:x", "labels": "{a: b}", "autostop": "5", "job_recovery": "none",
        "local_disk": "nvme", "ports": "80", "priority": "500", "zone": "a",
    }  # fmt: skip
    text = "\n".join(f"{key}: {value}" for key, value in fields.items())
    text += "\nresources:\n" + "\n".join(f"  {key}: {value}" for key, value in inside.items()) + "\nrun: x\n"
    told = " ".join(unmapped(imported(text)))
    assert [field for field in [*fields, *inside] if field not in told] == []


def test_mistakes_are_told_at_their_place() -> None:
    with pytest.raises(InputError) as caught:
        imported(
            "resorces: {}\nnum_nodes: 0\nresources:\n  cpus: four\n  accelerators: 'A100:-1'\n  memmory: 3\n"
        )
    assert [str(p) for p in caught.value.problems] == [
        "task.yaml:1:1: a task has no field 'resorces' (did you mean resources?)",
        "task.yaml:2:1: num_nodes 0 is not a whole number from 1",
        "task.yaml:5:3: 'A100:-1' is not an accelerator with a number (write A100:8)",
        "task.yaml:4:3: cpus: 'four' is not a quantity; write a number and a unit, such as '8'",
        "task.yaml:6:3: resources have no field 'memmory' (did you mean memory?)",
    ]


@pytest.mark.parametrize("text", ["", "---\n", "a task", "resources: [1]\nrun: x"])
def test_what_is_no_task_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        imported(text)
    assert all(problem.at is not None for problem in caught.value.problems)
