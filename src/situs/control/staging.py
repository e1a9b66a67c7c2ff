"""Bringing files, data and state to a run before it starts, and taking its results home after it succeeded.

The rules are asked again before anything goes to a site, whatever the plan says: a plan may be old.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from math import ceil
from pathlib import Path

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
from situs.sites.writing import copied

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

    def data(self, site: str, dataset: str) -> Path:
        """Where a site keeps its replica of a dataset."""
        return self.folder / "sites" / site / "data" / dataset

    def stage(self, key: Key, site: Adapter, bring: Bring | None, guard: Callable[[], None]) -> Task:
        """Send all it needs; gives what is to be started. Raises Refused before anything is sent."""
        run, at = self.workload.run, self.assignment
        assert run is not None
        if refusals := self.policy.workload_refusals(self.name, at.site):
            raise Refused(f"{self.name} may not run at {at.site}", refusals)
        env = {**run.env, "SITUS_SITE": at.site, "SITUS_POOL": at.pool}
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
                guard()
                site.put(key, self._replica(dataset, home), files[dataset])
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
        return self._task(key, command, env, site)

    def collect(self, key: Key, site: Adapter) -> None:
        """Take its results to the sites that keep them. Raises MissingOutput."""
        files = called(self.workload.outputs)
        for dataset, home in self.assignment.writes.items():
            try:
                site.get(key, files[dataset], self.data(home, dataset))
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
            ceil(shape.accelerators / shape.nodes), shape.nodes,
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

    def _replica(self, dataset: str, site: str) -> Path:
        """A replica's file; it is copied from where the plan says when it is not there yet."""
        path = self.data(site, dataset)
        if path.exists():
            return path
        origin = next(
            (r.source for r in self.replicas if (r.dataset, r.site, r.change) == (dataset, site, "create")),
            None,
        )
        if origin is None or not self.data(origin, dataset).exists():
            raise SitusError(f"{site} has no replica of {dataset} yet")
        if refusals := self.policy.transfer_refusals(dataset, origin, site):
            raise Refused(f"{dataset} may not go from {origin} to {site}", refusals)
        path.parent.mkdir(parents=True, exist_ok=True)
        copied(self.data(origin, dataset), path)
        return path
