"""Work in queues on real sites: it runs once there is quota, gives way with its state, and survives what it must."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from bench.crash.kill import control_plane
from situs.control import submitting, views
from situs.control.asked import Asked, workload_of
from situs.control.attached import At, End, InLine, Output, Reader
from situs.control.connect import by_kind
from situs.control.queues import standing
from situs.control.queues.handing_in import Handed, hand_in, keep
from situs.model.error import InputError
from situs.model.plan import Fit
from situs.model.workload import Workload
from situs.store import runs
from situs.store.backup import backup, restore
from situs.store.database import Database
from tests.control.plane import PYTHON, Plane, estate, until

QUEUES = {
    "one": {"quota": {"cpu": 1}, "cohort": "all", "borrow": {"cpu": 0}},
    "two": {"quota": {"cpu": 2}, "cohort": "all"},
    "here": {"sites": ["b"]},
}


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    made = Plane(database, tmp_path / "situs", estate({}, queues=QUEUES))
    made.apply({})
    yield made
    made.end_all()


def work(*command: str, **more: object) -> Workload:
    return workload_of(Asked(command or ("sleep", "600"), **more))  # type: ignore[arg-type]


def queue(
    plane: Plane, queue_name: str, *names: str, priority: int = 50, what: Workload | None = None
) -> None:
    kept = keep(plane.database, what or work(), {".": b""} if what is None else {})
    hand_in(plane.database, [Handed(name, queue_name, kept, priority) for name in names], "ann")


def simple(line: str, **more: object) -> Workload:
    """A line of Python, without any code that is sent along."""
    made = work(*PYTHON, line, **{"hours": 0.1, **more})
    assert made.run is not None
    return made.model_copy(update={"run": made.run.model_copy(update={"code": None, "packages": None})})


FOREVER = simple("import time\nprint('here', flush=True)\ntime.sleep(600)")


def running(plane: Plane) -> set[str]:
    with plane.database.read() as connection:
        present = runs.present(connection)
    return {run.workload for run in present if run.phase == "placed" and run.started_at}


def states(plane: Plane) -> dict[str, str]:
    with plane.database.read() as connection:
        return {entry.name: entry.state for entry in standing.read(connection).entries}


def test_no_more_run_than_the_quota_allows_and_the_rest_follow(plane: Plane) -> None:
    queue(plane, "one", "first", "second", what=simple("import time; time.sleep(1)"))
    with plane.leading():
        until(lambda: running(plane) == {"first"}, "the first runs")
        assert states(plane) == {"first": "running", "second": "waiting"}
        assert standing.place_in_line(plane.database, "second") == ("one", 1, 1)
        until(lambda: states(plane) == {"first": "done", "second": "done"}, "both are done")
    first, second = plane.last("first"), plane.last("second")
    assert first is not None and second is not None and first.ended_at is not None
    assert second.placed_at >= first.ended_at
    history = views.history_of(plane.database, "second")
    assert [event.kind for event in history.events] == ["submitted", "placed", "started", "ended"]
    assert history.events[1].text.endswith("it is its turn in one")
    assert views.of_workload(plane.database, "second").units[0].standing == "done"
    with plane.database.read() as connection:
        (view,) = [view for view in standing.read(connection).views() if view.name == "one"]
    assert (view.running, view.waiting, view.used) == (0, 0, {"cpu": 0.0})


def test_an_urgent_one_makes_a_lesser_give_way_which_goes_on_from_its_state(plane: Plane) -> None:
    count = (
        "import time, pathlib\n"
        "p = pathlib.Path('count'); n = int(p.read_text()) if p.exists() else 0\n"
        "print('from', n, flush=True)\n"
        "while True:\n n += 1; q = pathlib.Path('new'); q.write_text(str(n)); q.replace(p); time.sleep(0.05)\n"
    )
    queue(plane, "one", "lesser", priority=10, what=simple(count, state=("count",)))
    with plane.leading():
        until(lambda: running(plane) == {"lesser"}, "it runs")
        until(lambda: "from 0" in _output(plane, "lesser"), "it counts")
        queue(plane, "one", "urgent", priority=90, what=simple("import time; time.sleep(0.5)"))
        until(lambda: states(plane).get("urgent") == "done", "the urgent one ran")
        until(lambda: running(plane) == {"lesser"}, "the other one goes on")
        until(lambda: "from" in _output(plane, "lesser"), "it says from where")
        assert int(_output(plane, "lesser").split()[1]) > 0
    kinds = [event.kind for event in views.history_of(plane.database, "lesser").events]
    assert kinds == ["submitted", "placed", "started", "leaving", "ended", "placed", "started"]
    texts = [event.text for event in views.history_of(plane.database, "lesser").events]
    assert "it makes room for urgent, of priority 90 before 10" in texts[3]


def _output(plane: Plane, name: str) -> str:
    reader = Reader(plane.database, by_kind(plane.folder))
    return reader.output(reader.run(name))[0].decode()


@pytest.mark.slow
def test_what_was_lent_is_given_back(plane: Plane) -> None:
    queue(plane, "two", "a", "b", "c", what=FOREVER)
    with plane.leading():
        until(
            lambda: running(plane) == {"a", "b", "c"},
            "three run, one of them with what the other queue lends",
        )
        queue(plane, "one", "mine", what=FOREVER)
        until(lambda: "mine" in running(plane), "the other queue has its own")
        assert len(running(plane)) == 3
        until(lambda: sum(state == "waiting" for state in states(plane).values()) == 1, "one waits again")


@pytest.mark.slow
def test_what_waits_or_runs_is_stopped_and_removed(plane: Plane) -> None:
    queue(plane, "one", "runs", "waits", "next", what=FOREVER)
    with plane.leading():
        until(lambda: running(plane) == {"runs"}, "it runs")
        assert submitting.stop(plane.database, "waits", "bob", "no longer needed")
        assert not submitting.stop(plane.database, "waits", "bob")
        assert submitting.stop(plane.database, "runs", "bob")
        until(lambda: running(plane) == {"next"}, "the one behind has its turn")
        assert states(plane) == {"runs": "stopped", "waits": "stopped", "next": "running"}
        assert _output(plane, "runs") == "here\n"
        assert plane.last("waits") is None
        last = plane.last("runs")
        assert last is not None
        assert submitting.remove(plane.database, "runs", "bob")
        until(
            lambda: not any(key.workload == "runs" for key in plane.site(last.site).known()),
            "its folder is gone",
        )
        assert submitting.remove(plane.database, "next", "bob")
        until(lambda: states(plane) == {"waits": "stopped"}, "nothing runs, and nothing is left")


@pytest.mark.slow
def test_what_fails_is_tried_again_and_then_given_up(plane: Plane) -> None:
    queue(plane, "one", "broken", what=simple("import sys; sys.exit(3)", retries=1))
    queue(plane, "one", "fine", what=simple("print('ok')"))
    with plane.leading():
        until(lambda: states(plane) == {"broken": "failed", "fine": "done"}, "one failed, one is done")
    assert [run.exit_code for run in plane.runs("broken")] == [3, 3]
    view = views.of_workload(plane.database, "broken")
    assert (view.units[0].standing, view.units[0].exit_code) == ("failed", 3)
    assert view.units[0].cause == "it failed 2 times, the last time with exit code 3"
    assert view.units[0].next_step == "read its output, put right what is wrong, and run it again"


@pytest.mark.slow
def test_a_queue_keeps_to_its_sites_and_a_drained_one_gets_nothing(plane: Plane) -> None:
    from situs.control import orders

    orders.drain(plane.database, "b", "ann")
    queue(plane, "here", "job", what=FOREVER)
    queue(plane, "two", "other", what=FOREVER)
    with plane.leading():
        until(lambda: running(plane) == {"other"}, "the other one runs elsewhere")
        assert not plane.is_at("other", "b")
        orders.undrain(plane.database, "b", "ann")
        until(lambda: plane.is_at("job", "b"), "it runs where its queue lets it")


@pytest.mark.slow
def test_queues_and_what_is_placed_at_once_share_the_room(plane: Plane) -> None:
    """Each site has two nodes of four processors."""
    queue(plane, "here", "wide", "wider", what=simple("import time; time.sleep(600)", cpu=4.0))
    with plane.leading():
        until(lambda: running(plane) == {"wide", "wider"}, "site b is full")
        placed = submitting.look(plane.database, "new", simple("pass", cpu=4.0), frozenset({"b"}))
        assert placed.fit is Fit.AT
        queue(plane, "here", "third", what=simple("pass", cpu=4.0))
        queue(plane, "two", "elsewhere", what=simple("print(1)"))
        until(lambda: states(plane)["elsewhere"] == "done", "others go on")
        assert states(plane)["third"] == "waiting"
        submitting.stop(plane.database, "wide", "ann")
        until(lambda: states(plane)["third"] == "done", "there is room again")


@pytest.mark.slow
def test_where_rules_allow_it_nowhere_it_waits_and_says_why(plane: Plane) -> None:
    queue(plane, "two", "impossible", what=simple("pass", accelerators=1.0))
    with plane.leading():
        until(lambda: len(views.history_of(plane.database, "impossible").events) == 2, "it is told of")
    said = views.history_of(plane.database, "impossible").events[1]
    assert said.kind == "waiting" and "it may or can be nowhere" in said.text
    assert plane.last("impossible") is None


@pytest.mark.slow
def test_what_is_known_already_does_not_overtake_what_came_before_it(plane: Plane) -> None:
    queue(plane, "one", "known", what=simple("pass"))
    with plane.leading():
        until(lambda: states(plane) == {"known": "done"}, "it is known where that may run")
        names = []
        for k in range(4):
            queue(plane, "one", f"new-{k}", what=simple(f"print({k})"))
            queue(plane, "one", f"known-{k}", what=simple("pass"))
            names += [f"new-{k}", f"known-{k}"]
        until(lambda: set(states(plane).values()) == {"done"}, "all are done")
    placed = {name: run.placed_at for name in names if (run := plane.last(name)) is not None}
    assert sorted(placed, key=lambda name: placed[name]) == names


@pytest.mark.slow
def test_it_is_read_along_from_its_place_in_line_to_its_end(plane: Plane) -> None:
    queue(plane, "one", "before", what=FOREVER)
    queue(plane, "one", "job", what=simple("print('done')"))
    seen: list[object] = []
    with plane.leading():
        until(lambda: "before" in running(plane), "the one before runs")
        for each in Reader(plane.database, by_kind(plane.folder)).follow("job"):
            if not seen:
                submitting.stop(plane.database, "before", "ann")
            seen.append(each)
    assert seen[0] == InLine("one", 1, 1)
    assert [type(each) for each in seen[1:]] == [At, At, Output, End]
    assert isinstance(seen[-1], End) and seen[-1].exit_code == 0


def test_a_name_is_used_once_and_a_queue_must_be_there(plane: Plane) -> None:
    queue(plane, "one", "job")
    for again in (("job",), ("new", "new")):
        with pytest.raises(InputError, match="already"):
            queue(plane, "two", *again)
    with pytest.raises(InputError, match="there is or was"):
        submitting.submit(plane.database, "job", work(), {".": b""}, "ann")
    with pytest.raises(InputError, match="no queue 'three'; it has here, one, two"):
        queue(plane, "three", "other")
    with pytest.raises(InputError, match="jobs that run once"):
        keep(plane.database, work().model_copy(update={"job": None}), {})
    assert states(plane) == {"job": "waiting"}


def test_a_backup_brings_the_queues_back(plane: Plane, tmp_path: Path) -> None:
    queue(plane, "one", "a", "b")
    submitting.stop(plane.database, "a", "ann")
    backup(plane.database, tmp_path / "backup")
    other = Database(str(tmp_path / "other.db"))
    restore(other, tmp_path / "backup")
    with other.read() as connection:
        assert {entry.name: entry.state for entry in standing.read(connection).entries} == states(plane)
    other.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_instant_nothing_in_queues_is_lost_or_runs_twice(
    database_url: str, plane: Plane, tmp_path: Path, seed: int
) -> None:
    """Jobs with evidence, lesser ones that give way to urgent ones, and a control plane that dies again and again."""
    rng, evidence = random.Random(seed), tmp_path / "evidence"
    evidence.mkdir()
    program = files("bench.crash").joinpath("evidence.py").read_bytes()
    names = [f"w{k:02}" for k in range(24)]

    def one(name: str) -> None:
        steps = rng.randint(3, 12)
        command = [sys.executable, "-S", "evidence.py", str(evidence), str(steps), "0.1"]
        made = simple("", hours=0.001)
        assert made.run is not None
        run = made.run.model_copy(
            update={"command": tuple(command), "files": ("evidence.py",), "state": ("count",)}
        )
        kept = keep(plane.database, made.model_copy(update={"run": run}), {"evidence.py": program})
        hand_in(
            plane.database, [Handed(name, rng.choice(["one", "two"]), kept, rng.choice([10, 50, 90]))], "ann"
        )

    waiting = list(names)
    for _ in range(12):
        with control_plane(database_url, plane.folder) as process:
            for _ in range(2):
                if waiting:
                    one(waiting.pop())
            time.sleep(rng.uniform(0.2, 1.5))
            process.kill()
    with control_plane(database_url, plane.folder):
        until(lambda: set(states(plane).values()) == {"done"} and len(states(plane)) == 24, "all are done")
    made = {path.name for path in evidence.iterdir()}
    assert not [name for name in made if name.endswith(".twice")]
    assert {name for name in made if name.endswith(".done")} == {f"{name}.0.done" for name in names}


@pytest.mark.slow
def test_what_its_budget_cannot_pay_is_held_and_billed_nothing(database: Database, tmp_path: Path) -> None:
    node = {"cpu": 4, "memory": "8GiB"}
    rented = {"node": node, "limit": 4, "price": {"basis": "on_demand", "price": "10 EUR/h"}}
    site = {"kind": "public", "country": "DE", "pools": {"box": rented}}
    use_cases = {
        "poor": {"owner": "x", "value": "100 EUR/month", "budget": "15 EUR/month"},
        "rich": {"owner": "y", "value": "100 EUR/month"},
    }
    intent = estate({}, queues={"one": {}}, use_cases=use_cases)
    there = Plane(database, tmp_path / "situs", intent.model_copy(
        update={"sites": {"a": type(intent.sites["a"]).model_validate(site)}}
    ))  # fmt: skip
    there.apply({})
    line = "import time; time.sleep(600)"
    queue(there, "one", "first", "second", what=simple(line, use_case="poor", hours=1.0))
    queue(there, "one", "other", what=simple(line, use_case="rich", hours=1.0))
    try:
        with there.leading():
            until(
                lambda: running(there) == {"first", "other"}, "one of each runs: what is held holds up nobody"
            )
            until(lambda: len(views.history_of(database, "second").events) == 2, "it is told why")
            submitting.stop(database, "first", "ann")
            until(lambda: "second" in running(there), "what is left pays for it")
    finally:
        there.end_all()
    said = views.history_of(database, "second").events[1].text
    assert said.startswith("poor has 5.00 of 15.00 EUR left this month, and it is likely to cost 10.00")
    assert views.of_workload(database, "second").cost < 1
