"""A UNIX socket of a host that SSH reaches, as one of this machine: what is said to the one arrives at the other.

It lies in a folder that its owner alone may enter, and is made when it is wanted, and again when the line was lost.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from situs.sites.sshshell import SshShell


class ForwardedSocket:
    """One socket of one host."""

    def __init__(self, shell: SshShell, there: str) -> None:
        self._shell = shell
        self._there = there
        self._pid = -1
        self._here = ""

    def __str__(self) -> str:
        return f"{self._there} of {self._shell.host}"

    def path(self) -> str:
        """Where it is on this machine, once it leads there. Raises as :meth:`SshShell.run` does."""
        if self._pid != os.getpid():
            # The one of a parent leads over a line that a child of fork has no right to.
            folder = tempfile.mkdtemp(prefix="situs-")
            self._pid, self._here = os.getpid(), str(Path(folder) / "socket")
            weakref.finalize(self, _removed, folder, self._pid)
        self._shell.forward(self._here, self._there)
        return self._here


def _removed(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
