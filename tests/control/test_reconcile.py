"""The reconciler against everything that can go wrong, in thousands of orders: it converges, and never does harm.

The rows of the database are kept through crashes; all else a control plane knows is lost with it.  Control planes
that were thought dead wake up and finish what they had begun.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from situs.control.acts import Job, perform
from situs.control.outcome import abandoned, adopted, after, leaving, placed
from situs.control.reconcile import diff, source_of
from situs.control.wanted import WRITTEN, Place, Sight, Step, Unit, Waiting, Wanted, World, key_of, place_of
from situs.sites.adapter import Status, Unreachable
from situs.store.leases import LeaseLost
from situs.store.runs import Run
from tests.control.model import Evidence, ModelSite, ModelWork

SITES = ("a", "b", "c")
UNITS = (Unit("job", 0), Unit("job", 1), Unit("service", 0), Unit("late", 0))
START = datetime(2026, 11, 23, 8, tzinfo=UTC)
ESTATE = frozenset(unit.workload for unit in UNITS)

HAPPENINGS = {
    "turn": 8, "act": 8, "look": 5, "wake": 1, "end": 2, "target": 0.8, "down": 0.4, "up": 0.8, "time": 1,
}  # fmt: skip
"""What may happen next, and how often."""
ENDINGS = {
    "done": 8, "answer lost": 1.5, "killed before": 0.7, "killed after": 0.7, "frozen": 1, "half": 1,
}  # fmt: skip
"""What may become of a step."""


def any_places(rng: random.Random) -> dict[Unit, tuple[str, str]]:
    """A site and a thing to run for most units."""
    return {
        unit: (rng.choice(SITES), rng.choice(["s1", "s1", "s1", "s2"]))
        for unit in UNITS
        if rng.random() < 0.85
    }


def any_story(rng: random.Random, length: int) -> Iterator[tuple[str, Any]]:
    """What people, the world and control planes do, in some order."""
    for what in rng.choices(list(HAPPENINGS), list(HAPPENINGS.values()), k=length):
        yield (
            what,
            {
                "turn": lambda: rng.randrange(4),
                "act": lambda: rng.choices(list(ENDINGS), list(ENDINGS.values()))[0],
                "wake": lambda: rng.randrange(6),
                "end": lambda: (rng.randrange(10), rng.choice([0, 0, 1, None])),
                "target": lambda: any_places(rng),
                "time": lambda: rng.choice([1, 30, 400]),
            }.get(what, lambda: rng.choice(SITES))(),
        )


class Simulation:
    """One database, three sites, and control planes that come and go."""

    def __init__(self) -> None:
        self.now = START
        self.evidence = Evidence()
        self.sites = {name: ModelSite(name, self.evidence) for name in SITES}
        self.wanted: dict[Unit, Wanted] = {}
        self.rows: dict[Unit, list[Run]] = {}
        self.specs: dict[Any, str] = {}
        self.collected: set[Any] = set()
        self.frozen: list[Job] = []
        self.sights: dict[str, Sight] = {}
        self.under_way: list[Job] = []

    # What people and the world do

    def target(self, places: dict[Unit, tuple[str, str]]) -> None:
        self.wanted = {
            unit: Wanted(
                unit, Place(site, "p", "d"), spec, service=unit.workload == "service",
                needs=("job",) if unit.workload == "late" else (),
            )
            for unit, (site, spec) in places.items()
        }  # fmt: skip

    def end(self, number: int, code: int | None) -> None:
        alive = [
            (site, key) for site in self.sites.values() for key, run in site.runs.items() if run.status.alive
        ]
        if alive:
            site, key = alive[number % len(alive)]
            lost = Status("ended", None, "lost")
            site.end(key, lost if code is None else Status("ended", code, "exited"))

    # What a control plane does

    def crash(self) -> None:
        self.sights, self.under_way = {}, []

    def look(self, name: str) -> None:
        site, began = self.sites[name], self.now
        self.now += timedelta(milliseconds=10)
        try:
            runs = {key: site.status(key) for key in site.known()}
            self.sights[name] = Sight(name, began, True, runs)
        except Unreachable:
            self.sights[name] = Sight(name, began, False, cause=f"{name} is down")

    def verdicts(self) -> dict[Unit, Any]:
        busy = [job.step.unit for job in self.under_way]
        return diff(self.wanted, self.rows, World(self.now, self.sights, estate=ESTATE), busy)

    def turn(self, which: int) -> bool:
        """Decide, and begin one of the steps."""
        steps = [v for _, v in sorted(self.verdicts().items()) if isinstance(v, Step)]
        if not steps:
            return False
        self.begin(steps[which % len(steps)])
        return True

    def begin(self, step: Step) -> None:
        history = self.rows.setdefault(step.unit, [])
        want, before = self.wanted.get(step.unit), [run.generation for run in history]
        if step.kind == "place":
            assert want
            history.append(placed(step, want, history[-1] if history else None, None, self.now))
            self.specs[step.key] = want.spec
        elif step.kind == "adopt":
            history.append(adopted(step, want, any(r.alive for r in history), None, self.now))
        elif step.kind == "leave":
            self.update(leaving(self.row(step), step.cause))
        elif step.kind == "abandon":
            self.update(abandoned(self.row(step), self.now))
        else:
            source = source_of(self.row(step), history) if step.kind == "start" else None
            self.under_way.append(
                Job(step, self.work(step), (source.site, key_of(source)) if source else None, grace_s=1.0)  # type: ignore[arg-type]
            )
        after_it = [run.generation for run in history]
        assert after_it == sorted(set(after_it)) and after_it[: len(before)] == before, (
            "generations only grow"
        )
        assert step.kind not in WRITTEN or len(after_it) - len(before) == (step.kind in ("place", "adopt"))

    def work(self, step: Step) -> ModelWork:
        return ModelWork(self.specs.get(step.key, "?"), self.collected)

    def act(self, how: str) -> None:
        """Bring the step that was begun first to its end, or not."""
        if not self.under_way:
            return None
        job = self.under_way.pop(0)
        if how == "killed before":
            return self.crash()
        if how == "frozen":
            self.frozen.append(job)
            return self.crash()
        if how == "half":
            self.half(job)
            return self.crash()
        result = perform(job, self.sites, lambda: None)
        if result.error and "Error:" in result.error:
            raise AssertionError(result.error)
        if how == "killed after":
            return self.crash()
        if how == "answer lost":
            result = replace(result, status=None, error="no answer", stale=False, refused=False, broken=False)
        if job.step.kind != "sweep":
            self.update(after(job.step, self.row(job.step), result, self.wanted.get(job.step.unit), self.now))
        return None

    def half(self, job: Job) -> None:
        """Gone between two calls of one step; it wakes up later and goes on from there, too."""
        calls = 0

        def guard() -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise LeaseLost("gone")

        try:
            perform(job, self.sites, guard)
        except LeaseLost:
            self.frozen.append(job)

    def wake(self, number: int) -> None:
        """One that was thought dead finishes its step; what it would write is refused by the database."""
        if self.frozen:
            perform(self.frozen.pop(number % len(self.frozen)), self.sites, lambda: None)

    def row(self, step: Step) -> Run:
        return next(run for run in self.rows[step.unit] if run.generation == step.key.generation)

    def update(self, run: Run) -> None:
        history = self.rows[Unit(run.workload, run.unit)]
        history[[row.generation for row in history].index(run.generation)] = run

    def happen(self, what: str, detail: Any) -> None:
        if what == "turn":
            self.turn(detail)
        elif what == "act":
            self.act(detail)
        elif what == "look":
            self.look(detail)
        elif what == "wake":
            self.wake(detail)
        elif what == "end":
            self.end(*detail)
        elif what == "target":
            self.target(detail)
        elif what in ("down", "up"):
            self.sites[detail].up = what == "up"
        else:
            self.now += timedelta(seconds=detail)

    def settle(self) -> None:
        """Nothing goes wrong any more: it must become as it should be, and stay so."""
        for site in self.sites.values():
            site.up = True
        for _ in range(80):
            self.now += timedelta(seconds=400)
            for name in SITES:
                self.look(name)
            moved = True
            while moved:
                moved = self.turn(0)
                while self.under_way:
                    self.act("done")
                for name in SITES:
                    self.look(name)
                self.now += timedelta(milliseconds=10)
            self.finish_jobs()
            for name in SITES:
                self.look(name)
            open_ones = {
                u: v for u, v in self.verdicts().items() if v is not None and not self.given_up(u, v)
            }
            if not open_ones and not self.jobs_run():
                return
        raise AssertionError(f"it does not settle: {open_ones}")

    def given_up(self, unit: Unit, verdict: Any) -> bool:
        if not isinstance(verdict, Waiting):
            return False
        if unit.workload == "late":
            return "it needs job" in verdict.cause or "it failed" in verdict.cause
        return "it failed" in verdict.cause

    def jobs_run(self) -> bool:
        return any(unit != "service" for unit, _ in self.evidence.alive)

    def finish_jobs(self) -> None:
        for site in self.sites.values():
            for key, run in site.runs.items():
                if run.status.alive and key.workload != "service":
                    site.end(key, Status("ended", 0, "exited"))

    def check(self) -> None:
        """All that is wanted is so, and nothing else."""
        for unit in {*UNITS, *self.rows}:
            want, alive = self.wanted.get(unit), self.evidence.alive.get((unit.workload, unit.number))
            last = self.rows[unit][-1] if self.rows.get(unit) else None
            if want is None:
                assert alive is None
                assert sum(run.phase == "ended" for run in self.rows.get(unit, [])) <= 1, "but its state"
            elif want.service:
                assert last and alive == key_of(last)
                assert (place_of(last), last.spec, last.phase) == (want.place, want.spec, "placed")
            else:
                assert alive is None
                if self.evidence.done.get((unit.workload, unit.number)) == want.spec:
                    did = [
                        run for run in self.rows[unit] if (run.spec, run.outcome) == (want.spec, "succeeded")
                    ]
                    assert did and key_of(did[-1]) in self.collected
        known = {key for site in self.sites.values() for key in site.runs}
        kept = {key_of(run) for history in self.rows.values() for run in history if run.phase != "released"}
        assert known <= kept, f"nothing is left lying about: {known - kept}"


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 250), st.booleans())
def test_whatever_happens_it_settles_and_nothing_ever_runs_twice(
    seed: int, length: int, wakes_early: bool
) -> None:
    rng = random.Random(seed)
    simulation = Simulation()
    simulation.target(any_places(rng))
    for name in SITES:
        simulation.look(name)
    for what, detail in any_story(rng, length):
        simulation.happen(what, detail)
    # Those that were thought dead wake up before it settles, or long after.
    for late in (False, True):
        while simulation.frozen and (late or wakes_early):
            simulation.wake(0)
        simulation.settle()
        simulation.check()
