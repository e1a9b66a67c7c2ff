"""Every run of every unit: where it was put, what is wanted of it, and what came of it.

A run is written down before its site hears of it.  Its generation is one more than that of the unit's run
before, wherever that was, and it is never used again: a site refuses what is lower than it has seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, and_, func, or_, select

from situs.store.insert import insert_or_replace
from situs.store.tables import runs

Phase = Literal["placed", "leaving", "ended", "released"]
"""``placed``: it is to run; ``leaving``: it is to end, which is never taken back; ``ended``: its site has said
that it neither runs nor will; ``released``: nothing of it is kept at the site any more."""

Outcome = Literal["succeeded", "failed", "stopped", "lost", "unstarted"]
"""``lost``: it vanished without a word; ``unstarted``: it never came to run."""


UNHEALTHY = "unhealthy"
"""Reason of a run that is ended, or was, because it did not answer its health check any more."""


@dataclass(frozen=True)
class Run:
    """One run of one unit of a workload."""

    workload: str
    unit: int
    generation: int
    site: str
    pool: str
    shape: str
    spec: str
    """what was to be run, as a hash; empty when it was found at a site and is not known"""
    plan: str | None
    phase: Phase
    placed_at: datetime
    started_at: datetime | None = None
    """when its site confirmed that it runs; None: it has not yet"""
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    exit_code: int | None = None
    reason: str | None = None
    failures: int = 0
    """runs of the unit that failed by themselves, one after another, up to this one"""
    losses: int = 0
    """runs of the unit that were lost, one after another, up to this one"""
    cause: str | None = None
    """why it is not as it should be"""
    next_step: str | None = None
    """what will be done about it, or what a person can do"""
    tries: int = 0
    """vain attempts at the step that is due"""
    retry_at: datetime | None = None
    """when that step is tried again"""
    metered_s: float = 0.0
    """how much of its time is in the ledger"""
    metered_at: datetime | None = None
    ready_at: datetime | None = None
    """since when a service answers its health check: for the first time, or again after it was unhealthy"""
    address: str | None = None
    """where a service says that it listens"""
    abandoned_at: datetime | None = None
    """when it was given up with its site: the unit may run elsewhere, and this one is ended once its site answers"""
    unhealthy_at: datetime | None = None
    """since when a service that was ready fails its health check; None: it does not"""

    @property
    def is_ready(self) -> bool:
        """Whether a service with a health check answers it."""
        return self.ready_at is not None and self.unhealthy_at is None

    @property
    def alive(self) -> bool:
        """Whether it may be running."""
        return self.phase in ("placed", "leaving")

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for its end any more, though it may be running."""
        return self.phase == "leaving" and self.abandoned_at is not None


def save(connection: Connection, changed: Iterable[Run]) -> None:
    """Write runs as they are now."""
    insert_or_replace(connection, runs, [vars(run) for run in changed])


def present(connection: Connection) -> list[Run]:
    """Runs that a site may still hold something of, and the newest of each unit, by unit and generation."""
    newest = (
        select(runs.c.workload, runs.c.unit, func.max(runs.c.generation).label("generation"))
        .group_by(runs.c.workload, runs.c.unit)
        .subquery()
    )
    wanted = (
        select(runs)
        .join(newest, and_(runs.c.workload == newest.c.workload, runs.c.unit == newest.c.unit))
        .where(or_(runs.c.phase != "released", runs.c.generation == newest.c.generation))
        .order_by(runs.c.workload, runs.c.unit, runs.c.generation)
    )
    return [Run(*row) for row in connection.execute(wanted)]


def of_workload(connection: Connection, workload: str) -> list[Run]:
    """All runs there ever were of a workload, by unit and generation."""
    wanted = select(runs).where(runs.c.workload == workload).order_by(runs.c.unit, runs.c.generation)
    return [Run(*row) for row in connection.execute(wanted)]
