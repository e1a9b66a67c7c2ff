"""What Slurm says about its nodes, and what is wrong when they cannot be worked with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from situs.sites.adapter import Inventory, Nodes, by_shape

UP = {"IDLE", "MIXED", "ALLOCATED", "COMPLETING", "RESERVED", "PLANNED"}
"""States of nodes that run or may run something; what is drained, down or powered off counts for nothing now."""


def inventory(text: str) -> Inventory:
    """What the nodes that are up have together, from ``sinfo`` and the configuration."""
    nodes: dict[str, tuple[int, int, str]] = {}
    isolation: list[str] = []
    for line in text.splitlines():
        kind, *fields = line.split("|")
        if kind == "config":
            isolation += [
                part for part in re.split(r"[,\s]+", fields[0]) if part and not part.endswith("none")
            ]
        elif kind == "node" and len(fields) == 5 and is_up(fields[1]):
            # A node is told of once for each of its partitions.
            nodes[fields[0]] = (int(fields[2]), int(re.sub(r"\D", "", fields[3])), fields[4])
    accelerators: Counter[str] = Counter()
    for _, _, gres in nodes.values():
        accelerators.update(accelerators_of(gres))
    return Inventory(
        sum(cpus for cpus, _, _ in nodes.values()),
        sum(memory for _, memory, _ in nodes.values()) / 1024,
        dict(accelerators),
        tuple(isolation),
        by_shape(
            Nodes(1, cpus, memory / 1024, dict(accelerators_of(gres)))
            for cpus, memory, gres in nodes.values()
        ),
    )


def accelerators_of(gres: str) -> Counter[str]:
    """How many of which type, from what Slurm prints such as ``gpu:h100:4(S:0-1),shard:8``."""
    found: Counter[str] = Counter()
    for name, count in re.findall(r"gpu:(?:([A-Za-z][\w.-]*):)?(\d+)", gres):
        found[name or "gpu"] += int(count)
    return found


def is_up(state: str) -> bool:
    """Whether a node in this state can run something now; marks such as ``*`` (no answer) are minded."""
    return re.sub(r"[+~#$@^-]+$", "", state).upper() in UP


def unhealthy(exit_code: int, states: Sequence[str], said: str, folder: str) -> tuple[str | None, str | None]:
    """Cause and next step, from how the script for health ended; None when all is well."""
    if exit_code == 73:
        return f"{folder} cannot be written to: {said}", "make room there, or give it to the user of situs"
    if exit_code == 69:
        return (
            "the login node has not all of sbatch, timeout and setsid",
            "install slurm-client, coreutils and util-linux there, or name a login node that has them",
        )
    if exit_code:
        return (
            f"Slurm's controller does not answer: {said}",
            "on the cluster's controller, see `systemctl status slurmctld` and its log",
        )
    if not any(map(is_up, states)):
        there = ", ".join(sorted(set(states))) or "none"
        return f"no node can run anything (states: {there})", "see `sinfo --list-reasons`; resume the nodes"
    return None, None
