"""Leases of work that must never run twice: whatever is lost, late or frozen, no copy begins while another one runs.

The reconciler's simulation, with sites that are cut off, are said to be lost, and come back with what ran there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from situs.control.acts import perform
from situs.control.reconcile import diff
from situs.control.tenure import DRIFT, END_S, Held, Tenure, margin_s
from situs.control.wanted import Step, World, key_of
from situs.model.error import SitusError
from situs.sites.adapter import Key, Task
from situs.store.leases import LeaseLost
from tests.control.test_reconcile import (
    ESTATE,
    HAPPENINGS,
    SITES,
    START,
    Simulation,
    any_places,
    any_story,
)

TERM_S = 900.0
"""Longer than the steps in which time passes while the simulation settles."""
MORE = {"lose": 0.8, "find": 0.3, "renew": 4, "arrive": 2, "pass": 1.5, "work": 3, "killed": 1}


class Nothing(dict[Any, Any]):
    """Evidence of what is lost with a site: progress, and ends that nobody heard of."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


class OnItsWay:
    """A site that orders to start have not reached yet."""

    def __init__(self, site: Any, late: list[tuple[Any, Task]]) -> None:
        self._site, self._late = site, late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def start(self, task: Task) -> None:
        self._late.append((self._site, task))


class Cut(Simulation):
    """Sites are lost, and all work is held to leases."""

    def __init__(self) -> None:
        super().__init__()
        self.evidence.progress, self.evidence.done = Nothing(), Nothing()
        self.lost: set[str] = set()
        self.late: list[tuple[Any, Task]] = []
        self.later: list[tuple[Any, dict[Key, float]]] = []
        self.incarnation = 0
        self.tenure = Tenure(0.0, self.clock)
        self.abandons = 0
        self.settling = False

    def clock(self) -> float:
        return (self.now - START).total_seconds()

    def crash(self) -> None:
        super().crash()
        self.incarnation += 1
        self.tenure = Tenure(0.0, self.clock)

    def happen(self, what: str, detail: Any) -> None:
        if what == "lose":
            self.lose(*detail)
        elif what == "find":
            self.lost.discard(detail)
        elif what == "renew":
            self.renew(*detail)
        elif what == "arrive":
            self.arrive(detail)
        elif what == "killed":
            self.crash()
        elif what == "work":
            self.work_on(detail)
        elif what == "pass":
            self.now += timedelta(seconds=detail)
        else:
            super().happen(what, detail)
        self.expire()

    def lose(self, name: str, places: dict[Any, tuple[str, str]]) -> None:
        """It does not answer, somebody says that it is lost, and all that was there is to be elsewhere."""
        self.lost.add(name)
        self.sites[name].up = False
        self.look(name)
        other = next(site for site in SITES if site not in self.lost or site == SITES[-1])
        self.target({unit: (other, spec) for unit, (_, spec) in places.items()})

    def work_on(self, number: int) -> None:
        """A while in which the control plane is not disturbed."""
        for k in range(12):
            self.look(SITES[k % len(SITES)])
            self.turn(number + k)
            self.act("done")

    def expire(self) -> None:
        for site in self.sites.values():
            site.expire(self.clock())

    def look(self, name: str) -> None:
        super().look(name)
        self.expire()

    def renew(self, name: str, how: str) -> None:
        leases = self.tenure.due(name)
        if how == "late":
            self.later.append((self.sites[name], leases))
        elif how == "arrives":
            with suppress(SitusError):
                self.sites[name].renew(leases)

    def arrive(self, number: int) -> None:
        """What was on its way for some time gets there, if the site answers."""
        orders = [*self.late, *self.later]
        if orders:
            site, order = orders[number % len(orders)]
            (self.late if isinstance(order, Task) else self.later).remove((site, order))
            with suppress(SitusError):
                site.start(order) if isinstance(order, Task) else site.renew(order)

    def verdicts(self) -> dict[Any, Any]:
        held, ending = {}, {}
        for run in (run for history in self.rows.values() for run in history if run.alive):
            if run.abandoned or (run.phase == "leaving" and run.site in self.lost):
                ending[key_of(run)] = self.now + timedelta(seconds=self.tenure.left_s(key_of(run), TERM_S))
            else:
                held[key_of(run)] = Held(run.site, TERM_S)
        self.tenure.hold(held)
        busy = [job.step.unit for job in self.under_way]
        world = World(self.now, self.sights, estate=ESTATE, lost=frozenset(self.lost), leased=ending)
        return diff(self.wanted, self.rows, world, busy)

    def begin(self, step: Step) -> None:
        super().begin(step)
        self.abandons += step.kind == "abandon"
        if step.kind == "start":
            mine, key = self.incarnation, step.key

            def lease() -> float:
                if mine != self.incarnation:
                    raise LeaseLost("it no longer leads")
                return self.tenure.given(key, TERM_S)

            self.under_way[-1] = replace(self.under_way[-1], lease=lease)

    def act(self, how: str) -> None:
        if how == "on its way" and self.under_way:
            job = self.under_way.pop(0)
            sites = {name: OnItsWay(site, self.late) for name, site in self.sites.items()}
            perform(job, sites, lambda: None)  # type: ignore[arg-type]
            return self.crash()
        return super().act(how)

    def wake(self, number: int) -> None:
        with suppress(LeaseLost):
            super().wake(number)

    def settle(self) -> None:
        self.lost, self.settling = set(), True
        for _ in range(len(self.late) + len(self.later)):
            self.arrive(0)
        super().settle()

    def turn(self, which: int) -> bool:
        took = super().turn(which)
        if self.settling:
            for name in SITES:
                self.renew(name, "arrives")
        return took


