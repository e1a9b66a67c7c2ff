"""The queues of the plan in force: who stands in which line, who runs, and whose turn it is.

A piece of work gets in line once a place is known for it.  What is counted here follows from what is written down
elsewhere, so that all of it can be made anew at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from situs.control.queues.accounts import Cohort, asked, cohorts
from situs.control.queues.entries import Entry
from situs.control.queues.purse import Purse
from situs.control.queues.ranking import Place, Question, Ranked
from situs.control.queues.room import Rooms
from situs.control.queues.turns import Seen, Turns
from situs.control.queues.waiting import HOUR_S, Holder, Lane, Line, Option, Waiter, lost_s
from situs.model.plan import Assignment
from situs.model.queue import Queue
from situs.model.workload import Shape, Workload
from situs.store.queued import Piece
from situs.store.runs import Run

AGAIN_S = 5.0
"""Those that cannot begin are looked at again so often, as runs get old enough to give way."""


LaneKey = tuple[int, Question]
"""Priority, and what is to run."""


@dataclass(frozen=True)
class Turn:
    """It begins at a place; or, where there is none, it ends to make room."""

    name: str
    place: Place | None
    cause: str


class Floor:
    """All lines, and all that run."""

    def __init__(self, queues: Mapping[str, Queue], rooms: Rooms, purse: Purse) -> None:
        self.rooms = rooms
        self.purse = purse
        self.unpaid: dict[str, str] = {}
        """names of what its budget holds back, and why"""
        self._queues = queues
        self._cohorts = cohorts(queues)
        self._lines: dict[str, Line[LaneKey]] = {name: Line(queue.aging) for name, queue in queues.items()}
        self._seen: dict[str, Seen] = {}
        self._stirred: set[str] = set()
        """queues whose cohorts are to be looked at"""
        self._lane_of: dict[str, tuple[str, LaneKey]] = {}
        self._holds: dict[str, str] = {}
        """name of what runs -> its queue"""
        self._ranked: dict[Question, Ranked] = {}
        self._unplaced: dict[Question, dict[str, str]] = {}
        """names of those that wait for an answer, and their queues"""
        self._hopeless: set[Question] = set()
        """work that had no place before: it holds up nobody while that is tried again"""
        self._placeless: set[str] = set()
        """names of what has no place anywhere"""
        self._no_room: dict[str, Question] = {}
        """queue -> what its first lacks room for"""
        self._further: set[Question] = set()
        self._again_s = 0.0

    @property
    def is_stirred(self) -> bool:
        """Whether anybody's turn may have come."""
        return bool(self._stirred)

    def recount(self, rooms: Rooms) -> set[str]:
        """Others have taken or left room; gives the names of those that had no place at all, for another try."""
        self.rooms = rooms
        for line in self._lines.values():
            for holder in line.runs.values():
                rooms.take(holder.option, holder.name)
        self._hopeless |= {question for question, found in self._ranked.items() if not found.places}
        self._ranked = {question: found for question, found in self._ranked.items() if found.places}
        self._stirred |= self._no_room.keys()
        placeless, self._placeless = self._placeless, set()
        return placeless

    def close(self, sites: frozenset[str]) -> None:
        """These sites get nothing new from now on, and all others do."""
        if self.rooms.closed != sites:
            self.rooms.closed = sites
            self._stirred |= {queue for queue, _ in self._lane_of.values()}

    def running(self) -> Iterable[str]:
        """Names of all that run, or are about to."""
        return self._holds

    def ranking(self, question: Question) -> Ranked | None:
        """What is known of the places of a piece of work."""
        return self._ranked.get(question)

    def ranked(self, found: Ranked) -> set[str]:
        """More is known of them; gives the names of those that waited for that."""
        self._ranked[found.question] = found
        self._further.discard(found.question)
        options = [place.option for place in found.places]
        for name, line in self._lines.items():
            for key, lane in line.lanes.items():
                if key[1] == found.question:
                    lane.options = options
                    self._changed(name)
        came = self._unplaced.pop(found.question, {})
        for name, queue in came.items():
            self._lines[queue].coming.pop(name, None)
            self._changed(queue)
        return set(came)

    def line_up(self, entry: Entry, piece: Piece) -> tuple[str | None, Question | None]:
        """It waits for its turn. Gives why it cannot, and what has to be found out before it can."""
        if entry.name in self._lane_of or entry.name in self._holds:
            return None, None
        queue = self._queues.get(entry.queue)
        if queue is None:
            return (
                f"there is no queue {entry.queue} any more; bring it back, or hand it in to another one",
                None,
            )
        question = Question(entry.work, queue.sites)
        found = self._ranked.get(question)
        if found is None or (not found.places and not found.done):
            new = question not in self._unplaced
            self._unplaced.setdefault(question, {})[entry.name] = entry.queue
            if question not in self._hopeless:
                self._lines[entry.queue].coming[entry.name] = self._waiter(entry, piece)
            return None, question if new else None
        if not found.places:
            self._placeless.add(entry.name)
            return f"{found.why}; plan again or hand it in anew", None
        key = (entry.priority, question)
        line = self._lines[entry.queue]
        lane = line.lanes.get(key)
        if lane is None:
            lane = line.lanes[key] = Lane([place.option for place in found.places])
        lane.add(self._waiter(entry, piece))
        self._lane_of[entry.name] = (entry.queue, key)
        self._changed(entry.queue)
        return None, None

    def stays_away(self, name: str) -> None:
        """It does not wait for a turn any more."""
        if (stood := self._lane_of.pop(name, None)) is not None:
            queue, key = stood
            self._lines[queue].lanes[key].remove(name)
            self._changed(queue)

    def runs_already(self, entry: Entry, piece: Piece, run: Run, assignment: Assignment | None) -> None:
        """It runs, or may. ``assignment``: what its plan says about it, as far as that is known."""
        shape = next((s for s in piece.workload.shapes if s.name == run.shape), None)
        if entry.queue not in self._queues or shape is None or entry.name in self._holds:
            return
        likely_s = assignment.hours * HOUR_S if assignment is not None else _likely_s(piece.workload, shape)
        cost = sum(assignment.costs.values(), Decimal(0)) if assignment is not None else Decimal(0)
        option = Option((run.site, run.pool), shape, asked(shape), likely_s, cost)
        self._cohorts[entry.queue].use(entry.queue, option.amount)
        self.rooms.take(option, entry.name)
        since_s = (run.started_at or run.placed_at).timestamp()
        waiter = self._waiter(entry, piece)
        self.purse.takes(waiter, option)
        self._begins(waiter, option, since_s, piece.workload)

    @staticmethod
    def _waiter(entry: Entry, piece: Piece) -> Waiter:
        use_case = piece.workload.use_case
        return Waiter(entry.name, entry.queue, entry.priority, entry.seq, entry.at_s, use_case, entry.owed_s)

    def is_gone(self, name: str) -> None:
        """It does not run any more."""
        queue = self._holds.pop(name, None)
        if queue is None:
            return
        holder, cohort = self._lines[queue].runs.pop(name), self._cohorts[queue]
        amount = holder.option.amount
        back = tuple(-part for part in amount)
        if holder.leaving:
            cohort.leave(queue, back)
        cohort.use(queue, back)
        self.rooms.leave(holder.option.pool, name)
        self.purse.is_gone(name, holder.use_case)
        self._changed(queue)
        self._stirred |= self._no_room.keys()

    def look_again(self, now_s: float) -> None:
        """Those that wait may have a turn though nothing has happened: what runs has grown older."""
        if now_s - self._again_s >= AGAIN_S:
            self._again_s = now_s
            self._seen = {name: replace(seen, changes=-1) for name, seen in self._seen.items()}
            self._stirred |= {queue for queue, _ in self._lane_of.values()}

    def turns(self, now_s: float, pieces: Mapping[str, Piece]) -> Iterator[Turn]:
        """Whose turn it is now, and who gives way."""
        self.look_again(now_s)
        done: set[int] = set()
        stirred, self._stirred = self._stirred, set()
        for name in sorted(stirred):
            cohort = self._cohorts[name]
            if id(cohort) not in done:
                done.add(id(cohort))
                yield from self._turns(cohort, now_s, pieces)

    def full(self) -> set[Question]:
        """Work that lacks nothing but room where it was looked for so far."""
        found = {q for q in self._no_room.values() if not self._ranked[q].done} - self._further
        self._further |= found
        return found

    def _turns(self, cohort: Cohort, now_s: float, pieces: Mapping[str, Piece]) -> Iterator[Turn]:
        self.rooms.claims = {p: c for p, c in self.rooms.claims.items() if c.name in self._lane_of}
        out = Turns(cohort, self._lines, self.rooms, now_s, self._seen, self.purse).taken()
        self.unpaid |= out.unpaid
        for waiter, option in out.begin:
            _, key = self._lane_of.pop(waiter.name)
            place = next(place for place in self._ranked[key[1]].places if place.option is option)
            self._begins(waiter, option, now_s, pieces[key[1].work].workload)
            yield Turn(waiter.name, place, f"it is its turn in {waiter.queue}")
        for holder, waiter in out.end:
            self._lines[holder.queue].changes += 1
            yield Turn(holder.name, None, _why_it_ends(holder, waiter))
        for name in cohort.accounts:
            held = out.held.get(name)
            self._no_room.pop(name, None)
            if held is not None and held.why == "room" and held.waiter.name in self._lane_of:
                self._no_room[name] = self._lane_of[held.waiter.name][1][1]

    def _begins(self, waiter: Waiter, option: Option, since_s: float, workload: Workload) -> None:
        # One that made room is left alone until it has done again what that cost: else it might never come to its end.
        safe_s = max(workload.min_runtime * HOUR_S, waiter.owed_s)
        holder = Holder(
            waiter.name, waiter.queue, waiter.priority, waiter.at_s, option, since_s,
            saves_s(workload), safe_s, use_case=waiter.use_case,
        )  # fmt: skip
        self._lines[waiter.queue].runs[waiter.name] = holder
        self._lines[waiter.queue].changes += 1
        self._holds[waiter.name] = waiter.queue

    def _changed(self, queue: str) -> None:
        self._lines[queue].changes += 1
        self._stirred.add(queue)


def saves_s(workload: Workload) -> float | None:
    """How often it saves its state; None: never."""
    saves = workload.checkpoint if workload.run is not None and workload.run.state else None
    return saves.interval * HOUR_S if saves is not None else None


def owed_s(ended: Run | None, workload: Workload) -> float:
    """Work that was lost when this run of it was ended for another one."""
    if ended is None or ended.outcome != "stopped" or ended.started_at is None or ended.ended_at is None:
        return 0.0
    return lost_s((ended.ended_at - ended.started_at).total_seconds(), saves_s(workload))


def _likely_s(workload: Workload, shape: Shape) -> float:
    return workload.job.work / shape.throughput * HOUR_S if workload.job is not None else float("inf")


def _why_it_ends(holder: Holder, waiter: Waiter) -> str:
    if holder.queue == waiter.queue:
        return f"it makes room for {waiter.name}, of priority {waiter.priority} before {holder.priority}"
    return f"it gives back what {waiter.queue} has lent to {holder.queue}, for {waiter.name}"
