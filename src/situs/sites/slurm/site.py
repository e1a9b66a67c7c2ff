"""A Slurm cluster as a site, driven by its own commands on a login node, which may be this machine.

A run is one job.  What must survive lies in a folder that login node and compute nodes share: the record of a
run's end, its output, the highest generation of each unit.  Slurm itself is asked only where a run is on its way,
and its memory, which is short without accounting, is written down as soon as it says how a run ended.

A lost answer of ``sbatch`` submits nothing twice: the job carries the run's key as its name and is looked up
before anything is submitted again; and should two jobs get through nevertheless, the first to start runs and the
other one leaves.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from pathlib import Path
from uuid import uuid4

from situs.model.error import SitusError
from situs.sites.adapter import (
    Capability,
    Health,
    Inventory,
    Key,
    StaleGeneration,
    Status,
    Task,
    Unreachable,
    free_gib,
    refuse_unsupported,
)
from situs.sites.ending import awaited
from situs.sites.shell import ENTER, Completed, NotThere, Shell
from situs.sites.slurm import scripts
from situs.sites.slurm.entering import TO_NODE
from situs.sites.slurm.nodes import inventory, unhealthy
from situs.sites.slurm.states import judged, record, recorded, settled
from situs.sites.slurm.submission import SlurmOptions, options_of, run_script, secrets_script
from situs.sites.words import inside, signal_of

OVERDUE_S = 10.0
"""A run that did not end so long after its grace has lost its keeper: Slurm ends the job then."""
SUBMIT_S = 120.0
"""Waiting for whoever submits the same, and for the controller."""
LONGEST_PAUSE_S = 1.0
LAST_SIGNAL = 31
"""Those after it are ordinary ones' carriers here."""


