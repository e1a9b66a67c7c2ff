"""Handing work in to a queue, stopping it and removing it: one transaction each, acknowledged once it is on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from situs.control.new_names import must_be_new
from situs.control.queues.in_force import in_force
from situs.control.queues.projects import belonging
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.workload import Workload
from situs.store import events, queued
from situs.store.database import Database
from situs.store.events import Event
from situs.store.queued import Asked, Queued

USUAL_PRIORITY = 50


@dataclass(frozen=True)
class Handed:
    """One piece of work to be handed in."""

    name: str
    queue: str
    work: str
    """what is to run, as :func:`keep` gave it"""
    priority: int = USUAL_PRIORITY


def keep(database: Database, workload: Workload, files: Mapping[str, bytes]) -> str:
    """Keep what is to run, once for all that ask for the same; gives its SHA-256. Raises InputError."""
    must_run_once(workload)
    with database.write() as connection:
        return queued.keep_work(connection, workload, files)


def must_run_once(workload: Workload) -> None:
    """Raises InputError for what recurs or serves."""
    if workload.job is None or workload.job.per_month is not None or workload.run is None:
        raise InputError("a queue takes jobs that run once; what recurs or serves belongs into the estate")


def hand_in(database: Database, pieces: Sequence[Handed], by: str) -> None:
    """Hand work in; all of it is in the database when this returns, and none of it when it raises.

    Raises InputError for a queue that is not there and for a name that was used before.
    """
    with database.write() as connection:
        write(connection, pieces, by, owned=False)


def write(connection: Connection, pieces: Sequence[Handed], by: str, *, owned: bool) -> None:
    """The same within a transaction. ``owned``: their names are those of an array's members, which it hands in."""
    queued.one_at_a_time(connection)
    intent = _in_force(connection)
    must_be_there(intent, {piece.queue for piece in pieces})
    must_be_new(connection, intent, [piece.name for piece in pieces], owned=owned)
    wanted = [Asked(piece.name, piece.queue, piece.work, piece.priority) for piece in pieces]
    at = queued.add(connection, "handed_in", wanted, by)
    told = (f"handed in to {piece.queue}, with priority {piece.priority}" for piece in pieces)
    events.write(
        connection,
        [Event(at, "submitted", by, text, piece.name) for text, piece in zip(told, pieces, strict=True)],
    )


def must_be_there(intent: Intent, queues: Collection[str]) -> None:
    """Raises InputError for a queue that the estate does not have."""
    if strange := sorted(set(queues) - set(intent.queues)):
        there = ", ".join(sorted(intent.queues)) or "none yet; write one under queues: and apply a plan"
        raise InputError(f"the estate has no queue {strange[0]!r}; it has {there}")


def hand_in_work(
    database: Database, queue: str, name: str, workload: Workload, files: Mapping[str, bytes], priority: int, by: str
) -> None:  # fmt: skip
    """Keep one piece of work and hand it in. Raises InputError; what was kept then does no harm."""
    with database.read() as connection:
        workload = belonging(_in_force(connection).queues, queue, workload)
    hand_in(database, [Handed(name, queue, keep(database, workload, files), priority)], by)


def stop(database: Database, name: str, by: str, reason: str | None = None) -> bool:
    """Have it end or give up its turn; what it wrote is kept. False when that was so already, or it is not queued."""
    return _act(database, "stopped", name, by, reason)


def remove(database: Database, name: str, by: str) -> bool:
    """Have it end, and nothing of it kept at its site. False when that was so already."""
    return _act(database, "removed", name, by, None)


def found(database: Database, name: str) -> Queued | None:
    """How it stands; None when nothing of that name was handed in to a queue."""
    with database.read() as connection:
        return queued.newest(connection, name)


def _act(database: Database, act: queued.Act, name: str, by: str, reason: str | None) -> bool:
    with database.write() as connection:
        queued.one_at_a_time(connection)
        last = queued.newest(connection, name)
        if last is None or last.act in (act, "removed"):
            return False
        at = queued.add(connection, act, [Asked(name, last.queue, last.work, last.priority)], by, reason)
        events.write(connection, [Event(at, act, by, act + (f": {reason}" if reason else ""), name)])
        return True


def _in_force(connection: Connection) -> Intent:
    intent = in_force(connection)
    if intent is None:
        raise InputError("no plan is in force yet; `situs apply` puts one in force")
    return intent
