"""Where a piece of work may run, the cheapest place first: found by the planner, in a thread of its own.

Each place comes with a plan of its own for this work alone, which is the record of why it was put there.  Deciding
takes a while, so that the next place is looked for only when the ones before have no room.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from situs.control.queues.accounts import asked
from situs.control.queues.waiting import Option
from situs.control.target import spec_of
from situs.model.error import SitusError
from situs.model.intent import Intent
from situs.model.plan import Assignment
from situs.planner.compile.world import PoolName
from situs.planner.single import decide_alone
from situs.store.plans import Kept
from situs.store.queued import Piece

HOUR_S = 3600.0
MOST = 12
"""Places of one piece of work: with that many full, it waits for one of them."""


@dataclass(frozen=True)
class Ground:
    """What places are looked for in."""

    kept: Kept
    """the plan in force, with the data that were made since"""
    at: datetime
    number: int
    """another one for every change"""


@dataclass(frozen=True)
class Question:
    """A piece of work, and where it may be at most."""

    work: str
    sites: frozenset[str] | None


@dataclass(frozen=True)
class Place:
    """One place for it."""

    option: Option
    spec: str
    assignment: Assignment
    kept: Kept
    """the plan that says so"""
    estate: Intent
    """what that was made from"""


@dataclass(frozen=True)
class Ranked:
    """What was found for a question so far."""

    question: Question
    ground: int
    places: tuple[Place, ...] = ()
    done: bool = False
    """there are no more"""
    why: str | None = None
    """why there is none at all"""


class Ranking:
    """Answers questions one after the other."""

    def __init__(self, answer: Callable[[Ranked], None]) -> None:
        self._answer = answer
        self._asked: queue.SimpleQueue[tuple[Ground, Question, Piece, Ranked] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def ask(self, ground: Ground, question: Question, piece: Piece, so_far: Ranked | None) -> None:
        """Find its next place; the answer comes later."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ranking", daemon=True)
            self._thread.start()
        self._asked.put((ground, question, piece, so_far or Ranked(question, ground.number)))

    def stop(self) -> None:
        """Answer no more."""
        self._asked.put(None)

    def _run(self) -> None:
        while (asked_for := self._asked.get()) is not None:
            ground, question, piece, so_far = asked_for
            try:
                self._answer(further(ground, question, piece, so_far))
            except SitusError as error:
                self._answer(replace(so_far, done=True, why=str(error)))
            except Exception as error:
                # One piece of work must not keep all others from their places.
                self._answer(replace(so_far, done=True, why=f"{type(error).__name__}: {error}; report it"))


def name_of(work: str) -> str:
    """What the work is called in its plans: many may be of one kind."""
    return f"work-{work[:16]}"


def further(ground: Ground, question: Question, piece: Piece, so_far: Ranked) -> Ranked:
    """What was found so far, with the next place. Raises InputError."""
    kept, name = ground.kept, name_of(question.work)
    shut: set[PoolName] = {place.option.pool for place in so_far.places}
    if question.sites is not None:
        shut |= {
            (site, pool)
            for site, found in kept.intent.sites.items()
            if site not in question.sites
            for pool in found.pools
        }
    decided, estate = decide_alone(
        kept.intent, kept.facts, ground.at, name, piece.workload, off=kept.plan.provenance.off, shut=shut
    )
    decision = decided.plan.decision(name)
    if not decision.assignments:
        why = None if so_far.places else _why(decision.refused)
        return replace(so_far, done=True, why=why)
    assignment = decision.assignments[0]
    shape = next(shape for shape in piece.workload.shapes if shape.name == assignment.shape)
    cost = sum(assignment.costs.values(), Decimal(0))
    option = Option((assignment.site, assignment.pool), shape, asked(shape), assignment.hours * HOUR_S, cost)
    own = Kept(decided.plan, estate, kept.facts, piece.files)
    place = Place(option, spec_of(piece.workload, shape, piece.files), assignment, own, estate)
    places = (*so_far.places, place)
    return replace(so_far, places=places, done=len(places) >= MOST)


def _why(refused: Mapping[str, int]) -> str:
    said = ", ".join(f"{rule} at {count}" for rule, count in sorted(refused.items()))
    return f"it may or can be nowhere ({said or 'no site'})"
