"""What was seen of the runs of queues at each site: by looking at all of them, and by what sites tell of one."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from situs.control.strays import stray_steps
from situs.control.wanted import Sight, Step, Unit, World, key_of
from situs.sites.adapter import Key, Status
from situs.store.runs import Run


class Sights:
    """The newest sight of each site, of what is in queues alone."""

    def __init__(self) -> None:
        self.by_site: dict[str, Sight] = {}
        self._statuses: dict[str, dict[Key, Status]] = {}
        self._silent: set[str] = set()
        self._suspects: dict[Unit, set[tuple[str, Key]]] = {}
        """of units, what sites know of them that nobody counts on"""

    def see(self, sight: Sight, in_queues: Container[str]) -> Sight:
        """Take a look in; gives what of it is not of queues."""
        mine = {key: status for key, status in sight.runs.items() if key.workload in in_queues}
        self._statuses[sight.site] = mine
        self.by_site[sight.site] = replace(sight, runs=mine)
        if not mine:
            return sight
        return replace(sight, runs={key: s for key, s in sight.runs.items() if key not in mine})

    def tell(self, site: str, key: Key, status: Status) -> None:
        """One run stands so now."""
        if site in self._statuses:
            self._statuses[site][key] = status

    def changed(self, site: str, histories: Mapping[Unit, Sequence[Run]]) -> set[str]:
        """Work of which something may be to be done after a look: what has ended, is gone or was not known of.

        ``histories``: of what runs there, or was seen.
        """
        sight = self.by_site[site]
        if not sight.ok:
            self._silent.add(site)
            return set()
        answers_again = site in self._silent
        self._silent.discard(site)
        there = [run for history in histories.values() for run in history if run.site == site]
        counted = {key_of(run) for run in there if run.phase != "released"}
        running = {key_of(run) for run in there if run.alive}
        strays = sight.runs.keys() - counted
        for key in strays:
            self._suspects.setdefault(Unit(key.workload, key.unit), set()).add((site, key))
        ended = {key for key in running if key not in sight.runs or not sight.runs[key].alive}
        return {key.workload for key in (*strays, *ended, *(running if answers_again else ()))}

    def strays(self, unit: Unit, history: Sequence[Run], world: World) -> tuple[Step | None, Step | None]:
        """What of a unit a site knows and the database does not: to be done first, and to be done later."""
        suspects = self._suspects.pop(unit, None)
        if not suspects:
            return None, None
        sights: dict[str, Sight] = {}
        for site, key in suspects:
            seen = sights.get(site, replace(self.by_site[site], runs={}))
            if (status := self._statuses[site].get(key)) is not None:
                sights[site] = replace(seen, runs={**seen.runs, key: status})
        return stray_steps({}, {unit: history}, replace(world, sights=sights)).get(unit, (None, None))
