"""Until when a plan may be relied on, when nobody says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from situs.planner.compile.world import World


def expiry(world: World) -> datetime:
    """The end of the time it was made for, or the instant before that at which law or a house rule changes."""
    end = world.at + timedelta(hours=world.horizon_h)
    return min((instant for instant in _changes(world) if world.at < instant < end), default=end)


def _changes(world: World) -> Iterator[datetime]:
    for rule in world.intent.rules.values():
        yield from filter(None, (rule.valid_from, rule.valid_until))
    for members in world.facts.memberships.values():
        for member in members:
            yield from filter(None, (member.valid_from, member.valid_until))
