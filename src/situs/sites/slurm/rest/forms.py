"""How the versions of Slurm's REST interface write jobs and nodes.

Version 0.0.38 takes plain numbers, and a dictionary for an environment.  Later ones wrap numbers that may be unset,
and tell states as lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from situs.sites.adapter import Inventory, Nodes, Task, by_shape
from situs.sites.slurm.nodes import accelerators_of, is_up
from situs.sites.slurm.states import QUEUED, Job, job_state, place_of
from situs.sites.slurm.submission import SlurmOptions, memory_mib, start_line, time_limit_min

OLD = "v0.0.38"
SPOKEN = (OLD, "v0.0.40", "v0.0.41", "v0.0.42")
"""Versions that this is tested with, oldest first. Slurm serves each for about two years."""
AWAY = {"DRAIN", "NOT_RESPONDING", "FAIL", "INVALID_REG"}
"""Marks of nodes that take nothing now, whatever their state."""

APART = ("slurm-job",)
"""Slurm tracks each job's processes; whether the kernel also holds them to their share, the interface does not say."""


def submission(version: str, task: Task, options: SlurmOptions, name: str, folder: str) -> dict[str, Any]:
    """The job of a task, as ``job/submit`` takes it."""
    gres = f"{options.gres}:{task.accelerators}" if task.accelerators else None
    memory, limit = memory_mib(task), time_limit_min(task)
    job: dict[str, Any] = {
        "name": name, "partition": options.partition, "account": options.account, "qos": options.qos,
        "constraints": options.constraint, "tasks": task.nodes, "tasks_per_node": 1, "cpus_per_task": task.cpus,
        "current_working_directory": folder, "standard_output": f"{folder}/slurm.log", "open_mode": "append",
    }  # fmt: skip
    if version == OLD:
        job |= {
            "nodes": task.nodes, "memory_per_node": memory, "time_limit": limit, "gres": gres,
            "environment": {"PATH": options.path},
        }  # fmt: skip
        # It takes "requeue" for yes, whatever its value.
        job["requeue" if options.requeue else "no_requeue"] = True
    else:
        job |= {
            "minimum_nodes": task.nodes, "maximum_nodes": task.nodes, "requeue": options.requeue,
            "memory_per_node": _wrapped(memory), "time_limit": _wrapped(limit),
            "tres_per_node": gres and f"gres/{gres}", "environment": [f"PATH={options.path}"],
        }  # fmt: skip
    if options.dependency is not None:
        kill = (
            {"kill_on_invalid_dependency": True} if version == OLD else {"flags": ["KILL_INVALID_DEPENDENCY"]}
        )
        job |= {"dependency": options.dependency, **kill}
    given = {name: value for name, value in job.items() if value is not None}
    return {"script": f"#!/bin/sh\n{start_line(folder)}\n", "job": given}


def job_of(told: Mapping[str, Any], now_s: Callable[[], float]) -> Job:
    """What an answer says about a job. ``now_s``: asks for the cluster's clock, which a job that is over needs."""
    words = _words(told["job_state"])
    # A job has both: how it ended, and that its nodes are still being cleaned.
    state = "COMPLETING" if "COMPLETING" in words else job_state(words[0], told.get("state_reason"))
    place = told.get("state_reason") if state in QUEUED else told.get("nodes")
    ended_ago_s = 0.0
    if state in ("COMPLETED", "FAILED"):
        ended_ago_s = now_s() - (_plain(told.get("end_time")) or 0)
    return Job(str(told["job_id"]), state, place_of(place), ended_ago_s)


def inventory(nodes: Sequence[Mapping[str, Any]]) -> Inventory:
    """What the nodes that are up have together."""
    shapes = [
        Nodes(
            1, int(node["cpus"]), int(node["real_memory"]) / 1024, dict(accelerators_of(node["gres"] or ""))
        )
        for node in nodes
        if works(node)
    ]
    accelerators: Counter[str] = Counter()
    for shape in shapes:
        accelerators.update(shape.accelerators)
    return Inventory(
        sum(shape.cpus for shape in shapes), sum(shape.memory_gib for shape in shapes), dict(accelerators), APART,
        by_shape(shapes),
    )  # fmt: skip


def state_of(node: Mapping[str, Any]) -> str:
    """The state of a node with its marks, as people know it from ``sinfo``."""
    return "+".join(_words(node["state"]) + _words(node.get("state_flags") or [])).lower()


def works(node: Mapping[str, Any]) -> bool:
    """Whether a node can run something now."""
    state, *marks = state_of(node).upper().split("+")
    return is_up(state) and not AWAY.intersection(marks)


def clock_s(diag: Mapping[str, Any]) -> float:
    """The controller's clock, from its statistics: seconds since 1970, whole ones."""
    return float(_plain(diag["statistics"]["req_time"]) or 0)


def _words(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _wrapped(value: int | None) -> dict[str, Any] | None:
    return None if value is None else {"set": True, "infinite": False, "number": value}


def _plain(value: Any) -> int | None:
    """A number, wrapped or not; None: it is not set."""
    if isinstance(value, dict):
        return int(value["number"]) if value.get("set") and not value.get("infinite") else None
    return None if value is None else int(value)
