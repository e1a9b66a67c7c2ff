"""A task as lines that a POSIX shell reads one by one and never as script.

Each value is escaped as ``printf %b`` undoes it, so that a line has only letters, digits and signs that no shell
minds.  The last line says that it is whole: a line to a host that is cut looks like an end of input.
"""

from __future__ import annotations

import os
import re

from situs.model.error import SitusError
from situs.sites.adapter import Task
from situs.sites.devices import thousandths

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset({"UID", "EUID", "PPID", "SHELLOPTS", "BASHOPTS", "OPTIND", "IFS"})
"""Some shells do not let these be set, or mind what they are set to."""
PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=@,+-")


def written(task: Task, path: str, run: str) -> bytes:
    """The task for the host. Raises SitusError for what no shell can start.

    ``path``: where programs are there; ``run``: the folder of the run there.
    """
    for name in (*task.env, *task.secrets):
        if VARIABLE.fullmatch(name) is None or name in RESERVED:
            raise SitusError(f"{task.key.workload}: {name!r} is no name that a shell can set a variable by")
    if not task.command or task.command[0].startswith("-"):
        raise SitusError(f"{task.key.workload}: {' '.join(task.command[:1])!r} is no program's name")
    env = {
        "PATH": path,
        "HOME": f"{run}/work",
        "LANG": "C.UTF-8",
        **task.env,
        "SITUS_WORKLOAD": task.key.workload,
        "SITUS_UNIT": str(task.key.unit),
        "SITUS_GENERATION": str(task.key.generation),
        "SITUS_RUN": f"{run}/",
    }
    limit = "-" if task.timeout_s is None else f"{task.timeout_s:.3f}"
    # First, so that they can be taken off before the rest is written down.
    lines = [f"secret {name} {_escaped(value)}" for name, value in task.secrets.items()]
    lines += [f"limit {limit}"]
    lines += [f"accelerators {task.accelerators} {thousandths(task.accelerator_share)}"]
    lines += [f"env {name} {_escaped(value)}" for name, value in env.items()]
    lines += [f"arg {_escaped(part)}" for part in task.command]
    return "\n".join([*lines, "end", ""]).encode()


def _escaped(text: str) -> str:
    if "\0" in text:
        # It may be a secret, so it is not shown.
        raise SitusError("a value has a NUL in it, which no program can be given")
    return "".join(chr(byte) if byte in PLAIN else f"\\0{byte:03o}" for byte in os.fsencode(text))
