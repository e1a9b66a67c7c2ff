"""A move that is cancelled at any of its steps: one copy runs where it was, and nothing is lost or done twice."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bench.crash.kill import control_plane, kill
from situs.control import moving, orders, views
from situs.control.back import kept_at
from situs.control.connect import Connect, by_kind
from situs.control.moving import Way
from situs.control.out_of_service import without_what_is_out
from situs.control.withdrawn import as_written
from situs.model.error import InputError, SitusError
from situs.model.estate import Site
from situs.sites.adapter import Adapter
from situs.store import events, holds, observations, steps
from situs.store.database import Database, clock
from situs.store.schema import ready
from tests.control.plane import PATIENCE_S, Plane, estate, until
from tests.store.databases import migrated

PROGRAM = {"evidence.py": files("bench.crash").joinpath("evidence.py").read_bytes()}


class Gate:
    """Holds the first one that comes to a call of a site, before the call or after it, until it is opened."""

    def __init__(self, site: str, call: str, *, after: bool = False) -> None:
        self._site, self._call, self._after = site, call, after
        self.reached, self.opened = threading.Event(), threading.Event()

    def connect(self, folder: Path) -> Connect:
        """Sites, one of which has the gate."""
        real = by_kind(folder)

        def connected(name: str, site: Site) -> Adapter:
            adapter = real(name, site)
            if name == self._site:
                setattr(adapter, self._call, self._held(getattr(adapter, self._call)))
            return adapter

        return connected

    def _held(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def held(*given: Any, **named: Any) -> Any:
            if not self._after:
                self._wait()
            found = call(*given, **named)
            if self._after:
                self._wait()
            return found

        return held

    def _wait(self) -> None:
        self.reached.set()
        self.opened.wait(PATIENCE_S)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    return folder


def counting(evidence: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Services that count up, and leave evidence when they run twice or go back."""
    command = ["python", "-S", "evidence.py", str(evidence), "0", "0.02"]
    run = {"command": command, "files": ["evidence.py"], "state": ["count"], "grace": "20s"}
    return {name: {"stage": "serve", "service": {"requests_per_s": 1}, "run": run} for name in names}


@pytest.fixture
def plane(tmp_path: Path, evidence: Path) -> Iterator[Plane]:
    database = migrated(tmp_path / "control.db")
    there = Plane(database, tmp_path / "situs", estate(counting(evidence, "train")))
    yield there
    there.end_all()
    database.close()


def seen(evidence: Path, name: str = "train") -> list[tuple[str, str, int]]:
    """What its runs said: begin or end, the site, and the count."""
    log = evidence / f"{name}.0.log"
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return [(what, site, int(count)) for what, _, site, count in lines]


def nothing_lost_or_twice(evidence: Path, name: str = "train") -> None:
    counts = [count for _, _, count in seen(evidence, name)]
    assert counts == sorted(counts), "it goes on from where it was"
    assert not list(evidence.glob("*.twice"))


def turned(there: Plane) -> None:
    """The control plane has had the time to read what is new."""
    before = look(there)
    until(lambda: all(look(there)[site] > before[site] for site in before), "it went on looking")
    later = look(there)
    until(lambda: all(look(there)[site] > later[site] for site in later), "and once more")


def look(there: Plane) -> dict[str, Any]:
    with there.database.read() as connection:
        return {name: found.at for name, found in observations.all_sites(connection).items()}


def journal_is_closed(there: Plane) -> None:
    with there.database.read() as connection:
        assert steps.open_steps(connection) == []


GATES: dict[str, tuple[Gate | None, Way]] = {
    "fence": (Gate("a", "fence"), "ending"),
    "checkpoint awaited": (Gate("a", "stop"), "ending"),
    "transferring": (Gate("b", "put"), "starting"),
    "starting": (Gate("b", "start"), "starting"),
    "started": (Gate("b", "start", after=True), "starting"),
    "verified": (Gate("a", "forget"), "started"),
    "released": (None, "arrived"),
}


