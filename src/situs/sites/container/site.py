"""A container engine as a site: Docker, or Podman by the interface they share, over its socket.

A run is one container, its folder a volume.  The engine keeps all that must survive: what we have to remember is in
names and labels there (:mod:`situs.sites.container.names`), so that any control plane finds it again.

An engine ends no run for its time and tells little of a container that is gone.  So the time limit, and a memory
limit that hit only a part of the run, are looked after whenever a control plane asks for the status; processor time
and memory are as they were seen last.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING, Any

from situs.model.capability import CAPABILITIES
from situs.model.error import SitusError
from situs.sites.adapter import (
    Health,
    Inventory,
    Key,
    Status,
    Task,
    Unreachable,
    refuse_unsupported,
)
from situs.sites.container.accelerators import Desk
from situs.sites.container.archive import Packed, unpacked
from situs.sites.container.creation import WORK, ContainerOptions
from situs.sites.container.ends import Sample, ended, instant, sampled
from situs.sites.container.engine import ANSWER_S, TRANSFER_S, Engine, EngineError
from situs.sites.container.entering import words
from situs.sites.container.kept import Kept
from situs.sites.container.logs import unframed
from situs.sites.container.names import LIMIT, Names, Run, Why
from situs.sites.container.starting import Starting
from situs.sites.ending import awaited
from situs.sites.shell import ENTER
from situs.sites.words import inside, signal_of, still_runs

if TYPE_CHECKING:
    from situs.sites.sshsocket import ForwardedSocket

LONGEST_PAUSE_S = 0.5
KILLED = 128 + SIGKILL


class ContainerSite:
    """The containers of ours at one engine."""

    capabilities = CAPABILITIES["container"]

    def __init__(self, options: ContainerOptions, socket: ForwardedSocket | None = None) -> None:
        """``socket``: that of a host that SSH reaches; None: one of this machine."""
        names = Names(options.name)
        self._options = options
        self._engine = Engine(socket or options.socket)
        self._names = names
        self._kept = Kept(self._engine, names)
        self._desk = Desk(
            self._engine, names, self._kept, options.accelerators, options.simulated,
            lambda: time.time() + self._clock_ahead_s(),
        )  # fmt: skip
        self._starting = Starting(self._engine, names, self._kept, options, self._desk)
        self._samples: dict[str, Sample] = {}
        self._ahead_s: float | None = None

    def health(self) -> Health:
        """Whether the engine answers."""
        try:
            ahead_s = self._clock_ahead_s()
        except Unreachable as error:
            remedy = f"start the engine, and let the user of situs use {self._options.socket}"
            return Health(False, str(error), remedy)
        except SitusError as error:
            return Health(False, str(error), "see the engine's own log")
        return Health(True, clock_ahead_s=ahead_s)

    def inventory(self) -> Inventory:
        """Processors and memory of the engine's host, and what keeps containers apart there."""
        info = self._engine.get("/info")
        security = [
            option.partition(",")[0].removeprefix("name=") for option in info["SecurityOptions"] or ()
        ]
        isolation = ("namespaces", f"cgroup{info.get('CgroupVersion', '1')}", *security)
        return Inventory(info["NCPU"], info["MemTotal"] / 2**30, self._desk.models(), isolation)

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        packed = Packed(source, inside(name))
        self._kept.provide_volume(self._names.work(key), "work", key)
        with self._kept.folder(key) as container:
            path = f"/containers/{container}/archive"
            self._engine.call("PUT", path, query={"path": WORK}, content=iter(packed), timeout_s=TRANSFER_S)
        return packed.sha256

    def start(self, task: Task) -> None:
        """Start the task, unless it runs or ran already. Raises StaleGeneration for an old generation."""
        refuse_unsupported(task, self.capabilities, "container")
        key = task.key
        self._starting.admit(key)
        if self._kept.run(key) is None and not self._kept.has_volume(self._names.begun(key)):
            self._starting.create(task)
        self._starting.start(key, task.secrets)

    def status(self, key: Key) -> Status:
        """Where the run is; ends it if it is over its limits."""
        run = self._kept.run(key)
        if run is None:
            if self._kept.has_volume(self._names.begun(key)):
                return Status("ended", None, "lost", None, "somebody removed its container at the site")
            return Status("absent")
        if run.state == "created":
            return Status("ended", None, "stopped") if run.why == "stopped" else Status("absent")
        account = self._kept.account(run)
        state = account["State"]
        if run.has_ended:
            why = None if run.why else self._unasked(run, account)
            if why is not None:
                run = self._marked(run, why)
            return ended(account, run.why, self._samples.get(run.id, Sample()))
        self._sample(run)
        over = self._over_its_limits(run, state)
        if over is not None:
            self._kill(self._marked(run, over), SIGKILL.name)
        return Status("running")

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        return awaited(lambda: self.status(key), timeout_s, 0.01, LONGEST_PAUSE_S)

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        run = self._kept.run(key)
        if run is None:
            return b"", since
        path, query = f"/containers/{run.id}/logs", {"stdout": "1", "stderr": "1"}
        with closing(self._engine.stream(path, query=query, timeout_s=ANSWER_S)) as blocks:
            text = unframed(blocks, since)
        return text, since + len(text)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        signal_of(name)
        run = self._kept.run(key)
        if run is not None:
            self._kill(run, name)

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._starting.admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the run; SIGKILL after the grace, in whole seconds, to all of the container."""
        run = self._kept.run(key)
        if run is not None and not run.has_ended:
            run = self._marked(run, "stopped")
            self._sample(run)
            # The engine itself counts the grace, so it ends also when we do not live that long.
            path, query = f"/containers/{run.id}/stop", {"t": math.ceil(grace_s)}
            with suppress(EngineError):
                self._engine.call("POST", path, query=query, timeout_s=grace_s + 30.0)
        return self.wait(key, LONGEST_PAUSE_S)

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        path = f"{WORK}/{inside(name)}"
        nothing = f"{key.workload} wrote no file {name!r}"
        if not self._kept.has_volume(self._names.work(key)):
            raise SitusError(nothing)
        with self._kept.folder(key) as container:
            try:
                query = {"path": path}
                with closing(self._engine.stream(f"/containers/{container}/archive", query=query)) as blocks:
                    return unpacked(blocks, target, name)
            except EngineError as error:
                if error.code != 404:
                    raise
                raise SitusError(nothing) from error

    def enter(self, key: Key, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """The command that runs another one, or a shell, in the run's folder in its container."""
        run = self._kept.run(key)
        if run is None or run.state != "running":
            raise SitusError(
                f"{key.workload} does not run, and a container can be entered only while it does"
            )
        inside = ("/bin/sh", "-c", ENTER, "sh", WORK, *command)
        return words(self._engine.path(), run.id, WORK, inside, terminal=terminal)

    def known(self) -> list[Key]:
        """All runs that the engine knows."""
        found = {*self._kept.volumes("work").values(), *self._kept.volumes("begun").values()}
        return sorted(found, key=lambda key: (key.workload, key.unit, key.generation))

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        if self.status(key).alive:
            raise still_runs(key.workload)
        self._desk.release(key)
        self._kept.remove(key)

    def _marked(self, run: Run, why: Why) -> Run:
        """Decide for good why a run ends, by its container's name; what was decided before stays."""
        if run.why is None:
            query = {"name": f"{run.name}-{why}"}
            with suppress(EngineError):
                self._engine.call("POST", f"/containers/{run.name}/rename", query=query)
                return run.renamed(query["name"], why)
            return self._kept.run(run.key) or run
        return run

    def _kill(self, run: Run, name: str) -> None:
        try:
            self._engine.call("POST", f"/containers/{run.id}/kill", query={"signal": name})
        except EngineError as error:
            # It does not run: it has ended meanwhile, or was never started.
            if error.code not in (404, 409) and "can only kill running" not in error.message:
                raise

    def _sample(self, run: Run) -> None:
        # Of one that has just ended Podman says nothing, where others say no.
        with suppress(EngineError, json.JSONDecodeError):
            stats = self._engine.get(f"/containers/{run.id}/stats", stream="0", **{"one-shot": "1"})
            self._samples[run.id] = sampled(stats, self._samples.get(run.id, Sample()))

    def _over_its_limits(self, run: Run, state: Mapping[str, Any]) -> Why | None:
        limit_s = run.labels.get(LIMIT)
        ran_s = time.time() + self._clock_ahead_s() - instant(state["StartedAt"]).timestamp()
        if limit_s is not None and ran_s > float(limit_s):
            return "timeout"
        return "memory" if self._happened(run, state, "oom") else None

    def _unasked(self, run: Run, account: Mapping[str, Any]) -> Why | None:
        """What ended a run that nobody here has ended, if it was not the run itself."""
        state = account["State"]
        if state["ExitCode"] == 0 or state["OOMKilled"]:
            return None
        if self._happened(run, state, "stop", "kill"):
            return "cancelled"
        # What the kernel ends right after the start the engine does not see; nothing else kills within a limit.
        return "memory" if state["ExitCode"] == KILLED and account["HostConfig"]["Memory"] else None

    def _happened(self, run: Run, state: Mapping[str, Any], *actions: str) -> bool:
        """Whether one of these was done to the container since it started; an engine forgets such things."""
        until = time.time() + self._clock_ahead_s()
        filters = {"container": [run.id], "event": list(actions)}
        query = {
            "since": f"{instant(state['StartedAt']).timestamp():.6f}",
            "until": f"{until:.6f}",
            "filters": filters,
        }
        with closing(self._engine.stream("/events", query=query, timeout_s=ANSWER_S)) as blocks:
            return bool(b"".join(blocks).strip())

    def _clock_ahead_s(self) -> float:
        """Of the engine's clock before this machine's; asked once."""
        if self._ahead_s is None:
            before = time.time()
            there = instant(self._engine.get("/info")["SystemTime"]).timestamp()
            self._ahead_s = there - (before + time.time()) / 2
        return self._ahead_s
