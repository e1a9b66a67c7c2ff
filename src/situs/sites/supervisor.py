"""Stands beside one process: starts it once, limits it, and writes down how it ended.

Run as ``python -m situs.sites.supervisor FOLDER``.  It outlives whoever started it, so a control plane may
die and come back.  Three files carry the truth:

* ``lock`` is held for the supervisor's whole life: whoever cannot take it knows that the run is alive;
* ``started`` is on disk before the process is made: a second supervisor for the same run sees it and leaves;
* ``ended.json`` appears in one step with exit code, reason and usage.

The process dies with its supervisor, so a run whose lock is free and that has not ended is lost, never
running unseen.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
POLL_S = 0.02
"""How often a stop request and the time limit are looked at: a fiftieth of a second is soon enough for a
person and costs a thousandth of a core."""


def main(folder: Path) -> int:
    """Run the task of ``folder`` to its end, unless somebody did or does."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    started = folder / "started"
    if started.exists():
        return 0
    _write(started, str(time.time()))
    _write(folder / "ended.json", json.dumps(_run(folder, json.loads((folder / "task.json").read_bytes()))))
    return 0


def _run(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    work = folder / "work"
    began = time.monotonic()

    def limits() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if task["memory_gib"] is not None:
            most = int(task["memory_gib"] * 2**30)
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if task["cpus"] is not None:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: max(1, task["cpus"])])

    with (folder / "output.log").open("ab") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is an argument list, no shell is involved
                task["command"], cwd=work, env=task["env"], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=limits,
            )  # fmt: skip
        except OSError as error:
            output.write(f"cannot start {task['command'][0]}: {error.strerror}\n".encode())
            return _ended(127, "exited", began)
    reason = "exited"
    killed_at: float | None = None
    while process.poll() is None:
        now = time.monotonic()
        if killed_at is None and task["timeout_s"] is not None and now - began > task["timeout_s"]:
            reason, killed_at = "timeout", now
            _signal(process.pid, signal.SIGKILL)
        stop = folder / "stop"
        if killed_at is None and stop.exists():
            reason, killed_at = "stopped", now + float(stop.read_text() or 0)
            _signal(process.pid, signal.SIGTERM)
        if killed_at is not None and now > killed_at:
            _signal(process.pid, signal.SIGKILL)
        time.sleep(POLL_S)
    # What the process left behind in its group must not outlive it.
    _signal(process.pid, signal.SIGKILL)
    code = process.returncode
    if reason == "exited" and code < 0:
        reason = "signalled"
    return _ended(code, reason, began)


def _ended(code: int, reason: str, began: float) -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "exit_code": code,
        "reason": reason,
        "wall_s": time.monotonic() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_memory_gib": used.ru_maxrss / 2**20,
    }


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _write(path: Path, text: str) -> None:
    """In one step and on disk."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
