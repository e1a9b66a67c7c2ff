"""Keeping checkpoints elsewhere, and clearing away what is not needed, for as long as this control plane leads.

A thread for each site, so that a slow one delays no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from situs.control.backoff import delay
from situs.control.checkpoints.bringing import Bringing, Due, Sites
from situs.control.checkpoints.wanting import Keep, not_needed, of_unit, unfinished, wanted
from situs.control.force import Force
from situs.control.leader import Leadership
from situs.control.pace import Pace
from situs.control.recurring import Recurring
from situs.control.wanted import Unit, unit_of
from situs.model.error import SitusError
from situs.store import checkpoints, holds, runs
from situs.store.checkpoints import Copy
from situs.store.database import Database, DatabaseAway
from situs.store.leases import LeaseLost
from situs.store.runs import Run


class Keeping(Recurring):
    """Looks for new checkpoints, brings them to where they are kept, and clears older ones away."""

    def __init__(
        self, database: Database, folder: Path, pace: Pace, leadership: Leadership, sites: Sites,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """``folder``: of the control plane, for files that pass through this machine."""
        super().__init__("checkpoints", pace.poll_s)
        self._database = database
        self._pace = pace
        self._sites = sites
        self._say = say
        self._bringing = Bringing(database, folder / "checkpoints", pace, leadership, sites)
        self._known: tuple[Force, Mapping[str, Keep]] | None = None
        self._nothing_with: Force | None = None
        """with this in force there are no checkpoints to be kept, and none that were"""
        self._to_keep: Mapping[str, Sequence[Due]] = {}
        self._to_clear: Mapping[str, Sequence[Copy]] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._not_before: dict[tuple[Unit, str], float] = {}
        self._tries: dict[tuple[Unit, str], int] = {}

    def again(self) -> None:
        """See what is due, and what is not needed any more."""
        force = self._sites.in_force()
        if force is not None and force is self._nothing_with:
            return
        with self._database.read() as connection:
            there = checkpoints.present(connection)
            paused = holds.paused(holds.in_force(connection))
        keep = self._wanted(force) if force is not None else {}
        if force is None or paused or not (keep or there):
            self._to_keep, self._to_clear = {}, {}
            # Only whoever leads makes copies: there will be none before something else is in force.
            self._nothing_with = None if keep or there else force
            return
        if _dropped(there, keep):
            self._drop(keep)
        # Asked for before the database is, so that nothing that is begun meanwhile is taken for left over.
        passing = self._bringing.spool.names()
        with self._database.read() as connection:
            there = checkpoints.present(connection)
            history = {name: runs.of_workload(connection, name) for name in keep}
        due, dropped = _by_site(keep, there, history), _left_at_sites(there)
        self._to_keep, self._to_clear = due, dropped
        self._bringing.spool.clear(
            passing - {copy.name for copy in there if not copy.was("dropped", copy.source)}
        )
        for site in {*due, *dropped} - self._threads.keys():
            name = f"checkpoints {site}"
            self._threads[site] = threading.Thread(target=self._at, args=(site,), name=name, daemon=True)
            self._threads[site].start()
        for name, each in keep.items():
            for site, rules in each.refused.items():
                self._bringing.tell(
                    Unit(name, 0), site, f"its checkpoints may not be kept at {site}: {rules}"
                )

    def _wanted(self, force: Force) -> Mapping[str, Keep]:
        """The same as long as the same is in force: an estate at rest has thousands of workloads and no news."""
        if self._known is None or self._known[0] is not force:
            self._known = force, wanted(force)
        return self._known[1]

    def _drop(self, keep: Mapping[str, Keep]) -> None:
        """Write down which copies nobody is to rely on any more."""
        with self._bringing.writing() as connection:
            for copy, site in _dropped(checkpoints.present(connection), keep):
                if copy.name not in self._bringing.begun:
                    checkpoints.become(connection, copy, "dropped", [site])

    def _at(self, site: str) -> None:
        while not self._ended.is_set():
            try:
                for copy in self._to_clear.get(site, ()) if self._sites.answers(site) else ():
                    left = f"what is left of its checkpoints at {site} is not removed"
                    self._trying(
                        Unit(copy.workload, copy.unit), left, partial(self._bringing.clear, copy, site)
                    )
                for due in self._to_keep.get(site, ()) if self._sites.answers(site) else ():
                    self._trying(due.unit, "its checkpoint is not kept", partial(self._bringing.keep, due))
            except LeaseLost:
                return
            except DatabaseAway:
                # Whoever writes tells of it.
                pass
            self._ended.wait(self._pace.poll_s)

    def _trying(self, unit: Unit, trouble: str, do: Callable[[], float]) -> None:
        """Do it, unless it is too early; what goes wrong is told, and tried again later and later. Raises LeaseLost.

        ``do``: gives in how many seconds it is to be done again.
        """
        what = unit, trouble
        if time.monotonic() < self._not_before.get(what, 0.0):
            return
        try:
            wait_s = do()
        except LeaseLost:
            raise
        except Exception as error:
            self._tries[what] = self._tries.get(what, 0) + 1
            wait_s = delay(self._tries[what], f"{unit.workload}.{unit.number}/{trouble}").total_seconds()
            if isinstance(error, SitusError) and not isinstance(error, DatabaseAway):
                self._bringing.tell(unit, trouble, f"{trouble}: {error}")
            else:
                # A fault in an adapter must not end the work at its site.
                self._say(f"{unit.workload}: {trouble}: {type(error).__name__}: {error}")
        else:
            self._tries.pop(what, None)
            self._bringing.forget(*what)
        self._not_before[what] = time.monotonic() + wait_s


def _dropped(there: Sequence[Copy], keep: Mapping[str, Keep]) -> list[tuple[Copy, str]]:
    units = {Unit(copy.workload, copy.unit) for copy in there}
    return [one for unit in units for one in not_needed(of_unit(there, unit), keep.get(unit.workload))]


def _by_site(
    keep: Mapping[str, Keep], there: Sequence[Copy], history: Mapping[str, Sequence[Run]]
) -> dict[str, list[Due]]:
    """Units by the site whose thread sees to them: where they run, or what they wrote last is brought on from."""
    found: dict[str, list[Due]] = {}
    for name, each in keep.items():
        going = {unit_of(run): run for run in history[name] if run.phase == "placed" and run.started_at}
        for unit, run in going.items():
            found.setdefault(run.site, []).append(Due(unit, each, run))
        for unit in {
            Unit(copy.workload, copy.unit) for copy in there if copy.workload == name
        } - going.keys():
            if (open_one := unfinished(of_unit(there, unit), each)) is not None:
                found.setdefault(open_one[0].source, []).append(Due(unit, each, None))
    return found


def _left_at_sites(there: Sequence[Copy]) -> dict[str, list[Copy]]:
    found: dict[str, list[Copy]] = {}
    for copy in there:
        for site in copy.states:
            if copy.was("dropped", site) and not copy.was("gone", site):
                found.setdefault(site, []).append(copy)
    return found
