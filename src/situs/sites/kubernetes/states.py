"""What a cluster's account of a run's job, or of one of its pods, means."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from signal import SIGKILL
from typing import Any, cast, get_args

from situs.sites.adapter import Reason, Status, Usage
from situs.sites.kubernetes.cluster import Object
from situs.sites.kubernetes.manifests import MAIN
from situs.sites.kubernetes.nodes import quantity
from situs.sites.kubernetes.records import Record

KILLED = 128 + SIGKILL
NO_POD = "it has no pod yet"


def of_pod(record: Record, pod: Object) -> Status:
    """Where a run is, as far as one of its pods tells."""
    state = main(pod)
    if "terminated" in state:
        return _ended(record, pod, state["terminated"])
    if "running" in state:
        return Status("running", detail="the site ends it" if _leaving(pod) else None)
    if pod["status"].get("phase") == "Failed":
        return Status("ended", None, record.why or "cancelled", detail=_said(pod["status"]))
    return Status("queued", detail=_waits(pod, state))


def main(pod: Object) -> Any:
    """The state of the run's own container; empty before there is any."""
    for status in pod["status"].get("containerStatuses") or ():
        if status["name"] == MAIN:
            return status["state"]
    return {}


def told(pod: Object) -> dict[str, str]:
    """What the first process of a pod said when it ended."""
    message = main(pod).get("terminated", {}).get("message")
    return dict(re.findall(r"(\w+)=(\S+)", message or ""))


def without_pod(record: Record, job: Object | None) -> Status:
    """Where a run is whose pods are not there."""
    if job is None:
        detail = None if record.why else "somebody removed its job at the site"
        return Status("ended", None, record.why or "lost", detail=detail)
    status = job.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] in ("Failed", "Complete") and condition["status"] == "True":
            taken_away = condition.get("reason") == "PodFailurePolicy"
            detail = _said(condition) if taken_away else "its pod was removed at the site"
            return Status("ended", None, record.why or "cancelled", detail=detail)
    if job["spec"].get("suspend"):
        queue = (job["metadata"].get("labels") or {}).get("kueue.x-k8s.io/queue-name")
        return Status("queued", detail=f"waits in the queue {queue}" if queue else "its job is suspended")
    return Status("queued", detail=NO_POD)


def _ended(record: Record, pod: Object, end: Object) -> Status:
    said = told(pod)
    code = end["exitCode"]
    code = 128 - code if 128 < code < 192 else code
    reason: Reason = "signalled" if code < 0 else "exited"
    if said.get("reason") in get_args(Reason):
        reason = cast(Reason, said["reason"])
    elif end.get("reason") == "OOMKilled":
        reason = "memory"
    elif not said and end["exitCode"] == KILLED and _leaving(pod):
        reason = "cancelled"
    reason = record.why or reason
    detail = _disruption(pod) if reason == "cancelled" else None
    if "late" in said:
        detail = f"not all of its nodes were there within {said['late']} s"
    if not said and end.get("message"):
        # The container could not be started, and this says why.
        detail = str(end["message"])[:500]
    usage = _usage(said, end)
    if reason == "memory" and usage is not None:
        # What the kernel refused is not counted, but so much it was.
        usage = replace(usage, peak_memory_gib=max(usage.peak_memory_gib or 0.0, _limit_gib(pod)))
    return Status("ended", code, reason, usage, detail)


def _limit_gib(pod: Object) -> float:
    limits = next(
        one["resources"].get("limits") or {} for one in pod["spec"]["containers"] if one["name"] == MAIN
    )
    return quantity(limits.get("memory", "0")) / 2**30


def _usage(said: dict[str, str], end: Object) -> Usage | None:
    if "wall_cs" in said:
        cpu_us, peak = said.get("cpu_us"), said.get("peak_bytes")
        return Usage(
            int(said["wall_cs"]) / 100,
            int(cpu_us) / 1e6 if cpu_us else None,
            int(peak) / 2**30 if peak else None,
        )
    began, finished = end.get("startedAt"), end.get("finishedAt")
    if not began or not finished:
        return None
    return Usage(max((_instant(finished) - _instant(began)).total_seconds(), 0.0), None, None)


def _leaving(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"] or _condition(pod, "DisruptionTarget") is not None


def _disruption(pod: Object) -> str:
    found = _condition(pod, "DisruptionTarget")
    return _said(found) if found is not None else "it was ended at the site, not by situs"


def _condition(pod: Object, kind: str) -> Object | None:
    listed: list[Object] = pod["status"].get("conditions") or []
    return next((one for one in listed if one["type"] == kind and one["status"] == "True"), None)


def _said(about: Object) -> str:
    return (
        ": ".join(str(about[part]) for part in ("reason", "message") if about.get(part)) or "no reason given"
    )


def _waits(pod: Object, state: Any) -> str | None:
    """Why it does not run yet."""
    waiting = state.get("waiting")
    if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
        return _said(waiting)
    for condition in pod["status"].get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return _said(condition)
    return None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
