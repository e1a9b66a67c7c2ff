"""What the control plane is not to do: anything at all, put something at a site, wait for one that is lost, or move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from situs.store.database import clock
from situs.store.tables import holds

EVERYTHING = "*"


@dataclass(frozen=True)
class Hold:
    """One such order, in force until it is lifted."""

    kind: Literal["pause", "drain", "lost", "back", "version"]
    subject: str
    """a site, or ``*``; a workload that is put ``back``, or whose new ``version`` did not become healthy"""
    since: datetime
    by: str
    reason: str | None
    after_s: float | None = None
    """of a site that is lost without a person: for workloads that wait no longer than this; None: for all"""
    plan: str | None = None
    """of a workload that is put back: as this plan has it, and not the one in force"""
    spec: str | None = None
    """of a new version that did not become healthy: which, so that another one is not kept from running"""


def paused(held: Iterable[Hold]) -> bool:
    """Whether nothing is to be begun anywhere."""
    return any(hold.kind == "pause" for hold in held)


def drained(held: Iterable[Hold]) -> frozenset[str]:
    """Sites that get nothing new by the word of a person."""
    return frozenset(hold.subject for hold in held if hold.kind == "drain")


def lost(held: Iterable[Hold]) -> frozenset[str]:
    """Sites that are gone, for all work, by the word of a person."""
    return frozenset(hold.subject for hold in held if hold.kind == "lost" and hold.after_s is None)


def lost_by_itself(held: Iterable[Hold]) -> frozenset[str]:
    """Sites that are gone for those that wait no longer, without a person."""
    return frozenset(hold.subject for hold in held if hold.kind == "lost" and hold.after_s is not None)


def lost_at_all(held: Iterable[Hold]) -> frozenset[str]:
    """Sites that are gone for anybody, by the word of a person or without."""
    return frozenset(hold.subject for hold in held if hold.kind == "lost")


def put_back(held: Iterable[Hold]) -> Mapping[str, Hold]:
    """Workloads whose move was cancelled."""
    return {hold.subject: hold for hold in held if hold.kind == "back"}


def kept_versions(held: Iterable[Hold]) -> Mapping[str, Hold]:
    """Workloads that run the version from before a new one."""
    return {hold.subject: hold for hold in held if hold.kind == "version"}


def in_force(connection: Connection) -> list[Hold]:
    """All that are in force."""
    wanted = select(*(holds.c[name] for name in Hold.__dataclass_fields__)).where(holds.c.until.is_(None))
    return [Hold(*row) for row in connection.execute(wanted.order_by(holds.c.seq))]


def put(
    connection: Connection, kind: str, subject: str, by: str, reason: str | None, after_s: float | None = None,
    plan: str | None = None, spec: str | None = None,
) -> bool:  # fmt: skip
    """Put a hold in force; False when it is already."""
    if any(
        (hold.kind, hold.subject, hold.after_s) == (kind, subject, after_s) for hold in in_force(connection)
    ):
        return False
    row = {"kind": kind, "subject": subject, "since": clock(connection), "by": by, "reason": reason}
    connection.execute(insert(holds), [{**row, "after_s": after_s, "plan": plan, "spec": spec}])
    return True


def lift(connection: Connection, kind: str, subject: str, *, automatic: bool = False) -> bool:
    """End a hold; False when there is none. ``automatic``: only where no person has put it."""
    which = [holds.c.kind == kind, holds.c.subject == subject, holds.c.until.is_(None)]
    ended = connection.execute(
        update(holds)
        .where(*which, *([holds.c.after_s.is_not(None)] if automatic else []))
        .values(until=clock(connection))
        .returning(holds.c.seq)
    ).all()
    return bool(ended)
