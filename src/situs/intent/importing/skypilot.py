"""SkyPilot task YAML: one task for each document, or a pipeline of several.

A task's resources are for each of its nodes; situs counts over all nodes of a shape.  Every way to size the
task (``any_of``, ``ordered``, several accelerators) is one shape.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from situs.intent.hints import did_you_mean
from situs.intent.importing.accelerators import accelerator_name
from situs.intent.importing.draft import Draft, quantity, sound_name
from situs.intent.importing.result import Imported
from situs.intent.reader import Document
from situs.model.error import Position
from situs.model.quantity import Gb, Gib, Number

TASK_FIELDS = {
    "name", "workdir", "num_nodes", "resources", "envs", "secrets", "volumes", "file_mounts", "setup", "run",
    "config", "service", "event_callback", "inputs", "outputs", "pool", "experimental",
}  # fmt: skip
RESOURCE_FIELDS = {
    "infra", "cloud", "region", "zone", "accelerators", "gpus", "accelerator_args", "cpus", "memory",
    "instance_type", "use_spot", "disk_size", "disk_tier", "network_tier", "max_hourly_cost", "image_id",
    "ports", "labels", "autostop", "any_of", "ordered", "job_recovery", "spot_recovery", "priority", "volumes",
    "local_disk",
}  # fmt: skip
BUCKET = re.compile(
    r"(s3|gs|r2|cos|oci|nebius|cw)://([^/\s]+)(/\S*)?|https://\S+\.blob\.core\.windows\.net/\S+"
)
_SCHEMES = {"gcs": "gs", "r2": "r2", "ibm": "cos", "oci": "oci", "nebius": "nebius"}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgtpKMGTP]?)[iI]?[bB]?\s*\+?\s*", re.ASCII)
WHY_RUNTIME = "situs places work; set it where the work is started"


def read_skypilot(
    documents: list[Document], hours: float | None = None, data_gb: float | None = None
) -> Imported:
    """SkyPilot tasks as workloads.

    ``hours`` is the length of a run and ``data_gb`` the size of a dataset where the task does not tell them.
    """
    draft = Draft("SkyPilot task YAML")
    found = False
    for _, of_file in itertools.groupby(documents, key=lambda document: document.file):
        found |= _pipeline(draft, list(of_file), hours, data_gb)
    if not found:
        file = documents[0].file if documents else "<input>"
        draft.problem(Position(file), "there is no task in it", "a task has resources: or run:")
    return draft.finished()


def _pipeline(draft: Draft, documents: list[Document], hours: float | None, data_gb: float | None) -> bool:
    """The tasks of one file, which run one after another; whether there was any."""
    before: str | None = None
    for number, document in enumerate(documents):
        draft.problems(document.slips)
        value = document.value
        if value is None:
            continue
        if not isinstance(value, dict):
            what = "a task must be a mapping of fields"
            draft.problem(document.position(), what, "begin with resources: or run:")
            continue
        if number == 0 and set(value) == {"name"} and len(documents) > 1:
            what = f"name of the pipeline {value['name']!r}"
            draft.unmapped(document.position("name"), what, "only tasks have names")
            continue
        name = _Task(draft, document, hours, data_gb).add()
        if before is not None:
            draft.entry("workloads", name)["after"] = [before]
        before = name
    return before is not None


class _Task:
    def __init__(self, draft: Draft, document: Document, hours: float | None, data_gb: float | None) -> None:
        self._draft = draft
        self._document = document
        self._value: dict[str, Any] = document.value
        self._hours = hours
        self._data_gb = data_gb
        self._name = draft.free_name("workloads", str(self._value.get("name") or "task"))
        self._path = ("workloads", self._name)
        self._operators: list[str | None] = []

    def add(self) -> str:
        """Put the task into the draft; gives its name there."""
        for field in self._value:
            if field not in TASK_FIELDS:
                self._draft.problem(
                    self._at(field), f"a task has no field {field!r}", did_you_mean(field, TASK_FIELDS)
                )
        serves = isinstance(self._value.get("service"), dict)
        resources = self._value.get("resources") or {}
        shapes = self._shapes(resources) if isinstance(resources, dict) else []
        if not isinstance(resources, dict):
            self._draft.problem(self._at("resources"), "resources must be a mapping of fields")
        entry: dict[str, Any] = {"stage": "serve" if serves else "train", "shapes": shapes}
        self._draft.assumed(
            self._at(), "stage", f"{entry['stage']} is written; SkyPilot has no stages", self._path
        )
        entry |= self._service() if serves else self._job()
        entry |= self._run()
        if not any(self._uses_spot(resources)):
            # Without use_spot SkyPilot takes machines that stay; the work may not bear an interruption.
            self._draft.keep_off_spot(entry, self._at(), self._path)
        self._data(entry)
        self._draft.add("workloads", self._name, entry, self._at())
        self._operator_rule()
        for field, why in (
            ("workdir", "its files are not sent; list what the work needs under run.files"),
            ("setup", "bake it into the image, or begin the command with it"),
            ("secrets", "secrets do not belong into an estate"),
            ("volumes", "describe what is on it as a dataset"),
            ("config", WHY_RUNTIME),
            ("event_callback", WHY_RUNTIME),
            ("pool", WHY_RUNTIME),
            ("experimental", WHY_RUNTIME),
        ):
            if field in self._value:
                shown = "" if field in ("secrets", "setup") else f" {self._value[field]!r}"
                self._draft.unmapped(self._at(field), f"{field}{shown}", why, self._path)
        return self._name

    def _at(self, *path: str | int) -> Position:
        return self._document.position(*path)

    def _lost(self, at: Position, what: str, why: str) -> None:
        self._draft.unmapped(at, what, why, self._path)

    def _uses_spot(self, resources: Any) -> Iterator[bool]:
        for _, choice in self._choices(resources):
            yield choice.get("use_spot") is True

    def _choices(self, resources: Any) -> list[tuple[tuple[str | int, ...], dict[str, Any]]]:
        """Each alternative with what it inherits from the resources around it, and where it stands."""
        if not isinstance(resources, dict):
            return []
        common = {key: value for key, value in resources.items() if key not in ("any_of", "ordered")}
        for field in ("any_of", "ordered"):
            inner = resources.get(field)
            if isinstance(inner, list) and inner:
                return [
                    (("resources", field, k), common | choice)
                    for k, choice in enumerate(inner)
                    if isinstance(choice, dict)
                ]
        return [(("resources",), common)]

    def _shapes(self, resources: dict[str, Any]) -> list[dict[str, Any]]:
        if "ordered" in resources:
            self._lost(
                self._at("resources", "ordered"),
                "the order of the choices",
                "situs takes the cheapest that is allowed",
            )
        for field in ("any_of", "ordered"):
            choices = resources.get(field)
            if choices is not None and not (
                isinstance(choices, list) and choices and all(isinstance(choice, dict) for choice in choices)
            ):
                self._draft.problem(self._at("resources", field), f"{field} must be a list of resources")
        nodes = self._value.get("num_nodes", 1)
        if not isinstance(nodes, int) or isinstance(nodes, bool) or nodes < 1:
            self._draft.problem(self._at("num_nodes"), f"num_nodes {nodes!r} is not a whole number from 1")
            nodes = 1
        shapes: list[dict[str, Any]] = []
        for path, choice in self._choices(resources):
            self._operators.append(self._operator(path, choice))
            for shape in self._sized(path, choice, nodes):
                if shape not in shapes:
                    shapes.append(shape)
            self._other_resources(path, choice)
        if len(shapes) > 1:
            names: dict[str, int] = {}
            for shape in shapes:
                model = shape.get("accelerator", ["cpu"])[0]
                label = f"{model}x{shape['accelerators']:g}" if shape.get("accelerators") else "cpu"
                names[label] = names.get(label, 0) + 1
                shape["name"] = label if names[label] == 1 else f"{label}-{names[label]}"
        return [{"name": shape.pop("name"), **shape} if "name" in shape else shape for shape in shapes]

    def _sized(
        self, path: tuple[str | int, ...], choice: Mapping[str, Any], nodes: int
    ) -> Iterator[dict[str, Any]]:
        field = "gpus" if "gpus" in choice else "accelerators"
        wanted: list[tuple[str | None, float]] = list(self._accelerators((*path, field), choice.get(field)))
        for model, count in wanted or [(None, 0.0)]:
            shape: dict[str, Any] = {}
            cpu = self._size((*path, "cpus"), "cpus", choice.get("cpus"), Number)
            if cpu is None:
                self._draft.assumed(
                    self._at(*path), "cpus", "1 is written; the task does not say", self._path
                )
            memory = self._memory((*path, "memory"), choice.get("memory"), cpu)
            if memory is None:
                self._draft.assumed(
                    self._at(*path), "memory", "1GiB is written; the task does not say", self._path
                )
            shape["cpu"] = (cpu or 1.0) * nodes
            shape["memory"] = (memory or 1.0) * nodes
            if model is not None and count:
                shape["accelerators"] = count * nodes
                shape["accelerator"] = [model]
            disk = self._gib((*path, "disk_size"), "disk_size", choice.get("disk_size"))
            if disk is not None:
                shape["disk"] = disk * nodes
            if nodes > 1:
                shape["nodes"] = nodes
            yield shape

    def _accelerators(self, path: tuple[str | int, ...], value: Any) -> Iterator[tuple[str, float]]:
        if value is None:
            return
        if isinstance(value, dict):
            pairs: list[tuple[str, Any]] = list(value.items())
        else:
            # YAML has no sets of its own here: {A100:1, V100:1} without spaces comes as keys with nothing.
            texts = value if isinstance(value, list) else [value]
            pairs = [(str(text), None) for text in texts]
        for text, number in pairs:
            model, _, count = str(text).partition(":")
            try:
                amount = float(number if number is not None else (count or 1))
            except (TypeError, ValueError):
                amount = -1.0
            # Only a share of one accelerator may be a fraction.
            if not model.strip() or not (0 < amount <= 65536) or (amount > 1 and not amount.is_integer()):
                self._draft.problem(
                    self._at(*path), f"{text!r} is not an accelerator with a number", "write A100:8"
                )
                continue
            yield accelerator_name(model), amount

    def _size(self, path: tuple[str | int, ...], field: str, value: Any, kind: Any) -> float | None:
        """``4+`` is at least four, and so is ``4``: situs never gives less than is asked for."""
        if value is None:
            return None
        text = value.strip().removesuffix("+") if isinstance(value, str) else value
        return quantity(self._draft, self._at(*path), field, text, kind)

    def _memory(self, path: tuple[str | int, ...], value: Any, cpu: float | None) -> float | None:
        if isinstance(value, str) and value.strip().endswith("x"):
            times = self._size(path, "memory", value.strip()[:-1], Number)
            return None if times is None or cpu is None else times * cpu
        return self._gib(path, "memory", value)

    def _gib(self, path: tuple[str | int, ...], field: str, value: Any) -> float | None:
        """``32``, ``32+``, ``32GB`` and ``32Gi+`` are all 32 GiB: SkyPilot's gigabytes are binary ones."""
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return self._size(path, field, value, Gib)
        power = "bkmgtp".index(match[2].lower() or "g")
        return float(match[1]) * 2.0 ** (10 * power - 30)

    def _operator(self, path: tuple[str | int, ...], choice: Mapping[str, Any]) -> str | None:
        """The cloud that a choice is bound to; None for any."""
        infra = choice.get("infra")
        parts = str(infra).strip("/").split("/") if infra else []
        cloud = parts[0] if parts else choice.get("cloud")
        places = [
            part for part in (*parts[1:], choice.get("region"), choice.get("zone")) if part and part != "*"
        ]
        for place in places:
            self._lost(
                self._at(*path),
                f"region or zone {place!r}",
                "sites are yours to name; add only_at: {name: [...]} to a rule",
            )
        if cloud in (None, "*"):
            return None
        if str(cloud).lower() in ("kubernetes", "k8s", "ssh", "slurm", "local"):
            self._lost(
                self._at(*path), f"infra {infra or cloud!r}", "this is a way to reach a site, not an operator"
            )
            return None
        return str(cloud).lower()

    def _operator_rule(self) -> None:
        bound = [operator for operator in self._operators if operator is not None]
        if not bound:
            return
        if len(bound) < len(self._operators):
            self._lost(
                self._at("resources"), f"infra {', '.join(sorted(set(bound)))} of some of the choices",
                "another choice allows any, and so all are allowed",
            )  # fmt: skip
            return
        if len(set(bound)) > 1:
            self._lost(
                self._at("resources"),
                "which choice belongs to which cloud",
                "every choice is allowed at all of them",
            )
        rule = self._draft.free_name("rules", f"{self._name}-operator")
        entry = {
            "title": f"{self._name} was bound to these clouds in its SkyPilot task",
            "applies_to": {"name": [self._name]},
            "only_at": {"operator": sorted(set(bound))},
        }
        self._draft.add("rules", rule, entry, self._at("resources"))

    def _other_resources(self, path: tuple[str | int, ...], choice: Mapping[str, Any]) -> None:
        for field in choice:
            if field not in RESOURCE_FIELDS:
                self._draft.problem(
                    self._at(*path, field),
                    f"resources have no field {field!r}",
                    did_you_mean(field, RESOURCE_FIELDS),
                )
        for field, why in (
            ("instance_type", "situs chooses by size; give a pool of this type as sku"),
            ("accelerator_args", WHY_RUNTIME),
            ("disk_tier", "situs knows no classes of disks"),
            ("network_tier", "situs knows no classes of networks"),
            ("local_disk", "situs knows no classes of disks"),
            ("max_hourly_cost", "situs limits by the month; give the workload a budget"),
            ("image_id", WHY_RUNTIME),
            ("labels", WHY_RUNTIME),
            ("autostop", WHY_RUNTIME),
            ("job_recovery", "situs restarts from the last checkpoint; give checkpoint: {size_gb, interval}"),
            (
                "spot_recovery",
                "situs restarts from the last checkpoint; give checkpoint: {size_gb, interval}",
            ),
            ("volumes", "describe what is on it as a dataset"),
        ):
            if choice.get(field) is not None:
                self._lost(self._at(*path, field), f"{field} {choice[field]!r}", why)
        ports = choice.get("ports")
        if ports is not None and not (
            isinstance(ports, int) and isinstance(self._value.get("service"), dict)
        ):
            self._lost(self._at(*path, "ports"), f"ports {ports!r}", "only the one port of a service is kept")

    def _job(self) -> dict[str, Any]:
        hours = self._hours if self._hours is not None else 1.0
        self._draft.assumed(
            self._at(), "length of a run", f"{hours:g}h is written; SkyPilot does not ask for it", self._path
        )
        entry: dict[str, Any] = {"job": {"work": hours}}
        priority = (
            (self._value.get("resources") or {}).get("priority")
            if isinstance(self._value.get("resources"), dict)
            else None
        )
        if priority is not None:
            self._lost(
                self._at("resources", "priority"), f"priority {priority!r}",
                "SkyPilot counts to 1000 and situs to 100; set priority yourself",
            )  # fmt: skip
        return entry

    def _service(self) -> dict[str, Any]:
        service: dict[str, Any] = self._value["service"]
        policy = service.get("replica_policy")
        replicas, rate = service.get("replicas"), None
        if isinstance(policy, dict):
            replicas = policy.get("min_replicas", replicas)
            rate = policy.get("target_qps_per_replica")
            for field in sorted(set(policy) - {"min_replicas", "target_qps_per_replica"}):
                self._lost(
                    self._at("service", "replica_policy", field), f"{field} {policy[field]!r}",
                    "situs sizes for the peak in requests_per_s",
                )  # fmt: skip
        count = (
            replicas if isinstance(replicas, int) and not isinstance(replicas, bool) and replicas > 0 else 1
        )
        entry: dict[str, Any] = {"service": {"requests_per_s": float(count)}}
        if isinstance(rate, int | float) and not isinstance(rate, bool) and rate > 0:
            entry["service"] = {"requests_per_s": count * float(rate)}
            entry["throughput"] = float(rate)
        else:
            self._draft.assumed(
                self._at("service"), "requests per second",
                f"{count} replicas of 1/s are written; give requests_per_s and the throughput of a shape", self._path,
            )  # fmt: skip
        for field in sorted(set(service) - {"replicas", "replica_policy", "readiness_probe"}):
            self._lost(self._at("service", field), f"service.{field} {service[field]!r}", WHY_RUNTIME)
        return entry

    def _run(self) -> dict[str, Any]:
        script = self._value.get("run")
        envs = self._value.get("envs")
        if not isinstance(script, str) or not script.strip():
            for field in ("run", "envs"):
                if self._value.get(field) is not None:
                    self._lost(self._at(field), field, "there is no command to run with it")
            return {}
        run: dict[str, Any] = {"command": ["bash", "-c", script]}
        if isinstance(envs, dict):
            run["env"] = {key: "" if value is None else _text(value) for key, value in envs.items()}
        if "${SKYPILOT_" in script or "$SKYPILOT_" in script:
            self._lost(self._at("run"), "variables $SKYPILOT_...", "nothing sets them outside SkyPilot")
        service = self._value.get("service")
        if isinstance(service, dict):
            ports = (self._value.get("resources") or {}).get("ports")
            if isinstance(ports, int) and 0 < ports < 65536:
                run["port"] = ports
            probe = service.get("readiness_probe")
            path = probe.get("path") if isinstance(probe, dict) else probe
            if isinstance(path, str):
                run["health"] = path
            if isinstance(probe, dict) and set(probe) - {"path"}:
                self._lost(
                    self._at("service", "readiness_probe"), "details of the readiness probe", WHY_RUNTIME
                )
        return {"run": run}

    def _data(self, entry: dict[str, Any]) -> None:
        throughput = entry.pop("throughput", None)
        if throughput is not None:
            for shape in entry["shapes"]:
                shape["throughput"] = throughput
        entry["inputs"], entry["outputs"] = [], []
        told = {
            str(url): size
            for field in ("inputs", "outputs")
            for url, size in (self._value.get(field) or {}).items()
            if isinstance(self._value.get(field), dict)
        }
        mounts = self._value.get("file_mounts") or {}
        if not isinstance(mounts, dict):
            self._draft.problem(self._at("file_mounts"), "file_mounts must be a mapping of target: source")
            mounts = {}
        for target, source in mounts.items():
            self._mount(entry, str(target), source, told)
        for field in ("inputs", "outputs"):
            for url in self._value.get(field) or {} if isinstance(self._value.get(field), dict) else {}:
                if BUCKET.match(str(url)):
                    self._use(entry, field, str(url), told, self._at(field, url))

    def _mount(self, entry: dict[str, Any], target: str, source: Any, told: Mapping[str, Any]) -> None:
        at = self._at("file_mounts", target)
        url, mode = source, None
        if isinstance(source, dict):
            mode = str(source.get("mode") or "MOUNT").upper()
            name, store = source.get("name"), source.get("store")
            url = source.get("source") or (
                f"{_SCHEMES.get(str(store).lower(), 's3')}://{name}" if name else None
            )
            if source.get("persistent") is False:
                self._lost(at, f"persistent: false of {target}", "situs keeps what it counts")
        urls = url if isinstance(url, list) else [url]
        for each in urls:
            if not isinstance(each, str) or not BUCKET.match(each):
                self._lost(at, f"file_mounts {target!r}: {each!r}", "local files are not data of the estate")
                continue
            # A bucket that is mounted without a source is made by the task: that is where its results go.
            is_output = isinstance(source, dict) and not source.get("source") and mode != "COPY"
            self._use(entry, "outputs" if is_output else "inputs", each, told, at)

    def _use(
        self, entry: dict[str, Any], field: str, url: str, told: Mapping[str, Any], at: Position
    ) -> None:
        draft = self._draft
        name = sound_name(re.sub(r"^[a-z0-9]+://", "", url)) or "data"
        if any(item["dataset"] == name for item in (*entry["inputs"], *entry["outputs"])):
            return
        if field == "outputs" and draft.made_by_other(name, self._name):
            self._lost(at, f"results in {url}", "another task writes there; give each its own dataset")
            return
        if not draft.has("datasets", name):
            size = told.get(url)
            gb = quantity(draft, at, f"size of {url}", size, Gb) if size is not None else self._data_gb
            draft.add("datasets", name, {"size_gb": gb or 0.0, "title": url}, at)
            here = ("datasets", name)
            if size is None:
                draft.assumed(at, f"size of {url}", f"{gb or 0:g}GB is written; fill in the real size", here)
            if field == "inputs":
                why = "none are written: it counts as the highest class and is nowhere yet; fill them in"
                draft.assumed(at, f"label and replicas of {url}", why, here)
        entry[field].append({"dataset": name})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