class SlurmSite:
    """A folder of a cluster, and the jobs of ours that keep their runs in it."""

    capabilities: frozenset[Capability] = frozenset({"memory", "cpus", "accelerators", "nodes", "secrets"})

    def __init__(self, shell: Shell, options: SlurmOptions) -> None:
        self._shell = shell
        self._options = options
        self._root = options.folder.rstrip("/")
        # Two control planes may share a user of the cluster, so the name tells their folders apart.
        self._mark = hashlib.sha256(self._root.encode()).hexdigest()[:8]

    def health(self) -> Health:
        """Whether the controller answers, nodes are up and the folder can be written to."""
        before = time.time()
        try:
            answer = self._shell.run(scripts.HEALTH, self._root, *self._partition())
        except Unreachable as error:
            return Health(False, str(error), "see that the login node is up and can be reached from here")
        after = time.time()
        lines = answer.stdout.decode(errors="replace").splitlines()
        cause, next_step = unhealthy(answer.exit_code, lines[3:], answer.said, self._root)
        ahead = float(lines[0]) - (before + after) / 2 if lines else 0.0
        free, mode = lines[1:3] if len(lines) > 2 else ("-", None)
        return Health(cause is None, cause, next_step, ahead, free_gib(free), mode)

    def inventory(self) -> Inventory:
        """What the nodes that are up have together."""
        answer = self._ask(scripts.INVENTORY, *self._partition())
        return inventory(answer.stdout.decode(errors="replace"))

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        return self._shell.send(source, f"{self._folder(key)}/work/{inside(name)}")

    def keep(self, key: Key, source: Path, digest: str) -> str:
        """Have a file in the shared folder for all runs; gives its path."""
        place = f"{self._root}/kept/{digest}"
        self._shell.send(source, place, likely=True)
        return place

    def start(self, task: Task) -> None:
        """Submit the task, unless it was. Raises StaleGeneration for an old generation."""
        refuse_unsupported(task, self.capabilities, "slurm")
        key = task.key
        content, secrets = run_script(task, self._options, _unit(key)), secrets_script(task)
        wrapped = (
            f"exec /bin/sh {shlex.quote(f'{self._folder(key)}/run.sh')} {shlex.quote(self._folder(key))}"
        )
        self._ask(
            scripts.START, self._root, _unit(key), str(key.generation), str(key), self.job_name(key), wrapped,
            str(len(content)), str(len(content + secrets)), *options_of(task, self._options),
            stdin=content + secrets, timeout_s=SUBMIT_S, about=key,
        )  # fmt: skip

    def status(self, key: Key) -> Status:
        """Where the run is; what Slurm alone knows of an end is written down on the way."""
        answer = self._ask(scripts.STATUS, self._root, str(key), self.job_name(key), about=key)
        seen = {}
        for line in answer.stdout.decode(errors="replace").splitlines():
            word, _, rest = line.partition(" ")
            seen[word] = rest
        before = record(seen["ended"]) if "ended" in seen else None
        if before is not None and before["reason"] != "site":
            return recorded(before)
        verdict = judged(seen, "stop" in seen)
        if before is not None and not (verdict.settle or verdict.status.state == "queued"):
            # The site asked it to end and it did; Slurm is still at it and will say why.
            return Status("running", detail="the site ends it")
        if verdict.settle:
            content = settled(verdict.status, before)
            again = "again" if before is not None else ""
            self._ask(scripts.SETTLE, self._root, str(key), again, json.dumps(content), about=key)
            return recorded(content) if before is not None else self._first_record(key, verdict.status)
        return verdict.status

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        return awaited(lambda: self.status(key), timeout_s, 0.02, LONGEST_PAUSE_S)

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        text = b""
        try:
            while piece := self._shell.read(f"{self._folder(key)}/output.log", since + len(text)):
                text += piece
        except NotThere:
            return b"", since
        return text, since + len(text)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        # The job's shell passes it on; see job.sh for the numbers.
        number = str(33 + signal_of(name, LAST_SIGNAL))
        self._ask(scripts.SIGNAL, self._root, str(key), number, about=key)

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._ask(scripts.FENCE, self._root, _unit(key), str(key.generation), about=key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the run's group; SIGKILL after the grace to all that it started."""
        self._stop(key, grace_s, "")
        status = self.wait(key, grace_s + OVERDUE_S)
        if status.alive:
            self._stop(key, grace_s, "hard")
            status = self.wait(key, OVERDUE_S)
        return status

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        answer = self._shell.ask(scripts.RESOLVE, f"{self._folder(key)}/work", str(inside(name)))
        if answer.exit_code == scripts.REFUSED:
            raise SitusError(f"{name!r} leads out of the run's folder")
        if answer.exit_code:
            raise SitusError(f"{key.workload} wrote no file {name!r}")
        return self._shell.fetch(answer.stdout.decode().rstrip("\n"), target)

    def enter(self, key: Key, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """The command that runs another one, or a shell, in the run's folder: on its node while it runs there."""
        how = "--pty" if terminal else "--input=0"
        return self._shell.terminal(TO_NODE, self._folder(key), how, ENTER, *command, terminal=terminal)

    def known(self) -> list[Key]:
        """All runs that the folder knows."""
        answer = self._ask(scripts.KNOWN, self._root)
        return [Key.parse(line) for line in answer.stdout.decode().splitlines()]

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        if self.status(key).alive:
            raise SitusError(f"{key.workload} still runs; stop it first")
        self._ask(scripts.FORGET, self._root, str(key), uuid4().hex, about=key)

    def job_name(self, key: Key) -> str:
        """What the run's job is called, so that the site's people find it too."""
        return f"situs-{self._mark}-{key}"

    def _stop(self, key: Key, grace_s: float, how: str) -> None:
        grace_cs = str(round(grace_s * 100))
        self._ask(scripts.STOP, self._root, str(key), self.job_name(key), grace_cs, how, about=key)

    def _first_record(self, key: Key, otherwise: Status) -> Status:
        """What was written down first counts: the run may have told its end just now."""
        answer = self._ask(scripts.STATUS, self._root, str(key), self.job_name(key), about=key)
        for line in answer.stdout.decode(errors="replace").splitlines():
            if line.startswith("ended "):
                return recorded(record(line.removeprefix("ended ")))
        return otherwise

    def _folder(self, key: Key) -> str:
        return f"{self._root}/runs/{key}"

    def _partition(self) -> list[str]:
        return [] if self._options.partition is None else [f"--partition={self._options.partition}"]

    def _ask(
        self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = 30.0, about: Key | None = None
    ) -> Completed:
        """Have a script done; its exit code says what went wrong."""
        answer = self._shell.ask(script, *args, stdin=stdin, timeout_s=timeout_s)
        what = f"{about.workload}: " if about is not None else ""
        if answer.exit_code == scripts.STALE and about is not None:
            raise StaleGeneration(
                f"{what}generation {about.generation} is older than {answer.stdout.decode().strip()}, "
                "which this site has seen"
            )
        if answer.exit_code == scripts.AWAY:
            raise Unreachable(f"{what}Slurm's controller gave no answer: {answer.said}")
        if answer.exit_code == scripts.REFUSED:
            raise SitusError(f"{what}Slurm refuses it: {answer.said}")
        if answer.exit_code:
            raise SitusError(f"{what}the login node failed at it: {answer.said}")
        return answer


def _unit(key: Key) -> str:
    return f"{key.workload}.{key.unit}"
