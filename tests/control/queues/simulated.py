"""Queues in a world of numbers: time goes from event to event, and runs last as long as they are meant to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from situs.control.queues.accounts import asked, cohorts
from situs.control.queues.turns import Claim, Outcome, Seen, Turns
from situs.control.queues.waiting import Holder, Lane, Line, Option, Waiter
from situs.model.queue import Queue
from situs.model.workload import Shape


@dataclass
class Room:
    """So many processors, whoever uses them."""

    free: float
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.all = self.free

    def ever(self, option: Option) -> bool:
        return option.amount[1] <= self.all + 1e-9

    def has(self, option: Option) -> bool:
        return option.amount[1] <= self.free + 1e-9

    def take(self, option: Option, name: str) -> None:
        self.free -= option.amount[1]


@dataclass
class World:
    """What waits, what runs, what has ended, and when."""

    queues: Mapping[str, Queue]
    room: Room = field(default_factory=lambda: Room(1e9))
    now_s: float = 0.0
    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    gave_way: list[tuple[str, str]] = field(default_factory=list)
    """who, for whom"""

    def __post_init__(self) -> None:
        self.cohorts = cohorts(self.queues)
        self.lines = {name: Line(queue.aging) for name, queue in self.queues.items()}
        self.seen: dict[str, Seen] = {}
        self.count = 0
        self.waiters: dict[str, tuple[Waiter, Option]] = {}

    def hand_in(self, queue: str, cpu: float, lasts_s: float, priority: int = 50, name: str = "") -> str:
        self.count += 1
        name = name or f"{queue}-{self.count}"
        shape = Shape(cpu=cpu, memory=0.0)
        option = Option(("site", "pool"), shape, asked(shape), lasts_s)
        waiter = Waiter(name, queue, priority, self.count, self.now_s)
        self.waiters[name] = waiter, option
        self._wait(waiter, option)
        return name

    def decide(self) -> list[Outcome]:
        """A round in each cohort; who gives way is gone at once."""
        found = []
        for cohort in {id(cohort): cohort for cohort in self.cohorts.values()}.values():
            out = Turns(cohort, self.lines, self.room, self.now_s, self.seen).taken()
            begun = {waiter.name for waiter, _ in out.begin}
            self.room.claims = {p: c for p, c in self.room.claims.items() if c.name not in begun}
            for waiter, option in out.begin:
                line = self.lines[waiter.queue]
                line.changes += 1
                line.runs[waiter.name] = Holder(
                    waiter.name, waiter.queue, waiter.priority, waiter.at_s, option, self.now_s
                )
                self.began.setdefault(waiter.name, self.now_s)
            for holder, waiter in out.end:
                self.gave_way.append((holder.name, waiter.name))
                self._gone(holder)
                self._wait(*self.waiters[holder.name])
            found.append(out)
            if out.end:
                found += self.decide()
        return found

    def go_on(self, until_s: float) -> None:
        """To the next end of a run, or to that time."""
        ends = [(h.since_s + h.option.lasts_s, h) for line in self.lines.values() for h in line.runs.values()]
        at, holder = min(ends, key=lambda each: (each[0], each[1].name), default=(until_s, None))
        self.now_s = min(at, until_s)
        if holder is not None and at <= until_s:
            self._gone(holder)
            self.ended[holder.name] = self.now_s

    def run(self, until_s: float) -> None:
        while self.now_s < until_s:
            self.decide()
            self.go_on(until_s)

    def used(self, name: str) -> float:
        return sum(holder.option.amount[1] for holder in self.lines[name].runs.values())

    def waiting(self) -> int:
        return sum(len(lane.waiters) for line in self.lines.values() for lane in line.lanes.values())

    def _wait(self, waiter: Waiter, option: Option) -> None:
        line = self.lines[waiter.queue]
        key = (waiter.priority, option.amount, option.lasts_s)
        line.lanes.setdefault(key, Lane([option])).add(waiter)
        line.changes += 1

    def _gone(self, holder: Holder) -> None:
        line, cohort = self.lines[holder.queue], self.cohorts[holder.queue]
        del line.runs[holder.name]
        line.changes += 1
        back = tuple(-part for part in holder.option.amount)
        if holder.leaving:
            cohort.leave(holder.queue, back)
        cohort.use(holder.queue, back)
        self.room.free += holder.option.amount[1]
