"""The contract between situs and a kind of site: each kind is one file that does these things.

Every call is safe to repeat.  A start is named by workload and generation: asking twice for the same gives
the one that runs, asking for a lower generation than the site has seen is refused, so that a stale executor
can never move a site backwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from situs.model.error import SitusError

Reason = Literal["exited", "signalled", "timeout", "memory", "stopped", "lost"]


class StaleGeneration(SitusError):
    """The site has already seen a higher generation of the workload."""


@dataclass(frozen=True)
class Key:
    """One run of one workload under one generation of the target."""

    workload: str
    generation: int


@dataclass(frozen=True)
class Task:
    """What is to be started."""

    key: Key
    command: tuple[str, ...]
    """no shell: the program and its arguments"""
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    memory_gib: float | None = None
    """at most, the process and all it starts together; None: no limit"""
    cpus: int | None = None
    """at most so many processors; None: all there are"""


@dataclass(frozen=True)
class Usage:
    """What a run has used."""

    wall_s: float
    cpu_s: float
    peak_memory_gib: float


@dataclass(frozen=True)
class Status:
    """Where a run is."""

    state: Literal["absent", "running", "ended"]
    exit_code: int | None = None
    reason: Reason | None = None
    usage: Usage | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.state == "ended" and self.reason == "exited" and self.exit_code == 0


@dataclass(frozen=True)
class Inventory:
    """What is there now."""

    cpus: int
    memory_gib: float
    accelerators: Mapping[str, int]
    isolation: tuple[str, ...]
    """what the host offers to keep runs apart"""


class Adapter(Protocol):
    """One site, reached in one way."""

    def inventory(self) -> Inventory:
        """What is there."""
        ...

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        ...

    def start(self, task: Task) -> None:
        """Start the task, unless it runs or ran already.

        Raises StaleGeneration when the site has ever started a higher generation of the workload, also when
        that one was forgotten since.
        """
        ...

    def status(self, key: Key) -> Status:
        """Where the run is."""
        ...

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        ...

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """Ask the run to end, and end it after the grace."""
        ...

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        ...

    def known(self) -> list[Key]:
        """All runs of ours that the site knows."""
        ...

    def forget(self, key: Key) -> None:
        """Remove a run that has ended, with its folder."""
        ...
