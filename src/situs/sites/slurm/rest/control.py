"""Slurm asked by its REST daemon, and its files by any host that sees the site's folder.

The daemon moves no files and signals a job only as a whole, so what is for a run lies in the folder: its script, what
it is to be told, and the wish to stop it, which the job itself looks for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from situs.model.error import SitusError
from situs.sites.adapter import CredentialOver, Health, Inventory, Key, Task, Unreachable, free_gib
from situs.sites.slurm.nodes import unhealthy
from situs.sites.slurm.place import Place, unit_of
from situs.sites.slurm.rest import scripts
from situs.sites.slurm.rest.api import SlurmApi, SlurmRefusal
from situs.sites.slurm.rest.forms import clock_s, inventory, job_of, state_of, submission, works
from situs.sites.slurm.states import QUEUED, Job, Seen, record
from situs.sites.slurm.submission import SlurmOptions, run_script, secrets_script

UNDERWAY_S = 2.0
"""Somebody else's submission, or one whose answer was lost, is with Slurm by then. Should one come later still, there
are two jobs, of which only the first to start does anything."""
PAUSE_S = 0.25


@dataclass(frozen=True)
class _Files:
    """What the folder tells of a run."""

    ended: dict[str, Any] | None
    stop: bool
    number: str | None
    """of its job"""
    submitting: bool
    """it may have been submitted, and nobody noted under which number"""


class RestControl:
    """One daemon."""

    def __init__(self, place: Place, options: SlurmOptions, api: SlurmApi) -> None:
        self._place = place
        self._options = options
        self._api = api

    def health(self) -> Health:
        """Whether the daemon and the controller answer, nodes are up and the folder is there and can be written to."""
        root = self._place.root
        try:
            folder = self._place.shell.run(scripts.HEALTH, root)
        except Unreachable as error:
            return Health(
                False, str(error), "see that the host with the folder is up and can be reached from here"
            )
        if folder.exit_code == scripts.NO_FOLDER:
            return Health(
                False, f"{root} is not there, and slurmrestd moves no files",
                "mount the cluster's shared folder here and make it, or give as host one that sees it",
            )  # fmt: skip
        try:
            before = time.time()
            # Slurm tells whole seconds.
            ahead = clock_s(self._api.diag()) + 0.5 - (before + time.time()) / 2
            nodes = self._nodes()
            credential = self._api.credential()
        except CredentialOver as error:
            return Health(False, str(error), error.next_step)
        except SitusError as error:
            return Health(False, str(error), "see slurmrestd's and slurmctld's logs on the cluster")
        states = ["idle" if works(node) else state_of(node) for node in nodes]
        cause, next_step = unhealthy(folder.exit_code, states, folder.said, root)
        free, mode = (*folder.stdout.decode(errors="replace").splitlines(), "-", "-")[:2]
        return Health(cause is None, cause, next_step, ahead, free_gib(free), mode, credential)

    def inventory(self) -> Inventory:
        """What the nodes that are up have together."""
        return inventory(self._nodes())

    def submit(self, task: Task) -> None:
        """Submit the task's job, unless it was. Raises StaleGeneration for an old generation."""
        key, unit, root = task.key, unit_of(task.key), self._place.root
        content, secrets = run_script(task, self._options, unit), secrets_script(task)
        # First of all, so that nothing is noted as begun that cannot even be asked for.
        version = self._api.version()
        answer = self._place.ask(
            scripts.PREPARE, root, unit, str(key.generation), str(key), str(len(content)),
            str(len(content + secrets)), stdin=content + secrets, timeout_s=90.0, about=key,
        )  # fmt: skip
        found = answer.stdout.decode().strip()
        if found == "done":
            return
        name = self._place.job_name(key)
        number = self._underway(key) if found == "look" else None
        if number is None:
            body = submission(version, task, self._options, name, self._place.folder_there(key))
            number = self._submitted(key, body)
        self._place.ask(scripts.TAKE, root, str(key), number, about=key)

    def seen(self, key: Key) -> Seen:
        """What the folder and, where that is not enough, Slurm know of a run."""
        files = self._files(scripts.LOOK, key)
        if Seen(files.ended).final:
            return Seen(files.ended, files.stop)
        job = self._job(key, files)
        if job is not None and job.state not in QUEUED:
            # It may have ended while Slurm was asked.
            files = self._files(scripts.LOOK, key)
        return Seen(files.ended, files.stop, job)

    def signal(self, key: Key, number: int) -> None:
        """Leave word for the run's job, which looks for it at least once a second."""
        self._place.ask(scripts.SIGNAL, self._place.root, str(key), f"{time.time_ns()}.{number}", about=key)

    def stop(self, key: Key, grace_s: float, *, hard: bool) -> None:
        """Leave word for the run's job; one that waits, or does not hear, Slurm ends."""
        files = self._files(scripts.STOP, key, str(round(grace_s * 100)))
        if Seen(files.ended).final:
            return
        job = self._job(key, files)
        if job is not None and job.state is not None and (hard or job.state in QUEUED):
            self._api.cancel(job.number)

    def _underway(self, key: Key) -> str | None:
        """The job of a run that may have been submitted; None: it is neither there nor on its way."""
        deadline = time.monotonic() + UNDERWAY_S
        while True:
            job = self._job(key, self._files(scripts.LOOK, key))
            if job is not None:
                return job.number
            if time.monotonic() > deadline:
                return None
            time.sleep(PAUSE_S)

    def _submitted(self, key: Key, body: dict[str, Any]) -> str:
        try:
            return self._api.submit(body)
        except SlurmRefusal as refusal:
            self._place.ask(scripts.REFUSED, self._place.root, str(key), about=key)
            raise SitusError(f"{key.workload}: {refusal}") from None

    def _files(self, script: str, key: Key, *args: str) -> _Files:
        answer = self._place.ask(script, self._place.root, str(key), *args, about=key)
        lines = answer.stdout.decode(errors="replace").splitlines()
        told = {word: rest for word, _, rest in (line.partition(" ") for line in lines)}
        ended = record(told["ended"]) if "ended" in told else None
        return _Files(ended, "stop" in told, told.get("id"), "submitting" in told)

    def _job(self, key: Key, files: _Files) -> Job | None:
        if files.number is not None:
            told = self._api.job(files.number)
            if told is None:
                return Job(files.number, None)
        elif files.submitting:
            told = self._api.named(self._place.job_name(key))
        else:
            told = None
        return None if told is None else job_of(told, lambda: clock_s(self._api.diag()))

    def _nodes(self) -> list[Any]:
        wanted = self._options.partition
        return [node for node in self._api.nodes() if wanted is None or wanted in node["partitions"]]
