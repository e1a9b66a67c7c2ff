"""This machine as a site: real processes, each in its own session and folder, under a supervisor."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from situs.model.capability import CAPABILITIES
from situs.model.error import SitusError
from situs.sites.adapter import (
    Full,
    Health,
    Inventory,
    Key,
    Status,
    Task,
    Usage,
    refuse_unsupported,
)
from situs.sites.devices import NONE_SIMULATED, model_name, models, thousandths
from situs.sites.generations import Generations
from situs.sites.handing_out import held
from situs.sites.local_checkpoints import LocalCheckpoints
from situs.sites.noticing import ENDED, WORK, Noticing
from situs.sites.processes import MARK, kill, of_run
from situs.sites.shell import ENTER, ThisMachine
from situs.sites.supervisor import LAPSED, NOTHING_FREE, STALE
from situs.sites.words import found_below, signal_of, still_runs
from situs.sites.writing import copied, written

STARTING_S = 30.0
"""A supervisor is there within a fraction of a second, unless a driver has to wake up for it to count accelerators."""
INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
"""What a supervisor needs to find its interpreter's parts; all else of the caller's environment stays there."""


class LocalSite:
    """A folder of this machine that runs are kept in."""

    capabilities = CAPABILITIES["local"]

    def __init__(self, root: Path, simulated: Mapping[str, int] = NONE_SIMULATED) -> None:
        """``simulated``: accelerators that are to be taken for here beside those that are, by model."""
        self._simulated = simulated
        for folder in reversed((root, *root.parents)):
            # mkdir gives the mode to the last one alone.
            folder.mkdir(exist_ok=True, mode=0o700)
        self._root = root.resolve()
        self._forgotten = self._root / "forgotten"
        newest = self._root / "newest"
        self._generations = Generations(newest)
        self._supervisors: list[subprocess.Popen[bytes]] = []
        self._forgotten.mkdir(exist_ok=True)
        newest.mkdir(exist_ok=True)
        self._bury()

    def health(self) -> Health:
        """Whether runs can be written down here."""
        try:
            with tempfile.TemporaryFile(dir=self._root):
                free, mode = shutil.disk_usage(self._root).free / 2**30, self._root.stat().st_mode
                return Health(True, free_gib=free, mode=stat.filemode(mode))
        except OSError as error:
            return Health(
                False, f"{self._root}: {error.strerror}", "make room there, or give it to the user of situs"
            )

    def inventory(self) -> Inventory:
        """Processors, memory and what keeps runs apart here."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        isolation = ["process-group", "rlimits"]
        isolation += [tool for tool in ("bwrap",) if shutil.which(tool)]
        isolation += ["cgroup2"] if Path("/sys/fs/cgroup/cgroup.controllers").exists() else []
        accelerators = Counter(self._simulated)
        accelerators.update(map(model_name, models()))
        return Inventory(len(os.sched_getaffinity(0)), memory, dict(accelerators), tuple(isolation))

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256. Raises SitusError once the run has started."""
        folder, target = self._folder(key), found_below(self._folder(key) / "staged", name)
        late = SitusError(f"{key.workload} has started: its folder is its own, {name!r} stays as it is")
        if (folder / "started").exists():
            raise late
        for needed in (target.parent, folder / "incoming"):
            needed.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = folder / "incoming" / uuid4().hex
        digest = copied(source, new)
        try:
            new.replace(target)
        except FileNotFoundError:
            # It started this instant, and has taken along what was there before.
            raise late from None
        return digest

    def keep(self, key: Key, source: Path, digest: str) -> str:
        """Have a file here for all runs; gives its path."""
        target = self._root / "kept" / digest
        if not target.exists():
            target.parent.mkdir(exist_ok=True, mode=0o700)
            new = target.with_name(f".{digest}.{uuid4().hex}")
            copied(source, new)
            new.replace(target)
        return str(target)

    def checkpoints(self) -> LocalCheckpoints:
        """The checkpoints that are held here."""
        return LocalCheckpoints(self._root)

    def start(self, task: Task) -> None:
        """Start the task, unless it runs or ran already. Raises StaleGeneration for an old generation."""
        refuse_unsupported(task, self.capabilities, "local")
        self._generations.admit(task.key)
        folder = self._folder(task.key)
        for part in ("staged", "signals"):
            (folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_task(folder, task)
        if self.status(task.key).state != "absent":
            return
        if task.lease_until is not None:
            written(folder / "lease", repr(task.lease_until))
        supervisor = self._supervise(folder, task.secrets)
        deadline = time.monotonic() + STARTING_S
        while not (folder / "started").exists():
            # A supervisor that leaves in peace has seen another one, which is about to say that it started.
            if supervisor.poll() == STALE:
                self._generations.admit(task.key)
            if supervisor.poll() == LAPSED:
                raise SitusError(f"{task.key.workload}: its lease was over before it could begin")
            if supervisor.poll() == NOTHING_FREE:
                raise Full(f"{task.key.workload}: {self._said(folder)}")
            if time.monotonic() > deadline or supervisor.poll() not in (None, 0):
                said = self._said(folder) or f"within {STARTING_S:.0f} s"
                raise SitusError(f"{task.key.workload}: its supervisor did not start: {said}")
            time.sleep(0.005)

    def _said(self, folder: Path) -> str:
        """The last that the supervisor complained of."""
        lines = (folder / "supervisor.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def status(self, key: Key) -> Status:
        """Where the run is; ``lost`` when its supervisor was killed: nothing of it runs on then."""
        folder = self._folder(key)
        ended = folder / ENDED
        if not ended.exists():
            if not (folder / "started").exists():
                return Status("absent")
            if held(folder / "lock"):
                return Status("running")
        # The lock is let go after the end is written down, so whoever saw it free looks once more.
        if not ended.exists():
            kill(of_run(folder))
            return Status("ended", None, "lost")
        record = json.loads(ended.read_bytes())
        usage = Usage(record["wall_s"], record["cpu_s"], record["peak_memory_gib"])
        return Status("ended", record["exit_code"], record["reason"], usage)

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

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        signal_of(name)
        if self.status(key).state == "running":
            (self._folder(key) / "signals" / f"{name}.{uuid4().hex}").touch()

    def renew(self, leases: Mapping[Key, float]) -> None:
        """Let runs that have a lease go on until then."""
        for key, until in leases.items():
            if (self._folder(key) / "lease").exists():
                written(self._folder(key) / "lease", repr(until))

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._generations.admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the process group; SIGKILL after the grace to all that the run started."""
        if self.status(key).state == "running":
            written(self._folder(key) / "stop", str(grace_s))
        return self.wait(key, grace_s + STARTING_S)

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        source = found_below(self._folder(key) / WORK, name)
        if not source.is_file():
            raise SitusError(f"{key.workload} wrote no file {name!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        return copied(source, target)

    def enter(self, key: Key, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """The command that runs another one, or a shell, in the run's folder."""
        return ThisMachine().terminal(ENTER, str(self._folder(key) / WORK), *command, terminal=terminal)

    def tell(self, said: Callable[[Key, Status], None]) -> Callable[[], None]:
        """Say at once when a run has ended; gives what ends that."""
        return Noticing(self._root, None, lambda key: said(key, self.status(key))).stop

    def follow(self, name: str, said: Callable[[Key], None]) -> Callable[[], None]:
        """Say at once when a run has written to a file of its folder, or has ended; gives what ends that."""
        return Noticing(self._root, name, said).stop

    def known(self) -> list[Key]:
        """All runs that this folder knows."""
        return [Key.parse(folder.name) for folder in sorted(self._root.glob("*@*"))]

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        if self.status(key).state == "running":
            raise still_runs(key.workload)
        folder = self._folder(key)
        if folder.exists():
            # Out of sight in one step: half a folder would look like a run that never was, and run again.
            folder.rename(self._forgotten / uuid4().hex)
        self._bury()

    def _bury(self) -> None:
        for folder in self._forgotten.iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, key: Key) -> Path:
        return self._root / str(key)

    def _supervise(self, folder: Path, secrets: Mapping[str, str]) -> subprocess.Popen[bytes]:
        # Supervisors that have ended are taken leave of here: each would stay in the process table otherwise.
        self._supervisors = [process for process in self._supervisors if process.poll() is None]
        # Nothing of the caller's surroundings reaches the run, and no module of the folder it happens to be in.
        env = {name: os.environ[name] for name in INHERITED if name in os.environ}
        simulated = sum(self._simulated.values())
        with (folder / "supervisor.log").open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 - our own module, by the same interpreter
                [sys.executable, "-P", "-m", "situs.sites.supervisor", str(folder), str(simulated)],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=env, cwd=folder,
                start_new_session=True, close_fds=True,
            )  # fmt: skip
        self._supervisors.append(process)
        assert process.stdin is not None
        # Over a pipe, so that they are in no file; one that came only in part is no JSON.
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(json.dumps(dict(secrets)).encode())
        return process

    def _write_task(self, folder: Path, task: Task) -> None:
        path = folder / "task.json"
        if path.exists():
            return
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder / WORK),
            "LANG": "C.UTF-8",
            **task.env,
            "SITUS_WORKLOAD": task.key.workload,
            "SITUS_UNIT": str(task.key.unit),
            "SITUS_GENERATION": str(task.key.generation),
            MARK: str(folder),
        }
        content = {
            "command": list(task.command), "env": env, "timeout_s": task.timeout_s,
            "memory_gib": task.memory_gib, "cpus": task.cpus, "secrets": sorted(task.secrets),
            "accelerators": task.accelerators, "accelerator_part": thousandths(task.accelerator_share),
        }  # fmt: skip
        # The environment may carry secrets: for the owner's eyes only, and in no process list.
        written(path, json.dumps(content))
