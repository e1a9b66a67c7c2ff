"""What a site asks of Slurm itself: by its commands on a login node, or by its REST daemon."""

from __future__ import annotations

from typing import Protocol

from situs.sites.adapter import Health, Inventory, Key, Task
from situs.sites.slurm.states import Seen


class Control(Protocol):
    """One way to ask. Each step is safe to repeat; any may raise Unreachable."""

    def health(self) -> Health:
        """Whether the controller answers, nodes are up and the folder can be written to."""
        ...

    def inventory(self) -> Inventory:
        """What the nodes that are up have together."""
        ...

    def submit(self, task: Task) -> None:
        """Submit the task's job, unless it was. Raises StaleGeneration and, when Slurm says no, SitusError."""
        ...

    def seen(self, key: Key) -> Seen:
        """What the folder and, where that is not enough, Slurm know of a run."""
        ...

    def signal(self, key: Key, number: int) -> None:
        """Have the run's own process sent a signal, if it runs."""
        ...

    def stop(self, key: Key, grace_s: float, *, hard: bool) -> None:
        """Have the run ended after the grace; ``hard``: Slurm ends the job now."""
        ...