@pytest.mark.slow
@pytest.mark.parametrize("step", GATES)
def test_cancelled_at_a_step_it_runs_where_it_was_and_went_on_counting(
    plane: Plane, evidence: Path, step: str
) -> None:
    gate, way = GATES[step]
    plane.apply({"train": [("a", "box", 1)]}, PROGRAM)
    connect = (gate or Gate("c", "stop")).connect(plane.folder)
    with plane.leading(connect=connect):
        until(lambda: plane.is_at("train", "a") and len(seen(evidence)) == 1, "it runs at a")
        plane.apply({"train": [("b", "box", 1)]}, PROGRAM)
        if gate is not None:
            until(gate.reached.is_set, f"it is at the step {step}")
        else:
            until(lambda: moving.show(plane.database, "train").is_over, "it has arrived")
        assert [unit.way for unit in moving.show(plane.database, "train").units] == [way]
        done = moving.cancel(plane.database, "train", "ann", "too slow there")
        assert (done.changed, done.places, done.was_over) == (True, ["a/box"], gate is None)
        turned(plane)
        if gate is not None:
            gate.opened.set()
        until(lambda: plane.is_at("train", "a") and plane.last("train").site == "a", "it runs at a again")  # type: ignore[union-attr]
        until(lambda: not plane.site("b").known(), "nothing is left of it at b")
        until(lambda: seen(evidence)[-1][:2] == ("begin", "a"), "its last run says so")
        nothing_lost_or_twice(evidence)
        if step in ("fence", "checkpoint awaited", "transferring"):
            assert ("begin", "b") not in [line[:2] for line in seen(evidence)]
            assert {run.outcome for run in plane.runs("train") if run.site == "b"} <= {"unstarted"}
        assert moving.show(plane.database, "train").cancelled
        assert not moving.cancel(plane.database, "train", "ann").changed
        turned(plane)
        assert plane.is_at("train", "a")
        assert moving.allow(plane.database, "train", "ann")
        until(lambda: moving.show(plane.database, "train").is_over, "it moves after all")
        until(lambda: seen(evidence)[-1][:2] == ("begin", "b"), "and runs there")
        nothing_lost_or_twice(evidence)
    journal_is_closed(plane)
    with plane.database.read() as connection:
        told = [(event.kind, event.by) for event in events.of_workload(connection, "train")]
    assert ("cancelled", "ann") in told and ("resumed", "ann") in told
    caused = [run.cause for run in plane.runs("train")]
    assert all(cause is None or "fault" not in cause for cause in caused)


@pytest.mark.slow
def test_killed_at_random_instants_around_cancelled_moves_nothing_is_lost_or_twice(
    database_url: str, tmp_path: Path, evidence: Path
) -> None:
    """Half of what moves is cancelled, some of that is let go on, and nobody waits for anything meanwhile."""
    rng, names = random.Random(7), [f"w{k}" for k in range(6)]
    database = ready(Database(database_url))
    there = Plane(database, tmp_path / "situs", estate(counting(evidence, *names)))
    places, cancelled = dict.fromkeys(names, "a"), set[str]()

    def wanted() -> dict[str, str]:
        found = {}
        for name in names:
            shown = moving.show(database, name) if name in cancelled else None
            found[name] = shown.source[0].partition("/")[0] if shown and shown.cancelled else places[name]
        return found

    try:
        there.apply({name: [(site, "box", 1)] for name, site in places.items()}, PROGRAM)
        with control_plane(database_url, there.folder):
            until(lambda: all(there.is_at(name, "a") for name in names), "all run")
        for _ in range(5):
            places = {name: rng.choice([s for s in "abc" if s != site]) for name, site in places.items()}
            there.apply({name: [(site, "box", 1)] for name, site in places.items()}, PROGRAM)
            before = stops(database)
            with control_plane(database_url, there.folder) as process:
                # However slow the machine is, there is a move under way when the word comes.
                until(lambda before=before: stops(database) > before, "it moves them")  # type: ignore[misc]
                time.sleep(rng.uniform(0.0, 0.5))
                # One of them is never kept, so that each plan has something to move.
                for name in rng.sample(names[1:], 3):
                    if rng.random() < 0.3 and moving.allow(database, name, "ann"):
                        cancelled.discard(name)
                    else:
                        moving.cancel(database, name, "ann")
                        cancelled.add(name)
                time.sleep(rng.uniform(0.0, 0.5))
                kill(process)
        assert cancelled, "some were cancelled at the end"
        with control_plane(database_url, there.folder):
            for name, site in wanted().items():
                until(
                    lambda name=name, site=site: seen(evidence, name)[-1][:2] == ("begin", site),  # type: ignore[misc]
                    f"{name} runs at {site}",
                )
            until(lambda: all(_alone(there, name) for name in names), "nothing is left elsewhere")
        for name in names:
            nothing_lost_or_twice(evidence, name)
        began = [sum(what == "begin" for what, *_ in seen(evidence, name)) for name in names]
        assert max(began) > 1, "there were moves to cancel"
        journal_is_closed(there)
    finally:
        there.end_all()
        database.close()


