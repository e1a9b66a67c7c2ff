"""Having members end that are to, for as long as this control plane leads.

What is decided follows from the reports in the order in which they were read, and is written down under the lease;
only then are members stopped, whoever wrote it down.  So a control plane that is killed at any instant decides nothing
twice, and leaves nobody running that was to end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from situs.control import submitting
from situs.control.leader import Leadership
from situs.control.pace import Pace
from situs.control.recurring import Recurring
from situs.control.sweeps.reading import Reading
from situs.control.sweeps.rules import Decider, decider
from situs.model.error import SitusError
from situs.sites.adapter import Adapter
from situs.store import arrays, holds, leases, sweeps
from situs.store.database import Database, DatabaseAway
from situs.store.events import BY
from situs.store.leases import LeaseLost
from situs.store.sweeps import Sweep, Verdict

GOING = ("submitted", "handed_in")


@dataclass
class _Judged:
    """How far a sweep was judged."""

    rule: Decider
    seq: int = 0


class Deciding(Recurring):
    """Reads, decides and stops."""

    def __init__(
        self, database: Database, pace: Pace, leadership: Leadership, site_of: Callable[[str], Adapter | None],
        wake: Callable[[], None], say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """``site_of``: gives the way to a site; ``wake``: is called when something was stopped."""
        super().__init__("sweeps", pace.poll_s)
        self._database = database
        self._leadership = leadership
        self._wake = wake
        self._say = say
        self._reading = Reading(database, site_of, pace.look_s, self._guard, self._has_read, say)
        self._news = threading.Event()
        self._news.set()
        self._judged: dict[str, _Judged] = {}
        self._settled: set[str] = set()
        """members that were stopped"""

    def stop(self) -> None:
        """End, once the turn that was begun is over."""
        self._reading.stop()
        super().stop()

    def again(self) -> None:
        """See what is to be read, and decide about what was."""
        with self._database.read() as connection:
            known = sweeps.all_of_them(connection)
            if not known or holds.paused(holds.in_force(connection)):
                self._reading.want(())
                return
            due = sweeps.to_read(connection)
        self._reading.want(due)
        if self._news.is_set():
            # Cleared first: what is read meanwhile is for the next turn.
            self._news.clear()
            for sweep in known:
                try:
                    self._decide(sweep)
                except SitusError as error:
                    # What was fed to the rule may not be on disk: it begins anew.
                    self._judged.pop(sweep.array, None)
                    self._news.set()
                    if isinstance(error, LeaseLost | DatabaseAway):
                        raise
                    self._say(f"{sweep.array}: {error}")

    def _decide(self, sweep: Sweep) -> None:
        judged = self._judged.setdefault(sweep.array, _Judged(decider(sweep)))
        with self._database.read() as connection:
            ended = arrays.ends(connection, sweep.array)
            news = sweeps.reports(connection, sweep.array, judged.seq)
        if ended:
            return
        found: list[Verdict] = []
        for seq, report in news:
            found += judged.rule.take(seq, report)
            judged.seq = seq
        if found:
            with self._database.write() as connection:
                self._guard(connection)
                sweeps.judge(connection, found)
        self._stop(sweep)

    def _stop(self, sweep: Sweep) -> None:
        """Stop whom it was decided about and who may still run; asking again changes nothing."""
        with self._database.read() as connection:
            stops = [each for each in sweeps.verdicts(connection, sweep.array) if each.verdict == "stops"]
            acts, last = arrays.handed_in(connection, sweep.array), arrays.last_runs(connection, sweep.array)
        for verdict in stops:
            run = last.get(verdict.member)
            if verdict.member in self._settled:
                continue
            if acts.get(verdict.member) in GOING and (run is None or run.outcome != "succeeded"):
                self._leadership.guard()
                submitting.stop(self._database, verdict.member, BY, verdict.reason)
                self._wake()
            self._settled.add(verdict.member)

    def _guard(self, connection: Connection) -> None:
        leases.check(connection, self._leadership.lease)

    def _has_read(self) -> None:
        self._news.set()
        self.soon()
