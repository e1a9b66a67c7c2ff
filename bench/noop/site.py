"""One such site. A run lasts as many seconds as its environment's ``SECONDS`` says, or for ever."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
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
        self._said: Callable[[Key, Status], None] | None = None
        self._ends: list[tuple[float, Key]] = []
        self._sooner = threading.Condition()

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
            run = self._runs.setdefault(task.key, _Run(time.monotonic(), float(lasts) if lasts else None))
        if self._said is not None and run.lasts_s is not None:
            with self._sooner:
                heapq.heappush(self._ends, (run.began + run.lasts_s, task.key))
                if self._ends[0][1] == task.key:
                    self._sooner.notify()

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

    def tell(self, said: Callable[[Key, Status], None]) -> Callable[[], None]:
        self._said = said
        threading.Thread(target=self._tell, name="noop", daemon=True).start()
        # It tells for as long as the process lives, which is all that it is for.
        return lambda: None

    def _tell(self) -> None:
        """Say when the next one is over, at that time."""
        assert self._said is not None
        while True:
            with self._sooner:
                wait_s = self._ends[0][0] - time.monotonic() if self._ends else None
                if wait_s is None or wait_s > 0:
                    self._sooner.wait(wait_s)
                    continue
                _, key = heapq.heappop(self._ends)
            if (run := self._runs.get(key)) is not None and not run.stopped:
                self._said(key, Status("ended", 0, "exited"))

    def _admit(self, key: Key) -> None:
        unit = (key.workload, key.unit)
        newest = self._newest.get(unit, 0)
        if key.generation < newest:
            raise StaleGeneration(f"{key.workload}: generation {key.generation} is older than {newest}")
        self._newest[unit] = key.generation
