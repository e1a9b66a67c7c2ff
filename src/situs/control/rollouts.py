"""New versions of services that do not become healthy: after a stated time without progress the one before is put back.

Time counts only while this control plane watches, nothing is paused, and the sites answer and take work; whoever leads
next counts from the beginning.  So nothing is taken back because nobody was there to see it become ready.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from situs.control.back import earlier_version
from situs.control.force import Force
from situs.control.wanted import Sight, Unit
from situs.store import holds
from situs.store.events import BY
from situs.store.holds import Hold
from situs.store.runs import Run


@dataclass(frozen=True)
class Stuck:
    """A new version that did not become healthy in time."""

    workload: str
    specs: frozenset[str]
    """of it, for each shape"""
    why: str


class Order(NamedTuple):
    """What is done about it."""

    said: str
    write: Callable[[Connection], object]


def put_back(connection: Connection, stuck: Stuck) -> Order:
    """Have the version before run again, where there was one."""
    name, (spec, *_) = stuck.workload, sorted(stuck.specs)
    before = earlier_version(connection, name, stuck.specs)
    what = f"the new version did not become healthy: {stuck.why}"
    if before is None:
        return Order(f"{what}; there is none before it to go back to", lambda _: None)

    def write(writing: Connection) -> None:
        holds.lift(writing, "version", name)
        holds.put(writing, "version", name, BY, stuck.why, plan=before, spec=spec)

    return Order(f"{what}; it is as plan {before[:19]} has it again", write)


def outdated(held: Iterable[Hold], force: Force) -> list[Hold]:
    """Orders about versions that no plan in force wants any more."""
    return [
        hold
        for name, hold in holds.kept_versions(held).items()
        if name not in force.back
        and (name not in force.versions or hold.spec not in force.versions[name].specs)
    ]


@dataclass
class _Watched:
    mark: object
    since: float


class Rollouts:
    """Watches new versions take over, for as long as this control plane leads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._given_up: dict[str, frozenset[str]] = {}

    def look(
        self,
        force: Force,
        runs: Mapping[Unit, Sequence[Run]],
        sights: Mapping[str, Sight],
        closed: Collection[str],
    ) -> list[Stuck]:
        """Those that have just run out of time. ``closed``: sites that get nothing new."""
        last: dict[str, list[Run]] = {}
        for unit, history in runs.items():
            if unit.workload in force.versions and history:
                last.setdefault(unit.workload, []).append(history[-1])
        return list(self._stuck(force, last, sights, closed))

    def rest(self) -> None:
        """Nothing is done now: that is nobody's fault."""
        for watched in self._watched.values():
            watched.since = self._clock()

    def due_s(self, force: Force) -> float | None:
        """In how many seconds the first of them may run out of time; None: none is watched."""
        now = self._clock()
        left = [
            watched.since + force.versions[name].how.deadline - now
            for name, watched in self._watched.items()
            if name in force.versions
        ]
        return max(0.0, min(left)) if left else None

    def _stuck(
        self,
        force: Force,
        last: Mapping[str, Sequence[Run]],
        sights: Mapping[str, Sight],
        closed: Collection[str],
    ) -> Iterator[Stuck]:
        now = self._clock()
        for name in force.back:
            # Once it is put back, or let go again by a person, it has all its time again.
            self._given_up.pop(name, None)
        for name in self._watched.keys() - force.versions.keys():
            del self._watched[name]
        for name, version in force.versions.items():
            specs = version.specs
            placed = [run for run in last.get(name, ()) if run.phase == "placed"]
            ready = sum(force.serves(run) for run in placed if run.spec in specs)
            old = any(run.spec not in specs for run in placed)
            if (
                not old and (ready >= version.units or name not in self._watched)
            ) or specs == self._given_up.get(name):
                self._watched.pop(name, None)
                continue
            mark, watched = (specs, ready), self._watched.get(name)
            away = [
                site for site in version.sites if site in closed or site not in sights or not sights[site].ok
            ]
            if watched is None or watched.mark != mark or away:
                self._watched[name] = _Watched(mark, now)
            elif now - watched.since >= version.how.deadline:
                del self._watched[name]
                self._given_up[name] = specs
                many = f"{ready} of {version.units} units were ready"
                yield Stuck(name, specs, f"{many}, and no more within {version.how.deadline:g} s")
