"""A site as the contract describes it, without processes: fast enough to be tried in thousands of ways.

Every call may be lost on its way there or back.  What would be wrong is noticed at the instant it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from tempfile import NamedTemporaryFile

from situs.control.staging import Staged
from situs.model.error import SitusError
from situs.sites.adapter import Health, Inventory, Key, StaleGeneration, Status, Task, Unreachable


@dataclass
class ModelRun:
    """A folder at a site."""

    started: bool = False
    status: Status = field(default_factory=lambda: Status("absent"))
    progress: int | None = None
    """the state that it would hand over; None: it has written none"""


@dataclass
class Evidence:
    """What the runs themselves would have written down, at all sites."""

    starts: dict[Key, int] = field(default_factory=dict)
    alive: dict[tuple[str, int], Key] = field(default_factory=dict)
    progress: dict[tuple[str, int], int] = field(default_factory=dict)
    done: dict[tuple[str, int], str] = field(default_factory=dict)
    """what the unit did last, where it came to its end"""


class ModelSite:
    """One site in memory."""

    def __init__(self, name: str, evidence: Evidence) -> None:
        self.name = name
        self.up = True
        self.runs: dict[Key, ModelRun] = {}
        self.newest: dict[tuple[str, int], int] = {}
        self.specs: dict[Key, str] = {}
        self.leases: dict[Key, float] = {}
        self.clock = 0.0
        self._evidence = evidence

    def health(self) -> Health:
        return Health(self.up, None if self.up else "it is down")

    def inventory(self) -> Inventory:
        return Inventory(1, 1.0, {}, ())

    def put(self, key: Key, source: Path, name: str) -> str:
        raise NotImplementedError

    def put_progress(self, key: Key, progress: int) -> None:
        self._answering()
        run = self.runs.setdefault(key, ModelRun())
        assert not run.started, f"the state of {key} is overwritten while it runs"
        run.progress = progress

    def get(self, key: Key, name: str, target: Path) -> str:
        self._answering()
        progress = self.runs[key].progress if key in self.runs else None
        if progress is None:
            raise SitusError(f"{key} has written no {name}")
        target.write_text(str(progress))
        return ""

    def start(self, task: Task) -> None:
        self._answering()
        key, unit = task.key, (task.key.workload, task.key.unit)
        self._admit(key)
        if task.lease_until is not None and not self._lease(key, task.lease_until):
            raise SitusError(f"the lease of {key} was over before it could begin")
        run = self.runs.setdefault(key, ModelRun())
        if run.started:
            return
        starts = self._evidence.starts[key] = self._evidence.starts.get(key, 0) + 1
        assert starts == 1, f"{key} was started twice"
        other = self._evidence.alive.get(unit)
        assert other is None, f"{key} begins at {self.name} while {other} runs"
        spec = task.env["SPEC"]
        assert self._evidence.done.get(unit) != spec, f"{key} does again what was done"
        self._evidence.done.pop(unit, None)
        begun = run.progress or 0
        assert begun >= self._evidence.progress.get(unit, 0), f"{key} begins at {begun} and not where it was"
        self._evidence.alive[unit] = key
        run.started, run.status, run.progress = True, Status("running"), begun
        self.specs[key] = spec

    def status(self, key: Key) -> Status:
        self._answering()
        return self.runs[key].status if key in self.runs else Status("absent")

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        return b"", since

    def signal(self, key: Key, name: str) -> None:
        raise NotImplementedError

    def renew(self, leases: Mapping[Key, float]) -> None:
        self._answering()
        for key, until in leases.items():
            if key in self.leases:
                self._lease(key, until)

    def expire(self, now: float) -> None:
        """What the site does by itself."""
        self.clock = now
        for key, run in self.runs.items():
            if run.status.alive and now >= self.leases.get(key, inf):
                self.end(key, Status("ended", None, "lapsed"))

    def _lease(self, key: Key, until: float) -> bool:
        self.leases[key] = max(until, self.leases.get(key, 0.0))
        return self.clock < until

    def fence(self, key: Key) -> None:
        self._answering()
        self._admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        self._answering()
        if key in self.runs and self.runs[key].status.alive:
            self.end(key, Status("ended", -15, "stopped"))
        return self.status(key)

    def known(self) -> list[Key]:
        self._answering()
        return list(self.runs)

    def forget(self, key: Key) -> None:
        self._answering()
        assert key not in self.runs or not self.runs[key].status.alive, f"{key} is forgotten while it runs"
        self.runs.pop(key, None)

    def end(self, key: Key, status: Status) -> None:
        """What the world does to a run, or a stop."""
        unit = (key.workload, key.unit)
        run = self.runs[key]
        run.status = status
        run.progress = (run.progress or 0) + 1
        self._evidence.progress[unit] = max(self._evidence.progress.get(unit, 0), run.progress)
        assert self._evidence.alive.pop(unit) == key
        if status.succeeded and key.workload != "service":
            self._evidence.done[unit] = self.specs[key]

    def _admit(self, key: Key) -> None:
        unit = (key.workload, key.unit)
        if key.generation < self.newest.get(unit, 0):
            raise StaleGeneration(f"{key} is older than {self.newest[unit]}")
        self.newest[unit] = key.generation

    def _answering(self) -> None:
        if not self.up:
            raise Unreachable(f"{self.name} is down")


@dataclass
class ModelWork:
    """Stages the one file that there is: the state."""

    spec: str
    collected: set[Key]

    def stage(
        self, key: Key, site: ModelSite, bring: Callable[[str, Path], bool] | None, guard: Callable[[], None]
    ) -> Staged:
        guard()
        if bring is not None:
            with NamedTemporaryFile() as scratch:
                there = bring("state", Path(scratch.name))
                guard()
                if there:
                    site.put_progress(key, int(Path(scratch.name).read_text()))
        return Staged(Task(key, ("x",), {"SPEC": self.spec}), ())

    def collect(self, key: Key, site: ModelSite) -> None:
        assert site.status(key).succeeded
        self.collected.add(key)
