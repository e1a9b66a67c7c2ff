"""A task as the cluster takes it: the job with its pod, the claim of its folder, the pod that opens the folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from situs.model.error import SitusError
from situs.sites.adapter import Key, Task
from situs.sites.kubernetes.cluster import Object
from situs.sites.kubernetes.gang import ONE, numbered, placed, ranks, told
from situs.sites.kubernetes.names import Names

WORK = "/situs"
MAIN, OPENER = "run", "folder"
"""Names of the containers."""
TOOLS_IMAGE = "busybox:1.37"
FOLDERS = "/situs-runs"
"""Where a pod that opens folders finds all of those that lie in one claim."""
OPENED = """
idle=0
while [ $idle -lt 10 ]; do
  sleep 60 &
  wait $!
  idle=$((idle + 1))
  # Whatever is here beside this shell is a file on its way.
  set -- /proc/[0-9]*
  [ $# -eq 1 ] || idle=0
done
"""
"""An opened folder closes by itself once it was not used for ten minutes, as whoever opened it may be gone."""
WRAPPER = files("situs.sites.kubernetes").joinpath("run.sh").read_text(encoding="utf-8")
Pull = Literal["missing", "always", "never"]
AccessMode = Literal["ReadWriteOnce", "ReadWriteMany"]
PULLS = {"missing": "IfNotPresent", "always": "Always", "never": "Never"}


@dataclass(frozen=True)
class Toleration:
    """A taint that runs of the site put up with."""

    key: str
    value: str | None
    effect: str | None


@dataclass(frozen=True)
class KubernetesOptions:
    """How a site's work is run."""

    name: str = "default"
    """tells sites apart that share a namespace; must stay the same, as it marks all that is ours there"""
    image: str | None = None
    """for tasks that name none"""
    tools_image: str = TOOLS_IMAGE
    pull: Pull = "missing"
    image_pull_secret: str | None = None
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    accelerator_resource: str = "nvidia.com/gpu"
    queue: str | None = None
    """of Kueue, which then says when a job may begin"""
    priority_class: str | None = None
    storage_class: str | None = None
    """None: the cluster's default"""
    storage_gib: float = 10.0
    access_mode: AccessMode = "ReadWriteOnce"
    """of the volume of each run; ``ReadWriteMany``: nodes share it"""
    claim: str | None = None
    """that all runs have their folders in, and that nodes share; None: each run has one of its own"""
    user: int | None = None
    """number of the user that runs run as; None: the image's"""
    mounts: tuple[str, ...] = ()
    """folders of the nodes that every run sees, as ``/host:/inside`` or ``/host:/inside:ro``"""


def job(task: Task, options: KubernetesOptions, names: Names) -> Object:
    """The job of a run. Raises SitusError for what cannot be told a cluster."""
    key, name = task.key, names.run(task.key)
    image = task.image or options.image
    if image is None:
        raise SitusError(f"{key.workload}: it names no image, and neither does its site (option image)")
    for variable, value in {**task.env, **task.secrets}.items():
        if not variable.isascii() or not variable.isidentifier() or "\0" in value:
            raise SitusError(f"{key.workload}: {variable!r} cannot be set in an environment")
    metadata = names.metadata("job", key, name)
    labels: dict[str, str] = names.labels("job", key)
    if options.queue is not None:
        metadata["labels"] = {**labels, "kueue.x-k8s.io/queue-name": options.queue}
    pod = _pod(options, key, names)
    pod |= placed(name, names.selector("job", key)) if task.nodes > 1 else {}
    pod["terminationGracePeriodSeconds"] = 30
    pod["containers"] = [_main(task, options, image, name)]
    pod["volumes"] += [
        # The generation that this unit may have by the time the pod begins.
        {"name": "unit", "configMap": {"name": names.unit(key), "optional": True}},
        *_host_volumes(options),
    ]
    template = {"metadata": {"labels": labels, "annotations": metadata["annotations"]}, "spec": pod}
    spec = {**(ONE if task.nodes == 1 else numbered(task.nodes)), "template": template}
    if options.queue is not None:
        # Kueue lets it go once there is room for all of it; without Kueue it waits, and says for what.
        spec["suspend"] = True
    return {"metadata": metadata, "spec": spec}


def claim(key: Key, options: KubernetesOptions, names: Names) -> Object:
    """The claim of a run's folder."""
    spec: dict[str, Any] = {
        "accessModes": [options.access_mode],
        "resources": {"requests": {"storage": f"{math.ceil(options.storage_gib * 1024)}Mi"}},
    }
    if options.storage_class is not None:
        spec["storageClassName"] = options.storage_class
    return {"metadata": names.metadata("work", key, names.run(key)), "spec": spec}


def folder(key: Key, options: KubernetesOptions, names: Names) -> Object:
    """The pod that opens a run's folder, or all that lie in the site's claim."""
    pod = _pod(options, key, names)
    pod["terminationGracePeriodSeconds"] = 0
    metadata = names.metadata("folder", key, names.folder(key))
    if options.claim is not None:
        metadata = {"name": names.folders(), "labels": names.shared("folder")}
    pod["containers"] = [
        {
            "name": OPENER, "image": options.tools_image, "imagePullPolicy": PULLS[options.pull],
            "command": ["/bin/sh", "-c", OPENED], "securityContext": _confined(),
            "resources": {
                "requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "1", "memory": "256Mi"},
            },
            "volumeMounts": [{"name": "work", "mountPath": FOLDERS if options.claim is not None else WORK}],
        }
    ]  # fmt: skip
    return {"metadata": metadata, "spec": pod}


def secret(task: Task, names: Names, job_uid: str) -> Object:
    """The run's secret; it goes with the job at the latest."""
    name = names.run(task.key)
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job_uid}
    metadata = {**names.metadata("secret", task.key, name), "ownerReferences": [owner]}
    return {"metadata": metadata, "type": "Opaque", "stringData": dict(task.secrets)}


