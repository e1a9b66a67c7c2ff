"""The control plane's process: leads when nobody else does, stands by while somebody does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from situs.control.arrays.keeping import Keeping
from situs.control.checkpoints.bringing import Sites
from situs.control.checkpoints.keeping import Keeping as KeepingCheckpoints
from situs.control.connect import Connect
from situs.control.counter.serving import Counter, Open
from situs.control.estate_files import EstateFiles
from situs.control.leader import Leadership, lead
from situs.control.pace import Pace
from situs.control.pipelines.advancing import Advancing
from situs.control.recurring import Recurring
from situs.control.replanning import Replanning
from situs.control.sweeps.deciding import Deciding
from situs.control.sweeps.late import Late
from situs.control.term import Term
from situs.control.waking import Waking
from situs.control.watcher import Watcher, Watchers
from situs.store.database import Database, DatabaseAway
from situs.store.leases import LeaseLost


class Controller:
    """One control plane among those that share a database."""

    def __init__(
        self, database: Database, folder: Path, connect: Connect, pace: Pace | None = None,
        say: Callable[[str], None] = lambda _: None, estate: EstateFiles | None = None,
        watcher: Watcher | None = None, counter: Counter | None = None,
    ) -> None:  # fmt: skip
        """``estate``: its files are watched, and planned for again when they change; None: by others only.

        ``watcher``: is told of everything; None: nobody is. ``counter``: is open while this one leads.
        """
        self._database = database
        self._folder = folder
        self._connect = connect
        self._pace = pace or Pace()
        self._say = say
        self._watcher = watcher or Watcher()
        self._estate = estate
        self._counter = counter
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Come to an end soon; what runs at the sites runs on."""
        self._stopped.set()

    def run(self) -> None:
        """Lead or stand by until told to stop."""
        standing_by = False
        while not self._stopped.is_set():
            try:
                leadership = lead(self._database, self._pace.lease_s)
                if leadership is None:
                    if not standing_by:
                        self._say("another control plane leads; standing by")
                    standing_by = True
                    self._stopped.wait(min(1.0, self._pace.lease_s / 3))
                    continue
                standing_by = False
                self._say(f"leading, with token {leadership.lease.token}")
                self._lead(leadership)
            except LeaseLost as error:
                self._say(str(error))
            except DatabaseAway as error:
                self._say(f"{error}; trying again")
                self._stopped.wait(self._pace.poll_s)

    def _lead(self, leadership: Leadership) -> None:
        term: Term | None = None
        counter: Open | None = None
        recurring: list[Recurring] = []
        work: list[Recurring] = []
        try:
            if self._estate is not None:
                recurring.append(Replanning(self._database, self._estate, self._pace, leadership, self._say))
                recurring[-1].start()
            self._watcher.leading(leadership.lease.token)
            told = Watchers((self._watcher, Waking(work)))
            term = Term(self._database, self._folder, self._connect, self._pace, leadership, told, self._say)
            late = Late(self._database, leadership)
            work += [
                Advancing(self._database, self._folder, self._pace, term.wake, self._say),
                Keeping(self._database, self._pace, leadership, late.drawn, term.wake, self._say),
                Deciding(self._database, self._pace, leadership, term.watched, term.wake, self._say),
                KeepingCheckpoints(
                    self._database,
                    self._folder,
                    self._pace,
                    leadership,
                    Sites(term.in_force, term.watched, term.answers),
                    self._say,
                ),
            ]
            for one in work:
                recurring.append(one)
                one.start()
                one.soon()
            if self._counter is not None:
                counter = self._counter.opened(term)
            while not self._stopped.is_set():
                term.turn()
        finally:
            if counter is not None:
                counter.stop()
            for one in reversed(recurring):
                one.stop()
            if term is not None:
                term.close()
            self._watcher.leading(None)
            leadership.end()
