"""A task as Slurm takes it: the file that its job runs, and the options of ``sbatch``."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass
from importlib.resources import files

from situs.model.error import SitusError
from situs.sites.adapter import Task
from situs.sites.gangs import RANKS, meeting

OVERHEAD_MIB = 8
"""Memory of the shells that stand beside the run; they are in its limit."""
OVERHEAD_S = 120.0
"""Slurm's own limit is this much later than ours: it ends what does not even end then, and plans by it."""
RESERVED = frozenset({"UID", "EUID", "PPID", "SHELLOPTS", "BASHOPTS", "BASH_VERSINFO"})
"""Some hosts' shell does not let these be set."""


@dataclass(frozen=True)
class SlurmOptions:
    """How a site's work is submitted. None: the cluster's own default."""

    folder: str
    """absolute path of a folder that login node and compute nodes share; the user of situs owns it"""
    mount: str | None = None
    """where this machine sees that folder, if it is driven by REST from here; None: under the same path"""
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    """``PATH`` of jobs that are submitted by REST: gangs need Slurm's own commands in it"""
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    """features that nodes must have, as ``sbatch --constraint`` takes them"""
    gres: str = "gpu"
    """generic resource that accelerators are, such as ``gpu`` or ``gpu:h100``"""
    dependency: str | None = None
    """jobs of the cluster that each run waits for, as ``sbatch --dependency`` takes them; one that waits for what can
    never come is ended"""
    requeue: bool = False
    """whether Slurm may start a run again by itself, after its node failed or somebody requeued it; a node that
    only cannot be reached may then run it at the same time"""

    def __post_init__(self) -> None:
        for name, path in (("folder", self.folder), ("mount", self.mount or "/")):
            if not path.startswith("/"):
                raise SitusError(f"slurm: {name} {path!r} is no absolute path; write it as /home/situs/site")


def options_of(task: Task, options: SlurmOptions) -> list[str]:
    """Options of ``sbatch`` for a task."""
    chosen = {
        "partition": options.partition,
        "account": options.account,
        "qos": options.qos,
        "constraint": options.constraint,
        "nodes": str(task.nodes),
        "ntasks-per-node": "1",
        "cpus-per-task": None if task.cpus is None else str(task.cpus),
        "mem": None if (mib := memory_mib(task)) is None else f"{mib}M",
        "time": None if (limit_min := time_limit_min(task)) is None else str(limit_min),
        "gres": f"{options.gres}:{task.accelerators}" if task.accelerators else None,
    }
    if options.dependency is not None:
        chosen |= {"dependency": options.dependency, "kill-on-invalid-dep": "yes"}
    written = [f"--{name}={value}" for name, value in chosen.items() if value is not None]
    return [*written, "--requeue" if options.requeue else "--no-requeue"]


def memory_mib(task: Task) -> int | None:
    """What Slurm sets aside on each node, with the shells beside the run; None: the cluster's own default."""
    return None if task.memory_gib is None else math.ceil(task.memory_gib * 1024) + OVERHEAD_MIB


def time_limit_min(task: Task) -> int | None:
    """When Slurm ends the job at the latest; None: at its partition's limit."""
    return None if task.timeout_s is None else math.ceil((task.timeout_s + OVERHEAD_S) / 60)


def start_line(folder: str) -> str:
    """What a job's shell does: it becomes the run's script in the run's folder."""
    return f"exec /bin/sh {shlex.quote(f'{folder}/run.sh')} {shlex.quote(folder)}"


def run_script(task: Task, options: SlurmOptions, unit: str) -> bytes:
    """The file that the job runs. It holds the environment, so it is for the owner's eyes alone.

    Raises SitusError for names and values that no environment of a POSIX shell can hold.
    """
    work = f"{options.folder}/runs/{task.key}/work"
    env = {
        "HOME": work,
        "LANG": "C.UTF-8",
        **task.env,
        "SITUS_WORKLOAD": task.key.workload,
        "SITUS_UNIT": str(task.key.unit),
        "SITUS_GENERATION": str(task.key.generation),
    }
    for name in (*env, *task.secrets):
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII) is None or name in RESERVED:
            raise SitusError(
                f"{task.key.workload}: {name!r} cannot be set in a shell; use letters, digits and '_', "
                "and none of the shell's own names"
            )
    for text in (*env.values(), *task.command, *task.secrets.values()):
        if "\0" in text:
            # It may be a secret, so it is not shown.
            raise SitusError(f"{task.key.workload}: a zero byte is in a value; no program can be given one")
    limit = "" if task.timeout_s is None else str(math.ceil(task.timeout_s * 100))
    head = [
        f"situs_nodes={task.nodes}",
        f"situs_limit_cs={limit}",
        f"situs_requeue={'yes' if options.requeue else 'no'}",
        f"situs_generation={task.key.generation}",
        # What may be started again, or by several nodes, has them until its end.
        f"situs_secrets={_secrets(task, options)}",
        f"situs_newest={shlex.quote(f'{options.folder}/newest/{unit}')}",
        *_meeting(task),
        "situs_environment() {",
        *(f"export {name}={shlex.quote(value)}" for name, value in env.items()),
        "}",
        "situs_command() {",
        f"exec {' '.join(map(shlex.quote, task.command))}",
        "}",
    ]
    body = files("situs.sites.slurm").joinpath("job.sh").read_bytes()
    return "\n".join(head).encode("utf-8", "surrogateescape") + b"\n" + body


def _meeting(task: Task) -> list[str]:
    """How a member of several meets the others; what its variables hold is known at its node only."""
    if task.nodes == 1:
        return []
    told = meeting(task, "$SITUS_FIRST_NODE", "$MASTER_PORT", "$folder/hosts")
    told |= dict.fromkeys(RANKS, "$SITUS_NODE_RANK")
    return ["situs_meeting() {", *(f'export {name}="{value}"' for name, value in told.items()), "}"]


def secrets_script(task: Task) -> bytes:
    """What the run's own shell reads, and nobody else; empty without secrets."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in task.secrets.items()]
    return "".join(lines).encode("utf-8", "surrogateescape")


def _secrets(task: Task, options: SlurmOptions) -> str:
    if not task.secrets:
        return "none"
    return "keep" if options.requeue or task.nodes > 1 else "once"
