"""Kubernetes manifests: Deployments, StatefulSets, DaemonSets, Jobs, CronJobs, Pods and PodTemplates.

A controller becomes a workload; the requests of its containers become a shape; volumes that ask for storage
become datasets; required anti-affinity and spread constraints become spread.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from situs.intent.importing.accelerators import accelerator_name
from situs.intent.importing.draft import Draft, sound_name
from situs.intent.importing.kubernetes_quantity import parse_quantity, runs_per_month
from situs.intent.importing.result import Imported
from situs.intent.reader import Document
from situs.model.error import Position

Path_ = tuple[str | int, ...]

SERVICES = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet")
KINDS = (*SERVICES, "Job", "CronJob", "Pod", "PodTemplate")
GPU_RESOURCES = ("nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "habana.ai/gaudi", "google.com/tpu",
                 "aws.amazon.com/neuron")  # fmt: skip
GPU_LABELS = ("nvidia.com/gpu.product", "cloud.google.com/gke-accelerator", "k8s.amazonaws.com/accelerator",
              "karpenter.k8s.aws/instance-gpu-name", "gpu.nvidia.com/model", "amd.com/gpu.product-name")  # fmt: skip
SPOT_LABELS = {"karpenter.sh/capacity-type": "spot", "cloud.google.com/gke-spot": "true",
               "eks.amazonaws.com/capacityType": "SPOT", "kubernetes.azure.com/scalesetpriority": "spot"}  # fmt: skip
SPREAD = {"topology.kubernetes.io/region": "site", "topology.kubernetes.io/zone": "power_zone"}
ZONE_LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
               "failure-domain.beta.kubernetes.io/region")  # fmt: skip
WHY_CLUSTER = "it is a matter inside a cluster; situs chooses the site"
WHY_INSIDE = "it stays in the manifest; situs chooses the place, and the manifest runs there"
POD_FIELDS = {
    "containers", "initContainers", "nodeSelector", "affinity", "topologySpreadConstraints", "volumes",
    "restartPolicy", "tolerations", "priorityClassName", "resourceClaims",
}  # fmt: skip
SPEC_FIELDS = {
    "replicas", "parallelism", "completions", "activeDeadlineSeconds", "template", "volumeClaimTemplates",
    "selector",
}  # fmt: skip
WHY_OTHER_KIND = "only what runs containers becomes a workload"


def read_kubernetes(
    documents: list[Document], hours: float | None = None, data_gb: float | None = None
) -> Imported:
    """Manifests as workloads and datasets. ``hours`` is the length of a run of a job."""
    draft = Draft("Kubernetes manifests")
    objects = list(_objects(draft, documents))
    known = _Known.of(objects)
    found = False
    for item in objects:
        if item.kind in KINDS:
            _Controller(draft, item, known, hours, data_gb).add()
            found = True
        elif item.kind != "PersistentVolumeClaim":
            draft.unmapped(item.at(), f"{item.kind} {item.name!r}", WHY_OTHER_KIND)
    for item in objects:
        if item.kind == "PersistentVolumeClaim" and item.name not in known.used_claims:
            draft.unmapped(
                item.at(), f"PersistentVolumeClaim {item.name!r}", "nothing in these manifests mounts it"
            )
    if not found and not objects:
        draft.problem(
            Position(documents[0].file if documents else "<input>"), "there is no Kubernetes object in it",
            f"an object has apiVersion and kind, such as {', '.join(KINDS[:2])}",
        )  # fmt: skip
    return draft.finished()


@dataclass(frozen=True)
class _Object:
    """One object and where it stands."""

    document: Document
    path: Path_
    value: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.value.get("kind"))

    @property
    def name(self) -> str:
        metadata = _mapping(self.value.get("metadata"))
        return str(metadata.get("name") or metadata.get("generateName") or self.kind.lower())

    def at(self, *path: str | int) -> Position:
        return self.document.position(*self.path, *path)


@dataclass(frozen=True)
class _Known:
    """What objects refer to in each other."""

    claims: Mapping[str, _Object]
    labels: tuple[tuple[_Object, Mapping[str, Any]], ...]
    """of the pods of each controller"""
    used_claims: set[str]

    @classmethod
    def of(cls, objects: list[_Object]) -> _Known:
        claims = {item.name: item for item in objects if item.kind == "PersistentVolumeClaim"}
        labels = tuple((item, _pod_labels(item)) for item in objects if item.kind in KINDS)
        return cls(claims, labels, set())


def _objects(draft: Draft, documents: list[Document]) -> Iterator[_Object]:
    """All objects, those inside of lists too."""
    for document in documents:
        draft.problems(document.slips)
        value = document.value
        if value is None:
            continue
        if not isinstance(value, dict) or "kind" not in value:
            draft.problem(
                document.position(), "this is not a Kubernetes object: it has no kind",
                "an object has apiVersion, kind and metadata",
            )  # fmt: skip
        elif str(value["kind"]).endswith("List") and isinstance(value.get("items"), list):
            for number, item in enumerate(value["items"]):
                if isinstance(item, dict) and "kind" in item:
                    yield _Object(document, ("items", number), item)
                else:
                    draft.problem(document.position("items", number), "this item is not a Kubernetes object")
        else:
            yield _Object(document, (), value)


class _Controller:
    """One controller on its way to a workload."""

    def __init__(
        self, draft: Draft, item: _Object, known: _Known, hours: float | None, data_gb: float | None
    ) -> None:
        self._draft = draft
        self._item = item
        self._known = known
        self._hours = hours
        self._data_gb = data_gb
        self._name = _workload_name(item)
        if draft.has("workloads", self._name):
            self._name = draft.free_name("workloads", self._name)
        self._path = ("workloads", self._name)
        self._spec, self._pod, self._pod_path = _pod_of(item)
        self._spot = False

    def add(self) -> None:
        kind = self._item.kind
        serves = kind in SERVICES or (kind in ("Pod", "PodTemplate") and self._pod.get("restartPolicy") not in
                                      ("Never", "OnFailure"))  # fmt: skip
        replicas = self._replicas(serves)
        shape = self._shape()
        entry: dict[str, Any] = {
            "title": f"{kind} {self._item.name}",
            "stage": "serve" if serves else "batch",
        }
        self._assumed("stage", f"{entry['stage']} is written; Kubernetes has no stages")
        entry |= self._service(replicas) if serves else self._job(replicas)
        self._select(shape)
        entry["shapes"] = [shape]
        entry["spread"] = list(self._spread(replicas))
        if serves and entry["spread"]:
            # Only what may be at several sites can be spread over them: each replica counts on its own.
            entry |= {"count": replicas, "service": {"requests_per_s": 1.0}}
        entry["affinity"] = sorted(self._affinity())
        entry["inputs"] = self._volumes(replicas)
        if not self._spot:
            self._draft.keep_off_spot(entry, self._item.at(), self._path)
        self._other_fields()
        self._draft.add("workloads", self._name, entry, self._item.at())

    # What is told about it.

    def _at(self, *path: str | int) -> Position:
        return self._item.at(*self._pod_path, *path)

    def _lost(self, at: Position, what: str, why: str) -> None:
        self._draft.unmapped(at, what, why, self._path)

    def _assumed(self, what: str, why: str) -> None:
        self._draft.assumed(self._item.at(), what, why, self._path)

    # How much there is of it.

    def _replicas(self, serves: bool) -> int:
        if self._item.kind == "DaemonSet":
            self._lost(self._item.at("spec"), "one pod on every node", f"1 replica is written: {WHY_CLUSTER}")
            return 1
        field = "replicas" if serves else "parallelism"
        value = self._spec.get(field, 1) if self._item.kind not in ("Pod", "PodTemplate") else 1
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self._draft.problem(
                self._item.at("spec", field), f"{field} {value!r} is not a whole number from 0"
            )
            return 1
        if value == 0:
            self._lost(self._item.at("spec", field), f"{field} 0", "it is switched off; 1 is written")
        return max(value, 1)

    def _service(self, replicas: int) -> dict[str, Any]:
        self._assumed(
            "requests per second",
            f"{replicas} replicas of 1/s are written; give requests_per_s and the throughput of the shape",
        )
        return {"service": {"requests_per_s": float(replicas)}}

    def _job(self, parallel: int) -> dict[str, Any]:
        spec = self._spec
        job: dict[str, Any] = {"work": self._hours if self._hours is not None else 1.0}
        limit = spec.get("activeDeadlineSeconds")
        told = f"; it is stopped after {limit} s" if limit is not None else ""
        self._assumed("length of a run", f"{job['work']:g}h is written; Kubernetes does not ask for it{told}")
        if limit is not None:
            self._lost(
                self._item.at("spec"), f"activeDeadlineSeconds {limit!r}",
                "it limits a run and is no date; give a deadline if there is one",
            )  # fmt: skip
        if self._item.kind == "CronJob":
            schedule = _mapping(self._item.value.get("spec")).get("schedule")
            at = self._item.at("spec", "schedule")
            try:
                job["per_month"] = round(runs_per_month(str(schedule)), 4)
            except ValueError as error:
                self._draft.problem(at, f"schedule: {error}", "write it like '0 3 * * *'")
            self._lost(at, f"the hours of the schedule {schedule!r}", "only how often it runs is kept")
            if _mapping(self._item.value.get("spec")).get("suspend"):
                self._lost(self._item.at("spec", "suspend"), "suspend true", "it is planned as if it ran")
        rounds = 1
        completions = spec.get("completions")
        if isinstance(completions, int) and not isinstance(completions, bool) and completions > parallel:
            rounds = math.ceil(completions / parallel)
            job["work"] *= rounds
            self._assumed(
                f"completions {completions} by {parallel} at a time",
                f"written as {rounds} rounds one after the other",
            )
        return {"job": job, "count": parallel if parallel > 1 else None}

    # How large it is.

    def _shape(self) -> dict[str, Any]:
        main = _Needs()
        for field, number, container in self._containers("containers"):
            main.add(self._needs((field, number), container))
        beside, before = _Needs(), _Needs()
        for field, number, container in self._containers("initContainers"):
            needs = self._needs((field, number), container)
            # One that always restarts runs beside all that come later; the rest run one by one before them.
            if container.get("restartPolicy") == "Always":
                beside.add(needs)
            else:
                needs.add(beside)
                before.at_least(needs)
        main.add(beside)
        main.at_least(before)
        shape: dict[str, Any] = {"cpu": main.cpu, "memory": main.memory / 2**30}
        for field, value, default in (("cpu", main.cpu, 1.0), ("memory", main.memory, 1.0)):
            if not value:
                shape[field] = default
                written = "1 core" if field == "cpu" else "1GiB"
                self._assumed(field, f"{written} is written; no container requests any")
        if main.disk:
            shape["disk"] = main.disk / 1e9
        if main.gpus:
            shape["accelerators"] = main.gpus
        return shape

    def _containers(self, field: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
        containers = self._pod.get(field) or []
        if not isinstance(containers, list):
            self._draft.problem(self._at(field), f"{field} must be a list")
            return
        for number, container in enumerate(containers):
            if isinstance(container, dict):
                yield field, number, container
            else:
                self._draft.problem(self._at(field, number), "a container must be a mapping of fields")
        if field == "containers" and not containers:
            self._draft.problem(
                self._item.at("spec"), f"{self._item.kind} {self._item.name!r} has no containers"
            )

    def _needs(self, path: Path_, container: Mapping[str, Any]) -> _Needs:
        resources = _mapping(container.get("resources"))
        requests, limits = _mapping(resources.get("requests")), _mapping(resources.get("limits"))
        needs = _Needs()
        # A limit without a request is a request too.
        for resource in {**limits, **requests}:
            source = "requests" if resource in requests else "limits"
            at = self._at(*path, "resources", source, resource)
            value = (requests if resource in requests else limits)[resource]
            try:
                amount = parse_quantity(value)
            except ValueError as error:
                self._draft.problem(at, f"{resource}: {error}")
                continue
            if resource == "cpu":
                needs.cpu += amount
            elif resource == "memory":
                needs.memory += amount
            elif resource == "ephemeral-storage":
                needs.disk += amount
            elif resource in GPU_RESOURCES:
                needs.gpus += amount
            elif resource.startswith("nvidia.com/mig-"):
                self._lost(
                    at,
                    f"{resource} {value!r}",
                    "parts of a GPU have no fixed share; write accelerators: 0.25 or so",
                )
            else:
                self._lost(at, f"{resource} {value!r}", "situs does not know this resource")
        for resource in ("cpu", "memory"):
            if resource in requests and resource in limits and limits[resource] != requests[resource]:
                self._lost(
                    self._at(*path, "resources", "limits", resource), f"limit of {resource} {limits[resource]!r}",
                    "situs plans with what is requested",
                )  # fmt: skip
        return needs

    # Where it may be.

    def _select(self, shape: dict[str, Any]) -> None:
        """Node labels: accelerators and spot are carried over, the rest is told."""
        for at, key, values in self._required_labels():
            if key in GPU_LABELS:
                shape["accelerator"] = sorted(accelerator_name(str(value)) for value in values)
            elif key in SPOT_LABELS and SPOT_LABELS[key] in [
                str(v) if not isinstance(v, bool) else str(v).lower() for v in values
            ]:
                self._spot = True
            elif key in ZONE_LABELS:
                self._lost(
                    at,
                    f"{key} {_listed(values)}",
                    "sites are yours to name; write a rule with only_at: {name: [...]}",
                )
            else:
                self._lost(at, f"node label {key} {_listed(values)}", WHY_CLUSTER)
        if "accelerator" in shape and not shape.get("accelerators"):
            del shape["accelerator"]

    def _required_labels(self) -> Iterator[tuple[Position, str, list[Any]]]:
        for key, value in _mapping(self._pod.get("nodeSelector")).items():
            yield self._at("nodeSelector", key), key, [value]
        affinity = _mapping(_mapping(self._pod.get("affinity")).get("nodeAffinity"))
        path: Path_ = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
        terms = _mapping(affinity.get(str(path[-1]))).get("nodeSelectorTerms") or []
        if isinstance(terms, list) and len(terms) > 1:
            self._lost(self._at(*path), f"{len(terms)} alternative node selectors", WHY_CLUSTER)
        elif isinstance(terms, list):
            for term in terms:
                for number, expression in enumerate(_mapping(term).get("matchExpressions") or []):
                    one = _mapping(expression)
                    at = self._at(*path, "nodeSelectorTerms", 0, "matchExpressions", number)
                    if one.get("operator") == "In" and isinstance(one.get("values"), list):
                        yield at, str(one.get("key")), one["values"]
                    else:
                        what = f"node label {one.get('key')} {one.get('operator')} {_listed(one.get('values') or [])}"
                        self._lost(at, what, WHY_CLUSTER)
        if "preferredDuringSchedulingIgnoredDuringExecution" in affinity:
            self._lost(
                self._at("affinity", "nodeAffinity"),
                "preferred node affinity",
                "situs has no preferences, only limits and cost",
            )

    def _spread(self, replicas: int) -> Iterator[dict[str, Any]]:
        for at, term in self._pod_terms("podAntiAffinity"):
            key = str(term.get("topologyKey"))
            if key not in SPREAD:
                self._lost(at, f"anti-affinity over {key}", WHY_CLUSTER)
            elif self._selects_itself(term):
                yield {"over": SPREAD[key]}
            else:
                self._lost(
                    at,
                    f"anti-affinity over {key} to other pods",
                    "write a spread with a common group on both",
                )
        for number, constraint in enumerate(self._pod.get("topologySpreadConstraints") or []):
            one = _mapping(constraint)
            at = self._at("topologySpreadConstraints", number)
            key, skew, domains = str(one.get("topologyKey")), one.get("maxSkew", 1), one.get("minDomains", 1)
            if key not in SPREAD:
                self._lost(at, f"spread over {key}", WHY_CLUSTER)
            elif one.get("whenUnsatisfiable") == "ScheduleAnyway":
                self._lost(
                    at, f"spread over {key} if possible", "situs has no preferences, only limits and cost"
                )
            elif not isinstance(domains, int) or not isinstance(skew, int) or domains < 2 or replicas < 2:
                self._lost(
                    at,
                    f"spread over {key}",
                    "it does not say over how many (minDomains); write spread: [{at_most: ...}]",
                )
            else:
                # The fullest place when so many places differ by the skew and all others hold as little as allowed.
                fullest = (replicas + (domains - 1) * skew) // domains
                yield {"over": SPREAD[key], "at_most": max(1, min(fullest, replicas))}

    def _affinity(self) -> Iterator[str]:
        for at, term in self._pod_terms("podAffinity"):
            wanted = _mapping(_mapping(term.get("labelSelector")).get("matchLabels"))
            others = [
                _workload_name(item)
                for item, labels in self._known.labels
                if wanted and item is not self._item and wanted.items() <= labels.items()
            ]
            if others:
                yield from others
            else:
                self._lost(
                    at,
                    f"affinity to pods with {_listed(wanted.items())}",
                    "no such pods are in these manifests",
                )

    def _pod_terms(self, kind: str) -> Iterator[tuple[Position, Mapping[str, Any]]]:
        affinity = _mapping(_mapping(self._pod.get("affinity")).get(kind))
        required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []
        for number, term in enumerate(required if isinstance(required, list) else []):
            path = ("affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution", number)
            yield self._at(*path), _mapping(term)
        if "preferredDuringSchedulingIgnoredDuringExecution" in affinity:
            self._lost(
                self._at("affinity", kind),
                f"preferred {kind}",
                "situs has no preferences, only limits and cost",
            )

    def _selects_itself(self, term: Mapping[str, Any]) -> bool:
        wanted = _mapping(_mapping(term.get("labelSelector")).get("matchLabels"))
        return bool(wanted) and wanted.items() <= _pod_labels(self._item).items()

    # Its data.

    def _volumes(self, replicas: int) -> list[dict[str, Any]]:
        inputs: list[dict[str, Any]] = []
        for number, volume in enumerate(self._pod.get("volumes") or []):
            one = _mapping(volume)
            at = self._at("volumes", number)
            claim = _mapping(one.get("persistentVolumeClaim")).get("claimName")
            if claim is not None:
                self._known.used_claims.add(str(claim))
                inputs.append(
                    {
                        "dataset": self._dataset(str(claim), self._known.claims.get(str(claim)), at),
                        "remote": False,
                    }
                )
            else:
                kinds = sorted(set(one) - {"name"})
                if kinds == ["emptyDir"]:
                    why = "scratch space is not data; write disk into the shape"
                    self._lost(at, f"volume {one.get('name')!r} (emptyDir)", why)
                elif kinds in (["configMap"], ["secret"], ["projected"], ["downwardAPI"]):
                    self._lost(at, f"volume {one.get('name')!r} ({kinds[0]})", WHY_INSIDE)
                else:
                    self._lost(
                        at,
                        f"volume {one.get('name')!r} ({', '.join(kinds)})",
                        "describe what is on it as a dataset",
                    )
        templates = self._spec.get("volumeClaimTemplates") or []
        for number, template in enumerate(templates if isinstance(templates, list) else []):
            claim = _Object(
                self._item.document,
                (*self._item.path, "spec", "volumeClaimTemplates", number),
                _mapping(template),
            )
            name = f"{_mapping(claim.value.get('metadata')).get('name', 'data')}-{self._item.name}"
            inputs.append({"dataset": self._dataset(name, claim, claim.at(), replicas), "remote": False})
        return list({item["dataset"]: item for item in inputs}.values())

    def _dataset(self, claim: str, item: _Object | None, at: Position, times: int = 1) -> str:
        name = sound_name(claim) or "volume"
        if self._draft.has("datasets", name):
            return name
        here = ("datasets", name)
        spec = _mapping(item.value.get("spec")) if item is not None else {}
        asked = _mapping(_mapping(spec.get("resources")).get("requests")).get("storage")
        size = 0.0
        if asked is not None:
            try:
                size = parse_quantity(asked) / 1e9 * times
            except ValueError as error:
                self._draft.problem(item.at("spec") if item is not None else at, f"storage: {error}")
        else:
            size = self._data_gb or 0.0
        self._draft.add("datasets", name, {"size_gb": round(size, 6), "title": f"volume {claim}"}, at)
        if asked is None:
            self._draft.assumed(
                at, f"size of {claim!r}", f"{size:g}GB is written; the claim is not in these manifests", here
            )
        self._draft.assumed(
            at, f"label and replicas of {claim!r}",
            "none are written: it counts as the highest class and is nowhere yet; fill them in", here,
        )  # fmt: skip
        if spec.get("storageClassName"):
            self._draft.unmapped(
                at, f"storage class {spec['storageClassName']!r}", "situs knows no classes of disks", here
            )
        return name

    # All the rest.

    def _other_fields(self) -> None:
        """Everything that was not looked at, so that nothing goes without a word."""
        for field, why in (
            ("priorityClassName", "give the workload a priority from 0 to 100"),
            ("resourceClaims", "claimed devices have no fixed size; write accelerators into the shape"),
            ("tolerations", WHY_CLUSTER),
        ):
            if self._pod.get(field):
                value = "" if isinstance(self._pod[field], list | dict) else f" {self._pod[field]!r}"
                self._lost(self._at(field), f"{field}{value}", why)
        left = sorted(field for field in self._pod if field not in POD_FIELDS and self._pod[field])
        if left:
            self._lost(self._at(left[0]), f"of the pod: {', '.join(left)}", WHY_INSIDE)
        left = sorted(field for field in self._spec if field not in SPEC_FIELDS and field not in self._pod)
        if left:
            self._lost(self._item.at("spec"), f"of the {self._item.kind}: {', '.join(left)}", WHY_INSIDE)
        for field in ("containers", "initContainers"):
            containers = self._pod.get(field)
            for number, container in enumerate(containers if isinstance(containers, list) else []):
                inside = _mapping(container)
                left = sorted(key for key in inside if key not in ("name", "resources", "restartPolicy"))
                if left:
                    what = f"of container {str(inside.get('name', number))!r}: {', '.join(left)}"
                    self._lost(self._at(field, number), what, WHY_INSIDE)


@dataclass
class _Needs:
    cpu: float = 0.0
    memory: float = 0.0
    disk: float = 0.0
    gpus: float = 0.0

    def add(self, other: _Needs) -> None:
        self.cpu += other.cpu
        self.memory += other.memory
        self.disk += other.disk
        self.gpus += other.gpus

    def at_least(self, other: _Needs) -> None:
        self.cpu = max(self.cpu, other.cpu)
        self.memory = max(self.memory, other.memory)
        self.disk = max(self.disk, other.disk)
        self.gpus = max(self.gpus, other.gpus)


def _workload_name(item: _Object) -> str:
    """The object's name, with its namespace where it has one that tells anything."""
    namespace = _mapping(item.value.get("metadata")).get("namespace")
    prefix = f"{namespace}." if namespace and namespace != "default" else ""
    return sound_name(f"{prefix}{item.name}") or "workload"


