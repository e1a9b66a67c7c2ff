"""What a site remembers on this machine beside files, begins and ends: which runs it was told to stop."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from situs.sites.adapter import Key
from situs.sites.kept import Kept


class RayKept(Kept):
    """A folder with a folder for each run."""

    def folder(self, key: Key) -> Path:
        """Where files wait for the run."""
        return self._of(key) / "staged"

    def keep_log(self, key: Key, text: bytes) -> None:
        """Keep all of its output in one step, as several may see its end at once."""
        new = self._of(key) / f".{uuid4().hex}.new"
        new.write_bytes(text)
        new.replace(self._log(key))

    def ask_to_stop(self, key: Key) -> None:
        """Remember that we want its end, before anybody is told: Ray does not say who ended a job."""
        self.open(key)
        (self._of(key) / "stopped").touch()

    def asked_to_stop(self, key: Key) -> bool:
        """Whether we wanted its end."""
        return (self._of(key) / "stopped").exists()

    def withdraw(self, key: Key) -> None:
        """Remember that the cluster has taken in, before its turn came, that it is not to run."""
        (self._of(key) / "withdrawn").touch()

    def withdrawn(self, key: Key) -> bool:
        """Whether it never gets its turn."""
        return (self._of(key) / "withdrawn").exists()
