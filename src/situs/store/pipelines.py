"""Pipelines that people hand in, and the data that their stages have made.

What people do about a pipeline is only ever added: handed in, tried again, stopped, removed.  A stage is a
submission of its own (:mod:`situs.store.submissions`); which attempt of it counts is told by the newest row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, text

from situs.model.data import Dataset
from situs.store.database import clock
from situs.store.insert import insert_missing
from situs.store.plans import content
from situs.store.tables import artefacts, contents, pipelines

Act = Literal["submitted", "retried", "stopped", "removed"]
"""``stopped``: nothing of it is to run any more; ``removed``: nor is anything that it made to be kept"""

ONE_AT_A_TIME = 0x70697065
"""PostgreSQL's lock for those who do something about pipelines, so that two do not do the same."""


@dataclass(frozen=True)
class Done:
    """One thing that was done about a pipeline."""

    seq: int
    at: datetime
    act: Act
    name: str
    content: str
    """what it is, by its SHA-256"""
    attempts: Mapping[str, int]
    """stage -> which attempt of it counts; left out: the first"""
    by: str
    reason: str | None


@dataclass(frozen=True)
class Artefact:
    """Data that a stage has made."""

    dataset: str
    act: Literal["made", "dropped"]
    at: datetime
    pipeline: str
    workload: str
    """the submission that has made it"""
    site: str
    """where it is"""
    size_gb: float
    described: Dataset
    """with the label that it has by what went into it"""


def one_at_a_time(connection: Connection) -> None:
    """Nobody else does anything about a pipeline until this transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ONE_AT_A_TIME})


def keep(connection: Connection, described: Mapping[str, Any]) -> str:
    """Keep what a pipeline is; gives its SHA-256."""
    said = json.dumps(described, sort_keys=True)
    return keep_files(connection, {"pipeline": said.encode()})["pipeline"]


def keep_files(connection: Connection, files: Mapping[str, bytes]) -> Mapping[str, str]:
    """Keep files that stages need; gives the SHA-256 of each."""
    digests = {name: hashlib.sha256(given).hexdigest() for name, given in files.items()}
    rows = {digests[name]: given for name, given in files.items()}
    insert_missing(connection, contents, [{"sha256": d, "content": c} for d, c in rows.items()])
    return digests


def described(connection: Connection, digest: str) -> dict[str, Any]:
    """What a pipeline is. Raises InputError when it was changed."""
    found: dict[str, Any] = json.loads(content(connection, digest))
    return found


def add(
    connection: Connection, act: Act, name: str, digest: str, attempts: Mapping[str, int], by: str,
    reason: str | None = None,
) -> Done:  # fmt: skip
    """Write down what is done, in a transaction of :func:`one_at_a_time`."""
    done = Done(version(connection) + 1, clock(connection), act, name, digest, attempts, by, reason)
    connection.execute(insert(pipelines), vars(done))
    return done


def version(connection: Connection) -> int:
    """A number that grows with everything that is done about any of them."""
    return int(connection.execute(select(func.coalesce(func.max(pipelines.c.seq), 0))).scalar_one())


def newest(connection: Connection, name: str) -> Done | None:
    """How one stands; None when there never was one of this name."""
    wanted = select(pipelines).where(pipelines.c.name == name).order_by(pipelines.c.seq.desc()).limit(1)
    found = connection.execute(wanted).one_or_none()
    return None if found is None else Done(*found)


def all_newest(connection: Connection) -> list[Done]:
    """How each stands that there ever was, in the order of the last thing that was done about it."""
    last = select(func.max(pipelines.c.seq)).group_by(pipelines.c.name)
    wanted = select(pipelines).where(pipelines.c.seq.in_(last)).order_by(pipelines.c.seq)
    return [Done(*row) for row in connection.execute(wanted)]


def write_made(connection: Connection, made: Artefact) -> None:
    """Write down what was made, or dropped, unless that is written already."""
    row = {**vars(made), "described": made.described.model_dump(mode="json", exclude_defaults=True)}
    insert_missing(connection, artefacts, [row])


def made(connection: Connection, pipeline: str | None = None) -> list[Artefact]:
    """Data that are there, of one pipeline or of all."""
    wanted = select(artefacts).order_by(artefacts.c.dataset, artefacts.c.act)
    if pipeline is not None:
        wanted = wanted.where(artefacts.c.pipeline == pipeline)
    found: dict[str, Artefact] = {}
    for row in connection.execute(wanted):
        artefact = Artefact(**{**row._mapping, "described": Dataset.model_validate(row.described)})
        # In the order of the letters, what was dropped comes before what was made.
        if artefact.act == "dropped":
            found[artefact.dataset] = artefact
        else:
            found.setdefault(artefact.dataset, artefact)
    return [artefact for artefact in found.values() if artefact.act == "made"]
