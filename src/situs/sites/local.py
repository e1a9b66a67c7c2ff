"""This machine as a site: real processes, each in its own session and folder, under a supervisor."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from situs.model.error import SitusError
from situs.sites.adapter import Inventory, Key, StaleGeneration, Status, Task, Usage

STARTING_S = 10.0
"""A supervisor takes its lock within a fraction of a second; ten mean that it never will."""


class LocalSite:
    """A folder of this machine that runs are kept in."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def inventory(self) -> Inventory:
        """Processors, memory and what keeps runs apart here."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        isolation = ["process-group", "rlimits"]
        isolation += [tool for tool in ("bwrap",) if shutil.which(tool)]
        isolation += ["cgroup2"] if Path("/sys/fs/cgroup/cgroup.controllers").exists() else []
        return Inventory(len(os.sched_getaffinity(0)), memory, {}, tuple(isolation))

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        target = self._inside(key, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        return copied(source, target)

    def start(self, task: Task) -> None:
        """Start the task, unless it runs or ran already. Raises StaleGeneration for an old generation."""
        newest = max((k.generation for k in self.known() if k.workload == task.key.workload), default=0)
        if task.key.generation < newest:
            raise StaleGeneration(
                f"{task.key.workload}: generation {task.key.generation} is older than {newest}, "
                "which this site has seen"
            )
        folder = self._folder(task.key)
        (folder / "work").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_task(folder, task)
        if self.status(task.key).state != "absent":
            return
        subprocess.Popen(  # noqa: S603 - our own module, by the same interpreter
            [sys.executable, "-m", "situs.sites.supervisor", str(folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, close_fds=True,
        )  # fmt: skip
        deadline = time.monotonic() + STARTING_S
        while not (folder / "started").exists():
            if time.monotonic() > deadline:
                raise SitusError(
                    f"{task.key.workload}: its supervisor did not start within {STARTING_S:.0f} s"
                )
            time.sleep(0.005)

    def status(self, key: Key) -> Status:
        """Where the run is; ``lost`` when its supervisor was killed."""
        folder = self._folder(key)
        ended = folder / "ended.json"
        if (
            not ended.exists()
            and (folder / "started").exists()
            and not _held(folder / "lock")
            and not ended.exists()
        ):
            return Status("ended", None, "lost")
        if ended.exists():
            record = json.loads(ended.read_bytes())
            usage = Usage(record["wall_s"], record["cpu_s"], record["peak_memory_gib"])
            return Status("ended", record["exit_code"], record["reason"], usage)
        return Status("running") if (folder / "started").exists() else Status("absent")

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        deadline = time.monotonic() + timeout_s
        while (status := self.status(key)).state == "running" and time.monotonic() < deadline:
            time.sleep(0.01)
        return status

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        path = self._folder(key) / "output.log"
        if not path.exists():
            return b"", since
        with path.open("rb") as file:
            file.seek(since)
            text = file.read()
        return text, since + len(text)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the process group, SIGKILL after the grace."""
        folder = self._folder(key)
        if self.status(key).state == "running":
            new = folder / "stop.new"
            new.write_text(str(grace_s))
            new.replace(folder / "stop")
        return self.wait(key, grace_s + STARTING_S)

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        source = self._inside(key, name)
        if not source.is_file():
            raise SitusError(f"{key.workload} wrote no file {name!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        return copied(source, target)

    def known(self) -> list[Key]:
        """All runs that this folder knows."""
        found = []
        for folder in sorted(self._root.glob("*@*")):
            workload, _, generation = folder.name.rpartition("@")
            found.append(Key(workload, int(generation)))
        return found

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        if self.status(key).state == "running":
            raise SitusError(f"{key.workload} still runs; stop it first")
        shutil.rmtree(self._folder(key), ignore_errors=True)

    def _folder(self, key: Key) -> Path:
        return self._root / f"{key.workload}@{key.generation}"

    def _inside(self, key: Key, name: str) -> Path:
        work = (self._folder(key) / "work").resolve()
        path = (work / name).resolve()
        if not path.is_relative_to(work):
            raise SitusError(f"{name!r} leads out of the run's folder")
        return path

    def _write_task(self, folder: Path, task: Task) -> None:
        path = folder / "task.json"
        if path.exists():
            return
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder / "work"),
            "LANG": "C.UTF-8",
            "SITUS_WORKLOAD": task.key.workload,
            "SITUS_GENERATION": str(task.key.generation),
            **task.env,
        }
        content = {
            "command": list(task.command), "env": env, "timeout_s": task.timeout_s,
            "memory_gib": task.memory_gib, "cpus": task.cpus,
        }  # fmt: skip
        # The environment may carry secrets: for the owner's eyes only, and in no process list.
        handle = os.open(folder / "task.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        (folder / "task.new").replace(path)


def _held(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def copied(source: Path, target: Path) -> str:
    """Copy in one step, so that no half file is ever seen; gives the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    new = target.with_name(f".{target.name}.new")
    with source.open("rb") as reader, new.open("wb") as writer:
        while block := reader.read(1 << 20):
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    new.replace(target)
    return digest.hexdigest()
