"""Looking at the sites: one thread for each, so that a slow one delays no other.

What was seen is handed over as a :class:`Sight` with its age; a site that does not answer is told of, not raised.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from situs.control.wanted import Sight
from situs.model.error import SitusError
from situs.sites.adapter import Adapter, Health, Inventory, Key, Status

SLOWER = 1.2
"""After a minute without any change a site is looked at every ten seconds, with the usual pace."""
INVENTORY_S = 60.0
"""What a site has changes when people plug things in; its runs change all the time."""


@dataclass(frozen=True)
class Look:
    """One look at a site."""

    sight: Sight
    health: Health
    inventory: Inventory | None
    """None: as before"""


@dataclass(frozen=True)
class Told:
    """What a site tells of one run without being asked."""

    site: str
    key: Key
    status: Status


class Observer:
    """Looks at one site again and again, until it is told to stop."""

    def __init__(
        self, name: str, site: Adapter, every_s: float, rest_s: float, is_over: Callable[[Key], bool],
        hand_over: Callable[[Look], None],
    ) -> None:  # fmt: skip
        """Every ``every_s`` while something changes there, more and more seldom up to ``rest_s`` while nothing does.

        ``is_over``: whether a run is known to have ended, so that nobody needs to ask for it.
        """
        self._name = name
        self._site = site
        self._every_s = every_s
        self._rest_s = rest_s
        self._is_over = is_over
        self._hand_over = hand_over
        self._due = threading.Event()
        self._stopped = False
        self._inventory_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name=f"observe {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def soon(self) -> None:
        """Look now, not when the time has come: something has just been done there."""
        self._due.set()

    def stop(self) -> None:
        """Look no more; a look that is under way is not waited for."""
        self._stopped = True
        self._due.set()

    def _run(self) -> None:
        wait_s, before = self._every_s, None
        while not self._stopped:
            look = self.look()
            if not self._stopped:
                self._hand_over(look)
            same = before is not None and before.runs == look.sight.runs and before.ok == look.sight.ok
            wait_s = min(max(self._every_s, self._rest_s), wait_s * SLOWER) if same else self._every_s
            before = look.sight
            if self._due.wait(wait_s):
                self._due.clear()
                wait_s = self._every_s

    def look(self) -> Look:
        """What is there now."""
        began = datetime.now(UTC)
        inventory = None
        try:
            health = self._site.health()
            if health.ok:
                runs = self._runs()
                if self._inventory_at is None or (began - self._inventory_at).total_seconds() > INVENTORY_S:
                    inventory = self._site.inventory()
                    self._inventory_at = began
                return Look(Sight(self._name, began, True, runs), health, inventory)
        except SitusError as error:
            health = Health(False, str(error), "it is asked again; `situs ps` shows when it answers")
        except Exception as error:
            # A fault in an adapter must not end the watch over its site.
            health = Health(False, f"{type(error).__name__}: {error}", "this is a fault, report it")
        sight = Sight(self._name, began, False, cause=health.cause, next_step=health.next_step)
        return Look(sight, health, inventory)

    def _runs(self) -> dict[Key, Status]:
        """All it knows but what is known to be over, also folders in which nothing was started: what came late to
        one is swept away."""
        return {key: self._site.status(key) for key in self._site.known() if not self._is_over(key)}
