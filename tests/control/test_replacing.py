"""New versions of a service in place: unit by unit, within what may be more and fewer, and back when no good."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.serving.load import asking
from situs.control import moving
from situs.control.reconcile import diff
from situs.control.rolling import replacing
from situs.control.target import Standing, wanted_units
from situs.control.traffic.haproxy import Haproxy
from situs.control.wanted import Place, Unit, World, key_of, place_of
from situs.model.intent import Intent
from situs.model.plan import Decision, Fit
from situs.model.workload import Rolling, Service
from situs.store import events, holds
from situs.store.runs import Run
from tests.control.plane import PATIENCE_S, Plane, estate, until
from tests.control.ports import free_port
from tests.control.test_reconcile import ESTATE
from tests.control.test_rolling import Rolling as MovedSimulation
from tests.control.test_rolling import assignments
from tests.control.test_traffic import needs_haproxy
from tests.store.databases import migrated

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HERE = Place("a", "p", "d")


def intent(how: Rolling) -> Intent:
    web = {
        "stage": "serve", "service": {"requests_per_s": 1, "rolling": how.model_dump()},
        "run": {"command": ["x"], "health": "/ready"},
    }  # fmt: skip
    return estate({"web": web})


class Replaced(MovedSimulation):
    """One service at one site, whose version changes."""

    def __init__(self, units: int, how: Rolling) -> None:
        super().__init__()
        self.places = {"a": units}
        self.intent, self.version = intent(how), "v0"

    def verdicts(self) -> dict[Unit, Any]:
        there = {
            unit: Standing(place_of(history[-1]), history[-1].phase, history[-1])
            for unit, history in self.rows.items()
            if history
        }
        decision = Decision(
            workload="web", fit=Fit.NOW, assignments=tuple(assignments(self.places)), reason="cheapest"
        )
        specs = {("web", "d"): self.version}
        self.wanted = wanted_units([decision], self.intent, specs, {}, there, lambda _: "/ready")
        busy = [job.step.unit for job in self.under_way]
        return diff(self.wanted, self.rows, World(self.now, self.sights, estate=ESTATE | {"web"}), busy)

    def versions(self) -> list[str]:
        alive = set(self.evidence.alive.values())
        return [run.spec for history in self.rows.values() for run in history if key_of(run) in alive]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(0, 2), st.integers(0, 2))
def test_it_stays_within_what_may_be_more_and_what_may_be_fewer(
    seed: int, units: int, surge: int, unavailable: int
) -> None:
    rng, how = random.Random(seed), Rolling(max_surge=surge or not unavailable, max_unavailable=unavailable)
    service = Replaced(units, how)
    least = 0
    for what in rng.choices(
        ["turn", "act", "look", "ready", "version", "time"], [8, 8, 5, 4, 0.4, 0.5], k=200
    ):
        if what == "version":
            service.version = f"v{rng.randrange(4)}"
        elif what == "ready":
            service.ready(rng.randrange(5))
        elif what == "look":
            service.look("a")
        elif what == "act":
            service.act("done")
        elif what == "turn":
            service.turn(rng.randrange(4))
        else:
            service.happen("time", rng.choice([1, 30]))
        now = service.count_serving()
        assert now >= min(least, units - unavailable), f"{now} serve where {least} did"
        assert len(service.evidence.alive) <= units + how.max_surge
        least = now
    for _ in range(60):
        service.happen("time", 400)
        service.look("a")
        while service.under_way or service.turn(0):
            service.act("done")
            service.look("a")
        service.ready(0)
    assert service.versions() == [service.version] * units
    assert service.count_serving() == units


def run(number: int, spec: str, **more: Any) -> Run:
    made = Run("web", number, 1, "a", "p", "d", spec, None, "placed", NOW, NOW, ready_at=NOW)
    return replace(made, **more)


class TestReplacing:
    def new_and_old(
        self, runs: list[Run], units: int = 3, how: Rolling | None = None
    ) -> tuple[list[int], list[int]] | None:
        serving = frozenset(r.unit for r in runs if r.phase == "placed" and r.ready_at)
        found = replacing({HERE: units}, {HERE: "v2"}, {r.unit: r for r in runs}, serving, how or Rolling())
        return None if found is None else (sorted(found.new), list(found.old))

    def test_one_begins_beside_all_that_are_there_and_none_ends_before_it_serves(self) -> None:
        old = [run(k, "v1") for k in range(3)]
        assert self.new_and_old(old) == ([3], [0, 1, 2])
        starting = run(3, "v2", ready_at=None)
        assert self.new_and_old([*old, starting]) == ([3], [0, 1, 2])
        assert self.new_and_old([*old, run(3, "v2")]) == ([3], [1, 2])

    def test_one_that_is_ending_has_its_share_of_the_machine(self) -> None:
        runs = [run(0, "v1", phase="leaving"), run(1, "v1"), run(2, "v1"), run(3, "v2")]
        assert self.new_and_old(runs) == ([3], [1, 2])
        assert self.new_and_old([replace(runs[0], phase="ended"), *runs[1:]]) == ([0, 3], [1, 2])

    def test_without_room_for_more_one_ends_first(self) -> None:
        how = Rolling(max_surge=0, max_unavailable=1)
        old = [run(k, "v1") for k in range(3)]
        assert self.new_and_old(old, how=how) == ([], [1, 2])
        assert self.new_and_old([replace(old[0], phase="released"), *old[1:]], how=how) == ([0], [1, 2])

    def test_a_unit_of_an_older_version_that_does_not_serve_is_of_no_use(self) -> None:
        old = [run(0, "v1"), run(1, "v1", ready_at=None), run(2, "v1")]
        assert self.new_and_old(old) == ([3], [0, 2])

    def test_one_that_fails_again_and_again_waits_under_its_own_number(self) -> None:
        runs = [
            run(0, "v1", phase="released"),
            run(1, "v1"),
            run(2, "v1"),
            run(3, "v2"),
            run(4, "v2", phase="ended"),
        ]
        assert self.new_and_old(runs) == ([3, 4], [1, 2])

    def test_nothing_is_replaced_where_all_are_of_the_version(self) -> None:
        assert self.new_and_old([run(0, "v2"), run(1, "v2")]) is None
        assert self.new_and_old([run(0, "v1", phase="ended")]) is None


def test_neither_more_nor_fewer_would_never_come_to_an_end() -> None:
    with pytest.raises(ValueError, match="nothing could ever be replaced"):
        Service(requests_per_s=1, rolling=Rolling(max_surge=0))


PROGRAM = {"service.py": files("bench.serving").joinpath("service.py").read_bytes()}
CRASHES = b"raise SystemExit(1)\n"


def written(port: int, deadline_s: float) -> Intent:
    """The estate with one service of three units."""
    service = {"requests_per_s": 1, "listen": f"127.0.0.1:{port}", "rolling": {"deadline": deadline_s}}
    run = {"command": ["python", "-S", "service.py"], "files": ["service.py"], "health": "/ready"}
    return estate({"web": {"stage": "serve", "service": service, "run": run}})


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def plane(tmp_path: Path, port: int) -> Iterator[Plane]:
    database = migrated(tmp_path / "control.db")
    there = Plane(database, tmp_path / "situs", written(port, PATIENCE_S))
    yield there
    Haproxy(there.folder).stop()
    there.end_all()
    database.close()


def version(there: Plane, program: bytes) -> None:
    """Another program is another version."""
    there.apply({"web": [("a", "box", 3)]}, {"service.py": program})


def serving(there: Plane) -> list[str]:
    """The version of each unit that serves; empty while any other is there."""
    alive = [one for one in there.runs("web") if one.alive]
    return [one.spec for one in alive] if all(one.ready_at and one.phase == "placed" for one in alive) else []


def all_new(there: Plane, before: set[str]) -> bool:
    found = serving(there)
    return len(found) == 3 and len(set(found)) == 1 and not before & set(found)


@needs_haproxy
@pytest.mark.slow
def test_no_request_fails_while_versions_change_and_one_that_is_no_good_is_taken_back(
    plane: Plane, port: int
) -> None:
    program = PROGRAM["service.py"]
    version(plane, program)
    with plane.leading():
        until(lambda: len(serving(plane)) == 3, "all serve")
        first = set(serving(plane))
        until(lambda: answers(port), "requests are passed on")
        with asking("127.0.0.1", port, 4, 3) as asked:
            version(plane, program + b"# a better one\n")
            until(lambda: all_new(plane, first), "the new version has taken over")
            second = set(serving(plane))
            plane.intent = written(port, 2.0)
            version(plane, CRASHES)
            until(lambda: held(plane) == ["version"], "the bad one is taken back")
            until(
                lambda: set(serving(plane)) == second and len(serving(plane)) == 3,
                "the version before is there",
            )
            assert sum(one.spec in second for one in plane.runs("web")) == 3, (
                "none of its units had to begin anew"
            )
            plane.intent = written(port, PATIENCE_S)
            version(plane, program + b"# and a good one\n")
            until(lambda: all_new(plane, first | second), "another version is not kept from running")
            until(lambda: held(plane) == [], "the order about the bad one is over")
    assert asked.failed == []
    assert asked.answered.total() > 100
    with plane.database.read() as connection:
        told = [e.text for e in events.of_workload(connection, "web") if e.kind == "rolled-back"]
    assert len(told) == 1 and "0 of 3 units were ready" in told[0]
    most = max(at_once(plane))
    assert most <= 4, "never more than one beside those that are wanted"


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0) as line:
            line.sendall(b"GET /ask HTTP/1.0\r\n\r\n")
            return b" 200 " in line.recv(100)
    except OSError:
        return False


def held(there: Plane) -> list[str]:
    with there.database.read() as connection:
        return [hold.kind for hold in holds.in_force(connection)]


def at_once(there: Plane) -> list[int]:
    """How many units were there at each beginning of one."""
    runs = there.runs("web")
    return [
        sum(r.placed_at <= one.placed_at and (r.ended_at is None or r.ended_at > one.placed_at) for r in runs)
        for one in runs
    ]


def test_a_person_may_let_it_try_again(plane: Plane) -> None:
    version(plane, PROGRAM["service.py"])
    with plane.database.write() as connection:
        holds.put(connection, "version", "web", "situs", "too late", plan="p", spec="s")
    assert moving.allow(plane.database, "web", "ann")
    assert held(plane) == []
