"""What came into force without a person of late: it counts against the leave that use cases give."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

from situs.control.guardrails import Change
from situs.store import plans, proposals
from situs.store.events import BY

A_DAY = timedelta(hours=24)


def today(connection: Connection, at: datetime) -> list[Change]:
    """What needed no person within the 24 hours before, made here or handed in."""
    handed_in = proposals.without_a_person(connection)
    return [
        Change(plans.load(connection, before.plan).plan, plans.load(connection, target.plan).plan)
        for before, target in pairwise(plans.history(connection))
        if target.at > at - A_DAY and (target.by == BY or target.plan in handed_in)
    ]
