"""The time for which one control plane leads.

One thread decides and writes; each site has a thread that looks at it and a few that do steps there.  A turn
takes in what was seen and done, decides, puts all of it on disk in one transaction that checks the lease, and
only then hands the steps to the sites' threads.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from situs.control import force as in_force
from situs.control import meter
from situs.control.acts import Done, Job, NoLongerWanted, perform
from situs.control.checkpoints.restoring import KeptCopies, recorded
from situs.control.connect import Closed, Connect
from situs.control.data.replicas import Replicas
from situs.control.doubts import Doubts
from situs.control.force import Force, Plans
from situs.control.judging import Judge, Judged
from situs.control.leader import Leadership
from situs.control.losses import covered
from situs.control.observe import Look, Observer, Told
from situs.control.pace import Pace
from situs.control.queues.desk import Desk
from situs.control.queues.floor import Floor
from situs.control.queues.purse import Purse
from situs.control.queues.ranking import Ground, Ranked
from situs.control.queues.room import Rooms
from situs.control.readiness import Awaited, Failing, Readiness, Ready
from situs.control.reconcile import diff, source_of, succeeding
from situs.control.renewing import Renewing
from situs.control.rollouts import Rollouts, outdated, put_back
from situs.control.room_taken import taken_by_others, with_results
from situs.control.state import State
from situs.control.tenure import Held, Tenure
from situs.control.traffic.fronts import fronts
from situs.control.traffic.haproxy import Haproxy, left_behind
from situs.control.traffic.router import Drained, Router
from situs.control.waiting import is_lost
from situs.control.waits import Waits
from situs.control.wanted import WRITTEN, Step, Unit, Waiting, Wanted, World, key_of
from situs.control.watcher import Watcher
from situs.control.workers import Workers
from situs.facts.completion import complete
from situs.model.error import SitusError
from situs.model.estate import Site
from situs.sites.adapter import Adapter, Key, Status, Tells
from situs.store import checkpoints, holds, leases, observations, plans, submissions
from situs.store.checkpoints import Copy
from situs.store.database import Database
from situs.store.events import BY, Event
from situs.store.leases import LeaseLost
from situs.store.runs import Run
from situs.store.usage import Line

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
COUNTED_AGAIN_S = 60.0
"""What others than queues use of the pools is counted anew so often, as jobs of plans come to their ends."""
GATHER_S = 0.01
"""What comes in within a hundredth of a second shares one transaction."""


class Woken:
    """Somebody of this machine has written something that is to be read now, not when the time has come."""


class Term:
    """The time for which one control plane leads."""

    def __init__(
        self, database: Database, folder: Path, connect: Connect, pace: Pace, leadership: Leadership,
        watcher: Watcher, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._database = database
        self._folder = folder
        self._connect = connect
        self._pace = pace
        self._leadership = leadership
        self._watcher = watcher
        self._say = say
        self._news: queue.SimpleQueue[
            Look | Told | Done | Ready | Failing | Drained | Ranked | Woken | LeaseLost
        ] = queue.SimpleQueue()
        self._plans = Plans(database)
        self._force: Force | None = None
        self._holds: list[holds.Hold] = []
        self._kept: Sequence[Copy] = ()
        """checkpoints that are kept elsewhere than where they were written"""
        self._wanted: dict[Unit, Wanted] = {}
        self._adapters: dict[str, Adapter] = {}
        self._observers: dict[str, Observer] = {}
        self._workers: dict[str, Workers] = {}
        self._replicas = Replicas(folder)
        self._data = 0
        """which data there were, as a number that changes with them"""
        self._early: set[Key] = set()
        """runs whose start was under way when data came"""
        self._untold: list[Callable[[], None]] = []
        """each ends that a site tells of what has happened there"""
        self._router: Router | None = None
        self._drained: set[Key] = set()
        """runs that were to get no more requests, and have none left"""
        self._rollouts = Rollouts()
        self._tenure = Tenure(pace.lease_s)
        self._renewing = Renewing(self._adapters, self._tenure, self._guard)
        self._doubts = Doubts()
        self._readiness = Readiness(self._adapters, pace.ready_s, self._news.put)
        self._desk = Desk(self._plans, self._news.put)
        self._counted: tuple[int, int, datetime] | None = None
        self._polled = self._metered = _now()
        self._closed = False
        self._stirred = True
        self._vain: frozenset[Key] = frozenset()
        """runs that are being started where they are not wanted any more"""
        self._done_at: dict[str, datetime] = {}
        """when a step ended at a site that was not looked at since"""
        self._due: datetime | None = None
        with database.read() as connection:
            self._desk.read(connection)
            names = self._desk.entries.by_name
            self._state = State.read(connection, leadership.lease.token, pace.shown_s, _now(), names)
            self._desk.read_debts(connection, self._state)
            self._waits = Waits(connection)
            self._judge = Judge(observations.all_sites(connection).values())
        self._poll()

    def turn(self) -> None:
        """Take in, decide, write, hand out. Raises LeaseLost and DatabaseAway; nothing was begun then."""
        self._take_in()
        began, now = time.monotonic(), _now()
        if now - self._polled >= timedelta(seconds=self._pace.poll_s):
            self._poll()
        if now - self._metered >= timedelta(seconds=self._pace.meter_s):
            self._meter(now)
        jobs = self._decide(now)
        judged = self._judged(now)
        if self._state.is_dirty or judged:
            with self._database.write() as connection:
                leases.check(connection, self._leadership.lease)
                self._state.write(connection)
                judged.write(connection)
            self._watcher.wrote(*self._state.news())
            self._state.written()
        for job in jobs:
            self._workers[job.step.site].do(job)
        self._watcher.turned(time.monotonic() - began)

    def _judged(self, now: datetime) -> Judged:
        """Sites that are taken to be lost, or in service again, from now on."""
        if self._force is None or holds.paused(self._holds):
            return Judged()
        judged = self._judge.decide(self._force, self._state.alive(), self._holds, now)
        self._state.tell(judged.told)
        if judged:
            # What is written now is read with the next turn.
            self._polled = now - timedelta(seconds=self._pace.poll_s)
        return judged

    def wake(self) -> None:
        """Read at once what others have written; any thread may say so."""
        self._news.put(Woken())

    def in_force(self) -> Force | None:
        """What is in force, as it was read last; any thread may ask."""
        return self._force

    def look(self, site: str) -> None:
        """Look at a site now: something has happened there; any thread may say so."""
        if site in self._observers:
            self._observers[site].soon()

    def watched(self, name: str) -> Adapter | None:
        """A site that is looked at; None: there is none of this name, or not yet. Any thread may ask."""
        return self._adapters.get(name)

    def answers(self, name: str) -> bool:
        """Whether a site answered the last look at it; any thread may ask."""
        sight = self._state.sightings.sights.get(name)
        return sight is not None and sight.ok

    def reached(self, name: str, site: Site) -> Adapter:
        """A site, by the way that is open to it already; any thread may ask. Raises InputError."""
        return self._adapters.get(name) or self._connect(name, site)

    def close(self) -> None:
        """End all threads; steps under way are left to end by themselves."""
        self._closed = True
        self._readiness.stop()
        self._renewing.stop()
        self._desk.stop()
        if self._router is not None:
            self._router.stop()
        for end in self._untold:
            end()
        for observer in self._observers.values():
            observer.stop()
        for workers in self._workers.values():
            workers.stop()

    def _take_in(self) -> None:
        wait_s = self._pace.poll_s
        while True:
            try:
                news = self._news.get(timeout=wait_s)
            except queue.Empty:
                return
            # More may come at once; all of it goes into one transaction.
            wait_s = GATHER_S
            if isinstance(news, LeaseLost):
                raise news
            if isinstance(news, Look):
                self._see(news)
            elif isinstance(news, Told):
                self._hear(news)
            elif isinstance(news, Ranked):
                self._desk.ranked(news)
            elif isinstance(news, Woken):
                self._polled = _LONG_AGO
            elif isinstance(news, Drained):
                self._stirred = True
                self._drained.add(news.key)
            elif isinstance(news, Failing):
                self._doubt(news)
            elif isinstance(news, Ready):
                self._stirred = True
                self._doubts.answered(news.key)
                self._state.ready(news.key, news.address, _now())
            else:
                self._finish(news)
            if self._news.empty():
                return

    def _see(self, look: Look) -> None:
        """Deciding again is needed only where something is new, or something was done since the look before."""
        site, before = look.sight.site, self._state.sightings.sights.get(look.sight.site)
        look = replace(look, sight=self._desk.looked(look.sight, self._state))
        self._state.see(look, self._judge.see(look, self._force))
        self._watcher.looked(look)
        again, forget = self._doubts.looked(look.sight, _now())
        self._readiness.again(again)
        self._readiness.forget(forget)
        new = before is None or (before.ok, before.runs) != (look.sight.ok, look.sight.runs)
        self._stirred |= new or site in self._done_at
        if site in self._done_at and look.sight.began > self._done_at[site]:
            del self._done_at[site]

    def _doubt(self, failing: Failing) -> None:
        """A service fails; whether that is its own fault, a look at its site tells."""
        if self._doubts.failed(failing.key, failing.site, failing.asked_at):
            self._stirred = True
            anew = self._doubts.was_cut_off(failing.key)
            self._state.unhealthy(failing.key, failing.cause, _now(), anew)
        else:
            self.look(failing.site)

    def _hear(self, told: Told) -> None:
        """A site tells of one run before it is asked."""
        if self._desk.has(told.key.workload):
            self._desk.told(told.site, told.key, told.status)
        elif told.site in self._observers:
            self._observers[told.site].soon()

    def _finish(self, done: Done) -> None:
        queued = self._desk.has(done.step.key.workload)
        self._watcher.stepped(done)
        now = _now()
        if queued:
            self._desk.stir(done.step.key.workload)
        else:
            self._stirred = True
            self._done_at[done.step.site] = now
        want = self._wanted.get(done.step.unit)
        run = self._state.finish(done.step, done.result, want, now)
        if done.step.key in self._early:
            self._early.discard(done.step.key)
            if run is not None:
                self._again(run, now)
                run = self._state.run(done.step.key)
        used = done.result.status.usage if done.result.status else None
        if run is not None and (metered := meter.ended(run, self._plans, used, now)):
            self._ledger(*metered)
        if not queued and done.step.site in self._observers:
            self._observers[done.step.site].soon()

    def _decide(self, now: datetime) -> list[Job]:
        """Steps for plans, and for queues."""
        self._desk.due(now)
        jobs = self._by_plan(now)
        if self._desk.is_stirred and self._force is not None and not holds.paused(self._holds):
            jobs += [self._job(step) for step in self._desk.decide(self._state, now, self._no_new())]
        return jobs

    def _no_new(self) -> frozenset[str]:
        """Sites that get nothing new."""
        return holds.drained(self._holds) | holds.lost(self._holds)

    def _by_plan(self, now: datetime) -> list[Job]:
        if not self._stirred and (self._due is None or now < self._due):
            return []
        self._stirred = False
        if self._force is None:
            return []
        lost, silent = holds.lost(self._holds), covered(self._holds, self._force.loss_after_s)
        if holds.paused(self._holds):
            self._leased(self._force, lost, silent, now)
            self._rollouts.rest()
            return []
        drained = self._no_new()
        jobs: list[Job] = []
        sightings = self._state.sightings
        # What is only written down opens the way to the next step at once.
        while True:
            wanted = self._wanted = self._kept_copies(self._force).restartable(
                self._force.wanted(self._state.runs)
            )
            undrained = self._passed_on(wanted)
            self._vain = vain(self._state.under_way, wanted)
            world = World(
                now,
                sightings.sights,
                estate=self._force.names,
                failing=self._doubts.sure,
                undrained=undrained,
                drained=drained,
                lost=lost,
                silent=silent,
                leased=self._leased(self._force, lost, silent, now),
                gone=sightings.gone,
            )
            verdicts = diff(wanted, self._state.runs, world, self._state.under_way)
            written = False
            for step in verdicts.values():
                if not isinstance(step, Step):
                    continue
                if step.kind in WRITTEN:
                    want = wanted.get(step.unit)
                    plan = want.plan if want and want.plan else self._force.target.plan
                    self._state.record(step, want, plan, now)
                    written = True
                else:
                    self._state.begin(step, now)
                    jobs.append(self._job(step, wanted.get(step.unit), world))
            if not written:
                self._due = min(
                    (v.until for v in verdicts.values() if isinstance(v, Waiting) and v.until), default=None
                )
                self._roll_back(self._force, drained, now)
                self._state.tell(self._waits.new(verdicts, wanted, world))
                asked = awaited(wanted, self._state.runs)
                self._doubts.keep(asked)
                self._readiness.expect(asked)
                return jobs

    def _roll_back(self, force: Force, closed: frozenset[str], now: datetime) -> None:
        """Put back the version before, where a new one has not become healthy in time."""
        for stuck in self._rollouts.look(force, self._state.runs, self._state.sightings.sights, closed):
            with self._database.read() as connection:
                order = put_back(connection, stuck)
            self._state.tell([Event(now, "rolled-back", BY, order.said, stuck.workload)])
            self._state.first(order.write)
        for hold in outdated(self._holds, force):
            self._state.first(partial(holds.lift, kind="version", subject=hold.subject))
        left_s = self._rollouts.due_s(force)
        if left_s is not None:
            until = now + timedelta(seconds=left_s)
            self._due = until if self._due is None else min(self._due, until)

    def _leased(
        self, force: Force, lost: frozenset[str], silent: frozenset[tuple[str, str]], now: datetime
    ) -> dict[Key, datetime]:
        """Have leases renewed, also while all is paused; gives those that are not, and until when they may last."""
        held: dict[Key, Held] = {}
        ending: dict[Key, datetime] = {}
        for run in self._state.alive():
            term_s = force.lease_s(run)
            if term_s is None:
                continue
            gone = run.site in lost or (run.site, run.workload) in silent
            if run.abandoned or (run.phase == "leaving" and gone):
                ending[key_of(run)] = now + timedelta(seconds=self._tenure.left_s(key_of(run), term_s))
            else:
                held[key_of(run)] = Held(run.site, term_s)
        self._renewing.hold(held)
        return ending

    def _passed_on(self, wanted: Mapping[Unit, Wanted]) -> frozenset[Key]:
        """Have requests go to those that serve; gives the runs that still have some to answer."""
        there = fronts(wanted, self._state.runs, succeeding(wanted, self._state.runs))
        if self._router is None and (there or left_behind(self._folder)):
            self._router = Router(Haproxy(self._folder), self._news.put, self._say)
        if self._router is not None:
            self._router.want(there)
        leaving = {key for front in there.values() for key in front.out}
        self._drained &= leaving
        return frozenset(leaving - self._drained)

    def _job(self, step: Step, want: Wanted | None = None, world: World | None = None) -> Job:
        assert self._force is not None
        queued = self._desk.has(step.key.workload)
        grace_s = (self._desk if queued else self._force).grace_s(step.key.workload)
        if step.kind == "sweep":
            return Job(step, None, grace_s=grace_s)
        run, history = self._state.run(step.key), self._state.history(step.unit)
        if run.abandoned and history[-1] is not run:
            # Another one goes on in its place: what it may have made since counts for nothing.
            return Job(step, None, grace_s=grace_s)
        source: Run | None = None
        if step.kind == "start":
            source = source_of(run, history)
            if (
                source is not None
                and world is not None
                and is_lost(source, world)
                and (want is None or want.restart)
            ):
                source = None
        kept = None
        if step.kind == "start" and not queued:
            kept = self._kept_copies(self._force).for_run(run, source)
            if kept is not None:
                self._state.first(recorded(self._force, *kept, run, history, _now()))
        work = self._desk.work_of(run, self._folder) if queued else self._force.work_of(run)
        term_s = self._force.lease_s(run) if step.kind == "start" and not queued else None
        lease = partial(self._tenure.given, step.key, term_s) if term_s is not None else None
        went_on = (source.site, key_of(source)) if source else None
        return Job(step, work, went_on, kept, grace_s, lease)

    def _kept_copies(self, force: Force) -> KeptCopies:
        return KeptCopies(self._kept, force, holds.lost_at_all(self._holds))

    def _do(self, job: Job) -> None:
        began = time.monotonic()
        try:
            result = perform(job, self._adapters, partial(self._guard_of, job.step))
            self._news.put(Done(job.step, result, time.monotonic() - began))
        except LeaseLost as lost:
            # Nobody knows how far it came, so this term is over; the next one finds out.
            self._news.put(lost)

    def _guard_of(self, step: Step) -> None:
        self._guard()
        if step.key in self._vain and step.kind == "start":
            raise NoLongerWanted("it is not wanted there any more")

    def _guard(self) -> None:
        if self._closed:
            raise LeaseLost("this control plane no longer leads")
        self._leadership.guard()

    def _poll(self) -> None:
        """Read what other processes may have written: a new Target, holds."""
        self._polled = now = _now()
        with self._database.read() as connection:
            generation = plans.generation_in_force(connection)
            held = holds.in_force(connection)
            handed_in = submissions.version(connection)
            kept = checkpoints.present(connection)
            self._desk.read(connection)
            self._desk.read_ledger(connection, now)
        self._stirred |= kept != self._kept
        self._kept = kept
        self._look_for_data(now)
        force = self._force
        hour = now.replace(minute=0, second=0, microsecond=0)
        if (
            held != self._holds
            or generation != (force.target.generation if force else 0)
            or (force is not None and force.handed_in != handed_in)
            or (force is not None and force.at != hour)
        ):
            self._holds, self._stirred = held, True
            self._desk.close(self._no_new())
            self._force = in_force.newest(self._database, self._folder, self._plans, now)
            if self._force is not None:
                used = {run.plan for run in self._state.alive() if run.plan}
                self._plans.forget({*self._force.plans, *used, *self._desk.plans(self._state)})
                self._reach(self._force)
        if self._force is not None:
            self._count(self._force, now)

    def _look_for_data(self, now: datetime) -> None:
        """Data have come: who may have waited for them tries again at once."""
        changed = self._replicas.changed()
        if changed == self._data:
            return
        self._data = changed
        # A start that is under way may have looked for them a moment too early.
        self._early = {step.key for _, step in self._state.under_way.values() if step.kind == "start"}
        for run in self._state.all_runs():
            if key_of(run) not in self._early:
                self._again(run, now)

    def _again(self, run: Run, now: datetime) -> None:
        """Have a start that has failed tried again now."""
        if run.phase != "placed" or run.started_at is not None or run.retry_at is None:
            return
        self._state.replace(replace(run, retry_at=now))
        if self._desk.has(run.workload):
            self._desk.stir(run.workload)
        else:
            self._stirred = True

    def _count(self, force: Force, now: datetime) -> None:
        """Have queues know what is in force, and what room others have taken."""
        self._desk.at(force.at)
        before = self._counted
        same = before is not None and before[:2] == (force.target.generation, force.handed_in)
        recent = before is not None and now - before[2] < timedelta(seconds=COUNTED_AGAIN_S)
        if same and (recent or not self._desk.entries.by_name):
            return
        self._counted = (force.target.generation, force.handed_in, now)
        new = before is None or before[0] != force.target.generation
        with self._database.read() as connection:
            kept = with_results(connection, force.kept)
            taken = taken_by_others(connection, kept)
            purse = Purse(kept, now) if new else None
            if purse is not None:
                purse.read(connection, now)
        estate = complete(kept.intent, kept.facts, now)
        pools = {
            (name, pool): given for name, site in estate.sites.items() for pool, given in site.pools.items()
        }
        ground, rooms = Ground(kept, force.at, force.target.generation), Rooms(pools, taken)
        if purse is None:
            self._desk.recount(ground, rooms)
        else:
            self._desk.stand_on(ground, Floor(kept.intent.queues, rooms, purse), self._state)

    def _reach(self, force: Force) -> None:
        """Open the sites of the estate, and look at them. A site that has left it is watched as long as we lead."""
        for name, site in force.kept.intent.sites.items():
            if name in self._adapters:
                continue
            try:
                adapter = self._connect(name, site)
            except SitusError as error:
                adapter = Closed(str(error))
            self._adapters[name] = adapter
            self._workers[name] = Workers(f"at {name}", self._do)
            observer = Observer(
                name,
                adapter,
                self._pace.look_s,
                self._pace.rest_s,
                self._state.over.__contains__,
                self._news.put,
            )
            self._observers[name] = observer
            observer.start()
            if isinstance(adapter, Tells) and not isinstance(adapter, Closed):
                self._untold.append(adapter.tell(partial(self._told, name)))

    def _told(self, site: str, key: Key, status: Status) -> None:
        self._news.put(Told(site, key, status))

    def _meter(self, now: datetime) -> None:
        """Write down what runs have used since the last time, and what nobody did."""
        if self._force is None:
            return
        for run, lines in meter.running(self._state.all_runs(), self._plans, now):
            self._ledger(run, lines)
        self._state.lines += meter.idle(self._force, self._state.all_runs(), self._metered, now)
        self._metered = now

    def _ledger(self, run: Run, lines: Sequence[Line]) -> None:
        self._state.replace(run)
        self._state.lines += lines


def vain(under_way: Mapping[Unit, tuple[str, Step]], wanted: Mapping[Unit, Wanted]) -> frozenset[Key]:
    """Runs whose start is under way at a site where the unit is not to be any more: state is sent there in vain."""
    return frozenset(
        step.key
        for unit, (_, step) in under_way.items()
        if step.kind == "start" and ((want := wanted.get(unit)) is None or want.place.site != step.site)
    )


def awaited(wanted: Mapping[Unit, Wanted], runs: Mapping[Unit, Sequence[Run]]) -> dict[Key, Awaited]:
    """Services that run and have a health check: they are asked until they are ready, and from then on."""
    found = {}
    for unit, want in wanted.items():
        last = runs[unit][-1] if want.health is not None and runs.get(unit) else None
        if last is None or want.health is None or last.phase != "placed" or last.started_at is None:
            continue
        stands: Literal["new", "well", "sick"] = "well" if last.is_ready else "sick"
        if last.ready_at is None:
            stands = "new"
        found[key_of(last)] = Awaited(last.site, want.health, want.check, stands, last.address)
    return found


def _now() -> datetime:
    return datetime.now(UTC)
