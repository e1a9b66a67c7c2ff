"""Runs at a Ray cluster, with the Python that is there: the entrypoint of a run's job, and orders about runs.

A run is started and minded by ``posix.sh``, as on any host; its folder lies in the node's log folder, as that is what
the dashboard serves.  The run holds a lease that this process renews: when Ray or somebody kills it, the run ends soon.

usage: run.py start SITE RUN UNIT GENERATION CPUS
       run.py order SITE RUN VERB [ARGUMENT ...]
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tarfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEASE_S = 20
RENEW_S = 5.0
BEFORE_RAY_KILLS = "30"
"""In twentieths of a second: Ray gives a job three seconds to end."""
VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "TPU_VISIBLE_CHIPS",
           "NEURON_RT_VISIBLE_CORES", "HABANA_VISIBLE_MODULES", "ASCEND_RT_VISIBLE_DEVICES")  # fmt: skip
OLDEST_COPY_S = 3600.0


class Runs:
    """The runs of one site on this node."""

    def __init__(self, site: str, name: str) -> None:
        # Ray writes the output of a job to its log folder, and tells nowhere else where that is.
        output = str(Path("/proc/self/fd/1").readlink())
        if not output.startswith("/"):
            sys.exit("the output of this job is no file, so Ray's log folder is unknown")
        self.logs = Path(output).parent / "situs"
        self.root = self.logs / site
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = name
        self.run = self.root / "runs" / name

    def posix(
        self, verb: str, *args: str, stdin: bytes = b"", name: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        """One verb of the script."""
        words = ["/bin/sh", str(HERE / "posix.sh"), verb, str(self.root), name or self.name, *args]
        # In a session of its own: what Ray sends to the group is for this process alone.
        return subprocess.run(  # noqa: S603
            words, input=stdin, capture_output=True, start_new_session=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "SITUS_SH": "/bin/sh"}, check=False,
        )  # fmt: skip


def start(runs: Runs, unit: str, generation: str, cpus: str) -> int:
    """Start a run and wait for its end; gives its exit code."""
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    confine(runs, int(cpus))
    if not (runs.run / "started").exists():
        work = runs.run / "work"
        work.mkdir(parents=True, exist_ok=True)
        with tarfile.open(HERE / "files.tar") as tar:
            tar.extractall(work)  # noqa: S202
    boot, now = runs.posix("clock", name="-").stdout.decode().split()
    done = runs.posix("start", unit, generation, "0", boot, until(now), stdin=task(runs))
    if done.returncode:
        sys.stderr.write((done.stderr or done.stdout).decode(errors="replace").strip() + "\n")
        return done.returncode
    renewed = time.monotonic()
    while not (runs.run / "ended").exists():
        if asked:
            (runs.run / "cancelled").touch()
            runs.posix("stop", BEFORE_RAY_KILLS, BEFORE_RAY_KILLS)
        if time.monotonic() - renewed > RENEW_S:
            renewed = time.monotonic()
            boot, now = runs.posix("clock", name="-").stdout.decode().split()
            runs.posix("renew", boot, stdin=f"{runs.name} {until(now)}\n".encode(), name="-")
        time.sleep(0.05)
    code = (runs.run / "ended").read_text().split()[1]
    return int(code) if code.isdigit() else 1


def until(now: str) -> str:
    """The second at which a lease ends that is given now."""
    return str(int(float(now)) + LEASE_S)


def task(runs: Runs) -> bytes:
    """The task, with what only the node knows."""
    known = {
        "env PATH @PATH@": f"env PATH {os.environ.get('PATH', os.defpath)}",
        "env HOME @RUN@/work": f"env HOME {runs.run}/work",
        "env SITUS_RUN @RUN@/": f"env SITUS_RUN {runs.run}/",
    }
    lines = (HERE / "task").read_text().splitlines()
    last = len(lines) - 1
    given = [f"env {name} {os.environ[name]}" for name in ("RAY_ADDRESS", *VISIBLE) if os.environ.get(name)]
    lines[last:last] = [line for line in given if "\\" not in line and "\n" not in line]
    return "\n".join([*(known.get(line, line) for line in lines), ""]).encode()


def confine(runs: Runs, cpus: int) -> None:
    """Keep to so many processors, those that no other run here holds first; 0: to all."""
    there = sorted(os.sched_getaffinity(0))
    if not 0 < cpus < len(there):
        return
    folder = runs.logs / "cpus"
    folder.mkdir(exist_ok=True)
    held, busy = [], []
    for cpu in there:
        # Held as long as this process lives, whatever ends it.
        handle = os.open(str(folder / str(cpu)), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append(cpu)
        except BlockingIOError:
            busy.append(cpu)
        if len(held) == cpus:
            break
    os.sched_setaffinity(0, (held + busy)[:cpus])


def order(runs: Runs, verb: str, args: list[str]) -> int:
    """Do one thing about a run, and say how it went on the last line."""
    if verb == "get":
        answer = copy(runs, args[0], args[1])
    else:
        done = runs.posix(verb, *args)
        answer = {
            "code": done.returncode,
            "said": (done.stderr or done.stdout).decode(errors="replace")[-500:],
        }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def copy(runs: Runs, name: str, to: str) -> dict[str, object]:
    """Lay a copy of a file of the run where the dashboard reads it; no link that a run laid is followed."""
    out = runs.root / "out"
    out.mkdir(exist_ok=True)
    for old in out.iterdir():
        if time.time() - old.stat().st_mtime > OLDEST_COPY_S:
            old.unlink()
    folder = handle = -1
    try:
        folder = os.open(str(runs.run / "work"), os.O_RDONLY | os.O_DIRECTORY)
        *above, last = Path(name).parts
        for part in above:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        handle = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return {"code": 70, "said": "it is no plain file"}
    except FileNotFoundError:
        return {"code": 66, "said": "it is not there"}
    except OSError as error:
        return {"code": 70, "said": f"it is no plain file of the run: {error.strerror}"}
    finally:
        if folder >= 0:
            os.close(folder)
    digest = hashlib.sha256()
    with os.fdopen(handle, "rb") as source, open(str(out / to), "wb") as target:  # noqa: PTH123
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
            target.write(block)
    return {"code": 0, "said": digest.hexdigest()}


if __name__ == "__main__":
    what, at, which, *rest = sys.argv[1:]
    here = Runs(at, which)
    sys.exit(start(here, *rest) if what == "start" else order(here, rest[0], rest[1:]))
