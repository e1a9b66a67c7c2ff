"""Keeping the checkpoints of one unit: taking down what is new, and having it safe where it is to be.

What is decided is in the database before a site hears of it, and each transaction checks the lease: a control plane
that is killed at any instant leaves a copy that the next one goes on with, and one that is frozen and woken can remove
nothing but what is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from situs.control.checkpoints import bill
from situs.control.checkpoints.copying import Spool, brought, checkpoints_of, last_step
from situs.control.checkpoints.wanting import Keep, is_due, known, newest_first, of_unit, unfinished
from situs.control.checkpoints.words import said_safe
from situs.control.force import Force
from situs.control.leader import Leadership
from situs.control.pace import Pace
from situs.control.wanted import Unit, key_of
from situs.model.error import SitusError
from situs.sites.adapter import Adapter
from situs.sites.checkpoints import Damaged, Unsettled
from situs.store import checkpoints, events, leases, usage
from situs.store.checkpoints import Copy
from situs.store.database import Database, clock
from situs.store.events import BY, Event
from situs.store.runs import Run

LOOKS = 10
"""A new checkpoint is looked for so often in an interval, so that what is kept is at most a tenth of it too old."""
SELDOMEST_S = 60.0


@dataclass(frozen=True)
class Due:
    """A unit whose checkpoints are to be kept. ``run``: the one that writes them; None: it has ended, or is lost."""

    unit: Unit
    keep: Keep
    run: Run | None


@dataclass(frozen=True)
class Sites:
    """The sites, as the one who leads knows them; any thread may ask."""

    in_force: Callable[[], Force | None]
    """what is in force now"""
    way: Callable[[str], Adapter | None]
    """the way to a site"""
    answers: Callable[[str], bool]
    """whether it answered the last look at it"""


class Bringing:
    """Does it, for as long as this control plane leads; any thread may ask for it."""

    def __init__(
        self, database: Database, folder: Path, pace: Pace, leadership: Leadership, sites: Sites
    ) -> None:
        """``folder``: where files are that pass through this machine."""
        self.spool = Spool(folder)
        self.begun: set[str] = set()
        """copies that are just being taken down"""
        self._database = database
        self._pace = pace
        self._leadership = leadership
        self._sites = sites
        self._told: dict[tuple[Unit, str], str] = {}

    def keep(self, due: Due) -> float:
        """Bring on what was begun, or take down what is new; gives in how many seconds to look again."""
        with self._database.read() as connection:
            copies, now = of_unit(checkpoints.present(connection), due.unit), clock(connection)
        open_one, waits = unfinished(copies, due.keep), False
        if open_one is not None and (due.run is None or due.run.generation == open_one[0].generation):
            copy, missing = open_one
            self._bring(copy, missing, copies, due.keep)
            # A site that is away must not keep the others from what is newer.
            away = any(not self._sites.answers(site) for site in missing)
            waits = not (away and any(copy.was("safe", site) for site in due.keep.sites))
        if due.run is not None and due.keep.sites and not waits and is_due(copies, due.keep, now):
            taken = self._taken(due.run, due.keep, copies)
            if taken is not None:
                self._bring(taken, due.keep.sites, copies, due.keep)
        return min(SELDOMEST_S, max(self._pace.look_s, due.keep.interval.total_seconds() / LOOKS))

    def _bring(self, copy: Copy, sites: Sequence[str], copies: Sequence[Copy], keep: Keep) -> None:
        """Have it safe at all that answer. Raises Unreachable for one that did not in the middle of that."""
        unit = Unit(copy.workload, copy.unit)
        for site in sites:
            away = f"its checkpoint is not kept at {site}"
            if self._sites.answers(site):
                self.forget(unit, away)
                self._bring_to(copy, site, copies, keep)
            else:
                self.tell(unit, away, f"{away}, which does not answer; the rest is sent once it does")

    def _taken(self, run: Run, keep: Keep, copies: Sequence[Copy]) -> Copy | None:
        """Take down the state of a run; None while there is none that is new and whole."""
        key, adapter = key_of(run), self._sites.way(run.site)
        source = checkpoints_of(run.site, adapter)
        self._leadership.guard()
        mark = source.mark(key, keep.names)
        if mark is None or any(
            (copy.generation, copy.mark) == (run.generation, mark) and copy.files for copy in copies
        ):
            return None
        assert adapter is not None
        step = last_step(adapter, key)
        with self.writing() as connection:
            copy = checkpoints.begin(
                connection, run.workload, run.unit, run.generation, run.site, mark, step
            )  # fmt: skip
            self.begun.add(copy.name)
        try:
            self._leadership.guard()
            files = source.snapshot(key, keep.names, copy.name)
            if not files:
                return None
            with self.writing() as connection:
                checkpoints.become(connection, copy, "taken", [run.site], files)
                if run.site in keep.sites:
                    self._safe(connection, copy, run.site, 0)
                return checkpoints.found(connection, copy.name)
        except Unsettled:
            return None
        finally:
            self.begun.discard(copy.name)

    def _bring_to(self, copy: Copy, site: str, copies: Sequence[Copy], keep: Keep) -> None:
        force = self._sites.in_force()
        _, policy = known(force, copy.workload) if force is not None else (None, None)
        if policy is None or (refused := policy.checkpoint_way_refusals(copy.workload, copy.source, site)):
            rules = ", ".join(each.rule for each in refused) if policy is not None else "no rules can be read"
            raise SitusError(f"it may not go from {copy.source} to {site}: {rules}")
        with self.writing() as connection:
            checkpoints.become(connection, copy, "begun", [site])
        earlier = [other for other in newest_first(copies) if site in other.safe_at]
        source = checkpoints_of(copy.source, self._sites.way(copy.source))
        target = checkpoints_of(site, self._sites.way(site))
        try:
            sent = brought(copy, source, target, earlier, self.spool, self._leadership.guard)
        except Damaged:
            with self.writing() as connection:
                lost = [s for s in {copy.source, *keep.sites} if not copy.was("safe", s)]
                checkpoints.become(
                    connection, copy, "dropped", [s for s in lost if s in copy.states or s == site]
                )
            raise
        with self.writing() as connection:
            self._safe(connection, copy, site, sent)

    def _safe(self, connection: Connection, copy: Copy, site: str, sent_bytes: int) -> None:
        """Write down that a copy is whole at a site, with what its way has cost: once, whoever asks how often."""
        done = checkpoints.found(connection, copy.name) or copy
        if checkpoints.become(connection, copy, "safe", [site]):
            text, now = said_safe(done, site, sent_bytes), clock(connection)
            events.write(
                connection, [Event(now, "kept", BY, text, copy.workload, copy.unit, copy.generation, site)]
            )
            force = self._sites.in_force()
            if force is not None:
                usage.write(
                    connection, bill.way(force, copy, copy.generation, (copy.source, site), sent_bytes, now)
                )

    def clear(self, copy: Copy, site: str) -> float:
        """Remove what is left of a copy at a site."""
        self._leadership.guard()
        checkpoints_of(site, self._sites.way(site)).discard(copy.name)
        with self.writing() as connection:
            checkpoints.become(connection, copy, "gone", [site])
        return 0.0

    def tell(self, unit: Unit, trouble: str, text: str) -> None:
        """Write down what is wrong, once."""
        if self._told.get((unit, trouble)) != text:
            with self.writing() as connection:
                said = Event(clock(connection), "trouble", BY, text, unit.workload, unit.number)
                events.write(connection, [said])
            self._told[unit, trouble] = text

    def forget(self, unit: Unit, trouble: str) -> None:
        """It is over."""
        self._told.pop((unit, trouble), None)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of the one that leads. Raises LeaseLost."""
        self._leadership.guard()
        with self._database.write() as connection:
            leases.check(connection, self._leadership.lease)
            yield connection