def stops(database: Database) -> int:
    """How many orders to end were begun so far."""
    with database.read() as connection:
        return sum(entry.kind == "stop" and entry.state == "begun" for entry in steps.everything(connection))


def _alone(there: Plane, name: str) -> bool:
    known = [key for site in "abc" for key in there.site(site).known() if key.workload == name]
    return len(known) == 1 and all(run.phase == "released" for run in there.runs(name)[:-1])


class TestRefused:
    """Nothing is changed by an order that cannot be carried out."""

    def moved(self, plane: Plane) -> None:
        plane.apply({"train": [("a", "box", 1)]}, PROGRAM)
        plane.apply({"train": [("b", "box", 1)]}, PROGRAM)

    def test_what_has_not_moved(self, plane: Plane) -> None:
        with pytest.raises(InputError, match="no plan is in force"):
            moving.cancel(plane.database, "train", "ann")
        plane.apply({"train": [("a", "box", 1)]}, PROGRAM)
        with pytest.raises(InputError, match=r"has not moved: .* have it at a/box"):
            moving.show(plane.database, "train")
        with pytest.raises(InputError, match="no workload 'other'"):
            moving.cancel(plane.database, "other", "ann")
        plane.apply({}, PROGRAM)
        with pytest.raises(InputError, match="no place for train; `situs rollback`"):
            moving.cancel(plane.database, "train", "ann")

    def test_back_to_a_site_that_takes_no_work(self, plane: Plane) -> None:
        self.moved(plane)
        orders.drain(plane.database, "a", "ann")
        with pytest.raises(InputError, match="drained; `situs drain a --end`"):
            moving.cancel(plane.database, "train", "ann")
        orders.undrain(plane.database, "a", "ann")
        orders.lose(plane.database, "a", "ann", "fire")
        with pytest.raises(InputError, match="lost; `situs found a`"):
            moving.cancel(plane.database, "train", "ann")

    def test_back_to_where_the_rules_forbid_it_now(self, plane: Plane) -> None:
        plane.apply({"train": [("a", "box", 1)]}, PROGRAM)
        rule = {"title": "not there", "applies_to": {"name": ["train"]}, "never_at": {"name": ["a"]}}
        content = json.loads(plane.intent.model_dump_json(by_alias=True))
        plane.intent = type(plane.intent).model_validate({**content, "rules": {"keep-away": rule}})
        plane.apply({"train": [("b", "box", 1)]}, PROGRAM)
        with pytest.raises(SitusError, match="may not be at a: keep-away"):
            moving.cancel(plane.database, "train", "ann")

    def test_back_to_room_that_others_have(self, tmp_path: Path, evidence: Path) -> None:
        large = [{"cpu": 4, "memory": "1GiB"}]
        workloads = {name: {**made, "shapes": large} for name, made in counting(evidence, *"pqr").items()}
        there = Plane(migrated(tmp_path / "x.db"), tmp_path / "x", estate(workloads))
        there.apply({"p": [("a", "box", 1)], "q": [("b", "box", 1)], "r": [("a", "box", 1)]}, PROGRAM)
        there.apply({"p": [("b", "box", 1)], "q": [("a", "box", 1)], "r": [("a", "box", 1)]}, PROGRAM)
        with pytest.raises(InputError, match="a/box, where others have the room now; `situs rollback`"):
            moving.cancel(there.database, "p", "ann")
        assert moving.cancel(there.database, "q", "ann").places == ["b/box"]
        assert moving.cancel(there.database, "p", "ann").places == ["a/box"]
        there.database.close()


def test_the_next_plan_is_made_with_a_rule_that_keeps_it_there(plane: Plane) -> None:
    TestRefused().moved(plane)
    moving.cancel(plane.database, "train", "ann", "too slow")
    with plane.database.read() as connection:
        held, now = holds.in_force(connection), clock(connection)
        stay = kept_at(connection, held)
    asked = without_what_is_out(plane.intent, plane.facts, frozenset(), held, now, stay)
    rule = asked.rules["kept-by-situs-train"]
    assert rule.title == "train stays: its move was cancelled by ann (too slow)"
    assert rule.only_at is not None and rule.only_at.name == {"a"}
    assert as_written(asked) == plane.intent


def test_how_things_stand_tells_of_it(plane: Plane) -> None:
    TestRefused().moved(plane)
    moving.cancel(plane.database, "train", "ann", "too slow")
    seen = views.overview(plane.database)
    assert [(hold.kind, hold.subject, hold.reason) for hold in seen.holds] == [("back", "train", "too slow")]
    assert [unit.wanted_site for unit in seen.units] == ["a"]
