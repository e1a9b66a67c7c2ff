"""What was refused, for those who look after it: an event for each attempt, and none that could fill the database.

Whoever knocks at a door a thousand times a second must not make the log of it unreadable, or full: each gets so many
events, and the next one that is written tells how many more there were.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress

from fastapi import Request

from situs.api.permissions import Principal
from situs.store import events
from situs.store.database import Database, DatabaseAway, clock
from situs.store.events import Event

PER_MINUTE = 30
"""Events of one who is refused; more than anybody makes by mistake."""
REMEMBERED = 1000
LONGEST = 300
"""Of what is kept of a reason: it may have the words of who was refused."""


class Refusals:
    """Writes them down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """who -> since when it is counted, and how often"""

    def note(self, request: Request, status: int, why: str) -> None:
        """One more."""
        principal: Principal | None = getattr(request.state, "principal", None)
        name = principal.name if principal is not None else "nobody known"
        more = self._more(principal.token or principal.name if principal is not None else "")
        if more is None:
            return
        # The path as it is in the table: what stands in it is not everybody's to choose.
        route = getattr(request.scope.get("route"), "path", "another path")
        told = f"{request.method} {route} is refused ({status}): {why[:LONGEST]}"
        if more:
            told += f"; {more} more before that are not listed"
        with suppress(DatabaseAway), self._database.write() as connection:
            events.write(connection, [Event(clock(connection), "refused", name, told)])

    def _more(self, who: str) -> int | None:
        """How many were left out since the last that was told; None: this one is left out, too."""
        now = time.monotonic()
        with self._turn:
            since, count = self._seen.pop(who, (now, 0))
            left_out = 0
            if now - since > 60.0:
                left_out = max(0, count - PER_MINUTE)
                since, count = now, 0
            self._seen[who] = (since, count + 1)
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return left_out if count < PER_MINUTE else None
