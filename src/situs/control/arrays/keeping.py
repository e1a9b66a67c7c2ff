"""Handing in the members of arrays, as many at once as each array allows, for as long as this control plane leads.

Nothing is remembered but what is in the database: which members were handed in is seen by their names.  Each is
handed in within one transaction that checks the lease and that nobody has ended the array, so a control plane that
is killed at any instant, or frozen and woken when another one leads, hands in no member twice and none too many.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from situs.control import submitting
from situs.control.arrays.making import end_members
from situs.control.arrays.member import member_workload
from situs.control.arrays.standing import OVER, states
from situs.control.leader import Leadership
from situs.control.pace import Pace
from situs.control.queues import handing_in
from situs.control.queues.handing_in import Handed
from situs.control.recurring import Recurring
from situs.model.error import SitusError
from situs.model.plan import Fit
from situs.planner.single import Placed
from situs.store import arrays, events, holds, leases, plans, queued
from situs.store.arrays import Array, Member
from situs.store.database import Database, DatabaseAway, clock
from situs.store.events import BY, Event
from situs.store.leases import LeaseLost
from situs.store.queued import Piece

LOOK_AGAIN_S = 10.0
"""Most of what members wait for is seen at once; this is for the rest, such as a site that is taken into service."""
TOGETHER = 100
"""Members that are handed in to a queue in one transaction: others want to write too."""

Draw = Callable[[str, Sequence[Member]], Sequence[Member]]
"""Gives members of an array that are about to be handed in, with their parameters."""


class Ended(SitusError):
    """Somebody has ended the array meanwhile."""


class Keeping(Recurring):
    """Hands in members, for as long as this control plane leads."""

    def __init__(
        self, database: Database, pace: Pace, leadership: Leadership, draw: Draw, wake: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """``wake``: is called when something was handed in."""
        super().__init__("arrays", pace.poll_s)
        self._database = database
        self._leadership = leadership
        self._draw = draw
        self._wake = wake
        self._say = say
        self._mark: Mapping[str, object] = {}
        self._looked = 0.0
        self._members: dict[str, list[Member]] = {}
        """of arrays that are not settled: they never change once they have parameters"""
        self._settled: dict[str, frozenset[str]] = {}
        """arrays about which nothing more is to be done -> what people had done about them"""
        self._told: dict[str, str] = {}

    def again(self) -> None:
        """Look at all arrays, and do what is due."""
        with self._database.read() as connection:
            mark = arrays.mark(connection)
            if not mark["arrays"] or holds.paused(holds.in_force(connection)):
                return
            if mark == self._mark and time.monotonic() - self._looked < LOOK_AGAIN_S:
                return
            known = arrays.all_of_them(connection)
            ends = {array.name: arrays.ends(connection, array.name) for array in known}
        self._looked = time.monotonic()
        for array in known:
            try:
                self._advance(array, ends[array.name])
            except (LeaseLost, DatabaseAway):
                raise
            except SitusError as error:
                self._say(f"{array.name}: {error}")
        # What was done just now is looked at again with the next turn.
        self._mark = mark

    def _advance(self, array: Array, ends: Mapping[str, arrays.Ended]) -> None:
        acts = frozenset(ends)
        if self._settled.get(array.name) == acts:
            return
        if ends:
            last = ends.get("removed") or ends["stopped"]
            self._leadership.guard()
            end_members(self._database, array.name, last.act, last.by, last.reason)
            self._settle(array, acts)
        elif self._handed_in(array):
            self._settle(array, acts)

    def _settle(self, array: Array, acts: frozenset[str]) -> None:
        self._settled[array.name] = acts
        self._members.pop(array.name, None)

    def _handed_in(self, array: Array) -> bool:
        """Hand in those for whom there is room; gives whether all of them are."""
        with self._database.read() as connection:
            if array.name not in self._members:
                self._members[array.name] = arrays.members(connection, array.name)
            piece, members = queued.work(connection, array.work), self._members[array.name]
            acts, last = arrays.handed_in(connection, array.name), arrays.last_runs(connection, array.name)
        program = piece.workload.run
        assert program is not None
        each = states(program, members, acts, last, ended=False)
        waiting = [member for member in members if each[member.name] == "held"]
        at_once = array.size if array.at_once is None else array.at_once
        active = sum(state not in OVER and state != "held" for state in each.values())
        due: Sequence[Member] = waiting[: max(0, at_once - active)]
        if (drawn := self._draw(array.name, due)) != due:
            due = drawn
            del self._members[array.name]
        try:
            if array.queue is not None:
                self._to_queue(array, piece, due)
            else:
                self._to_sites(array, piece, due)
        except Ended:
            return False
        except submitting.NoPlace as refused:
            self._tell(array, _why(refused.placed))
            return False
        except (LeaseLost, DatabaseAway):
            raise
        except SitusError as error:
            self._tell(array, str(error))
            return False
        return len(due) == len(waiting)

    def _to_queue(self, array: Array, piece: Piece, due: Sequence[Member]) -> None:
        assert array.queue is not None
        for k in range(0, len(due), TOGETHER):
            with self._database.write() as connection:
                queued.one_at_a_time(connection)
                self._may(connection, array)
                handed = [
                    Handed(member.name, array.queue, queued.keep_piece(connection, _piece(array, piece, member)),
                           array.priority)
                    for member in due[k : k + TOGETHER]
                ]  # fmt: skip
                handing_in.write(connection, handed, array.by, owned=True)
            self._began()

    def _to_sites(self, array: Array, piece: Piece, due: Sequence[Member]) -> None:
        if not due:
            return
        with self._database.read() as connection:
            files = {name: plans.content(connection, digest) for name, digest in piece.files.items()}
        sites = None if array.sites is None else frozenset(array.sites)

        def guard(connection: Connection) -> None:
            self._may(connection, array)

        for member in due:
            workload = _piece(array, piece, member).workload
            submitting.submit(
                self._database, member.name, workload, files, array.by, sites, guard=guard, owned=True
            )
            self._began()

    def _may(self, connection: Connection, array: Array) -> None:
        """Raises LeaseLost, and Ended when somebody was faster."""
        leases.check(connection, self._leadership.lease)
        if arrays.ends(connection, array.name):
            raise Ended(f"{array.name} was ended")

    def _began(self) -> None:
        self._wake()
        if self._ended.is_set():
            raise LeaseLost("this control plane no longer leads")

    def _tell(self, array: Array, text: str) -> None:
        """Write down why no more are handed in, once."""
        if self._told.get(array.name) == text:
            return
        with self._database.write() as connection:
            leases.check(connection, self._leadership.lease)
            events.write(connection, [Event(clock(connection), "waiting", BY, text, array.name)])
        self._told[array.name] = text


def _piece(array: Array, piece: Piece, member: Member) -> Piece:
    workload = member_workload(piece.workload, array.name, member.number, array.size, member.parameters)
    return Piece(workload, piece.files)


def _why(placed: Placed) -> str:
    if placed.fit is Fit.AT:
        return "no room for another member now; it is handed in once something has ended"
    return f"no place for another member: {', '.join(placed.decision.refused) or placed.decision.reason}"
