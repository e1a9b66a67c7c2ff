"""Until when runs may go on at sites that nobody reaches: leases of work that must never run twice.

A site ends such a run by itself when its lease is over.  So whoever would start the unit elsewhere waits until the
last lease that may have reached the site is over, and needs no word from there.  Every lease counts from the instant
before it is sent, whether an answer comes or not: it is given as an instant and not as a length, so one that arrives
late is not a longer one.

Leases are kept in memory alone.  A control plane that begins takes it that the one before gave one to every run just
before it ended; that one can give no more, as it asks whether it still leads after it has settled how long, and
before it sends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from situs.sites.adapter import Key
from situs.sites.steady import steady

END_S = 5.0
"""A site looks every second whether a lease is over, and ends what runs within a moment; five are plenty."""
DRIFT = 0.01
"""Two clocks go apart by less than a hundredth; what they show is compared at least twice a minute, and each term."""
COMPARED_S = 60.0


@dataclass(frozen=True)
class Held:
    """A run that is held to a lease."""

    site: str
    term_s: float


class Tenure:
    """All leases that this control plane has given, or that the one before may have."""

    def __init__(self, before_s: float, clock: Callable[[], float] = steady) -> None:
        """``before_s``: so long the one before may have led after this one began."""
        self._clock = clock
        self._began = clock() + before_s
        self._until: dict[Key, float] = {}
        self._held: Mapping[Key, Held] = {}
        self._lock = threading.Lock()

    def hold(self, held: Mapping[Key, Held]) -> None:
        """Renew the leases of these from now on, and of no others."""
        with self._lock:
            self._held = dict(held)

    def given(self, key: Key, term_s: float) -> float:
        """A lease for a run that is about to be started: the instant at which it ends."""
        with self._lock:
            return self._give(key, term_s)

    def due(self, site: str) -> dict[Key, float]:
        """Leases for all that are held at a site, about to be sent there."""
        with self._lock:
            return {
                key: self._give(key, held.term_s) for key, held in self._held.items() if held.site == site
            }

    def every_s(self, site: str) -> float | None:
        """How often to renew there: three times within the shortest term; None: nothing is held there."""
        terms = [held.term_s for held in self._held.values() if held.site == site]
        return min(terms) / 3 if terms else None

    def sites(self) -> set[str]:
        """Where anything is held."""
        return {held.site for held in self._held.values()}

    def left_s(self, key: Key, term_s: float) -> float:
        """How long a run whose lease is not renewed any more may still go on, at most; 0: it has ended."""
        with self._lock:
            until = self._until.get(key, self._began + term_s)
        return max(0.0, until + margin_s(term_s) - self._clock())

    def _give(self, key: Key, term_s: float) -> float:
        until = self._clock() + term_s
        self._until[key] = max(until, self._until.get(key, 0.0))
        return until


def margin_s(term_s: float) -> float:
    """What is waited beyond the end of a lease: for the end itself, and for clocks that go apart."""
    return END_S + DRIFT * (term_s + COMPARED_S)
