"""Who waits and who runs, in the words that turns are decided in."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar

from situs.control.queues.accounts import Numbers
from situs.model.amount import Exact
from situs.model.workload import Shape

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Option:
    """One place where a piece of work may run."""

    pool: tuple[str, str]
    """site and pool"""
    shape: Shape
    amount: Numbers
    """what it takes of the quota there"""
    lasts_s: float
    """how long it is likely to run there"""
    cost: Exact = Decimal(0)
    """what it is likely to cost there"""


@dataclass(slots=True)
class Waiter:
    """A piece of work that waits for its turn."""

    name: str
    queue: str
    priority: int
    seq: int
    """in the order of being handed in"""
    at_s: float
    """when it was handed in"""
    use_case: str | None = None
    """whose budget pays for it"""
    owed_s: float = 0.0
    """work that it lost when it made room for another one, and has to do again"""


@dataclass(slots=True)
class Holder:
    """A piece of work that runs, or is about to."""

    name: str
    queue: str
    priority: int
    at_s: float
    """when it was handed in"""
    option: Option
    since_s: float
    saves_s: float | None = None
    """how often it saves its state; None: never, so that all is lost when it ends before its time"""
    safe_s: float = 0.0
    """it may not be ended before it has run so long"""
    leaving: bool = False
    use_case: str | None = None

    def ends_s(self, now_s: float) -> float:
        """When it is likely to be over; who has run longer than was thought goes on for a tenth of that."""
        return max(self.since_s + self.option.lasts_s, now_s + 0.1 * (now_s - self.since_s))

    def lost_s(self, now_s: float) -> float:
        """How much work is lost when it is ended now."""
        return lost_s(max(0.0, now_s - self.since_s), self.saves_s)


def lost_s(ran_s: float, saves_s: float | None) -> float:
    """How much work is lost of a run that is ended after so long. ``saves_s``: how often it saves its state."""
    return ran_s if saves_s is None else min(ran_s, saves_s)


def score(priority: int, at_s: float, aging_h: float) -> float:
    """By what waiters of a queue are served, the highest first: an hour of waiting weighs ``1 / aging_h`` of a step.

    All grow older at the same pace, so that the order of two never changes while they wait.
    """
    return priority - at_s / (aging_h * HOUR_S) if aging_h else float(priority)


@dataclass
class Lane:
    """Waiters of one queue that ask for the same thing with the same priority, in the order of being handed in."""

    options: Sequence[Option]
    waiters: list[tuple[int, Waiter]] = field(default_factory=list)

    @property
    def head(self) -> Waiter:
        return self.waiters[0][1]

    def add(self, waiter: Waiter) -> None:
        heapq.heappush(self.waiters, (waiter.seq, waiter))

    def pop(self) -> Waiter:
        return heapq.heappop(self.waiters)[1]

    def remove(self, name: str) -> None:
        self.waiters = [entry for entry in self.waiters if entry[1].name != name]
        heapq.heapify(self.waiters)


K = TypeVar("K", bound=Hashable)


@dataclass
class Line(Generic[K]):
    """All that wait in one queue."""

    aging_h: float
    lanes: dict[K, Lane] = field(default_factory=dict)
    runs: dict[str, Holder] = field(default_factory=dict)
    coming: dict[str, Waiter] = field(default_factory=dict)
    """who is in no lane yet, because it is still being found out where they may run; nobody of the queue whose turn
    is later goes before them"""
    changes: int = 0
    """grows with every change of who waits and who runs"""

    def served(self) -> Iterator[Lane]:
        """Its lanes as they are served; a lane from which somebody was taken comes again with who is next in it."""
        until = min((self._turn(waiter) for waiter in self.coming.values()), default=None)
        heap = [
            (*self._turn(lane.head), number, lane)
            for number, lane in enumerate(self.lanes.values())
            if lane.waiters
        ]
        heapq.heapify(heap)
        while heap and (until is None or heap[0][:2] < until):
            *_, number, lane = heapq.heappop(heap)
            before = len(lane.waiters)
            yield lane
            if lane.waiters and len(lane.waiters) < before:
                heapq.heappush(heap, (*self._turn(lane.head), number, lane))

    def _turn(self, waiter: Waiter) -> tuple[float, int]:
        return (-score(waiter.priority, waiter.at_s, self.aging_h), waiter.seq)
