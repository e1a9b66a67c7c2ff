"""What a leading control plane holds in memory, and what of it is to be written down next.

Only the holder of the lease changes runs, so what it has read once stays true as long as it holds it.  All that
one turn changes goes to the database in one transaction, before anything of it is done at a site.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from situs.control.observe import Look
from situs.control.outcome import Result, abandoned, adopted, after, leaving, placed
from situs.control.sightings import Sightings
from situs.control.unhealthy import fallen_ill, recovered, restarting
from situs.control.wanted import Step, Unit, Wanted, key_of, unit_of
from situs.sites.adapter import Key
from situs.store import events, observations, runs, steps, usage
from situs.store.events import BY, Event
from situs.store.observations import Observation
from situs.store.runs import Run
from situs.store.steps import Entry
from situs.store.usage import Line


@dataclass
class State:
    """Runs, sights and steps under way, and what is to be written."""

    token: int
    sightings: Sightings
    runs: dict[Unit, list[Run]] = field(default_factory=dict)
    """of what plans place"""
    queued: dict[Unit, list[Run]] = field(default_factory=dict)
    """of what queues place: there may be very many, so that nobody goes through all of them"""
    in_queues: Container[str] = ()
    """names of what queues place"""
    over: set[Key] = field(default_factory=set)
    """runs that have ended, and of which something is kept at their site"""
    under_way: dict[Unit, tuple[str, Step]] = field(default_factory=dict)
    _first: list[Callable[[Connection], object]] = field(default_factory=list)
    _begun: int = 0
    """steps so far: with the token, which is no other's, it names each"""
    _changed: dict[Key, Run] = field(default_factory=dict)
    _entries: list[Entry] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)
    _seen: dict[str, Observation] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    @classmethod
    def read(
        cls, connection: Connection, token: int, shown_s: float, now: datetime, in_queues: Container[str] = ()
    ) -> State:
        """All that the database knows; steps that nobody ended are marked as cut off."""
        state = cls(token, Sightings(shown_s), in_queues=in_queues)
        for run in runs.present(connection):
            state.histories(run.workload).setdefault(unit_of(run), []).append(run)
            if run.phase == "ended":
                state.over.add(key_of(run))
        for open_one in steps.open_steps(connection):
            why = f"whoever held token {open_one.token} is gone; what followed makes sure"
            state._entries.append(
                Entry(**{**vars(open_one), "state": "cut", "at": now, "token": token, "cause": why})
            )
        return state

    @property
    def is_dirty(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._changed or self._entries or self._events or self._seen or self.lines or self._first)

    def histories(self, workload: str) -> dict[Unit, list[Run]]:
        """Where the runs of a workload are kept."""
        return self.queued if workload in self.in_queues else self.runs

    def history(self, unit: Unit) -> list[Run]:
        """The runs of a unit."""
        return self.histories(unit.workload).get(unit, [])

    def first(self, write: Callable[[Connection], object]) -> None:
        """Something that must be written before all else: what runs refer to."""
        self._first.append(write)

    def write(self, connection: Connection) -> None:
        """Write what is new; it counts as written once the transaction is committed (:meth:`written`)."""
        for write in self._first:
            write(connection)
        runs.save(connection, self._changed.values())
        steps.write(connection, self._entries)
        events.write(connection, self._events)
        observations.save(connection, self._seen.values())
        usage.write(connection, self.lines)

    def news(self) -> tuple[Sequence[Event], Sequence[Entry]]:
        """What is told of, of all that is to be written."""
        return self._events, self._entries

    def written(self) -> None:
        """The transaction is on disk."""
        for key, run in self._changed.items():
            (self.over.add if run.phase == "ended" else self.over.discard)(key)
        for unit in {Unit(key.workload, key.unit) for key in self._changed}:
            histories = self.histories(unit.workload)
            history = histories[unit]
            histories[unit] = [run for run in history[:-1] if run.phase != "released"] + history[-1:]
        self._first, self._changed, self._entries, self._events, self._seen, self.lines = (
            [],
            {},
            [],
            [],
            {},
            [],
        )

    def see(self, look: Look, spell_s: float = 0.0) -> None:
        """Take in what was seen at a site."""
        before = self.sightings.sights.get(look.sight.site)
        for key, status in look.sight.runs.items():
            was = before.runs.get(key) if before is not None else None
            if was is not None and (was.state, status.state) == ("queued", "running"):
                text = f"has its turn at {look.sight.site}"
                told_of = (key.workload, key.unit, key.generation, look.sight.site)
                self._events.append(Event(look.sight.began, "turn", BY, text, *told_of))
        observation, told = self.sightings.see(look, spell_s)
        if observation is not None:
            self._seen[observation.site] = observation
        if told is not None:
            self._events.append(Event(look.sight.began, "site", BY, told, site=look.sight.site))

    def tell(self, happened: Sequence[Event]) -> None:
        """Events besides those that changes make."""
        self._events += happened

    def record(self, step: Step, want: Wanted | None, plan: str | None, now: datetime) -> None:
        """A step that is done by writing it down."""
        history = self.histories(step.unit.workload).setdefault(step.unit, [])
        if step.kind == "place":
            assert want is not None
            run = placed(step, want, history[-1] if history else None, plan, now)
            history.append(run)
            self._change(run, "placed", f"placed at {run.site}/{run.pool}: {step.cause}", now)
        elif step.kind == "adopt":
            run = adopted(step, want, any(other.alive for other in history), plan, now)
            history.append(run)
            history.sort(key=lambda other: other.generation)
            self._change(run, "adopted", f"found at {run.site}, {run.phase} from now on", now)
        elif step.kind == "abandon":
            run = abandoned(self.run(step.key), now)
            self._change(run, "abandoned", f"given up at {run.site}: {step.cause}", now)
        elif step.kind == "restart":
            run = restarting(self.run(step.key), step.cause)
            self._change(run, "restarted", f"ends at {run.site}, to be started anew: {step.cause}", now)
        else:
            run = leaving(self.run(step.key), step.cause)
            self._change(run, "leaving", f"ends at {run.site}: {step.cause}", now)

    def begin(self, step: Step, now: datetime) -> str:
        """A step at a site begins once this is on disk; gives its number."""
        self._begun += 1
        number = f"{self.token}.{self._begun}"
        self.under_way[step.unit] = (number, step)
        self._entries.append(self._entry(number, step, "begun", now, step.cause))
        return number

    def finish(self, step: Step, result: Result, want: Wanted | None, now: datetime) -> Run | None:
        """A step has come to its end; gives the run as it is then, None for one that was never ours."""
        number, _ = self.under_way.pop(step.unit)
        failed = result.error is not None and not result.broken
        self._entries.append(self._entry(number, step, "failed" if failed else "done", now, result.error))
        if step.kind in ("release", "sweep") and not failed:
            self.sightings.gone[step.key] = now
        if step.kind == "sweep":
            return None
        before = self.run(step.key)
        run = after(step, before, result, want, now)
        self._change(run, *_said(before, run, step), now)
        key = step.key
        self._events += [
            Event(
                now, "data", BY, f"reads {read.dataset} of {read.site}, sha256:{read.sha256}",
                key.workload, key.unit, key.generation, step.site,
            )
            for read in result.reads
        ]  # fmt: skip
        return run

    def ready(self, key: Key, address: str, now: datetime) -> None:
        """A service has answered, for the first time or again; one that is to end by now is past that."""
        run = self._placed(key)
        if run is not None and run.ready_at is None:
            self._change(replace(run, ready_at=now, address=address), "ready", f"serves at {address}", now)
        elif run is not None and run.unhealthy_at is not None:
            self._change(recovered(run, now), "healthy", f"answers again at {run.address}, and serves", now)

    def unhealthy(self, key: Key, cause: str, now: datetime, anew: bool) -> None:
        """A service that was ready fails its health check for sure. ``anew``: its time begins again."""
        run = self._placed(key)
        if run is None or run.ready_at is None:
            return
        ill = fallen_ill(run, cause, now, anew)
        if ill != run:
            kind = "unhealthy" if run.unhealthy_at is None else None
            self._change(ill, kind, f"is unhealthy at {run.site}: {cause}; {ill.next_step}", now)

    def _placed(self, key: Key) -> Run | None:
        run = next((run for run in self.history(Unit(key.workload, key.unit)) if key_of(run) == key), None)
        return run if run is not None and run.phase == "placed" else None

    def replace(self, run: Run) -> None:
        """A run as it is now, without a word about it."""
        history = self.history(unit_of(run))
        for k, known in enumerate(history):
            if known.generation == run.generation:
                history[k] = run
        self._changed[key_of(run)] = run

    def run(self, key: Key) -> Run:
        """The run of this key."""
        return next(
            run for run in self.history(Unit(key.workload, key.unit)) if run.generation == key.generation
        )

    def alive(self) -> Iterator[Run]:
        """Those of what plans place that may be running."""
        return (run for history in self.runs.values() for run in history if run.alive)

    def all_runs(self) -> Sequence[Run]:
        """All runs in memory."""
        return [run for part in (self.runs, self.queued) for history in part.values() for run in history]

    def _change(self, run: Run, kind: str | None, text: str, now: datetime) -> None:
        self.replace(run)
        if kind is not None:
            self._events.append(Event(now, kind, BY, text, run.workload, run.unit, run.generation, run.site))

    def _entry(self, number: str, step: Step, state: steps.State, now: datetime, cause: str | None) -> Entry:
        key = step.key
        return Entry(
            number,
            state,
            now,
            self.token,
            step.kind,
            key.workload,
            key.unit,
            key.generation,
            step.site,
            cause,
        )


def _said(before: Run, run: Run, step: Step) -> tuple[str | None, str]:
    """The event that a change is worth, if any."""
    if run.phase == "ended" and before.phase != "ended":
        code = "" if run.exit_code is None else f", exit code {run.exit_code}"
        why = f": {run.cause}" if run.cause else ""
        return "ended", f"ended at {run.site}: {run.outcome}{code}{why}"
    if run.started_at and not before.started_at:
        return "started", f"runs at {run.site}"
    if run.cause and run.cause != before.cause:
        return "trouble", f"{run.cause}; {run.next_step}"
    return None, ""
