"""Reading what members report, where they run.

Each line is written down once, by its number.  A file is read a last time once the run has ended; that this was done
is written down with what it gave, so nothing is lost between two control planes and nothing is read for ever.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection

from situs.control.sweeps.reports import FILE, MOST, parsed
from situs.control.sweeps.rounds import Rounds
from situs.control.wanted import key_of
from situs.model.error import SitusError
from situs.sites.adapter import Adapter, Unreachable
from situs.store import events, sweeps
from situs.store.database import Database, DatabaseAway, clock
from situs.store.events import BY, Event
from situs.store.leases import LeaseLost
from situs.store.runs import Run
from situs.store.sweeps import Report


class Reading:
    """Reads until it is told to stop."""

    def __init__(
        self, database: Database, site_of: Callable[[str], Adapter | None], every_s: float,
        guard: Callable[[Connection], None], read: Callable[[], None], say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """``guard``: raises LeaseLost in a transaction; ``read``: is called when there was something new."""
        self._database = database
        self._site_of = site_of
        self._every_s = every_s
        self._guard = guard
        self._read = read
        self._say = say
        self._lines: dict[tuple[str, int], int] = {}
        """run -> so many of its lines are kept"""
        self._stopped = threading.Event()
        self._rounds: dict[str, Rounds] = {}

    def want(self, runs: Sequence[Run]) -> None:
        """Read what these report from now on, and no others."""
        due: dict[str, list[Run]] = {site: [] for site in self._rounds}
        for run in runs:
            due.setdefault(run.site, []).append(run)
        for name, at_site in due.items():
            if name not in self._rounds and (site := self._site_of(name)) is not None:
                self._rounds[name] = Rounds(name, site, self._every_s, self._safely)
            if name in self._rounds:
                self._rounds[name].want(at_site)

    def stop(self) -> None:
        """Read no more; what is being fetched is not waited for, and not written down either."""
        self._stopped.set()
        for rounds in self._rounds.values():
            rounds.stop()

    def _safely(self, site: Adapter, run: Run) -> None:
        """Read one. Raises LeaseLost alone."""
        try:
            self._one(site, run)
        except LeaseLost:
            raise
        except (Unreachable, DatabaseAway):
            # Whoever looks at the site, or writes, tells of it.
            return
        except Exception as error:
            # A fault in an adapter must not end the reading at its site.
            self._say(f"{run.workload} at {run.site}: its reports cannot be read: {error}")

    def _one(self, site: Adapter, run: Run) -> None:
        content, trouble = _fetched(site, run)
        member, ended = run.workload, run.phase == "ended"
        known = self._lines.get((member, run.generation))
        if known is None:
            with self._database.read() as connection:
                known = sweeps.lines_read(connection, member, run.generation)
        news = parsed(content, member, run.generation, known, whole=ended)
        if self._stopped.is_set() or not (news or ended):
            return
        with self._database.write() as connection:
            self._guard(connection)
            sweeps.keep(connection, news)
            now = clock(connection)
            events.write(connection, [Event(now, "trouble", BY, text, member) for text in wrong(news)])
            if ended:
                sweeps.read_to_end(connection, member, run.generation, trouble)
        self._lines[member, run.generation] = news[-1].line + 1 if news else known
        if news:
            self._read()


def _fetched(site: Adapter, run: Run) -> tuple[bytes, str | None]:
    """What the run has written, and why there is nothing. Raises Unreachable."""
    with tempfile.TemporaryDirectory(prefix="situs-") as scratch:
        path = Path(scratch) / "report"
        try:
            site.get(key_of(run), FILE, path)
            return path.read_bytes(), None
        except Unreachable:
            raise
        except SitusError as error:
            # It has not reported yet, or never will; or it is being written to, and read the next time.
            return b"", str(error)


def wrong(news: Sequence[Report]) -> list[str]:
    """What is to be told about lines that were just read. What they say is not shown: it may be anything."""
    said = []
    bad = [report.line + 1 for report in news if report.step is None]
    if bad:
        more = f" and {len(bad) - 1} more are" if len(bad) > 1 else " is"
        said.append(f"line {bad[0]} of its reports{more} not of the form STEP VALUE, such as 3 0.25")
    if news and news[-1].line == MOST - 1:
        said.append(f"it has reported {MOST} times; what it reports from now on is not read")
    return said
