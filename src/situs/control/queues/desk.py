"""Where work in queues is looked after while this control plane leads.

It keeps who waits and who runs, and goes only through what something has happened to: tens of thousands may wait.
What is decided here is written and done in the same way as everything else (:mod:`situs.control.term`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from situs.control.force import Plans
from situs.control.queues.entries import Entries, Entry
from situs.control.queues.floor import Floor, owed_s
from situs.control.queues.ranking import Ground, Place, Ranked, Ranking
from situs.control.queues.room import Rooms
from situs.control.queues.sights import Sights
from situs.control.reconcile import KEPT, Verdict, next_key, next_step
from situs.control.staging import Work
from situs.control.state import State
from situs.control.submitted import rules_now
from situs.control.waiting import given_up
from situs.control.wanted import WRITTEN, Sight, Step, Unit, Waiting, Wanted, World, key_of, place_of
from situs.control.wanted import Place as At
from situs.policy import Policy
from situs.sites.adapter import Key, Status
from situs.store import plans, runs
from situs.store.events import BY, Event
from situs.store.runs import Run

SWEEP_S = 60.0
"""So often what is over is looked through for what need not be kept any longer."""


class Desk:
    """All queues, their waiters and their runs."""

    def __init__(self, kept_plans: Plans, answer: Callable[[Ranked], None]) -> None:
        self.entries = Entries()
        self.floor: Floor | None = None
        self.sights = Sights()
        self._plans = kept_plans
        self._ranking = Ranking(answer)
        self._ground: Ground | None = None
        self._policies: dict[str, Policy | None] = {}
        self._dirty: set[str] = set()
        self._later: list[tuple[datetime, str]] = []
        self._swept: datetime | None = None
        self._recorded: set[str] = set()
        """plans that are in the database"""
        self._told: dict[str, str] = {}

    def stop(self) -> None:
        """Look for no more places."""
        self._ranking.stop()

    def read(self, connection: Connection) -> None:
        """Take in what people have done."""
        self._dirty |= {entry.name for entry in self.entries.read(connection)}

    def read_debts(self, connection: Connection, state: State) -> None:
        """Take in what those that run lost before, when they made room for others."""
        for entry in self.entries.open():
            last = _last(state, entry)
            if last is not None and last.alive and last.generation > 1:
                ended = [
                    run
                    for run in runs.of_workload(connection, entry.name)
                    if run.generation < last.generation
                ]
                before = ended[-1] if ended else None
                entry.owed_s = owed_s(before, self.entries.piece(entry.name).workload)

    def read_ledger(self, connection: Connection, now: datetime) -> None:
        """Take in what was spent since."""
        if self.floor is not None:
            self.floor.purse.read(connection, now)

    def stand_on(self, ground: Ground, floor: Floor, state: State) -> None:
        """Another plan is in force: everything is counted anew."""
        self._ground, self._policies = ground, {}
        self.floor = floor
        for entry in self.entries.open():
            last = _last(state, entry)
            if last is not None and last.alive:
                floor.runs_already(entry, self.entries.piece(entry.name), last, self._plans.assignment(last))
        self._dirty |= {entry.name for entry in self.entries.open()}

    def recount(self, ground: Ground, rooms: Rooms) -> None:
        """Others have taken or left room."""
        self._ground = ground
        if self.floor is not None:
            self._dirty |= self.floor.recount(rooms)

    def at(self, hour: datetime) -> None:
        """Rules are asked as of another hour."""
        if self._ground is not None and self._ground.at != hour:
            self._ground = Ground(self._ground.kept, hour, self._ground.number)
            self._policies = {}

    def close(self, sites: frozenset[str]) -> None:
        """These sites get nothing new from now on, and all others do."""
        if self.floor is not None:
            self.floor.close(sites)

    def has(self, workload: str) -> bool:
        """Whether it was handed in to a queue."""
        return workload in self.entries.by_name

    def stir(self, name: str) -> None:
        """Something has happened to it."""
        self._dirty.add(name)

    def told(self, site: str, key: Key, status: Status) -> None:
        """A site says how a run stands now."""
        self.sights.tell(site, key, status)
        self._dirty.add(key.workload)

    def looked(self, sight: Sight, state: State) -> Sight:
        """A site was looked at; gives what was seen of others than queues."""
        rest = self.sights.see(sight, self.entries.by_name)
        known = {unit: state.history(unit) for unit in self._units_at(sight, state)}
        self._dirty |= self.sights.changed(sight.site, known)
        return rest

    def _units_at(self, sight: Sight, state: State) -> set[Unit]:
        seen = {Unit(key.workload, key.unit) for key in self.sights.by_site[sight.site].runs}
        running = self.floor.running() if self.floor is not None else ()
        return seen | {unit for name in running if (unit := Unit(name, 0)) in state.queued}

    def ranked(self, found: Ranked) -> None:
        """A place was found, or there is none."""
        if self.floor is not None and self._ground is not None and found.ground == self._ground.number:
            self._dirty |= self.floor.ranked(found)

    @property
    def is_stirred(self) -> bool:
        """Whether there is anything to decide."""
        return bool(self._dirty or (self.floor is not None and self.floor.is_stirred))

    def due(self, now: datetime) -> datetime | None:
        """What has waited for its time is looked at again; gives when the next one is due."""
        if self.floor is not None:
            self.floor.look_again(now.timestamp())
        while self._later and self._later[0][0] <= now:
            self._dirty.add(heapq.heappop(self._later)[1])
        return self._later[0][0] if self._later else None

    def decide(self, state: State, now: datetime, drained: frozenset[str]) -> list[Step]:
        """Write down what is decided, and give the steps that are to be done at sites."""
        if self.floor is None or self._ground is None:
            return []
        self.floor.close(drained)
        self._sweep(state, now)
        world = World(
            now, self.sights.by_site, estate=self.entries.kept, drained=drained, gone=state.sightings.gone
        )  # fmt: skip
        steps: list[Step] = []
        while self.is_stirred:
            for entry in self._stirred():
                if step := self._next(state, entry, world):
                    steps.append(step)
            self._take_turns(state, now)
        return steps

    def _stirred(self) -> list[Entry]:
        """Those to which something has happened, in the order in which they were handed in."""
        dirty, self._dirty = self._dirty, set()
        found = (self.entries.by_name.get(name) for name in dirty)
        return sorted((entry for entry in found if entry is not None), key=lambda entry: entry.seq)

    def work_of(self, run: Run, folder: Path) -> Work | None:
        """All that is needed to start a run or to take its results; None when it is not known any more."""
        if run.plan is None or self._ground is None or run.workload not in self.entries.by_name:
            return None
        piece, kept = self.entries.piece(run.workload), self._plans.get(run.plan)
        policy, assignment = self._policy(run.plan), self._plans.assignment(run)
        if policy is None or assignment is None:
            return None
        local = kept.intent.sites[run.site].adapter.kind == "local"
        return Work(
            kept.plan.decisions[0].workload, piece.workload, assignment, piece.files, self._plans.content, policy,
            kept.plan.replicas, folder, local,
        )  # fmt: skip

    def grace_s(self, workload: str) -> float:
        """How long a run is given to end by itself."""
        run = self.entries.piece(workload).workload.run
        return run.grace if run is not None else 10.0

    def plans(self, state: State) -> set[str]:
        """Those of what runs."""
        lasts = (_last(state, entry) for entry in self.entries.open())
        return {last.plan for last in lasts if last is not None and last.alive and last.plan}

    def _policy(self, plan: str) -> Policy | None:
        assert self._ground is not None
        if plan not in self._policies:
            self._policies[plan] = rules_now(self._plans.get(plan), self._ground.kept, self._ground.at)
        return self._policies[plan]

    def _next(self, state: State, entry: Entry, world: World) -> Step | None:
        """What is to be done about one at its site, if anything; what is to be written down is."""
        unit = Unit(entry.name, 0)
        assert self.floor is not None
        while unit not in state.under_way:
            history = state.history(unit)
            last = history[-1] if history else None
            if last is None or not last.alive:
                self.floor.is_gone(entry.name)
            verdict = self._verdict(entry, history, world)
            if isinstance(verdict, Step) and verdict.kind in WRITTEN and verdict.kind != "place":
                state.record(verdict, self._want(entry, history), last.plan if last else None, world.now)
                if verdict.kind == "adopt":
                    self.floor.runs_already(
                        entry, self.entries.piece(entry.name), state.run(verdict.key), None
                    )
                continue
            if isinstance(verdict, Step) and verdict.kind != "place":
                state.begin(verdict, world.now)
                return verdict
            if isinstance(verdict, Waiting) and verdict.until is not None:
                heapq.heappush(self._later, (verdict.until, entry.name))
                self.floor.stays_away(entry.name)
            elif last is not None and last.alive:
                pass
            elif not entry.wanted or (
                last is not None and _is_over(verdict, last, self._want(entry, history))
            ):
                entry.over = True
                self.floor.stays_away(entry.name)
                if isinstance(verdict, Waiting):
                    self._tell(state, entry, f"{verdict.cause}; {verdict.next_step}", world.now)
            else:
                self._line_up(state, entry, world.now)
            return None
        return None

    def _verdict(self, entry: Entry, history: list[Run], world: World) -> Verdict:
        unit = Unit(entry.name, 0)
        urgent, later = self.sights.strays(unit, history, world)
        if urgent is not None:
            return urgent
        verdict = next_step(self._want(entry, history), history, world, unit)
        return verdict if isinstance(verdict, Step) and verdict.kind != "place" else later or verdict

    def _want(self, entry: Entry, history: list[Run]) -> Wanted | None:
        """What is wanted of it: to be where it is, and once it is over, what it was."""
        run = self.entries.piece(entry.name).workload.run
        if not entry.wanted or run is None:
            return None
        last = history[-1] if history else None
        at, spec, plan = (place_of(last), last.spec, last.plan) if last else (At("", "", ""), "", None)
        return Wanted(Unit(entry.name, 0), at, spec, retries=run.retries, final=run.final, plan=plan)

    def _line_up(self, state: State, entry: Entry, now: datetime) -> None:
        """It waits for its turn from now on, as soon as it is known where it may run."""
        assert self.floor is not None and self._ground is not None
        piece = self.entries.piece(entry.name)
        entry.owed_s = owed_s(_last(state, entry), piece.workload)
        lacking, question = self.floor.line_up(entry, piece)
        if question is not None:
            self._ranking.ask(self._ground, question, piece, self.floor.ranking(question))
        if lacking is not None:
            self._tell(state, entry, lacking, now)

    def _take_turns(self, state: State, now: datetime) -> None:
        assert self.floor is not None and self._ground is not None
        for turn in self.floor.turns(now.timestamp(), self.entries.pieces):
            if turn.place is not None:
                self._place(state, turn.name, turn.place, turn.cause, now)
            else:
                last = state.history(Unit(turn.name, 0))[-1]
                step = Step("leave", key_of(last), last.site, turn.cause)
                if Unit(turn.name, 0) not in state.under_way:
                    state.record(step, None, last.plan, now)
            self._dirty.add(turn.name)
        for name, why in self.floor.unpaid.items():
            self._tell(state, self.entries.by_name[name], why, now)
        self.floor.unpaid.clear()
        for question in self.floor.full():
            piece = self.entries.pieces[question.work]
            self._ranking.ask(self._ground, question, piece, self.floor.ranking(question))

    def _place(self, state: State, name: str, place: Place, cause: str, now: datetime) -> None:
        unit, plan = Unit(name, 0), place.kept.plan
        history = state.history(unit)
        if plan.id not in self._recorded:
            self._recorded.add(plan.id)
            self._plans.seed(plan.id, place.kept)
            state.first(lambda connection: plans.keep(connection, plan, place.estate, place.kept.facts, {}))
        at = At(place.assignment.site, place.assignment.pool, place.assignment.shape)
        want = Wanted(unit, at, place.spec, plan=plan.id)
        key = next_key(unit, history[-1] if history else None)
        state.record(Step("place", key, at.site, cause), want, plan.id, now)

    def _tell(self, state: State, entry: Entry, text: str, now: datetime) -> None:
        if self._told.get(entry.name) != text:
            self._told[entry.name] = text
            state.tell([Event(now, "waiting", BY, text, entry.name, 0)])

    def _sweep(self, state: State, now: datetime) -> None:
        """What has been over for long is cleared away at its site."""
        if self._swept is not None and (now - self._swept).total_seconds() < SWEEP_S:
            return
        self._swept = now
        for unit, history in state.queued.items():
            last = history[-1]
            if last.phase == "ended" and last.ended_at is not None and now - last.ended_at > KEPT:
                self._dirty.add(unit.workload)


def _last(state: State, entry: Entry) -> Run | None:
    history = state.history(Unit(entry.name, 0))
    return history[-1] if history else None


def _is_over(verdict: Verdict, last: Run, want: Wanted | None) -> bool:
    """Whether nothing more is to happen to what is wanted and does not run."""
    if verdict is None:
        return last.outcome == "succeeded"
    return want is not None and given_up(last, want) is not None
