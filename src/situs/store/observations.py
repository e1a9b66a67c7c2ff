"""What was last seen at each site, and when: an observation is only as good as it is young."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from situs.store.insert import insert_or_replace
from situs.store.tables import observations


@dataclass(frozen=True)
class Observation:
    """One site, as it was seen last."""

    site: str
    at: datetime
    ok: bool
    cause: str | None
    next_step: str | None
    clock_ahead_s: float
    inventory: Mapping[str, Any] | None
    runs: Mapping[str, str]
    """key of a run -> running or ended; what is absent is not listed"""
    spell_s: float = 0.0
    """how long it was seen to answer, or not to, without a break"""


def save(connection: Connection, seen: Iterable[Observation]) -> None:
    """Write what was seen in place of what was seen before."""
    insert_or_replace(connection, observations, [vars(observation) for observation in seen])


def all_sites(connection: Connection) -> dict[str, Observation]:
    """The last observation of each site."""
    rows = connection.execute(select(observations).order_by(observations.c.site))
    return {row.site: Observation(*row) for row in rows}
