"""Who is next in a cohort, and who gives way: a function of counts, waiters, runs and the time.

What a queue's own quota allows comes first, then what is borrowed, by who has borrowed least for its weight; within
a queue, by priority and age.  Who cannot begin holds up those behind it in its queue, but for those that are over
before it could begin anyway (back-filling); and nobody borrows what its queue has lent while it waits for that.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

from situs.control.queues.accounts import COUNTED, Cohort, Numbers, added, holds
from situs.control.queues.giving_way import victims
from situs.control.queues.waiting import Holder, Lane, Line, Option, Waiter

DEEP = 64
"""So many lanes behind one that cannot begin are tried: whoever waits behind more than that waits for those first."""


@dataclass(frozen=True)
class Claim:
    """Somebody lacks nothing but room: nobody else gets it, but for those that are over before it comes free."""

    name: str
    until_s: float


class Room(Protocol):
    """What is free in the pools."""

    claims: dict[tuple[str, str], Claim]
    """pools that somebody waits for"""

    def has(self, option: Option) -> bool:
        """Whether one more goes in."""
        ...

    def ever(self, option: Option) -> bool:
        """Whether it went in if nothing of any queue ran."""
        ...

    def take(self, option: Option, name: str) -> None:
        """It goes in."""
        ...


class Purse(Protocol):
    """What there is to pay with."""

    def lacks(self, waiter: Waiter, option: Option) -> str | None:
        """Why it cannot be paid for; None when it can."""
        ...

    def takes(self, waiter: Waiter, option: Option) -> None:
        """It begins."""
        ...


@dataclass(frozen=True)
class Held:
    """The first of a queue that cannot begin, and why."""

    waiter: Waiter
    why: str
    """``quota``, ``room``, ``lent`` (others use what is its queue's) or ``never`` (more than it may ever use, or
    than there is room for beside what plans place)"""
    until_s: float
    """when it could begin, as far as that is known; inf: it is not"""
    spare: Numbers
    """what is left then beside it"""


@dataclass(frozen=True)
class Seen:
    """How a queue stood when nobody more of it could begin: nobody can before that changes."""

    changes: int
    """of its line; -1: it is to be looked at again in any case"""
    free: Numbers
    held: Held | None


@dataclass
class Outcome:
    """What a round of turns comes to."""

    begin: list[tuple[Waiter, Option]] = field(default_factory=list)
    end: list[tuple[Holder, Waiter]] = field(default_factory=list)
    """runs that give way, and for whom"""
    held: dict[str, Held] = field(default_factory=dict)
    """by queue"""
    unpaid: dict[str, str] = field(default_factory=dict)
    """name of a waiter that its budget holds back -> why; it holds up nobody"""


class Turns:
    """One round in one cohort. What it decides is counted at once: as used, or as leaving."""

    def __init__(
        self,
        cohort: Cohort,
        lines: Mapping[str, Line[Any]],
        room: Room,
        now_s: float,
        seen: dict[str, Seen] | None = None,
        purse: Purse | None = None,
    ) -> None:
        """``seen``: how queues stood before, brought up to date here."""
        self._seen = {} if seen is None else seen
        self._cohort = cohort
        self._all = lines
        self._lines = {name: lines[name] for name in cohort.accounts if name in lines}
        self._room = room
        self._purse = purse
        self._now_s = now_s
        self._out = Outcome()
        self._on_others: set[str] = set()
        """queues of which somebody may begin though nothing of their own changes: what is lacking is room, which may
        come free at any time, or that another queue gets back what it has lent"""
        self._lent_until_s = inf
        """nobody begins to borrow for longer, because a queue waits for what it has lent"""

    def taken(self) -> Outcome:
        """Decide until nobody more can begin."""
        heap: list[tuple[bool, float, float, int, str]] = []
        served: dict[str, Iterator[Lane]] = {}
        at: dict[str, Lane] = {}
        tried = dict.fromkeys(self._lines, 0)

        def enter(name: str) -> None:
            lane = next(served[name], None)
            if lane is None or tried[name] > DEEP:
                return
            at[name] = lane
            heapq.heappush(heap, (*self._order(name, lane), name))

        for name, line in self._lines.items():
            if not self._is_as_before(name, line):
                served[name] = line.served()
                enter(name)
        while heap:
            *_, name = heapq.heappop(heap)
            lane = at[name]
            option, why = self._choice(name, lane)
            if option is not None:
                waiter = lane.pop()
                self._cohort.use(name, option.amount)
                self._room.take(option, waiter.name)
                if self._purse is not None:
                    self._purse.takes(waiter, option)
                self._out.unpaid.pop(waiter.name, None)
                self._out.begin.append((waiter, option))
            else:
                tried[name] += 1
                if why in ("room", "never", "unpaid"):
                    self._on_others.add(name)
                if name not in self._out.held and why not in ("never", "unpaid"):
                    self._hold(name, lane, why)
            enter(name)
        for name in served:
            changes = -1 if name in self._on_others else self._lines[name].changes
            self._seen[name] = Seen(changes, self._cohort.free(name), self._out.held.get(name))
        return self._out

    def _is_as_before(self, name: str, line: Line[Any]) -> bool:
        """Whether nobody of it can begin because nobody could, and nothing has changed since."""
        seen = self._seen.get(name)
        if seen is None or (seen.changes, seen.free) != (line.changes, self._cohort.free(name)):
            return False
        if seen.held is not None:
            self._out.held[name] = seen.held
            if seen.held.why == "lent":
                self._lent_until_s = min(self._lent_until_s, seen.held.until_s)
        return True

    def _order(self, name: str, lane: Lane) -> tuple[bool, float, float, int]:
        amount = lane.options[0].amount
        borrows = self._cohort.borrows(name, amount)
        share = self._cohort.share(name, amount) if borrows else 0.0
        return (borrows, share, -float(lane.head.priority), lane.head.seq)

    def _choice(self, name: str, lane: Lane) -> tuple[Option | None, str]:
        """Where its head begins now; else why it does not."""
        why = "never"
        free, most = self._cohort.free(name), self._cohort.accounts[name].limit
        for option in lane.options:
            if not holds(option.amount, most):
                continue
            if not holds(option.amount, free):
                why = "lent" if self._cohort.is_entitled(name, option.amount) else "quota"
            elif self._is_awaited(name, option):
                self._on_others.add(name)
                why = "quota" if why == "never" else why
            elif not self._is_harmless(name, option):
                why = "quota" if why == "never" else why
            elif not self._room.has(option):
                why = "room" if self._room.ever(option) else why
            elif self._is_claimed(option, lane.head.name):
                why = "room"
            elif (lack := self._lack(lane.head, option)) is not None:
                self._out.unpaid[lane.head.name] = lack
                why = "unpaid" if why == "never" else why
            else:
                self._count_in(name, option)
                return option, ""
        return None, why

    def _lack(self, waiter: Waiter, option: Option) -> str | None:
        return self._purse.lacks(waiter, option) if self._purse is not None else None

    def _is_claimed(self, option: Option, name: str) -> bool:
        claim = self._room.claims.get(option.pool)
        return claim is not None and claim.name != name and self._now_s + option.lasts_s > claim.until_s

    def _is_awaited(self, name: str, option: Option) -> bool:
        """Whether it would borrow, and be at it still when a queue is to get back what it has lent."""
        over_s = self._now_s + option.lasts_s
        return over_s > self._lent_until_s and self._cohort.borrows(name, option.amount)

    def _is_harmless(self, name: str, option: Option) -> bool:
        """Whether nobody of its own queue who comes first has to wait longer for it."""
        over_s = self._now_s + option.lasts_s
        held = self._out.held.get(name)
        return held is None or over_s <= held.until_s or holds(option.amount, held.spare)

    def _count_in(self, name: str, option: Option) -> None:
        held = self._out.held.get(name)
        if held is not None and self._now_s + option.lasts_s > held.until_s:
            spare = added(held.spare, option.amount, -1.0)
            self._out.held[name] = Held(held.waiter, held.why, held.until_s, spare)

    def _hold(self, name: str, lane: Lane, why: str) -> None:
        """It cannot begin: see for how long, and whether others give way."""
        waiter, option = lane.head, lane.options[0]
        if why == "room":
            claim = self._room.claims.get(option.pool)
            if claim is None or claim.name == waiter.name:
                self._room.claims[option.pool] = Claim(waiter.name, self._emptier_s(option.pool))
            self._out.held[name] = Held(waiter, why, inf, (inf,) * len(COUNTED))
            return
        until_s = self._promised_s(name, waiter, option.amount)
        for holder in victims(self._cohort, self._lines, waiter, option, self._now_s, until_s):
            holder.leaving = True
            self._cohort.leave(holder.queue, holder.option.amount)
            self._out.end.append((holder, waiter))
            until_s = self._now_s
        if why == "lent" or until_s <= self._now_s:
            self._lent_until_s = min(self._lent_until_s, until_s)
        self._out.held[name] = Held(waiter, why, until_s, self._spare(name, option.amount, until_s))

    def _promised_s(self, name: str, waiter: Waiter, amount: Numbers) -> float:
        """When it is to begin at the latest.

        Who is let in before it counts on this, so that it never becomes later: else one after the other would be, and
        it would wait for ever.
        """
        seen = self._seen.get(name)
        held = seen.held if seen is not None else None
        before_s = held.until_s if held is not None and held.waiter.name == waiter.name else inf
        return min(before_s, self._soonest_s(name, amount))

    def _soonest_s(self, name: str, amount: Numbers) -> float:
        """When so much is free for the queue if everything ends as it is likely to; inf: it is not known."""
        free = self._cohort.free(name, then=True)
        if holds(amount, free):
            return self._now_s
        own = [holder for holder in self._lines[name].runs.values() if not holder.leaving]
        others = [
            holder
            for other in self._cohort.over
            if other != name
            for holder in self._lines[other].runs.values()
            if not holder.leaving
        ]
        for holders in (own, own + others) if others else (own,):
            then = free
            for holder in sorted(holders, key=lambda holder: holder.ends_s(self._now_s)):
                then = added(then, holder.option.amount)
                if holds(amount, then):
                    return holder.ends_s(self._now_s)
        return inf

    def _spare(self, name: str, amount: Numbers, at_s: float) -> Numbers:
        """What is left of the queue's own quota beside it then; what is borrowed may be gone."""
        there = amount
        for holder in self._lines[name].runs.values():
            if not holder.leaving and holder.ends_s(self._now_s) > at_s:
                there = added(there, holder.option.amount)
        quota = self._cohort.accounts[name].quota
        return tuple(max(0.0, most - used) for most, used in zip(quota, there, strict=True))

    def _emptier_s(self, pool: tuple[str, str]) -> float:
        """When the next run there is likely to end."""
        ends = (
            holder.ends_s(self._now_s)
            for line in self._all.values()
            for holder in line.runs.values()
            if holder.option.pool == pool
        )
        return min(ends, default=inf)
