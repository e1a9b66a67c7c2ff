"""The words of the reconciler: what is wanted of a unit, what was seen at a site, what is to be done next."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from situs.model.workload import HealthCheck
from situs.sites.adapter import Key, Status
from situs.store.runs import Run

USUAL_CHECK = HealthCheck()


@dataclass(frozen=True, order=True)
class Unit:
    """One of a workload's identical units, from 0."""

    workload: str
    number: int


@dataclass(frozen=True)
class Place:
    """Where a unit is, and in which shape."""

    site: str
    pool: str
    shape: str


@dataclass(frozen=True)
class Wanted:
    """What the Target wants of a unit."""

    unit: Unit
    place: Place
    spec: str
    """what is to be run, as a hash: another one is another thing to run"""
    service: bool = False
    health: str | None = None
    """path of a service that answers when it is ready; None: it is ready as soon as it runs"""
    check: HealthCheck = USUAL_CHECK
    """how often that is asked, and what becomes of a unit that does not answer"""
    listen: str | None = None
    """where requests for the service come in, to be passed on to its units; None: they are reached by themselves"""
    drain_s: float = 0.0
    """how long requests under way may hold up the end of a unit"""
    rolling: bool = False
    """another unit takes over before one ends; for services that carry no state along"""
    retries: int = 3
    final: tuple[int, ...] = ()
    """exit codes after which starting again would change nothing"""
    not_before: datetime | None = None
    every_s: float | None = None
    """from one beginning of a recurring job to the next; None: once"""
    needs: tuple[str, ...] = ()
    """workloads that must have succeeded, or serve, before it begins"""
    refused: str | None = None
    """why the rules do not allow it there; None: they do"""
    leased: bool = False
    """must never run twice, so that each of its runs is held to a lease at its site"""
    restart: bool = True
    """may begin anew when its last run was lost with its site, and what that saved too"""
    plan: str | None = None
    """the plan that says so; None: the one in force"""
    because: str | None = None
    """why another plan than the one in force says so, for what was put back"""


@dataclass(frozen=True)
class Sight:
    """What was seen at a site."""

    site: str
    began: datetime
    """when looking began: whatever was there before is in it"""
    ok: bool
    runs: Mapping[Key, Status] = field(default_factory=dict)
    cause: str | None = None
    next_step: str | None = None


@dataclass(frozen=True)
class World:
    """All that a decision about one unit depends on besides its own runs."""

    now: datetime
    sights: Mapping[str, Sight]
    satisfied: frozenset[str] = frozenset()
    """workloads that others need not wait for"""
    estate: Container[str] = frozenset()
    """workloads that the estate has, whether a plan places them or not"""
    succeeding: frozenset[str] = frozenset()
    """workloads whose units go on until those that take over from them serve"""
    failing: frozenset[Key] = frozenset()
    """runs of services that fail their health check now, seen by whoever leads while their sites answer"""
    undrained: frozenset[Key] = frozenset()
    """runs that still have requests to answer"""
    drained: frozenset[str] = frozenset()
    """sites that get nothing new"""
    lost: frozenset[str] = frozenset()
    """sites that are taken to be gone: nobody waits for the end of what ran there"""
    silent: frozenset[tuple[str, str]] = frozenset()
    """sites that are taken to be gone without a person's word, each with a workload that it is so for"""
    leased: Mapping[Key, datetime] | None = None
    """runs that are to end, and until when they may go on though nobody reaches them; None: only the control plane
    that leads knows"""
    gone: Mapping[Key, datetime] = field(default_factory=dict)
    """runs that were removed, and when: a sight from before still shows them"""


Kind = Literal["place", "leave", "restart", "abandon", "adopt", "start", "close", "stop", "release", "sweep"]
"""The first five are written down and done with; the others are done at a site.

``place``: give the unit its next run.  ``leave``: a run is to end.  ``restart``: a service that is unhealthy is to end,
and another run is to begin in its place.  ``abandon``: do not wait for the end of a run, its site is lost.  ``adopt``:
take over a run that a site knows and the database does not.  ``start``: bring files, data and state, and start.
``close``: make sure that a run is over, and take its results.  ``stop``: end a run and make sure that it is over.
``release``: remove what is left of it.  ``sweep``: end and remove what must not be there."""

WRITTEN: frozenset[Kind] = frozenset({"place", "leave", "restart", "abandon", "adopt"})


@dataclass(frozen=True)
class Step:
    """The next thing to do about a unit."""

    kind: Kind
    key: Key
    site: str
    cause: str
    """why"""

    @property
    def unit(self) -> Unit:
        """Whose step it is."""
        return Unit(self.key.workload, self.key.unit)


@dataclass(frozen=True)
class Waiting:
    """Nothing can be done about a unit now, though it is not as it should be."""

    unit: Unit
    cause: str
    next_step: str
    until: datetime | None = None
    """when it goes on by itself at the latest, where that is known"""


def unit_of(run: Run) -> Unit:
    """Whose run it is."""
    return Unit(run.workload, run.unit)


def key_of(run: Run) -> Key:
    """How sites call it."""
    return Key(run.workload, run.generation, run.unit)


def place_of(run: Run) -> Place:
    """Where it is."""
    return Place(run.site, run.pool, run.shape)
