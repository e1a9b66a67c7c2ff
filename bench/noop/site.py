"""One such site. A run lasts as many seconds as its environment's ``SECONDS`` says, or for ever."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from situs.sites.adapter import Capability, Health, Inventory, Key, StaleGeneration, Status, Task

SECONDS = "SECONDS"


@dataclass
class _Run:
    began: float
    lasts_s: float | None
    stopped: bool = False

    @property
    def over(self) -> bool:
        return self.stopped or (self.lasts_s is not None and time.monotonic() - self.began >= self.lasts_s)


class NoopSite:
    """It keeps the contract of an adapter for as long as this process lives."""

    capabilities: frozenset[Capability] = frozenset(
        ("memory", "cpus", "accelerators", "nodes", "image")
    )  # fmt: skip

    def __init__(self) -> None:
        self._runs: dict[Key, _Run] = {}
        self._newest: dict[tuple[str, int], int] = {}
        self._turn = threading.Lock()

    def health(self) -> Health:
        return Health(True)

    def inventory(self) -> Inventory:
        return Inventory(1_000_000, 1e9, {}, ())

    def put(self, key: Key, source: Path, name: str) -> str:
        raise NotImplementedError("a site that only pretends takes no files")

    def start(self, task: Task) -> None:
        with self._turn:
            self._admit(task.key)
            lasts = task.env.get(SECONDS)
            self._runs.setdefault(task.key, _Run(time.monotonic(), float(lasts) if lasts else None))

    def status(self, key: Key) -> Status:
        run = self._runs.get(key)
        if run is None:
            return Status("absent")
        if not run.over:
            return Status("running")
        return Status("ended", None, "stopped") if run.stopped else Status("ended", 0, "exited")

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        return b"", since

    def signal(self, key: Key, name: str) -> None:
        pass

    def fence(self, key: Key) -> None:
        with self._turn:
            self._admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        with self._turn:
            run = self._runs.get(key)
            if run is not None and not run.over:
                run.stopped = True
        return self.status(key)

    def get(self, key: Key, name: str, target: Path) -> str:
        raise NotImplementedError("a site that only pretends has no files")

    def known(self) -> list[Key]:
        return list(self._runs)

    def forget(self, key: Key) -> None:
        with self._turn:
            self._runs.pop(key, None)

    def _admit(self, key: Key) -> None:
        unit = (key.workload, key.unit)
        newest = self._newest.get(unit, 0)
        if key.generation < newest:
            raise StaleGeneration(f"{key.workload}: generation {key.generation} is older than {newest}")
        self._newest[unit] = key.generation
