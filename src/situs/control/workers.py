"""The threads that do steps at one site."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from situs.control.acts import Job

AT_ONCE = 4
"""Steps at one site at the same time: they mostly wait for answers."""


class Workers:
    """A few threads, started when there is the first thing to do, and never waited for."""

    def __init__(self, name: str, do: Callable[[Job], None]) -> None:
        """``do`` must not raise."""
        self._name = name
        self._do = do
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads = 0
        self._stopped = False

    def do(self, job: Job) -> None:
        """Do it as soon as a thread is free."""
        if self._threads < AT_ONCE:
            name = f"{self._name} {self._threads}"
            self._threads += 1
            threading.Thread(target=self._run, name=name).start()
        self._jobs.put(job)

    def stop(self) -> None:
        """Begin nothing more; what is under way ends by itself."""
        self._stopped = True
        for _ in range(self._threads):
            self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None and not self._stopped:
            self._do(job)