def _pod_of(item: _Object) -> tuple[Mapping[str, Any], Mapping[str, Any], Path_]:
    """The controller's own spec, the spec of its pods, and where that stands."""
    spec = _mapping(item.value.get("spec"))
    if item.kind == "Pod":
        return spec, spec, ("spec",)
    if item.kind == "PodTemplate":
        template = _mapping(item.value.get("template"))
        return {}, _mapping(template.get("spec")), ("template", "spec")
    path: Path_ = ("spec", "template", "spec")
    if item.kind == "CronJob":
        spec = _mapping(_mapping(spec.get("jobTemplate")).get("spec"))
        path = ("spec", "jobTemplate", *path)
    return spec, _mapping(_mapping(spec.get("template")).get("spec")), path


def _pod_labels(item: _Object) -> Mapping[str, Any]:
    if item.kind == "Pod":
        return _mapping(_mapping(item.value.get("metadata")).get("labels"))
    holder = item.value if item.kind == "PodTemplate" else _mapping(item.value.get("spec"))
    if item.kind == "CronJob":
        holder = _mapping(_mapping(holder.get("jobTemplate")).get("spec"))
    return _mapping(_mapping(_mapping(holder.get("template")).get("metadata")).get("labels"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(values: Any) -> str:
    return ", ".join(
        str(value) if not isinstance(value, tuple) else "=".join(map(str, value)) for value in values
    )
