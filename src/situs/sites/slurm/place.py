"""The folder of a site: its files, reached by a shell that sees it, and what the jobs of its runs are called."""

from __future__ import annotations

import hashlib

from situs.model.error import SitusError
from situs.sites.adapter import Key, StaleGeneration, Unreachable
from situs.sites.shell import Completed, Shell
from situs.sites.slurm.folder import AWAY, REFUSED, STALE


class Place:
    """One folder."""

    def __init__(self, shell: Shell, folder: str, seen: str | None = None) -> None:
        """``folder``: as the compute nodes see it; ``seen``: as the shell does, where that is another path."""
        self.shell = shell
        self._there = folder.rstrip("/")
        self.root = (seen or folder).rstrip("/")
        # Two control planes may share a user of the cluster, so the name tells their folders apart.
        self._mark = hashlib.sha256(self._there.encode()).hexdigest()[:8]

    def folder(self, key: Key) -> str:
        """Of a run, as the shell sees it."""
        return f"{self.root}/runs/{key}"

    def work(self, key: Key) -> str:
        """Where a run works, as the shell sees it."""
        return f"{self.folder(key)}/work"

    def folder_there(self, key: Key) -> str:
        """Of a run, as the compute nodes see it."""
        return f"{self._there}/runs/{key}"

    def kept_there(self, digest: str) -> str:
        """Where the compute nodes see a file that is kept for all runs."""
        return f"{self._there}/kept/{digest}"

    def job_name(self, key: Key) -> str:
        """What the run's job is called, so that the site's people find it too."""
        return f"situs-{self._mark}-{key}"

    def ask(
        self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = 30.0, about: Key | None = None
    ) -> Completed:
        """Have a script done; its exit code says what went wrong."""
        answer = self.shell.ask(script, *args, stdin=stdin, timeout_s=timeout_s)
        what = f"{about.workload}: " if about is not None else ""
        if answer.exit_code == STALE and about is not None:
            raise StaleGeneration(
                f"{what}generation {about.generation} is older than {answer.stdout.decode().strip()}, "
                "which this site has seen"
            )
        if answer.exit_code == AWAY:
            raise Unreachable(f"{what}Slurm's controller gave no answer: {answer.said}")
        if answer.exit_code == REFUSED:
            raise SitusError(f"{what}Slurm refuses it: {answer.said}")
        if answer.exit_code:
            raise SitusError(f"{what}the host of the folder failed at it: {answer.said}")
        return answer


def unit_of(key: Key) -> str:
    """The unit that a run is of."""
    return f"{key.workload}.{key.unit}"
