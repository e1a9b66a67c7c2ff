"""The estate of the plan in force: many pieces are handed in, and asked about, under one plan."""

from __future__ import annotations

from sqlalchemy import Connection

from situs.model.intent import Intent
from situs.store import plans

_LAST: dict[str, Intent] = {}
"""That of the plan that was in force last, by its id."""


def in_force(connection: Connection) -> Intent | None:
    """Read once for each plan; None before the first one was applied."""
    target = plans.in_force(connection)
    if target is None:
        return None
    intent = _LAST.get(target.plan)
    if intent is None:
        intent = plans.load(connection, target.plan).intent
        # Threads may be at it together: what one of them holds is not taken from it here.
        _LAST.clear()
        _LAST[target.plan] = intent
    return intent
