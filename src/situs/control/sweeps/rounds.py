"""When reports are read: at each site by a thread of its own, so that a slow one delays no other.

A site that says when a run has written is read then, and only now and then besides, in case it did not say; others
are asked again and again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from situs.control.sweeps.reports import FILE
from situs.control.wanted import key_of
from situs.sites.adapter import Adapter, Follows, Key
from situs.store.leases import LeaseLost
from situs.store.runs import Run

SOONEST_S = 0.2
SHARE = 20
"""Where reading is quick it is done more often: a trial of a few seconds is to end early too. It takes a twentieth of
the time at most, unless that were more seldom than sites are looked at."""
GATHER = 2
"""After what a site has told was read, it is not read again for twice as long as that took: a run that reports all
the time must not keep a processor busy here."""


class Rounds:
    """Reads at one site until it is told to stop."""

    def __init__(
        self, name: str, site: Adapter, every_s: float, read: Callable[[Adapter, Run], None]
    ) -> None:
        """``read``: reads one run; LeaseLost ends all of it."""
        self._site = site
        self._every_s = every_s
        self._read = read
        self._due: Sequence[Run] = ()
        self._known: set[tuple[Key, bool]] = set()
        """those that are due, and whether each has ended"""
        self._told: set[Key] = set()
        self._turn = threading.Lock()
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._unfollow: Callable[[], None] | None = None
        if isinstance(site, Follows):
            self._unfollow = site.follow(FILE, self._tell)
        threading.Thread(target=self._run, name=f"read {name}", daemon=True).start()

    def want(self, runs: Sequence[Run]) -> None:
        """Read these from now on, and at once those that are new or have ended since."""
        known = {(key_of(run), run.phase == "ended") for run in runs}
        new, self._known, self._due = known - self._known, known, runs
        for key, _ in new:
            self._tell(key)

    def stop(self) -> None:
        """Read no more; what is being read is not waited for."""
        self._stopped.set()
        self._woken.set()
        if self._unfollow is not None:
            self._unfollow()

    def _tell(self, key: Key) -> None:
        with self._turn:
            self._told.add(key)
        self._woken.set()

    def _run(self) -> None:
        due_at = 0.0
        while not self._stopped.is_set():
            self._woken.clear()
            with self._turn:
                told, self._told = self._told, set()
            began = time.monotonic()
            everything = began >= due_at
            try:
                for run in self._due:
                    if everything or key_of(run) in told:
                        self._read(self._site, run)
            except LeaseLost:
                return
            now = time.monotonic()
            if everything:
                due_at = now + self._pause_s(now - began)
            self._stopped.wait(GATHER * (now - began))
            self._woken.wait(max(0.0, due_at - time.monotonic()))

    def _pause_s(self, took_s: float) -> float:
        if self._unfollow is not None:
            return self._every_s
        return min(self._every_s, max(SOONEST_S, SHARE * took_s))
