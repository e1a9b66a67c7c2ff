"""Why units wait, written down once for each reason, so that their history tells what nobody did and why.

What a site's silence keeps waiting is told of once, for the site: its words change with every attempt, and with many
units they would fill the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from situs.control.reconcile import Verdict
from situs.control.wanted import Unit, Waiting, Wanted, World
from situs.store.events import Event
from situs.store.tables import events

KIND = "waiting"


class Waits:
    """What was told of each unit that waits."""

    def __init__(self, connection: Connection) -> None:
        """What was told before this process began is not told again."""
        newest = select(func.max(events.c.seq)).where(events.c.kind == KIND)
        newest = newest.group_by(events.c.workload, events.c.unit)
        rows = select(events.c.workload, events.c.unit, events.c.text).where(events.c.seq.in_(newest))
        self._told = {Unit(row.workload, row.unit): row.text for row in connection.execute(rows)}

    def new(
        self, verdicts: Mapping[Unit, Verdict], wanted: Mapping[Unit, Wanted], world: World
    ) -> list[Event]:
        """Events for units that wait for another reason than the one that was told last."""
        found = []
        for unit, verdict in verdicts.items():
            # What has a time goes on by itself, and what it follows is told already.
            if not isinstance(verdict, Waiting) or verdict.until is not None:
                continue
            want = wanted.get(unit)
            sight = world.sights.get(want.place.site) if want is not None else None
            if want is None or sight is None or not sight.ok:
                continue
            text = f"{verdict.cause}; {verdict.next_step}"
            if self._told.get(unit) != text:
                self._told[unit] = text
                found.append(_event(unit, text, want.place.site, world.now))
        return found


def _event(unit: Unit, text: str, site: str, now: datetime) -> Event:
    return Event(now, KIND, "situs", text, unit.workload, unit.number, None, site)
