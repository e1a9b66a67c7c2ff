"""A Slurm cluster as a site, driven by its own commands on a login node or by its REST daemon.

A run is one job.  What must survive lies in a folder that login node and compute nodes share: the record of a
run's end, its output, the highest generation of each unit.  Slurm itself is asked only where a run is on its way,
and its memory, which is short without accounting, is written down as soon as it says how a run ended.

A lost answer to a submission submits nothing twice: the job carries the run's key as its name and is looked up
before anything is submitted again; and should two jobs get through nevertheless, the first to start runs and the
other one leaves.
"""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from situs.model.capability import CAPABILITIES
from situs.model.error import SitusError
from situs.sites.adapter import Health, Inventory, Key, Status, Task, refuse_unsupported
from situs.sites.ending import awaited
from situs.sites.shell import ENTER, NotThere, Shell
from situs.sites.slurm import folder
from situs.sites.slurm.commands import Commands
from situs.sites.slurm.control import Control
from situs.sites.slurm.entering import TO_NODE
from situs.sites.slurm.place import Place, unit_of
from situs.sites.slurm.states import judged, recorded, settled
from situs.sites.slurm.submission import SlurmOptions
from situs.sites.words import inside, signal_of, still_runs

OVERDUE_S = 10.0
"""A run that did not end so long after its grace has lost its keeper: Slurm ends the job then."""
LONGEST_PAUSE_S = 1.0
LAST_SIGNAL = 31
"""Those after it are ordinary ones' carriers here."""


class ClusterSite:
    """A folder of a cluster, and the jobs of ours that keep their runs in it, whatever way Slurm is asked."""

    capabilities = CAPABILITIES["slurm"]

    def __init__(self, place: Place, control: Control) -> None:
        self._place = place
        self._control = control

    def health(self) -> Health:
        """Whether the controller answers, nodes are up and the folder can be written to."""
        return self._control.health()

    def inventory(self) -> Inventory:
        """What the nodes that are up have together."""
        return self._control.inventory()

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        return self._place.shell.send(source, f"{self._place.work(key)}/{inside(name)}")

    def keep(self, key: Key, source: Path, digest: str) -> str:
        """Have a file in the shared folder for all runs; gives its path."""
        self._place.shell.send(source, f"{self._place.root}/kept/{digest}", likely=True)
        return self._place.kept_there(digest)

    def start(self, task: Task) -> None:
        """Submit the task, unless it was. Raises StaleGeneration for an old generation."""
        refuse_unsupported(task, self.capabilities, "slurm")
        self._control.submit(task)

    def status(self, key: Key) -> Status:
        """Where the run is; what Slurm alone knows of an end is written down on the way."""
        seen = self._control.seen(key)
        if seen.final:
            return recorded(seen.final)
        verdict = judged(seen.job, seen.asked_to_stop)
        if seen.ended is not None and not (verdict.settle or verdict.status.state == "queued"):
            # The site asked it to end and it did; Slurm is still at it and will say why.
            return Status("running", detail="the site ends it")
        if verdict.settle:
            content = settled(verdict.status, seen.ended)
            again = "again" if seen.ended is not None else ""
            self._place.ask(folder.SETTLE, self._place.root, str(key), again, json.dumps(content), about=key)
            return recorded(content) if seen.ended is not None else self._first_record(key, verdict.status)
        return verdict.status

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        return awaited(lambda: self.status(key), timeout_s, 0.02, LONGEST_PAUSE_S)

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        text = b""
        try:
            while piece := self._place.shell.read(f"{self._place.folder(key)}/output.log", since + len(text)):
                text += piece
        except NotThere:
            return b"", since
        return text, since + len(text)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        self._control.signal(key, signal_of(name, LAST_SIGNAL))

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._place.ask(folder.FENCE, self._place.root, unit_of(key), str(key.generation), about=key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the run's group; SIGKILL after the grace to all that it started."""
        self._control.stop(key, grace_s, hard=False)
        status = self.wait(key, grace_s + OVERDUE_S)
        if status.alive:
            self._control.stop(key, grace_s, hard=True)
            status = self.wait(key, OVERDUE_S)
        return status

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        answer = self._place.shell.ask(folder.RESOLVE, self._place.work(key), str(inside(name)))
        if answer.exit_code == folder.REFUSED:
            raise SitusError(f"{name!r} leads out of the run's folder")
        if answer.exit_code:
            raise SitusError(f"{key.workload} wrote no file {name!r}")
        return self._place.shell.fetch(answer.stdout.decode().rstrip("\n"), target)

    def known(self) -> list[Key]:
        """All runs that the folder knows."""
        answer = self._place.ask(folder.KNOWN, self._place.root)
        return [Key.parse(line) for line in answer.stdout.decode().splitlines()]

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        if self.status(key).alive:
            raise still_runs(key.workload)
        self._place.ask(folder.FORGET, self._place.root, str(key), uuid4().hex, about=key)

    def job_name(self, key: Key) -> str:
        """What the run's job is called, so that the site's people find it too."""
        return self._place.job_name(key)

    def _first_record(self, key: Key, otherwise: Status) -> Status:
        """What was written down first counts: the run may have told its end just now."""
        ended = self._control.seen(key).ended
        return otherwise if ended is None else recorded(ended)


class SlurmSite(ClusterSite):
    """A cluster that is driven by Slurm's own commands."""

    def __init__(self, shell: Shell, options: SlurmOptions) -> None:
        """``shell``: of a login node."""
        place = Place(shell, options.folder)
        super().__init__(place, Commands(place, options))

    def enter(self, key: Key, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """The command that runs another one, or a shell, in the run's folder: on its node while it runs there."""
        how = "--pty" if terminal else "--input=0"
        run = self._place.folder(key)
        return self._place.shell.terminal(TO_NODE, run, how, ENTER, *command, terminal=terminal)