def literal(text: str) -> str:
    """Such that the cluster, which replaces ``$(NAME)`` in commands and environments, leaves it as it is."""
    return text.replace("$", "$$")


def _pod(options: KubernetesOptions, key: Key, names: Names) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        # A run has no business with the cluster.
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [
            {"name": "work", "persistentVolumeClaim": {"claimName": options.claim or names.run(key)}}
        ],
    }
    if options.user is not None:
        spec["securityContext"] |= {"runAsUser": options.user, "fsGroup": options.user, "runAsNonRoot": True}
    if options.node_selector:
        spec["nodeSelector"] = dict(options.node_selector)
    if options.tolerations:
        spec["tolerations"] = [_toleration(one) for one in options.tolerations]
    if options.image_pull_secret is not None:
        spec["imagePullSecrets"] = [{"name": options.image_pull_secret}]
    if options.priority_class is not None:
        spec["priorityClassName"] = options.priority_class
    return spec


def _main(task: Task, options: KubernetesOptions, image: str, run: str) -> Object:
    key, meeting, numbers = task.key, told(task, run), ranks(task)
    env = {
        "HOME": f"{WORK}/work", "LANG": "C.UTF-8", **meeting, **task.env,
        **{name: value for name, value in meeting.items() if name.startswith("SITUS_")},
        "SITUS_WORKLOAD": key.workload, "SITUS_UNIT": str(key.unit), "SITUS_GENERATION": str(key.generation),
    }  # fmt: skip
    limit_s = "" if task.timeout_s is None else str(math.ceil(task.timeout_s))
    command = ["/bin/sh", "-c", WRAPPER, "situs", str(key.generation), limit_s, *task.command]
    limits: dict[str, str] = {}
    if task.cpus is not None:
        limits["cpu"] = str(task.cpus)
    if task.memory_gib is not None:
        limits["memory"] = str(math.ceil(task.memory_gib * 2**30))
    if task.accelerators:
        limits[options.accelerator_resource] = str(task.accelerators)
    mounts = [
        {"name": "work", "mountPath": WORK, **({"subPath": run} if options.claim is not None else {})},
        {"name": "unit", "mountPath": "/situs-unit", "readOnly": True},
        *_host_mounts(options),
    ]
    return {
        "name": MAIN, "image": image, "imagePullPolicy": PULLS[options.pull],
        "command": [literal(word) for word in command],
        "env": [
            *({"name": name, "value": literal(value)} for name, value in env.items() if name not in numbers),
            *numbers.values(),
        ],
        **({"envFrom": [{"secretRef": {"name": run}}]} if task.secrets else {}),
        "resources": {"limits": limits, "requests": limits}, "volumeMounts": mounts,
        "securityContext": _confined(),
    }  # fmt: skip


def _confined() -> Object:
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _toleration(one: Toleration) -> Object:
    wanted = {"operator": "Exists"} if one.value is None else {"operator": "Equal", "value": one.value}
    return {"key": one.key, **wanted, **({"effect": one.effect} if one.effect else {})}


def _host_volumes(options: KubernetesOptions) -> list[Object]:
    places = [mount.split(":")[0] for mount in options.mounts]
    return [{"name": f"host-{number}", "hostPath": {"path": path}} for number, path in enumerate(places)]


def _host_mounts(options: KubernetesOptions) -> list[Object]:
    found = []
    for number, mount in enumerate(options.mounts):
        _, inside, *how = mount.split(":")
        found.append({"name": f"host-{number}", "mountPath": inside, "readOnly": how == ["ro"]})
    return found