def any_cut(rng: random.Random, length: int) -> Iterator[tuple[str, Any]]:
    plain = any_story(rng, length)
    for what in rng.choices(["plain", *MORE], [sum(HAPPENINGS.values()), *MORE.values()], k=length):
        if what == "plain":
            happened, detail = next(plain)
            yield happened, rng.choice([detail, "on its way"]) if happened == "act" else detail
        elif what == "renew":
            yield what, (rng.choice(SITES), rng.choice(["arrives", "arrives", "lost", "late"]))
        elif what in ("arrive", "work"):
            yield what, rng.randrange(10)
        elif what == "lose":
            yield what, (rng.choice(SITES), any_places(rng))
        elif what == "pass":
            yield what, rng.choice([TERM_S / 3, TERM_S - 1, TERM_S, TERM_S + margin_s(TERM_S)])
        else:
            yield what, rng.choice(SITES)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 250))
def test_whatever_is_cut_off_and_comes_back_nothing_ever_runs_twice(seed: int, length: int) -> None:
    rng = random.Random(seed)
    cut = Cut()
    cut.target(any_places(rng))
    for name in SITES:
        cut.look(name)
    for what, detail in any_cut(rng, length):
        cut.happen(what, detail)
    while cut.frozen:
        cut.wake(0)
    cut.settle()
    cut.check()


def test_the_simulation_does_give_runs_up() -> None:
    total = 0
    for seed in range(60):
        rng = random.Random(seed)
        cut = Cut()
        cut.target(any_places(rng))
        for what, detail in any_cut(rng, 200):
            cut.happen(what, detail)
        total += cut.abandons
    assert total > 10


@given(
    st.floats(5, 3600), st.floats(-DRIFT, DRIFT), st.floats(0, 60), st.floats(0, 30),
    st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 5000)), max_size=8),
)  # fmt: skip
def test_when_a_lease_is_taken_to_be_over_it_is_by_the_clock_of_its_site(
    term_s: float, drift: float, read_before_s: float, answer_s: float, renewals: list[tuple[float, float]]
) -> None:
    """Clocks go apart, were compared a while ago, over a slow line; orders arrive when they like."""
    now = 1000.0
    tenure, key = Tenure(0.0, lambda: now), Key("job", 1)
    tenure.hold({key: Held("far", term_s)})

    def there(at: float) -> float:
        return 77.0 + (at - 900.0) * (1 + drift)

    ends = 0.0
    for gap_s, _late_s in [(0.0, 0.0), *renewals]:
        now += gap_s
        until = tenure.due("far")[key]
        read_at = now - read_before_s
        # What the host's clock showed when it answered, and ours when that was here.
        ends = max(ends, int(there(read_at - answer_s) + until - read_at))
    over_at = now + tenure.left_s(key, term_s)
    assert there(over_at) >= ends + END_S / 2


def test_a_control_plane_that_begins_counts_the_leases_of_the_one_before() -> None:
    now = 50.0
    tenure = Tenure(15.0, lambda: now)
    assert tenure.left_s(Key("job", 1), 60.0) == pytest.approx(15.0 + 60.0 + margin_s(60.0))
    assert tenure.given(Key("job", 1), 60.0) == 110.0
    now = 200.0
    assert tenure.left_s(Key("job", 1), 60.0) == 0.0
    tenure.hold({})
    assert (tenure.due("far"), tenure.every_s("far")) == ({}, None)
