"""Processes of containers, seen from the machine that they run on."""

from __future__ import annotations

from pathlib import Path


def is_alive(pid: int, group: str, folder: str) -> bool:
    """Whether a process that its container calls so lives; ``group``: part of its group's name, ``folder``: mounted.

    A container counts its processes for itself: one of ours has both numbers, its own and the machine's.
    """
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and group in (entry / "cgroup").read_text():
                status = dict(line.split(":\t", 1) for line in (entry / "status").read_text().splitlines())
                ours = folder in (entry / "mountinfo").read_text()
                if ours and status["NSpid"].split()[-1] == str(pid) and status["State"][0] not in "ZX":
                    return True
        except (OSError, ValueError):
            continue
    return False
