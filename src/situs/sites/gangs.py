"""What each member of a job over several nodes is told, by the names that PyTorch, MPI and Ray go by.

A member is one process of ours on one node, so without anything between, ``WORLD_SIZE`` and ``RANK`` count nodes;
``torchrun`` reads the names that begin with ``PET_`` and counts its own processes anew.
"""

from __future__ import annotations

from situs.sites.adapter import Task

PORT = "29500"
"""Where members meet that have addresses of their own: PyTorch's choice."""
RANKS = ("RANK", "PET_NODE_RANK", "SITUS_NODE_RANK")
"""The number of a member among them, from 0."""


def meeting(task: Task, first: str, port: str, hostfile: str) -> dict[str, str]:
    """All that is the same for every member: one process of ``torchrun`` for each of a node's accelerators.

    ``first``: how the others reach member 0. ``hostfile``: a file with all members by their rank, one a line.
    """
    count, processes = str(task.nodes), str(max(task.accelerators, 1))
    return {
        "WORLD_SIZE": count, "MASTER_ADDR": first, "MASTER_PORT": port,
        "PET_NNODES": count, "PET_NPROC_PER_NODE": processes, "PET_MASTER_ADDR": first, "PET_MASTER_PORT": port,
        "SITUS_NODES": count, "SITUS_FIRST_NODE": first, "SITUS_HOSTFILE": hostfile,
    }  # fmt: skip
