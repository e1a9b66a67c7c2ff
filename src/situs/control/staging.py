"""Bringing files, data and state to a run before it starts, and taking its results home after it succeeded.

The rules are asked again before anything goes to a site, whatever the plan says: a plan may be old.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path

from situs.control.data.missing import Missing, NoData, origin_of
from situs.control.data.replicas import Replicas
from situs.control.data.source import Content, copy, of_files, source
from situs.control.shipping.sending import launched
from situs.control.sweeps.reports import FILE as REPORT_FILE
from situs.control.sweeps.reports import VARIABLE as REPORT_VARIABLE
from situs.model.error import SitusError
from situs.model.plan import Assignment, Replica
from situs.model.refusal import Refusal
from situs.model.workload import Workload, called, variable_of
from situs.policy import Policy
from situs.sites.adapter import Adapter, Key, Task, Unreachable
from situs.sites.secrets import secrets

Bring = Callable[[str, Path], bool]
"""Brings a file of the state of the run before to a path; False: there is none of that name"""


def from_run(site: Adapter, key: Key) -> Bring:
    """What a run has left where it was; what it never wrote is left out."""

    def bring(name: str, path: Path) -> bool:
        try:
            site.get(key, name, path)
        except Unreachable:
            raise
        except SitusError:
            return False
        return True

    return bring


class Refused(SitusError):
    """The rules do not allow it; nothing was sent."""

    def __init__(self, what: str, refusals: tuple[Refusal, ...]) -> None:
        super().__init__(f"{what}: {', '.join(refusal.rule for refusal in refusals)}")


class MissingOutput(SitusError):
    """A run ended well and did not write what it was to write."""


@dataclass(frozen=True)
class Read:
    """A version of data that a run was handed."""

    dataset: str
    site: str
    """whose replica it is"""
    sha256: str


@dataclass(frozen=True)
class Staged:
    """A run of which all is there that it needs."""

    task: Task
    reads: tuple[Read, ...]


@dataclass(frozen=True)
class Work:
    """One workload at one place, with all that it needs there."""

    name: str
    workload: Workload
    assignment: Assignment
    files: Mapping[str, str]
    """name of a file -> SHA-256 of its content"""
    content: Callable[[str], bytes]
    """gives the content by its hash"""
    policy: Policy
    replicas: tuple[Replica, ...]
    folder: Path
    """where the sites' data are kept"""
    own_python: bool
    """the site is this machine, so ``python`` is the one that situs runs with"""

    def stage(self, key: Key, site: Adapter, bring: Bring | None, guard: Callable[[], None]) -> Staged:
        """Send all it needs; gives what is to be started. Raises Refused and NoData before anything is sent."""
        run, at = self.workload.run, self.assignment
        assert run is not None
        if refusals := self.policy.workload_refusals(self.name, at.site):
            raise Refused(f"{self.name} may not run at {at.site}", refusals)
        replicas = Replicas(self.folder)
        for dataset, home in at.reads.items():
            self._bring_replica(replicas, dataset, home)
        env = {**run.env, "SITUS_SITE": at.site, "SITUS_POOL": at.pool}
        reads: list[Read] = []
        # Most have nothing to be copied by way of this machine's disk.
        copies = run.files or (bring is not None and run.state)
        with tempfile.TemporaryDirectory(prefix="situs-") if copies else nullcontext("") as scratch:
            for name in run.files:
                path = Path(scratch) / "file"
                path.write_bytes(self.content(self.files[name]))
                guard()
                site.put(key, path, name)
            files = called(self.workload.inputs)
            for dataset, home in at.reads.items():
                digest = _handed(key, site, replicas, dataset, home, files[dataset], guard)
                reads.append(Read(dataset, home, digest))
                env[f"SITUS_INPUT_{variable_of(files[dataset])}"] = files[dataset]
            if bring is not None:
                self._carry(key, site, bring, Path(scratch), guard)
        if self.workload.checkpoint is not None and self.workload.checkpoint.kept_at:
            # What a checkpoint is of is told by the step that it was written after.
            env.setdefault(REPORT_VARIABLE, REPORT_FILE)
        env |= {f"SITUS_OUTPUT_{variable_of(o.file)}": o.file for o in self.workload.outputs}
        if run.port is not None:
            env["SITUS_PORT"] = str(run.port)
        command = self._command()
        if run.code is not None:
            command = launched(key, site, self.content(self.files[run.code]), run, command, guard)
        return Staged(self._task(key, command, env, site), tuple(reads))

    def collect(self, key: Key, site: Adapter) -> None:
        """Take its results to the sites that keep them. Raises MissingOutput."""
        files = called(self.workload.outputs)
        for dataset, home in self.assignment.writes.items():
            try:
                Replicas(self.folder).replace(home, dataset, partial(_fetched, key, site, files[dataset]))
            except Unreachable:
                raise
            except SitusError as error:
                raise MissingOutput(f"it ended well, but {error}") from error

    def _command(self) -> tuple[str, ...]:
        run = self.workload.run
        assert run is not None
        # Where packages are asked for, ``python`` is the one that has them.
        own = self.own_python and run.packages is None
        return tuple(sys.executable if part == "python" and own else part for part in run.command)

    def _task(self, key: Key, command: tuple[str, ...], env: Mapping[str, str], site: Adapter) -> Task:
        run = self.workload.run
        assert run is not None
        shape = next(shape for shape in self.workload.shapes if shape.name == self.assignment.shape)
        # A place that cannot hold a run to its share of a node still runs it: the plan left the room for it.
        memory_gib = shape.memory / shape.nodes or None if "memory" in site.capabilities else None
        cpus = ceil(shape.cpu / shape.nodes) or None if "cpus" in site.capabilities else None
        return Task(
            key, command, env, None if self.workload.service else run.timeout, memory_gib, cpus,
            ceil(shape.accelerators / shape.nodes), shape.nodes, run.image,
            accelerator_share=shape.accelerators if 0 < shape.accelerators < 1 else 1.0,
            secrets=secrets(run.secrets, self.folder, self.workload.use_case),
        )  # fmt: skip

    def _carry(self, key: Key, site: Adapter, bring: Bring, scratch: Path, guard: Callable[[], None]) -> None:
        """Hand over the state of the run before."""
        run = self.workload.run
        assert run is not None
        for name in run.state:
            path = scratch / "state"
            guard()
            if bring(name, path):
                guard()
                site.put(key, path, name)

    def _bring_replica(self, replicas: Replicas, dataset: str, site: str) -> None:
        """Have a replica there: copied from where the plan says, and again once that has another version."""
        there = replicas.find(site, dataset)
        origin = origin_of(self.replicas, dataset, site) or (there.source if there is not None else None)
        newest = replicas.find(origin, dataset) if origin is not None else None
        if there is not None and (newest is None or there.source != origin or there.sha256 == newest.sha256):
            return
        if origin is None or newest is None:
            raise NoData(Missing(dataset, origin or site))
        if refusals := self.policy.transfer_refusals(dataset, origin, site):
            raise Refused(f"{dataset} may not go from {origin} to {site}", refusals)
        with replicas.reading(origin, dataset) as path:
            replicas.replace(site, dataset, partial(copy, source(path)), origin)


def _handed(
    key: Key, site: Adapter, replicas: Replicas, dataset: str, home: str, name: str, guard: Callable[[], None]
) -> str:  # fmt: skip
    """Lay a replica, a file or a folder, into the folder of a run; gives the digest of what was laid there."""
    with replicas.reading(home, dataset) as path:
        found = source(path)
        digests = []
        for each in (None,) if found.names is None else found.names:
            guard()
            if each is None:
                return site.put(key, path, name)
            digests.append((each, site.put(key, path / each, f"{name}/{each}")))
        return of_files(digests)


def _fetched(key: Key, site: Adapter, name: str, target: Path) -> Content:
    """A result of a run, as a version of the data that it is."""
    return Content(site.get(key, name, target), 1, target.stat().st_size)
