"""Work that people hand in to queues, which place it when its turn comes.

What people do about a piece of work is only ever added: handed in, stopped, removed.  What is to run is kept once for
all that ask for the same thing: thousands of pieces may differ in nothing but their name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select, text

from situs.model.workload import Workload
from situs.store.database import clock
from situs.store.insert import insert_missing
from situs.store.plans import content
from situs.store.runs import Run
from situs.store.tables import contents, queued, runs

Act = Literal["handed_in", "stopped", "removed"]
"""``stopped``: it is to end, and what it wrote stays; ``removed``: nothing of it is to be kept"""

ONE_AT_A_TIME = 0x71756575
"""PostgreSQL's lock for those who hand in, so that numbers are given in the order in which they become visible."""


@dataclass(frozen=True, slots=True)
class Queued:
    """One thing that was done about one piece of work."""

    seq: int
    at: datetime
    act: Act
    name: str
    queue: str
    work: str
    """what is to run, by its SHA-256"""
    priority: int
    by: str
    reason: str | None


@dataclass(frozen=True)
class Asked:
    """One piece of work to be handed in."""

    name: str
    queue: str
    work: str
    priority: int


@dataclass(frozen=True)
class Piece:
    """What is to run."""

    workload: Workload
    files: Mapping[str, str]
    """name of a file that it needs -> SHA-256 of its content"""


def keep_work(connection: Connection, workload: Workload, files: Mapping[str, bytes]) -> str:
    """Keep what is to run, for all that ask for it; gives its SHA-256."""
    digests = {name: hashlib.sha256(given).hexdigest() for name, given in files.items()}
    rows = [{"sha256": digests[name], "content": given} for name, given in files.items()]
    insert_missing(connection, contents, rows)
    return keep_piece(connection, Piece(workload, digests))


def keep_piece(connection: Connection, piece: Piece) -> str:
    """The same for what has its files in the database already."""
    described = piece.workload.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    said = json.dumps({"workload": described, "files": dict(piece.files)}, sort_keys=True).encode()
    digest = hashlib.sha256(said).hexdigest()
    insert_missing(connection, contents, [{"sha256": digest, "content": said}])
    return digest


def work(connection: Connection, digest: str) -> Piece:
    """What is to run. Raises InputError when it was changed."""
    said = json.loads(content(connection, digest))
    return Piece(Workload.model_validate(said["workload"]), said["files"])


def version(connection: Connection) -> int:
    """A number that grows with everything that is done about any of them."""
    return int(connection.execute(select(func.coalesce(func.max(queued.c.seq), 0))).scalar_one())


def one_at_a_time(connection: Connection) -> None:
    """Nobody else hands anything in until this transaction ends. SQLite has one writer at a time anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ONE_AT_A_TIME})


def add(
    connection: Connection, act: Act, asked: Sequence[Asked], by: str, reason: str | None = None
) -> datetime:
    """Write down that this was done about each, in a transaction of :func:`one_at_a_time`; gives when."""
    first, at = version(connection) + 1, clock(connection)
    rows = [
        {
            "seq": first + k, "at": at, "act": act, "name": each.name, "queue": each.queue, "work": each.work,
            "priority": each.priority, "by": by, "reason": reason,
        }
        for k, each in enumerate(asked)
    ]  # fmt: skip
    if rows:
        connection.execute(insert(queued), rows)
    return at


def newest(connection: Connection, name: str) -> Queued | None:
    """How one stands; None when there never was one of this name."""
    wanted = select(queued).where(queued.c.name == name).order_by(queued.c.seq.desc()).limit(1)
    found = connection.execute(wanted).one_or_none()
    return None if found is None else Queued(*found)


def after(connection: Connection, seq: int) -> list[Queued]:
    """What was done since, in that order."""
    wanted = select(queued).where(queued.c.seq > seq).order_by(queued.c.seq)
    return [Queued(*row) for row in connection.execute(wanted)]


def running(connection: Connection) -> list[tuple[Run, str]]:
    """Runs of queues that may be running, each with what it runs."""
    wanted = (
        select(runs, queued.c.work)
        .join(queued, (queued.c.name == runs.c.workload) & (queued.c.act == "handed_in"))
        .where(runs.c.phase.in_(("placed", "leaving")))
    )
    return [(Run(*row[:-1]), row[-1]) for row in connection.execute(wanted)]
