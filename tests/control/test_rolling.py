"""Services that are taken over: never fewer serve than before, whatever order things happen in, and never twice."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from situs.control.reconcile import diff, serves
from situs.control.target import Standing, taken_over
from situs.control.wanted import Place, Unit, Wanted, World, key_of, place_of
from situs.model.plan import Assignment
from tests.control.test_reconcile import ESTATE, SITES, Simulation

PLACES = [Place(site, "p", "d") for site in SITES]
HAPPENINGS = {"turn": 8, "act": 8, "look": 5, "ready": 4, "target": 0.5, "time": 0.5}


def assignments(units: dict[str, int]) -> list[Assignment]:
    return [
        Assignment(
            site=site, pool="p", basis="owned", shape="d", units=n, hours=1.0, costs={}, carbon_kg=0.0, control=1.0
        )
        for site, n in units.items()
        if n
    ]  # fmt: skip


class Rolling(Simulation):
    """One service whose units are taken over, with a health check that answers when the world says so."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, int] = {}
        self.serving = 0

    def verdicts(self) -> dict[Unit, Any]:
        there = {
            unit: Standing(place_of(history[-1]), history[-1].phase)
            for unit, history in self.rows.items()
            if history
        }
        given = taken_over("web", assignments(self.places), there)
        self.wanted = {
            unit: Wanted(unit, Place(a.site, "p", "d"), "s", service=True, health="/ready", rolling=True)
            for unit, a in given.items()
        }
        busy = [job.step.unit for job in self.under_way]
        return diff(self.wanted, self.rows, World(self.now, self.sights, estate=ESTATE | {"web"}), busy)

    def ready(self, number: int) -> None:
        """One that runs answers its health check."""
        waiting = [
            run
            for history in self.rows.values()
            for run in history
            if run.phase == "placed" and run.started_at and run.ready_at is None
        ]
        if waiting:
            self.update(replace(waiting[number % len(waiting)], ready_at=self.now))

    def count_serving(self) -> int:
        """Those that run, have been ready, and were not told to end: an order to end is never taken back."""
        ready = {
            key_of(run)
            for history in self.rows.values()
            for run in history
            if run.ready_at is not None and run.phase == "placed"
        }
        return sum(key in ready for key in self.evidence.alive.values())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 200))
def test_moves_never_leave_fewer_serving_than_are_wanted(seed: int, length: int) -> None:
    rng = random.Random(seed)
    rolling = Rolling()
    rolling.places = {rng.choice(SITES): rng.randint(1, 2)}
    for name in SITES:
        rolling.look(name)
    least = 0
    for what in rng.choices(list(HAPPENINGS), list(HAPPENINGS.values()), k=length):
        if what == "ready":
            rolling.ready(rng.randrange(5))
        elif what == "target":
            rolling.places = {site: rng.randint(0, 2) for site in SITES}
            if not any(rolling.places.values()):
                rolling.places = {rng.choice(SITES): 1}
        elif what == "act":
            rolling.act("done")
        elif what == "turn":
            rolling.turn(rng.randrange(4))
        elif what == "look":
            rolling.look(rng.choice(SITES))
        else:
            rolling.happen("time", rng.choice([1, 30]))
        now, wanted = rolling.count_serving(), sum(rolling.places.values())
        assert now >= min(least, wanted), f"{now} serve where {least} did and {wanted} are wanted"
        least = now
    for _ in range(40):
        rolling.happen("time", 400)
        while rolling.under_way:
            rolling.act("done")
        for name in SITES:
            rolling.look(name)
        while rolling.turn(0):
            while rolling.under_way:
                rolling.act("done")
            for name in SITES:
                rolling.look(name)
            rolling.ready(0)
        rolling.ready(0)
    alive = sorted(
        (rolling.rows[Unit(*unit)][-1].site, serves(rolling.rows[Unit(*unit)][-1], want))
        for unit in rolling.evidence.alive
        for want in [Wanted(Unit(*unit), PLACES[0], "s", service=True, health="/ready")]
    )
    assert alive == sorted((site, True) for site, n in rolling.places.items() for _ in range(n))


def test_one_that_dies_is_begun_again_under_its_number() -> None:
    place = PLACES[0]
    given = taken_over("web", assignments({"a": 2}), {Unit("web", 0): Standing(place, "ended")})
    assert set(given) == {Unit("web", 0), Unit("web", 1)}


def test_one_that_is_ending_does_not_count_as_there() -> None:
    given = taken_over("web", assignments({"a": 1}), {Unit("web", 0): Standing(PLACES[0], "leaving")})
    assert set(given) == {Unit("web", 1)}


@pytest.mark.parametrize("seed", range(20))
def test_deciding_again_in_the_middle_gives_the_same(seed: int) -> None:
    """Whichever unit is placed first, the others are wanted where they were wanted."""
    rng = random.Random(seed)
    units = {site: rng.randint(0, 2) for site in SITES}
    there = {
        Unit("web", k): Standing(rng.choice(PLACES), rng.choice(["placed", "ended", "leaving", "released"]))
        for k in range(rng.randint(0, 5))
    }
    first = taken_over("web", assignments(units), there)
    for unit, assignment in first.items():
        placed = {**there, unit: Standing(Place(assignment.site, "p", "d"), "placed")}
        again = taken_over("web", assignments(units), placed)
        assert {u: a.site for u, a in again.items()} == {u: a.site for u, a in first.items()}
