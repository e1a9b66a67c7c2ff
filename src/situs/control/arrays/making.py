"""Making an array, and having it end: one transaction each, acknowledged once it is on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from situs.control import submitting
from situs.control.arrays.member import member_name, member_workload
from situs.control.new_names import must_be_new
from situs.control.queues import handing_in
from situs.control.queues.handing_in import USUAL_PRIORITY
from situs.control.queues.projects import belonging
from situs.model.error import InputError
from situs.model.workload import Workload
from situs.planner.single import Placed
from situs.store import arrays, events, plans, queued
from situs.store.arrays import Array, Member, Value
from situs.store.database import Database, clock
from situs.store.events import Event

LONGEST_NAME = 120
"""Leaves room for a member's number."""


@dataclass(frozen=True)
class Wanted:
    """An array to be made."""

    name: str
    parameters: Sequence[Mapping[str, Value]]
    """of each member"""
    at_once: int | None = None
    queue: str | None = None
    priority: int = USUAL_PRIORITY
    sites: frozenset[str] | None = None


def look(database: Database, wanted: Wanted, workload: Workload) -> Placed:
    """Where its first member would go now. Raises InputError."""
    first = member_workload(workload, wanted.name, 0, len(wanted.parameters), wanted.parameters[0])
    return submitting.look(database, member_name(wanted.name, 0), first, wanted.sites)


def make(
    database: Database, wanted: Wanted, workload: Workload, files: Mapping[str, bytes], by: str,
    also: Callable[[Connection], None] = lambda _: None,
) -> Array:  # fmt: skip
    """Write it down; its members are handed in by the control plane. Raises InputError for a name that was used.

    ``also``: writes down more about it, in the same transaction.
    """
    _check(wanted)
    handing_in.must_run_once(workload)
    size = len(wanted.parameters)
    members = [
        Member(wanted.name, number, member_name(wanted.name, number), parameters)
        for number, parameters in enumerate(wanted.parameters)
    ]
    with database.write() as connection:
        # Nobody hands in work under a member's name meanwhile.
        queued.one_at_a_time(connection)
        target = plans.in_force(connection)
        if target is None:
            raise InputError("no plan is in force yet; `situs apply` puts one in force")
        intent = plans.load(connection, target.plan).intent
        if wanted.queue is not None:
            handing_in.must_be_there(intent, {wanted.queue})
            workload = belonging(intent.queues, wanted.queue, workload)
        must_be_new(connection, intent, [wanted.name, *(member.name for member in members)])
        sites = None if wanted.sites is None else sorted(wanted.sites)
        array = Array(
            wanted.name, clock(connection), by, queued.keep_work(connection, workload, files), size, wanted.at_once,
            wanted.queue, wanted.priority, sites,
        )  # fmt: skip
        arrays.add(connection, array, members)
        also(connection)
        limit = f", {wanted.at_once} at once" if wanted.at_once else ""
        events.write(connection, [Event(array.at, "submitted", by, f"an array of {size}{limit}", array.name)])
    return array


def end(database: Database, name: str, act: arrays.End, by: str, reason: str | None = None) -> bool:
    """Have all its members end, and hand in no more. False when that was so already. Raises InputError.

    It is settled when this returns; the control plane has the members end, if this process does not come to it.
    """
    with database.write() as connection:
        if arrays.found(connection, name) is None:
            raise InputError(f"there is no array {name!r}; `situs ps` lists those there are")
        new = arrays.end(connection, name, act, by, reason)
        if new:
            text = act + (f": {reason}" if reason else "")
            events.write(connection, [Event(clock(connection), act, by, text, name)])
    if new:
        end_members(database, name, act, by, reason)
    return new


def end_members(database: Database, name: str, act: arrays.End, by: str, reason: str | None) -> None:
    """Have each member end that was handed in, unless it is to end already."""
    with database.read() as connection:
        acts = arrays.handed_in(connection, name)
    for member, before in acts.items():
        if act == "removed" and before != "removed":
            submitting.remove(database, member, by)
        elif act == "stopped" and before in ("submitted", "handed_in"):
            submitting.stop(database, member, by, reason)


def is_array(database: Database, name: str) -> bool:
    """Whether there is or was an array of this name."""
    with database.read() as connection:
        return arrays.found(connection, name) is not None


def _check(wanted: Wanted) -> None:
    if len(wanted.name) > LONGEST_NAME:
        raise InputError(
            f"the name of an array is at most {LONGEST_NAME} long; {wanted.name[:20]}... is longer"
        )
    if not wanted.parameters:
        raise InputError("an array has at least one member")
    if wanted.at_once is not None and wanted.at_once < 1:
        raise InputError(f"at least one member runs at once, not {wanted.at_once}")
    if wanted.queue is not None and wanted.sites is not None:
        raise InputError(
            "a queue says where its runs may be (sites:); leave the site out, or take another queue"
        )
