"""Stands beside one process: starts it once, limits it, and writes down how it ended.

Run as ``python -m situs.sites.supervisor FOLDER SIMULATED``, where the latter is how many accelerators are only
simulated.  It outlives whoever started it, so a control plane may die and come back.  Three files carry the truth:

* ``lock`` is held for the supervisor's whole life: whoever cannot take it knows that the run is alive;
* ``started`` is on disk before the process is made: a second supervisor for the same run sees it and leaves;
* ``ended.json`` appears in one step with exit code, reason and usage.

Secrets come over standard input and are handed on as variables of the process; they are in no file.

The process dies with its supervisor.  All that it started dies with it, also what left its process group:
orphans fall to the supervisor, which ends them.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from situs.sites import devices
from situs.sites.adapter import Full, Key, StaleGeneration
from situs.sites.generations import Generations
from situs.sites.handing_out import given_out
from situs.sites.processes import children, descendants, kill, memory_bytes
from situs.sites.steady import steady

INCOMPLETE = 4
"""Exit code when whoever asked died before all secrets were here; nothing was started then."""
STALE = 3
"""Exit code when the site has seen a higher generation; nothing was started then."""
LAPSED = 5
"""Exit code when the lease of the run was over before it could begin; nothing was started then."""
NOTHING_FREE = 6
"""Exit code when the accelerators that the run asks for are not free; nothing was started then."""
NEVER_RUN = {"exit_code": None, "reason": "stopped", "wall_s": 0.0, "cpu_s": 0.0, "peak_memory_gib": 0.0}
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.02
"""How often a stop request and the limits are looked at: a fiftieth of a second is soon enough for a person,
too short to fill more than some ten MiB of memory, and costs a thousandth of a core."""


def main(folder: Path, simulated: int) -> int:
    """Run the task of ``folder`` to its end, unless somebody did or does."""
    try:
        # Before the lock is taken: whoever asked may be frozen, and must not keep others out.
        secrets = json.loads(sys.stdin.buffer.read() or b"{}")
    except ValueError:
        return INCOMPLETE
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    started = folder / "started"
    if started.exists():
        return 0
    task = json.loads((folder / "task.json").read_bytes())
    if sorted(secrets) != task.get("secrets", []):
        return INCOMPLETE
    if has_lapsed(folder):
        return LAPSED
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    key, generations = Key.parse(folder.name), Generations(folder.parent / "newest")
    try:
        # Whoever asked for this run may have been frozen meanwhile, and the site been told to refuse it.
        generations.check(key)
    except StaleGeneration:
        return STALE
    try:
        given = given_out(folder, task, simulated)
    except Full as full:
        sys.stderr.write(f"{full}\n")
        return NOTHING_FREE
    task["env"] = devices.environment(given, task["env"], simulated)
    _write(started, str(time.time()))
    # What is brought from now on comes too late: the folder is the run's own.
    (folder / "staged").rename(folder / "work")
    try:
        # Whoever has told the site before this instant is heard here; all later ones see that it has started.
        generations.check(key)
    except StaleGeneration:
        _write(folder / "ended.json", json.dumps(NEVER_RUN))
        return STALE
    _write(folder / "ended.json", json.dumps(_run(folder, task, secrets)))
    return 0


def _run(folder: Path, task: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    began = time.monotonic()

    def limits() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if task["cpus"] is not None:
            os.sched_setaffinity(0, _processors(folder, task["cpus"]))

    with (folder / "output.log").open("ab") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is an argument list, no shell is involved
                task["command"], cwd=folder / "work", env={**task["env"], **secrets},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=limits,
            )  # fmt: skip
        except OSError as error:
            output.write(f"cannot start {task['command'][0]}: {error.strerror}\n".encode())
            return _ended(127, "exited", began, 0)
    reason, peak = _watch(folder, task, process, began)
    _end_what_is_left()
    if reason == "exited" and process.returncode < 0:
        reason = "signalled"
    return _ended(process.returncode, reason, began, peak)


def _watch(
    folder: Path, task: dict[str, Any], process: subprocess.Popen[bytes], began: float
) -> tuple[str, int]:
    """Until the process has ended, by itself or because of a limit or a request; gives why, and the peak memory."""
    most = None if task["memory_gib"] is None else int(task["memory_gib"] * 2**30)
    stop = folder / "stop"
    reason, peak = "exited", 0
    kill_at: float | None = None
    while process.poll() is None:
        now = time.monotonic()
        if most is not None:
            held = memory_bytes(descendants(os.getpid()), most)
            peak = max(peak, held)
            if held > most:
                reason, kill_at = "memory", now
        _pass_on_signals(folder / "signals", process)
        if kill_at is None and task["timeout_s"] is not None and now - began > task["timeout_s"]:
            reason, kill_at = "timeout", now
        if reason != "lapsed" and has_lapsed(folder):
            reason, kill_at = "lapsed", now
        if kill_at is None and stop.exists():
            reason, kill_at = "stopped", now + float(stop.read_text() or 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        if kill_at is not None and now >= kill_at:
            kill([process.pid, *descendants(os.getpid())])
        _bury_orphans(process.pid)
        time.sleep(POLL_S)
    return reason, peak


def has_lapsed(folder: Path) -> bool:
    """Whether the run has a lease that is over. It is this machine that the lease was given to, and its clock."""
    try:
        return steady() >= float((folder / "lease").read_text())
    except FileNotFoundError:
        return False


def _pass_on_signals(asked: Path, process: subprocess.Popen[bytes]) -> None:
    """Each file in the folder asks for one signal, by its name up to a point; it goes once it was heeded."""
    for request in sorted(asked.iterdir()):
        process.send_signal(signal.Signals[request.name.partition(".")[0]])
        request.unlink()


def _processors(folder: Path, count: int) -> set[int]:
    """So many of the processors that are there; runs begin at different ones, so that not all share the first."""
    there = sorted(os.sched_getaffinity(0))
    first = zlib.crc32(str(folder).encode())
    return {there[(first + k) % len(there)] for k in range(max(1, min(count, len(there))))}


def _end_what_is_left() -> None:
    """What the process left behind must not outlive it, whichever group it went to."""
    while left := descendants(os.getpid()):
        kill(left)
        _bury_orphans(0)
        time.sleep(POLL_S / 10)


def _bury_orphans(process: int) -> None:
    """Take leave of ended orphans, so that their usage counts and their entries go; never of the process itself."""
    for pid in children(os.getpid()):
        if pid != process:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _ended(code: int, reason: str, began: float, peak: int) -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "exit_code": code,
        "reason": reason,
        "wall_s": time.monotonic() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_memory_gib": max(used.ru_maxrss * 1024, peak) / 2**30,
    }


def _write(path: Path, text: str) -> None:
    """In one step and on disk."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
