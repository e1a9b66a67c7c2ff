"""Plans that were handed in by people and programs, and what became of each: history, nothing in it is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, Connection, insert, select

from situs.store.tables import proposals

Act = Literal["proposed", "applied", "approved", "rejected"]


@dataclass(frozen=True)
class Step:
    """One thing that somebody did with a plan."""

    at: datetime
    act: Act
    plan: str
    by: str
    identity: str | None = None
    """what was shown for it: a token's id, or who is known to which issuer; None: the owner of the machine"""
    reason: str | None = None
    waits_for: Sequence[Mapping[str, str]] = ()
    """of what was proposed: what needs a person"""
    loosens: Sequence[str] = ()
    """of what was proposed: which rules it makes laxer"""


def write(connection: Connection, step: Step) -> None:
    """Add one."""
    row = {**vars(step), "waits_for": list(step.waits_for), "loosens": list(step.loosens)}
    connection.execute(insert(proposals), [row])


def of_plan(connection: Connection, plan: str) -> list[Step]:
    """What was done with a plan, the oldest first; empty when nobody handed it in."""
    wanted = select(*_columns()).where(proposals.c.plan == plan).order_by(proposals.c.seq)
    return [Step(*row) for row in connection.execute(wanted)]


def newest(connection: Connection, count: int) -> list[str]:
    """Plans that were handed in, the one that was handed in last first; each once."""
    wanted = select(proposals.c.plan).where(proposals.c.act == "proposed").order_by(proposals.c.seq.desc())
    return list(dict.fromkeys(connection.execute(wanted).scalars()))[:count]


def without_a_person(connection: Connection) -> set[str]:
    """Plans that were put in force because nothing in them needed a person's approval."""
    wanted = select(proposals.c.plan).where(proposals.c.act == "applied")
    return set(connection.execute(wanted).scalars())


def _columns() -> list[Column[Any]]:
    return [proposals.c[name] for name in Step.__dataclass_fields__]
