"""Plans that the control plane made by itself, why, and what they wait for: history, the newest counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from situs.store.tables import replans


@dataclass(frozen=True)
class Replan:
    """One answer to one question."""

    at: datetime
    question: str
    """hash of all that was asked: estate, facts, what is out of service, the plan in force"""
    parent: str
    """the plan that was in force"""
    cause: str
    plan: str | None
    """None: everything stays as it is, or there was trouble"""
    waits_for: Sequence[Mapping[str, str]] = ()
    """what needs a person; empty: it came into force by itself"""
    trouble: str | None = None
    """why no plan could be made"""

    def is_called(self, beginning: str) -> bool:
        """Whether the id of its plan begins so, with or without the name of the hash."""
        wanted = beginning.removeprefix("sha256:")
        return self.plan is not None and self.plan.removeprefix("sha256:").startswith(wanted)


def write(connection: Connection, replan: Replan) -> None:
    """Add one."""
    connection.execute(insert(replans), [{**vars(replan), "waits_for": list(replan.waits_for)}])


def newest(connection: Connection) -> Replan | None:
    """The last one; None before the first."""
    wanted = select(*(replans.c[name] for name in Replan.__dataclass_fields__))
    row = connection.execute(wanted.order_by(replans.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else Replan(*row)
