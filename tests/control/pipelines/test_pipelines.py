"""Pipelines on real sites: in order, with their data, what they cost, and nothing twice whatever is killed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.crash.kill import control_plane
from situs.control import submitting
from situs.control.asked import Asked, workload_of
from situs.control.attached import Reader
from situs.control.connect import by_kind
from situs.control.pipelines import standing
from situs.control.pipelines.billing import bills
from situs.control.pipelines.document import read
from situs.control.pipelines.handing_in import remove, retry, stop, submit
from situs.control.pipelines.looking import NoWay
from situs.control.pipelines.standing import Standing
from situs.control.submitting import ground_of
from situs.model.error import InputError
from situs.model.estate import Encryption
from situs.model.workload import Workload
from situs.store import events, pipelines, usage
from situs.store.backup import backup, restore
from situs.store.database import Database
from tests.control.pipelines.written import PREPARE, TRAIN, stage, three, write
from tests.control.plane import Plane, estate, until

LINK = {"from": "*", "to": "*", "latency": "1ms", "bandwidth": "1Gbit/s", "price": "0.10 EUR/GB"}
SECURE = Encryption(at_rest=True, in_transit=True)
DATA = {"raw": {"size_gb": 1, "label": {"level": 3}, "replicas": ["a"], "may_leave": False}}


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    made = Plane(database, tmp_path / "situs", estate({}, datasets=DATA, links=[LINK]))
    made.apply({})
    yield made
    made.end_all()


def hand_in(plane: Plane, document: dict[str, Any], name: str = "one") -> None:
    with plane.database.read() as connection:
        ground = ground_of(connection)
    pipeline, files = read(write(plane.folder, document), ground.kept.intent, name)
    submit(plane.database, pipeline, files, "ann")


def stands(plane: Plane, name: str = "one") -> Standing:
    return standing.read(plane.database, name)


def states(plane: Plane, name: str = "one") -> dict[str, str]:
    return {stage.name: stage.state for stage in stands(plane, name).stages}


def output(plane: Plane, workload: str) -> str:
    reader = Reader(plane.database, by_kind(plane.folder))
    return reader.output(reader.run(workload))[0].decode()


def at(selector: str, site: str, *stages: str) -> dict[str, Any]:
    """A rule of the estate: where stages of these kinds may be, or may not."""
    rule = {"title": site, selector: {"name": [site]}, "applies_to": {"stage": stages}}
    return {f"{selector}-{site}": rule}


@pytest.mark.slow
def test_each_stage_begins_when_what_it_needs_is_there_and_gets_it(plane: Plane) -> None:
    hand_in(plane, three())
    with plane.leading():
        until(lambda: stands(plane).state == "done", "all is done")
    assert output(plane, "one.check") == "model of 1000\n"
    runs = {name: plane.last(f"one.{name}") for name in ("prepare", "train", "check")}
    times = [(run.placed_at, run.ended_at) for run in runs.values() if run and run.ended_at]
    assert len(times) == 3 and all(one[1] <= next_[0] for one, next_ in pairwise(times))
    made = {each.dataset: each for stage in stands(plane).stages for each in stage.made}
    assert made["one.features"].size_gb == pytest.approx(1000 / 1e9)
    assert set(made) == {"one.features", "one.model"}
    # What was made may be read by whoever comes later.
    later = workload_of(Asked((*("python", "-c"), "print(open('one.model').read())"), data=("one.model",)))
    placed = submitting.look(plane.database, "later", later)
    assert placed.decision.assignments


@pytest.mark.slow
def test_what_it_makes_is_handled_as_strictly_as_what_went_into_it(
    database: Database, tmp_path: Path
) -> None:
    """The raw data may be at two sites of three; neither may what was made of what was made of them leave these."""
    clearance = {"a": 4, "b": 4, "c": 1}
    intent = estate(
        {}, datasets={"raw": {"size_gb": 1, "label": {"level": 3}, "replicas": ["a"]}}, links=[LINK]
    )
    sites = {
        name: site.model_copy(update={"clearance": clearance[name], "encryption": SECURE})
        for name, site in intent.sites.items()
    }
    plane = Plane(database, tmp_path / "situs", intent.model_copy(update={"sites": sites}))
    plane.apply({})
    raw = plane.folder / "sites" / "a" / "data" / "raw"
    raw.parent.mkdir(parents=True)
    raw.write_text("patients")
    rule = three(prepare=stage(PREPARE, ("raw",), ("features",)))
    hand_in(plane, rule)
    with plane.leading():
        until(lambda: stands(plane).state == "done", "all is done")
    assert {stage.site for stage in stands(plane).stages} <= {"a", "b"}
    with database.read() as connection:
        assert {
            each.described.label.level for each in pipelines.made(connection) if each.described.label
        } == {3}
    later = workload_of(Asked(("python", "-c", "pass"), data=("one.model",)))
    assert "c" in submitting.look(database, "later", later).refusals
    plane.end_all()


@pytest.mark.slow
def test_the_way_of_its_data_has_its_line_in_the_ledger(database: Database, tmp_path: Path) -> None:
    intent = estate(
        {}, rules=at("only_at", "a", "prepare") | at("only_at", "b", "train", "batch"), links=[LINK]
    )
    plane = Plane(database, tmp_path / "situs", intent)
    plane.apply({})
    large = (
        "import os; f = open(os.environ['SITUS_OUTPUT_FEATURES'], 'wb'); f.truncate(200_000_000); f.close()"
    )
    hand_in(plane, three(prepare=stage(large, (), ("features",))))
    with plane.leading():
        until(lambda: stands(plane).state == "done", "all is done")
    found = {stage.name: stage for stage in stands(plane).stages}
    assert (found["prepare"].site, found["train"].site) == ("a", "b")
    billed = bills(database, stands(plane))
    # It is paid for what was really made, not for what it was thought to be.
    ways = billed["prepare"].transfer + billed["train"].transfer
    assert ways == pytest.approx(Decimal("0.02"), abs=Decimal("0.0001"))
    with database.read() as connection:
        lines = [line for line in usage.lines(connection) if line.kind == "transfer"]
    assert sum(line.amount for line in lines) == sum(bill.transfer for bill in billed.values())
    assert len(lines) == len({(line.workload, line.generation) for line in lines})
    plane.end_all()


@pytest.mark.slow
def test_what_failed_is_tried_again_and_what_is_done_is_not(plane: Plane, tmp_path: Path) -> None:
    flag = tmp_path / "fixed"
    fails = f"import os, sys; os.path.exists({str(flag)!r}) or sys.exit(3); {TRAIN}"
    hand_in(plane, three(train=stage(fails, ("features",), ("model",), run={"retries": 0})))
    with plane.leading():
        until(lambda: stands(plane).is_over, "it comes to its end")
        assert stands(plane).state == "failed"
        assert states(plane) == {"prepare": "done", "train": "failed", "check": "waiting"}
        with pytest.raises(InputError, match="there is no pipeline"):
            retry(plane.database, "two", "ann")
        flag.touch()
        assert retry(plane.database, "one", "ann") == ("train",)
        until(lambda: stands(plane).state == "done", "all is done")
        with pytest.raises(InputError, match="no stage of one has failed"):
            retry(plane.database, "one", "ann")
    assert len(plane.runs("one.prepare")) == 1
    assert output(plane, "one.check") == "model of 1000\n"
    assert [stage.workload for stage in stands(plane).stages] == ["one.prepare", "one.train.2", "one.check"]


@pytest.mark.slow
def test_stopped_nothing_of_it_runs_and_removed_nothing_of_it_is_kept(plane: Plane) -> None:
    hand_in(plane, three(train=stage("import time; time.sleep(600)", ("features",), ("model",))))
    with plane.leading():
        until(lambda: states(plane)["train"] == "running", "it trains")
        assert stop(plane.database, "one", "ann", "too dear")
        until(lambda: stands(plane).is_over, "it ends")
        assert states(plane) == {"prepare": "done", "train": "stopped", "check": "stopped"}
        assert not stop(plane.database, "one", "ann")
        made = plane.folder.glob("sites/*/data/one.features")
        assert list(made)
        assert remove(plane.database, "one", "ann")
        until(lambda: not list(plane.folder.glob("sites/*/data/one.features")), "what it made is gone")
        until(lambda: all(not plane.site(s).known() for s in "abc"), "nothing of it is at any site")
    assert stands(plane).state == "removed"
    with plane.database.read() as connection:
        assert pipelines.made(connection) == []
    with pytest.raises(InputError, match="there is or was a pipeline 'one'"):
        hand_in(plane, three())


@pytest.mark.slow
def test_where_some_stage_can_be_nowhere_nothing_is_begun(plane: Plane) -> None:
    with pytest.raises(NoWay, match="no place for check, train") as error:
        hand_in(
            plane,
            three(train=stage(TRAIN, ("features",), ("model",), shapes=[{"cpu": 64, "memory": "0GiB"}])),
        )
    refused = error.value.looked.refused
    assert set(refused) == {"check", "train"} and set(refused["train"]) == {"a", "b", "c"}
    with pytest.raises(InputError, match="there is no pipeline"):
        stands(plane)


@pytest.mark.slow
def test_where_its_place_has_no_room_it_goes_elsewhere_or_waits(database: Database, tmp_path: Path) -> None:
    """All of both sites is taken; the first that comes free gets it."""
    intent = estate({}, rules=at("never_at", "c", "prepare"))
    plane = Plane(database, tmp_path / "situs", intent)
    plane.apply({})
    half = Workload.model_validate(
        stage("import time; time.sleep(600)", shapes=[{"cpu": 2, "memory": "0GiB"}])
    )
    with plane.leading():
        for k in range(8):
            submitting.submit(database, f"half-{k}", half, {}, "ann", frozenset({"a" if k < 4 else "b"}))
        hand_in(plane, three())
        until(lambda: any("looked for again" in text for text in _events(plane, "one.prepare")), "it waits")
        assert states(plane)["prepare"] == "waiting"
        submitting.stop(database, "half-7", "ann")
        until(lambda: stands(plane).state == "done", "all is done")
    assert stands(plane).stages[0].site == "b"
    plane.end_all()


def _events(plane: Plane, workload: str) -> list[str]:
    with plane.database.read() as connection:
        return [event.text for event in events.of_workload(connection, workload)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_instant_no_stage_is_lost_or_runs_twice(
    database_url: str, plane: Plane, tmp_path: Path, seed: int
) -> None:
    rng, evidence = random.Random(seed), tmp_path / "evidence"
    evidence.mkdir()
    leave = (
        f"import os, time; f = os.open(os.path.join({str(evidence)!r}, os.environ['SITUS_WORKLOAD']),"
        " os.O_CREAT | os.O_EXCL); time.sleep(0.2);"
    )
    names = ["one", "two", "three"]
    for name in names:
        document = three(
            prepare=stage(leave + PREPARE, (), ("features",), run={"retries": 0}),
            train=stage(leave + TRAIN, ("features",), ("model",), run={"retries": 0}),
        )
        hand_in(plane, document, name)
    for _ in range(10):
        with control_plane(database_url, plane.folder) as process:
            time.sleep(rng.uniform(0.2, 1.2))
            process.kill()
    with control_plane(database_url, plane.folder):
        until(lambda: all(stands(plane, name).state == "done" for name in names), "all are done")
    assert {path.name for path in evidence.iterdir()} == {
        f"{n}.{s}" for n in names for s in ("prepare", "train")
    }
    assert all(output(plane, f"{name}.check") == "model of 1000\n" for name in names)


@pytest.mark.slow
def test_a_service_at_its_end_serves_what_was_made(plane: Plane) -> None:
    served = (
        "import os, http.server as h\n"
        "text = open(os.environ['SITUS_INPUT_MODEL']).read()\n"
        "class A(h.BaseHTTPRequestHandler):\n"
        " def do_GET(self):\n"
        "  self.send_response(200); self.end_headers(); self.wfile.write(text.encode())\n"
        "s = h.HTTPServer(('127.0.0.1', 0), A)\n"
        "print(f'http://127.0.0.1:{s.server_port}', flush=True)\n"
        "s.serve_forever()\n"
    )
    serve = stage(served, ("model",), run={"health": "/"})
    del serve["job"]
    hand_in(plane, three(check={**serve, "stage": "serve", "service": {"requests_per_s": 1}}))
    with plane.leading():
        until(lambda: stands(plane).state == "serving", "it serves")
        assert states(plane) == {"prepare": "done", "train": "done", "check": "serving"}
        stop(plane.database, "one", "ann")
        until(lambda: stands(plane).is_over, "it ends")


@pytest.mark.slow
def test_a_backup_brings_pipelines_back(plane: Plane, tmp_path: Path) -> None:
    hand_in(plane, three())
    with plane.leading():
        until(lambda: stands(plane).state == "done", "all is done")
    backup(plane.database, tmp_path / "kept")
    again = Database(f"sqlite:///{tmp_path / 'again.db'}")
    restore(again, tmp_path / "kept")
    assert standing.read_all(again) == standing.read_all(plane.database)
