"""What a control plane does again and again, in a thread of its own, for as long as it leads."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from situs.store.database import DatabaseAway
from situs.store.leases import LeaseLost

GATHER_S = 0.01
"""What happens within a hundredth of a second is for the same turn."""


class Recurring(ABC):
    """Takes turn after turn until it is told to stop, or somebody else leads."""

    def __init__(self, name: str, every_s: float) -> None:
        """``every_s``: pause between the end of a turn and the next one."""
        self._every_s = every_s
        self._due = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the turn that was begun is over."""
        self._ended.set()
        self._due.set()
        self._thread.join()

    def soon(self) -> None:
        """Take a turn now, not when the time has come: something has happened. Any thread may say so."""
        self._due.set()

    @abstractmethod
    def again(self) -> None:
        """A turn. What raises DatabaseAway is tried again with the next one; LeaseLost ends it."""

    def _run(self) -> None:
        while not self._ended.is_set():
            if self._due.wait(self._every_s):
                # More may happen at once; all of it is for one turn.
                self._ended.wait(GATHER_S)
                self._due.clear()
            if self._ended.is_set():
                return
            try:
                self.again()
            except LeaseLost:
                return
            except DatabaseAway:
                continue
