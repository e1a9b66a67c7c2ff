"""What the kernel says about processes: who descends from whom, how much memory they hold, whose run they are.

A process group is not enough to end a run: a program may leave its group.  It cannot leave its ancestry while
its supervisor is the reaper of its orphans, and it rarely clears the variable that names its run.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

MARK = "SITUS_RUN"
"""Environment variable that names the run a process belongs to, by its folder."""


def children(pid: int) -> list[int]:
    """Children of all threads of a process; none when it is gone."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        # Either the process went away meanwhile, or this kernel was built without the list of children.
        if Path("/proc/self/task").exists() and not Path(f"/proc/self/task/{os.getpid()}/children").exists():
            return [child for child, parent in _parents().items() if parent == pid]
    return found


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on; nearest first."""
    found = children(pid)
    for child in found:
        found += children(child)
    return found


def memory_bytes(pids: Iterable[int], enough: int) -> int:
    """Memory that processes hold together; what they share is counted once when the sum exceeds ``enough``."""
    pids = list(pids)
    resident = sum(_resident(pid) for pid in pids)
    return resident if resident <= enough else sum(_proportional(pid) for pid in pids)


def of_run(folder: Path) -> list[int]:
    """Processes of ours that carry the mark of the run that is kept in ``folder``."""
    wanted = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def kill(pids: Iterable[int]) -> None:
    """SIGKILL to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _parents() -> dict[int, int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name may hold blanks and brackets; the state and the parent follow its last bracket.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return parents


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return _resident(pid)
