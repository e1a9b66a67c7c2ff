"""Slurm asked by its own commands on a login node, which may be this machine."""

from __future__ import annotations

import time

from situs.sites.adapter import Health, Inventory, Key, Task, Unreachable, free_gib
from situs.sites.slurm import scripts
from situs.sites.slurm.nodes import inventory, unhealthy
from situs.sites.slurm.place import Place, unit_of
from situs.sites.slurm.states import Seen, seen
from situs.sites.slurm.submission import SlurmOptions, options_of, run_script, secrets_script, start_line

SUBMIT_S = 120.0
"""Waiting for whoever submits the same, and for the controller."""


class Commands:
    """The commands of one login node."""

    def __init__(self, place: Place, options: SlurmOptions) -> None:
        self._place = place
        self._options = options

    def health(self) -> Health:
        """Whether the controller answers, nodes are up and the folder can be written to."""
        root = self._place.root
        before = time.time()
        try:
            answer = self._place.shell.run(scripts.HEALTH, root, *self._partition())
        except Unreachable as error:
            return Health(False, str(error), "see that the login node is up and can be reached from here")
        after = time.time()
        lines = answer.stdout.decode(errors="replace").splitlines()
        cause, next_step = unhealthy(answer.exit_code, lines[3:], answer.said, root)
        ahead = float(lines[0]) - (before + after) / 2 if lines else 0.0
        free, mode = lines[1:3] if len(lines) > 2 else ("-", None)
        return Health(cause is None, cause, next_step, ahead, free_gib(free), mode)

    def inventory(self) -> Inventory:
        """What the nodes that are up have together."""
        answer = self._place.ask(scripts.INVENTORY, *self._partition())
        return inventory(answer.stdout.decode(errors="replace"))

    def submit(self, task: Task) -> None:
        """Submit the task's job, unless it was. Raises StaleGeneration for an old generation."""
        key, unit = task.key, unit_of(task.key)
        content, secrets = run_script(task, self._options, unit), secrets_script(task)
        self._place.ask(
            scripts.START, self._place.root, unit, str(key.generation), str(key), str(len(content)),
            str(len(content + secrets)), self._place.job_name(key), start_line(self._place.folder_there(key)),
            *options_of(task, self._options), stdin=content + secrets, timeout_s=SUBMIT_S, about=key,
        )  # fmt: skip

    def seen(self, key: Key) -> Seen:
        """What the folder and, where that is not enough, Slurm know of a run."""
        root, name = self._place.root, self._place.job_name(key)
        answer = self._place.ask(scripts.STATUS, root, str(key), name, about=key)
        told = {}
        for line in answer.stdout.decode(errors="replace").splitlines():
            word, _, rest = line.partition(" ")
            told[word] = rest
        return seen(told)

    def signal(self, key: Key, number: int) -> None:
        """Send a signal to the run's own process."""
        # The job's shell passes it on; see job.sh for the numbers.
        self._place.ask(scripts.SIGNAL, self._place.root, str(key), str(33 + number), about=key)

    def stop(self, key: Key, grace_s: float, *, hard: bool) -> None:
        """Ask the run to end, or have Slurm end it."""
        grace_cs, how = str(round(grace_s * 100)), "hard" if hard else ""
        name = self._place.job_name(key)
        self._place.ask(scripts.STOP, self._place.root, str(key), name, grace_cs, how, about=key)

    def _partition(self) -> list[str]:
        return [] if self._options.partition is None else [f"--partition={self._options.partition}"]
