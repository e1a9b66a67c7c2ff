"""Renewing the leases of what runs at sites: one thread for each, and one call there for all of its runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from situs.control.tenure import Held, Tenure
from situs.model.error import SitusError
from situs.sites.adapter import Adapter, Key, Leasing
from situs.sites.steady import steady
from situs.store.leases import LeaseLost

LOOK_S = 0.5
"""Between looks whether anything is due."""


class Renewing:
    """Renews until it is told to stop. A site that does not answer is told of by those who look at it."""

    def __init__(self, sites: Mapping[str, Adapter], tenure: Tenure, guard: Callable[[], None]) -> None:
        """``guard`` raises LeaseLost once this control plane may not lead any more."""
        self._sites = sites
        self._tenure = tenure
        self._guard = guard
        self._stopped = threading.Event()
        self._threads: set[str] = set()

    def hold(self, held: Mapping[Key, Held]) -> None:
        """Renew the leases of these from now on."""
        self._tenure.hold(held)
        for site in self._tenure.sites() - self._threads:
            self._threads.add(site)
            threading.Thread(target=self._run, args=(site,), name=f"renew {site}", daemon=True).start()

    def stop(self) -> None:
        """Renew no more."""
        self._stopped.set()

    def _run(self, site: str) -> None:
        renewed: float | None = None
        while not self._stopped.is_set():
            every_s = self._tenure.every_s(site)
            if every_s is not None and (renewed is None or steady() - renewed >= every_s):
                renewed = steady()
                try:
                    self._renew(site)
                except LeaseLost:
                    return
            # Not for so long as the term allows: a run with a shorter one may come.
            self._stopped.wait(LOOK_S)

    def _renew(self, site: str) -> None:
        adapter = self._sites.get(site)
        leases = self._tenure.due(site)
        # In this order: who no longer leads by now may have been frozen since, and sends nothing.
        self._guard()
        if leases and isinstance(adapter, Leasing):
            with suppress(SitusError):
                adapter.renew(leases)
