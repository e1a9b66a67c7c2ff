"""A Ray cluster as one site: each run is a job of Ray's, which reserves what the run may use.

What Ray cannot tell or do is done by ``run.py`` at the node.  This side keeps what must outlive the cluster's memory,
as the head of a Ray cluster forgets its jobs when it is started anew.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from situs.model.capability import CAPABILITIES
from situs.model.error import SitusError
from situs.sites.adapter import (
    Health,
    Inventory,
    Key,
    StaleGeneration,
    Status,
    Task,
    Unreachable,
    refuse_unsupported,
)
from situs.sites.ending import awaited
from situs.sites.generations import Generations
from situs.sites.posix import name_of
from situs.sites.posix_task import written
from situs.sites.ray.api import RayApi, RayError
from situs.sites.ray.kept import RayKept
from situs.sites.ray.names import Names
from situs.sites.ray.nodes import inventory
from situs.sites.ray.orders import OVER, Orders
from situs.sites.ray.package import package
from situs.sites.ray.states import NodeWord, status_of
from situs.sites.shell import NotThere
from situs.sites.words import inside, signal_of, still_runs

NO_FILE = 66
ENDING_S = 30.0
"""A node ends a run within a second or two after its grace; a job that waits is ended by Ray."""
TURN_S = 5.0
"""Most jobs that wait only wait for their first process."""
PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0


@dataclass(frozen=True)
class RayOptions:
    """How work is run at a cluster."""

    resource: str = "GPU"
    """what Ray calls the accelerators of this site"""


class RaySite:
    """One cluster."""

    capabilities = CAPABILITIES["ray"]

    def __init__(self, api: RayApi, names: Names, folder: Path, options: RayOptions | None = None) -> None:
        """``folder``: of this machine, for what must outlive the cluster."""
        self._api = api
        self._names = names
        self._options = options or RayOptions()
        self._orders = Orders(api, names.mark)
        self._kept = RayKept(folder)
        self._generations = Generations(folder / "newest")

    def health(self) -> Health:
        """Whether the cluster answers and lets us see its jobs and nodes."""
        before = time.time()
        try:
            _, there = self._api.version()
            here = (before + time.time()) / 2
            self._api.jobs()
            nodes = self._api.nodes()
        except Unreachable as error:
            return Health(
                False, str(error), "see whether Ray's dashboard is up there: `ray status`, port 8265"
            )
        except RayError as error:
            step = (
                "give the token that the cluster asks for, as a reference"
                if error.code in (401, 403)
                else None
            )
            return Health(False, str(error), step or "see the log of its dashboard")
        if not nodes:
            return Health(False, "the cluster has no node that is alive", "see `ray status` there")
        # The cluster says whole seconds.
        return Health(True, clock_ahead_s=there.timestamp() + 0.5 - here if there else 0.0)

    def inventory(self) -> Inventory:
        """What the nodes that are alive were said to have when they joined."""
        return inventory(self._api.nodes(), self._options.resource)

    def put(self, key: Key, source: Path, name: str) -> str:
        """Keep a file here until its run starts; gives its SHA-256."""
        inside(name)
        if self._kept.begun(key):
            raise SitusError(f"{key.workload} has started, and files come before that")
        return self._kept.stage(key, source, name)

    def start(self, task: Task) -> None:
        """Submit the job, unless there is or was one. Raises StaleGeneration for an old generation."""
        refuse_unsupported(task, self.capabilities, "ray")
        key = task.key
        self._admit(key)
        if self._kept.begun(key):
            return
        # Ray gives accelerators out itself; the node's script must not count them again.
        content = written(replace(task, accelerators=0), "@PATH@", "@RUN@")
        self._kept.open(key)
        name = self._names.job(key)
        if self._api.job(name) is None:
            self._submit(task, content)
        try:
            self._generations.check(key)
        except StaleGeneration:
            # Somebody was told meanwhile that this generation never starts.
            self._kept.ask_to_stop(key)
            self._api.stop(name)
            raise
        self._kept.begin(key)

    def status(self, key: Key) -> Status:
        """Where the run is, by Ray's word and that of its node."""
        return self._seen(key)[0]

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on; Ray sends all of it each time."""
        _, job = self._seen(key)
        text = self._kept.read_log(key, 0) or self._output(key, job)
        return text[since:], max(since, len(text))

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        signal_of(name)
        status, job = self._seen(key)
        if status.state == "running":
            self._orders.give(job, name_of(key), "signal", name.removeprefix("SIG"), uuid4().hex)

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the process group; SIGKILL after the grace to all that the run started."""
        status, job = self._seen(key)
        if not status.alive:
            return status
        self._kept.ask_to_stop(key)
        if status.state == "queued":
            self._withdraw(key)
        else:
            self._stop_there(key, job, grace_s)
        return awaited(lambda: self.status(key), grace_s + ENDING_S, PAUSE_S, LONGEST_PAUSE_S)

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        path = inside(name)
        job = self._api.job(self._names.job(key))
        if job is None or not job.get("driver_node_id"):
            raise NotThere(f"{key.workload} has no folder at the cluster, so there is no file {name!r}")
        copy = uuid4().hex
        done = self._orders.give(job, name_of(key), "get", str(path), copy)
        if done.code == NO_FILE:
            raise NotThere(f"{key.workload} wrote no file {name!r}")
        if done.code:
            raise SitusError(f"{key.workload}: {name!r} cannot be fetched: {done.said}")
        digest = self._api.fetch(job["driver_node_id"], self._at(f"out/{copy}"), target)
        if digest != done.said:
            target.unlink(missing_ok=True)
            raise Unreachable(f"{key.workload}: {name!r} did not arrive as it was sent")
        return digest

    def known(self) -> list[Key]:
        """All runs that the cluster or this machine remembers."""
        theirs = (self._names.key(job) for job in self._api.jobs())
        return sorted(
            {*self._kept.known(), *filter(None, theirs)},
            key=lambda key: (key.workload, key.unit, key.generation),
        )

    def forget(self, key: Key) -> None:
        """Remove a run that has ended, here and there. Raises SitusError while it runs."""
        status, job = self._seen(key)
        if status.alive:
            raise still_runs(key.workload)
        name = self._names.job(key)
        job = job or self._api.job(name)
        if job is not None:
            if job.get("driver_node_id") and self._lives(job["driver_node_id"]):
                self._orders.give(job, name_of(key), "forget", uuid4().hex)
            self._delete(name)
        self._kept.forget(key)

    def _admit(self, key: Key) -> None:
        """Refuse what is older than anything that this machine or the cluster has seen."""
        self._generations.admit(key)
        for job in self._api.jobs():
            other = self._names.key(job)
            if other and (other.workload, other.unit) == (key.workload, key.unit):
                self._generations.admit(max(key, other, key=lambda each: each.generation))
        self._generations.check(key)

    def _withdraw(self, key: Key) -> None:
        """End what has no node yet that could be told.

        Ray keeps a job that waits until its turn comes, and kills its first process then before that has done
        anything; so once Ray has taken that in, the run is over.
        """
        taken = self._api.stop(self._names.job(key))
        seen = awaited(lambda: self.status(key), TURN_S, PAUSE_S, LONGEST_PAUSE_S)
        if taken and seen.state == "queued":
            self._kept.withdraw(key)

    def _stop_there(self, key: Key, job: Mapping[str, Any] | None, grace_s: float) -> None:
        """Have the node end it. Ray says that a job runs a little before it has begun, so it may be asked again."""
        deadline = time.monotonic() + ENDING_S
        while True:
            done = self._orders.give(job, name_of(key), "stop", str(round(grace_s * 20)), "0")
            if not done.said.startswith("absent") or not self.status(key).alive:
                return
            if time.monotonic() > deadline:
                raise Unreachable(f"{key.workload} has not begun, and cannot be ended yet")

    def _submit(self, task: Task, content: bytes) -> None:
        key = task.key
        folder = self._kept.folder(key)
        words = (
            "start",
            self._names.mark,
            name_of(key),
            name_of(key).rpartition("@")[0],
            str(key.generation),
        )
        asked: dict[str, Any] = {}
        if task.cpus:
            asked["entrypoint_num_cpus"] = task.cpus
        if task.accelerators and self._options.resource == "GPU":
            asked["entrypoint_num_gpus"] = task.accelerators
        elif task.accelerators:
            asked["entrypoint_resources"] = {self._options.resource: task.accelerators}
        self._api.submit(
            self._names.job(key),
            # Ray has a shell read it: nothing of it is anybody's text, but for the name, which is quoted.
            entrypoint=shlex.join(("exec", "python3", "run.py", *words, str(task.cpus or 0))),
            runtime_env={"working_dir": self._api.provide(package(content, folder))},
            metadata=self._names.metadata(key),
            **asked,
        )

    def _seen(self, key: Key) -> tuple[Status, Mapping[str, Any] | None]:
        """Where a run is, and what Ray says about it; an end that was seen once stays what it was."""
        if over := self._kept.ended(key):
            return over, None
        job = self._api.job(self._names.job(key))
        if job is None:
            lost = Status("ended", None, "lost", detail="the cluster does not know its job any more")
            status = lost if self._kept.begun(key) else Status("absent")
        else:
            status = self._told(key, job)
        if status.state == "ended":
            self._kept.open(key)
            if text := self._output(key, job):
                self._kept.keep_log(key, text)
            self._kept.end(key, status)
        return status, job

    def _told(self, key: Key, job: Mapping[str, Any]) -> Status:
        if job["status"] == "PENDING" and self._kept.withdrawn(key):
            return Status("ended", None, "stopped", detail="it was waiting for its turn at the cluster")
        run = f"runs/{name_of(key)}"
        ended = self._file(job, f"{run}/ended")
        cancelled = ended is not None and self._file(job, f"{run}/cancelled") is not None
        began = job["status"] in OVER and self._file(job, f"{run}/started") is not None
        ours = self._kept.asked_to_stop(key)
        told = NodeWord(ended, began=began, cancelled=cancelled and not ours)
        return status_of(job, told, ours=ours, now=datetime.now(UTC))

    def _output(self, key: Key, job: Mapping[str, Any] | None) -> bytes:
        return (job and self._file(job, f"runs/{name_of(key)}/output.log")) or b""

    def _file(self, job: Mapping[str, Any], name: str) -> bytes | None:
        """A file of the site's folder at the node of a job; None: neither there nor will it be."""
        node = job.get("driver_node_id")
        if not node:
            return None
        try:
            return self._api.file(node, self._at(name))
        except RayError as error:
            if job["status"] in OVER and not self._lives(node):
                return None
            raise Unreachable(f"the node of the run does not answer: {error.message}") from error

    def _lives(self, node: str) -> bool:
        return any(each["node_id"] == node for each in self._api.nodes())

    def _at(self, name: str) -> str:
        return f"situs/{self._names.mark}/{name}"

    def _delete(self, name: str) -> None:
        """Have Ray forget a job; it notices only after a second that one is over."""
        deadline = time.monotonic() + ENDING_S
        while (job := self._api.job(name)) and job["status"] not in OVER:
            if time.monotonic() > deadline:
                raise Unreachable("Ray has the job in its queue or has not noticed yet that it is over")
            time.sleep(PAUSE_S)
        self._api.delete(name)
