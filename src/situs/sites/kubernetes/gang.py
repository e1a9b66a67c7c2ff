"""A task on several nodes as the cluster takes it: a job whose pods are numbered, and a service that names them.

One pod that fails ends the others by itself (``run.sh``), and not by the cluster's hand, which would remove them with
their output.  Only where the site took a pod away the cluster ends the whole job, as such a pod can tell nobody.
"""

from __future__ import annotations

from collections.abc import Mapping

from situs.sites.adapter import Key, Task
from situs.sites.gangs import PORT, RANKS, meeting
from situs.sites.kubernetes.cluster import Object
from situs.sites.kubernetes.names import Names

INDEX = "batch.kubernetes.io/job-completion-index"
"""Annotation: the number of a pod in its job."""
HOSTFILE = "/situs/control/hosts"
ONE = {"backoffLimit": 0, "completions": 1, "parallelism": 1}
"""One pod, once: what fails is not begun again, as only the control plane knows where it should be."""


def numbered(nodes: int) -> Object:
    """The same for several: all at once, and none of them begun again."""
    taken_away = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "completionMode": "Indexed", "completions": nodes, "parallelism": nodes, "backoffLimitPerIndex": 0,
        "podReplacementPolicy": "Failed", "podFailurePolicy": {"rules": [taken_away]},
    }  # fmt: skip


def placed(name: str, labels: Mapping[str, str]) -> Object:
    """What their pods have beyond others: names of their own, and a node of their own where there are as many."""
    spread = {
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(labels)},
    }  # fmt: skip
    return {"subdomain": name, "topologySpreadConstraints": [spread]}


def service(key: Key, names: Names) -> Object:
    """By which each pod has a name, NAME-RANK.NAME, from before it is ready."""
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": names.selector("job", key)}
    return {"metadata": names.metadata("service", key, names.run(key)), "spec": spec}


def told(task: Task, name: str) -> dict[str, str]:
    """The variables that are the same in all of them."""
    if task.nodes == 1:
        return {}
    return meeting(task, f"{name}-0.{name}", PORT, HOSTFILE)


def ranks(task: Task) -> dict[str, Object]:
    """The variables that hold the number of each; a task may have its own where they are not ours."""
    wanted = [name for name in RANKS if name.startswith("SITUS_") or name not in task.env]
    number = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}
    return {name: {"name": name, "valueFrom": number} for name in wanted if task.nodes > 1}
