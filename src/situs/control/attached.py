"""Reading along with what runs: its output from wherever it is now, and at the next place when it moves.

What reads does not go through the control plane: it opens the site itself, so that output comes as soon as it is
written, and goes on when the control plane is away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from situs.control.connect import Connect
from situs.control.held_up import Causes, HeldUp
from situs.control.queues.standing import place_in_line
from situs.control.waiting import is_over
from situs.control.wanted import key_of
from situs.model.error import InputError, SitusError
from situs.model.estate import Site
from situs.model.workload import Workload
from situs.sites.adapter import Adapter, Enterable, Status, Unreachable
from situs.store import arrays, plans, queued, runs, submissions, usage
from situs.store.database import Database
from situs.store.runs import Run

QUICK_S, SLOW_S = 0.05, 1.0
"""Between looks: soon while something comes, and at most so often a second while nothing does."""
EAGER_S = 3.0
"""Who has just come waits for the first line."""
METERED_S = 4.0
"""The control plane looks every two seconds where something runs; what it cost is known then."""
LAST_WORDS_S = 30.0
"""A site that ended a run has all its output on disk; a control plane that is up knows of the end by then."""


@dataclass(frozen=True)
class At:
    """It is here from now on."""

    run: Run
    runs: bool
    """or ran; else it is to begin"""


@dataclass(frozen=True)
class Output:
    """It wrote this."""

    text: bytes


@dataclass(frozen=True)
class Trouble:
    """Nothing can be read now; it is tried again."""

    what: str


@dataclass(frozen=True)
class End:
    """There is nothing to wait for any more."""

    run: Run | None
    """None: it never ran"""
    exit_code: int | None
    reason: str | None
    stopped: bool
    """a person has stopped it"""


@dataclass(frozen=True)
class InLine:
    """It waits for its turn in a queue."""

    queue: str
    place: int
    """from 1"""
    waiting: int
    """how many do"""


Seen = At | Output | Trouble | InLine | HeldUp | End


class Reader:
    """Opens the sites of what runs, each once."""

    def __init__(self, database: Database, connect: Connect) -> None:
        self._database = database
        self._connect = connect
        self._open: dict[str, Adapter] = {}

    def run(self, name: str, unit: int = 0) -> Run:
        """The newest run. Raises InputError when it has none."""
        known = [run for run in self._runs(name) if run.unit == unit]
        if not known:
            raise InputError(f"{name} has not run yet; `situs status {name}` says why")
        return known[-1]

    def site(self, run: Run) -> Adapter:
        """The site of a run, opened. Raises InputError."""
        if run.site not in self._open:
            self._open[run.site] = self._connect(run.site, self._described(run))
        return self._open[run.site]

    def workload(self, run: Run) -> Workload | None:
        """What was to be run; None when no plan knows it."""
        with self._database.read() as connection:
            if run.plan is None:
                return None
            kept = plans.load(connection, run.plan)
            return kept.intent.workloads.get(kept.name_of(run.workload))

    def output(self, run: Run, since: int = 0) -> tuple[bytes, int]:
        """What it has written from byte ``since`` on, and where to go on from. Raises Unreachable."""
        return self.site(run).logs(key_of(run), since)

    def follow(
        self, name: str, unit: int = 0, stop: Callable[[], bool] = lambda: False,
        since: tuple[int, int] | None = None,
    ) -> Iterator[Seen]:  # fmt: skip
        """What happens to it, until it is over or ``stop`` says so. Raises InputError for an unknown name.

        ``since``: a generation that is known already, and so many bytes of what it wrote.
        """
        generation, offset = since or (None, 0)
        # What has written has run.
        runs = offset > 0
        began, pause_s, line = time.monotonic(), QUICK_S, None
        causes = Causes(self._database, name, unit)
        while not stop():
            run, news = self._newest(name, unit), False
            if run is not None and run.generation != generation:
                generation, offset, runs = run.generation, 0, False
                yield At(run, runs=False)
            if run is not None:
                try:
                    status = self._status(run)
                    if not runs and (status.state in ("running", "ended") or _has_run(run)):
                        runs = True
                        yield At(run, runs)
                    text, offset = self.output(run, offset)
                    if text:
                        news = True
                        yield Output(text)
                    if status.state == "ended" or not run.alive:
                        # What it wrote between the two questions.
                        text, offset = self.output(run, offset)
                        if text:
                            yield Output(text)
                        if (end := self._end(run, status)) is not None:
                            yield end
                            return
                except Unreachable as error:
                    yield Trouble(str(error))
            elif self._is_stopped(name):
                yield End(None, None, None, True)
                return
            place = self._in_line(name) if run is None or not run.alive else None
            if place is not None and place != line:
                line = place
                yield place
            goes = runs and run is not None and run.alive
            if place is None and not goes and (held := causes.new(run)) is not None:
                yield held
            eager = time.monotonic() < began + EAGER_S
            pause_s = QUICK_S if news or eager else min(pause_s * 1.3, SLOW_S)
            time.sleep(pause_s)

    def settled(self, run: Run, within_s: float) -> None:
        """Wait until the control plane has written down how a run ended and what it cost, but not for long."""
        deadline = time.monotonic() + within_s
        while run.alive and time.monotonic() < deadline:
            time.sleep(QUICK_S)
            run = self._newest(run.workload, run.unit) or run

    def ended(self, run: Run) -> End | None:
        """How a run ended for good; None while it goes on, or goes on elsewhere. Raises Unreachable."""
        status = self._status(run)
        return None if status.state != "ended" and run.alive else self._end(run, status)

    def cost(self, end: End, within_s: float = METERED_S) -> tuple[Decimal, str]:
        """What a run that is over has cost by the ledger, with all runs before it, and in which currency."""
        if end.run is None:
            return Decimal(0), ""
        self.settled(end.run, within_s)
        with self._database.read() as connection:
            ledger = usage.lines(connection, end.run.workload)
        return sum((line.amount for line in ledger), Decimal(0)), ledger[-1].currency if ledger else ""

    def must_be_known(self, name: str) -> None:
        """Raises InputError for what cannot be read along with."""
        self._runs(name)

    def _status(self, run: Run) -> Status:
        return self.site(run).status(key_of(run))

    def _end(self, run: Run, status: Status) -> End | None:
        """How it ended for good; None when it goes on."""
        workload = self.workload(run)
        if run.alive and workload is not None and _is_last(status, workload):
            return End(run, status.exit_code, status.reason, False)
        deadline = time.monotonic() + LAST_WORDS_S
        while run.alive and time.monotonic() < deadline:
            # The control plane decides whether it goes on; it is told by the site at the same time.
            time.sleep(QUICK_S)
            newest = self._newest(run.workload, run.unit)
            if newest is None or newest.generation != run.generation:
                return None
            run = newest
        stopped = self._is_stopped(run.workload)
        if run.alive:
            # Nobody acts: what the site says is all there is to know.
            return End(run, status.exit_code, status.reason, stopped)
        if stopped:
            return End(run, run.exit_code, run.reason, True)
        again = (
            workload is not None
            and workload.run is not None
            and not (workload.job is not None and is_over(run, workload.run.retries, workload.run.final))
        )
        return None if again else End(run, run.exit_code, run.reason, False)

    def _in_line(self, name: str) -> InLine | None:
        found = place_in_line(self._database, name)
        return InLine(*found) if found is not None else None

    def _newest(self, name: str, unit: int) -> Run | None:
        known = [run for run in self._runs(name) if run.unit == unit]
        return known[-1] if known else None

    def _runs(self, name: str) -> list[Run]:
        with self._database.read() as connection:
            known = runs.of_workload(connection, name)
            if known or submissions.newest(connection, name) or queued.newest(connection, name):
                return known
            target = plans.in_force(connection)
            if target is not None and name in plans.load(connection, target.plan).intent.workloads:
                return known
            if arrays.found(connection, name) is not None:
                raise InputError(f"{name} is an array; name one of its members, such as {name}-0")
            if arrays.claimed(connection, [name]):
                raise InputError(f"{name} is the member of an array, and its turn has not come")
        raise InputError(f"there is no workload {name!r}; `situs ps` lists those there are")

    def _is_stopped(self, name: str) -> bool:
        with self._database.read() as connection:
            last, waits = submissions.newest(connection, name), queued.newest(connection, name)
        return (last is not None and last.act != "submitted") or (
            waits is not None and waits.act != "handed_in"
        )

    def _described(self, run: Run) -> Site:
        """The site as the estate describes it now, else as the plan of the run did."""
        with self._database.read() as connection:
            target = plans.in_force(connection)
            for plan in filter(None, (target.plan if target else None, run.plan)):
                sites = plans.load(connection, plan).intent.sites
                if run.site in sites:
                    return sites[run.site]
        raise InputError(f"the estate has no site {run.site!r} any more")


def entered(reader: Reader, run: Run, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
    """The command of this machine that runs another one, or a shell, in a run's folder. Raises SitusError."""
    site = reader.site(run)
    if not isinstance(site, Enterable):
        raise SitusError(
            f"nobody can enter a run at {run.site}; `situs cp` has its files, `situs logs` its output"
        )
    return site.enter(key_of(run), command, terminal=terminal)


def _has_run(run: Run) -> bool:
    return not run.alive and run.started_at is not None


def _is_last(status: Status, workload: Workload) -> bool:
    """Whether a site's word is enough to know that it will not be started again."""
    run, job = workload.run, workload.job
    if run is None or job is None or job.per_month is not None or workload.outputs:
        return False
    failed = status.reason == "exited" and not status.succeeded
    return status.succeeded or (failed and (run.retries == 0 or status.exit_code in run.final))


def copy_out(reader: Reader, run: Run, name: str, target: Path) -> str:
    """Copy a file out of a run's folder; gives its SHA-256. Raises SitusError."""
    place = target / Path(name).name if target.is_dir() else target
    return reader.site(run).get(key_of(run), name, place)
