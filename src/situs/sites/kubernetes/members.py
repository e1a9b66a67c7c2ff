"""Where a run is by its pods: one, or one on each of several nodes, which begin together and fail together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from situs.sites.adapter import Status, Usage
from situs.sites.kubernetes.cluster import Object
from situs.sites.kubernetes.gang import INDEX
from situs.sites.kubernetes.records import Record
from situs.sites.kubernetes.states import main, of_pod, told, without_pod


def members(pods: Sequence[Object]) -> dict[int, Object]:
    """The pods of a run by their number; should there ever be two of one, the first is the one that runs."""
    found: dict[int, Object] = {}
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"])):
        found.setdefault(int((pod["metadata"].get("annotations") or {}).get(INDEX, 0)), pod)
    return dict(sorted(found.items()))


def judged(record: Record, job: Object | None, pods: Sequence[Object]) -> Status:
    """Where a run is whose job was made. ``job``: None also when it has all its pods."""
    found = members(pods)
    seen = {rank: of_pod(record, pod) for rank, pod in found.items()}
    failed = [rank for rank, status in seen.items() if _failed(status)]
    alive = [status for status in seen.values() if status.alive]
    if len(seen) < record.nodes and not failed and not alive:
        return without_pod(record, job)
    if record.nodes == 1:
        return seen[0]
    if failed:
        cause = _cause(record, found, failed)
        if alive:
            return Status("running", detail=f"node {cause} has failed, and the others are ended for it")
        why = f": {seen[cause].detail}" if seen[cause].detail else ""
        return replace(seen[cause], usage=_usage(seen), detail=f"node {cause} ended first{why}")
    if not alive:
        return replace(seen[0], usage=_usage(seen))
    return _on_its_way(record, seen)


def to_be_ended(record: Record, pods: Sequence[Object]) -> list[Object]:
    """The pods that are to end because another one has failed."""
    found = members(pods)
    seen = [of_pod(record, pod) for pod in found.values()]
    if not any(map(_failed, seen)):
        return []
    return [pod for pod, status in zip(found.values(), seen, strict=True) if status.alive]


def _failed(status: Status) -> bool:
    return status.state == "ended" and not status.succeeded


def _cause(record: Record, found: Mapping[int, Object], failed: Collection[int]) -> int:
    """Which one ended the others, and not because another had."""

    def order(rank: int) -> tuple[bool, str, int]:
        followed = record.why is None and told(found[rank]).get("reason") in ("other", "stopped")
        return followed, main(found[rank]).get("terminated", {}).get("finishedAt") or "", rank

    return min(failed, key=order)


def _on_its_way(record: Record, seen: Mapping[int, Status]) -> Status:
    there = sum(status.state != "queued" for status in seen.values())
    why = next((status.detail for status in seen.values() if status.detail), None)
    if there == record.nodes:
        return Status("running", detail=why)
    waits = f"{there} of {record.nodes} nodes are there"
    return Status("queued", detail=f"{waits}: {why}" if why else waits)


def _usage(seen: Mapping[int, Status]) -> Usage | None:
    """Of several nodes the fullest one counts, as limits hold for each."""
    used = [status.usage for status in seen.values() if status.usage is not None]
    if not used:
        return None
    cpu_s = [one.cpu_s for one in used if one.cpu_s is not None]
    peaks = [one.peak_memory_gib for one in used if one.peak_memory_gib is not None]
    return Usage(
        max(one.wall_s for one in used),
        sum(cpu_s) if len(cpu_s) == len(used) else None,
        max(peaks, default=None),
    )
