"""Checkpoints at a site of several hosts: those of a unit are at one of them, as long as the list of hosts stays.

Where a copy is goes by its name, and nothing of it is kept on this side; what was put there under another list of
hosts is looked for at all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from situs.model.checkpoint import StateFile
from situs.sites.adapter import Key
from situs.sites.checkpoints import Checkpoints, Damaged


class HostsCheckpoints:
    """The copies of all hosts."""

    def __init__(
        self, hosts: Mapping[str, Callable[[], Checkpoints]], host_of: Callable[[Key], str | None]
    ) -> None:
        """``hosts``: the copies at each; ``host_of``: which one has a run."""
        self._hosts = hosts
        self._host_of = host_of

    def mark(self, key: Key, names: Sequence[str]) -> str | None:
        """Tells one state of a run from another one; None: there is none that is whole."""
        host = self._host_of(key)
        return None if host is None else self._hosts[host]().mark(key, names)

    def snapshot(self, key: Key, names: Sequence[str], copy: str) -> tuple[StateFile, ...]:
        """Hold the state of a run as it is now, at the host of the run."""
        host = self._host_of(key)
        return () if host is None else self._hosts[host]().snapshot(key, names, copy)

    def adopt(self, copy: str, file: StateFile, other: str) -> bool:
        """Have a file that another copy at the same host has."""
        return self._chosen(copy).adopt(copy, file, other)

    def deposit(self, copy: str, file: StateFile, source: Path) -> None:
        """Have a file that this machine has."""
        self._chosen(copy).deposit(copy, file, source)

    def withdraw(self, copy: str, file: StateFile, target: Path) -> None:
        """Copy a file to this machine, from whichever host has it."""
        missing: Damaged | None = None
        for host in sorted(self._hosts, key=lambda name: name != self._name_of(copy)):
            try:
                return self._hosts[host]().withdraw(copy, file, target)
            except Damaged as error:
                missing = missing or error
        raise missing or Damaged(f"no host has {file.name}")

    def discard(self, copy: str) -> None:
        """Remove a copy, wherever there is anything of it."""
        for checkpoints in self._hosts.values():
            checkpoints().discard(copy)

    def _chosen(self, copy: str) -> Checkpoints:
        return self._hosts[self._name_of(copy)]()

    def _name_of(self, copy: str) -> str:
        # What stands before the first stroke is the same for all copies of a unit, so that they share files.
        unit = copy.partition("-")[0]
        return max(self._hosts, key=lambda name: sha256(f"{name} {unit}".encode()).digest())
