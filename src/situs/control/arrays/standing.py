"""How arrays and their members stand: read from the database, for people, programs and the one that hands them in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import Connection

from situs.control.waiting import is_over
from situs.model.amount import Exact
from situs.model.error import InputError
from situs.model.workload import Run as Program
from situs.store import arrays, events, queued, usage
from situs.store.arrays import Array, Member, Value
from situs.store.database import Database
from situs.store.runs import Run

State = Literal["held", "waiting", "running", "ending", "done", "failed", "stopped"]
"""``held``: not handed in yet, as so many others run at once; ``waiting``: for room, its turn or another try"""
OVER: tuple[State, ...] = ("done", "failed", "stopped")


@dataclass(frozen=True)
class MemberView:
    """How one member stands."""

    number: int
    name: str
    parameters: Mapping[str, Value]
    state: State
    site: str | None
    """where it is, or was last"""
    since: datetime | None
    exit_code: int | None
    cause: str | None
    hours: float = 0.0
    """of all its runs together"""
    cost: Exact = Decimal(0)


@dataclass(frozen=True)
class ArrayView:
    """How one array stands."""

    name: str
    at: datetime
    by: str
    size: int
    at_once: int | None
    queue: str | None
    state: State
    counts: Mapping[State, int]
    """members of each state that there are any of"""
    cause: str | None
    """why no more members are handed in"""
    members: Sequence[MemberView] = ()
    currency: str | None = None

    @property
    def cost(self) -> Decimal:
        """Of all members together."""
        return sum((member.cost for member in self.members), Decimal(0))

    @property
    def hours(self) -> float:
        """Of all members together."""
        return sum(member.hours for member in self.members)


def states(
    program: Program,
    members: Sequence[Member],
    acts: Mapping[str, str],
    last: Mapping[str, Run],
    *,
    ended: bool,
) -> dict[str, State]:
    """How each member stands, by its name. ``acts``: the last thing that was done about each that was handed in."""
    return {
        member.name: _state(program, acts.get(member.name), last.get(member.name), ended=ended)
        for member in members
    }


def overview(connection: Connection) -> list[ArrayView]:
    """All arrays that were not removed, without their members."""
    found = []
    for array in arrays.all_of_them(connection):
        view = _view(connection, array)
        if view is not None:
            found.append(replace(view, members=()))
    return found


def of_array(database: Database, name: str) -> ArrayView | None:
    """One array with its members and what each has cost; None when there is none of this name."""
    with database.read() as connection:
        array = arrays.found(connection, name)
        if array is None:
            return None
        view = _view(connection, array)
        if view is None:
            raise InputError(f"the array {name} was removed; `situs history {name}` tells what there was")
        lines = {m.name: usage.lines(connection, m.name) for m in view.members if m.since is not None}
    paid = [
        replace(
            member,
            hours=sum(line.unit_s for line in lines.get(member.name, ())) / 3600,
            cost=sum((line.amount for line in lines.get(member.name, ())), Decimal(0)),
        )
        for member in view.members
    ]
    currency = next((line.currency for some in lines.values() for line in some), None)
    return replace(view, members=paid, currency=currency)


def _view(connection: Connection, array: Array) -> ArrayView | None:
    ends = arrays.ends(connection, array.name)
    if "removed" in ends:
        return None
    program = queued.work(connection, array.work).workload.run
    assert program is not None
    members, acts = arrays.members(connection, array.name), arrays.handed_in(connection, array.name)
    last = arrays.last_runs(connection, array.name)
    each = states(program, members, acts, last, ended=bool(ends))
    views = [_member(member, each[member.name], last.get(member.name)) for member in members]
    counts = Counter(view.state for view in views)
    cause = None
    active = sum(count for state, count in counts.items() if state not in (*OVER, "held"))
    if counts["held"] and active < (array.at_once or array.size):
        told = [event.text for event in events.of_workload(connection, array.name) if event.kind == "waiting"]
        cause = told[-1] if told else None
    return ArrayView(
        array.name, array.at, array.by, array.size, array.at_once, array.queue, _whole(counts), dict(counts), cause,
        views,
    )  # fmt: skip


def _member(member: Member, state: State, last: Run | None) -> MemberView:
    since = (last.ended_at or last.started_at or last.placed_at) if last else None
    return MemberView(
        member.number, member.name, member.parameters, state, last.site if last else None, since,
        last.exit_code if last else None, last.cause if last is not None and state not in OVER else None,
    )  # fmt: skip


def _state(program: Program, act: str | None, last: Run | None, *, ended: bool) -> State:
    if act is None:
        return "stopped" if ended else "held"
    if last is not None and last.alive:
        if last.phase == "leaving":
            return "ending"
        return "running" if last.started_at is not None else "waiting"
    if last is not None and last.outcome == "succeeded":
        return "done"
    if last is not None and is_over(last, program.retries, program.final):
        return "failed"
    return "stopped" if act in ("stopped", "removed") else "waiting"


def _whole(counts: Mapping[State, int]) -> State:
    order: tuple[State, ...] = ("running", "ending", "waiting", "held", "failed", "stopped")
    return next((state for state in order if counts.get(state)), "done")
