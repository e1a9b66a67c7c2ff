"""Whether a service that fails its health check is unhealthy, or only the line to its site is cut.

Pure bookkeeping, for as long as one control plane leads.  A service counts as failing for sure once its site has
answered a look that began after the service had failed, and the service then fails again: a line that is cut at any
instant of that is not taken for unhealthiness.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from situs.control.wanted import Sight
from situs.sites.adapter import Key


@dataclass
class _Doubt:
    site: str
    failed_at: datetime
    looked_at: datetime | None = None
    """when its site had answered since"""


class Doubts:
    """Services that fail, and what is known of their sites meanwhile."""

    def __init__(self) -> None:
        self._open: dict[Key, _Doubt] = {}
        self._sure: dict[Key, str] = {}
        self._cut_off: set[Key] = set()

    @property
    def sure(self) -> frozenset[Key]:
        """Those that fail, for sure."""
        return frozenset(self._sure)

    def failed(self, key: Key, site: str, asked_at: datetime) -> bool:
        """One fails; gives whether that is sure: if not, its site is to be looked at."""
        if key in self._sure:
            return True
        doubt = self._open.setdefault(key, _Doubt(site, asked_at))
        if doubt.looked_at is None or asked_at <= doubt.looked_at:
            return False
        del self._open[key]
        self._sure[key] = site
        return True

    def answered(self, key: Key) -> None:
        """One answers."""
        self._open.pop(key, None)
        self._sure.pop(key, None)
        self._cut_off.discard(key)

    def looked(self, sight: Sight, at: datetime) -> tuple[list[Key], list[Key]]:
        """Its site was looked at; gives those to ask again at once, and those whose failures were not theirs."""
        opened = [key for key, doubt in self._open.items() if doubt.site == sight.site]
        if not sight.ok:
            sure = [key for key, site in self._sure.items() if site == sight.site]
            for key in (*opened, *sure):
                self._open.pop(key, None)
                self._sure.pop(key, None)
            self._cut_off |= {*sure}
            return [], [*opened, *sure]
        confirmed = [
            key
            for key in opened
            if self._open[key].looked_at is None and sight.began > self._open[key].failed_at
        ]
        for key in confirmed:
            self._open[key].looked_at = at
        return confirmed, []

    def was_cut_off(self, key: Key) -> bool:
        """Whether its site did not answer since it failed for sure, so that its time counts anew; told once."""
        if key not in self._cut_off:
            return False
        self._cut_off.discard(key)
        return True

    def keep(self, keys: Container[Key]) -> None:
        """Forget all others: they are not asked any more."""
        self._open = {key: doubt for key, doubt in self._open.items() if key in keys}
        self._sure = {key: site for key, site in self._sure.items() if key in keys}
        self._cut_off = {key for key in self._cut_off if key in keys}
