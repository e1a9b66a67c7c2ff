"""Runs whose data are not there: they say so, wait, begin when the data come, and say which version they read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from situs.control import submitting, views
from situs.control.asked import Asked, workload_of
from situs.control.data.bringing import bring
from situs.control.data.replicas import Replicas
from situs.control.data.source import copy, source
from situs.control.foreseen import foreseen_run
from situs.control.queues.handing_in import hand_in_work
from situs.control.shipping import snapshot
from situs.control.staging import Work
from situs.facts import load
from situs.model.plan import Assignment
from situs.policy import Policy
from situs.store.database import Database
from tests.control.plane import Plane, estate, until

READ = "import os; print(open(os.environ['SITUS_INPUT_VISITS']).read())"


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    """Three sites, of which one is to have data, and nobody has brought them."""
    visits = {"size_gb": 0.001, "label": {"level": 0}, "replicas": ["b"]}
    queues = {"line": {"quota": {"runs": 1}}}
    made = Plane(database, tmp_path / "situs", estate({}, datasets={"visits": visits}, queues=queues))
    made.apply({})
    yield made
    made.end_all()


def brought(plane: Plane, tmp_path: Path, text: str) -> str:
    """A version of the data at their site; gives its SHA-256."""
    path = tmp_path / "visits.csv"
    path.write_text(text)
    bring(plane.database, plane.folder, "visits", source(path), ["b"], "ann", lambda _: None)
    return sha256(text.encode()).hexdigest()


def told(plane: Plane, name: str) -> list[str]:
    return [event.text for event in views.history_of(plane.database, name).events if event.kind == "data"]


@pytest.mark.parametrize("queue", [None, "line"])
def test_it_waits_with_the_cause_and_begins_when_they_come(
    plane: Plane, tmp_path: Path, queue: str | None
) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "main.py").write_text(READ)
    files, workload = (
        {".": snapshot(folder).archive},
        workload_of(Asked(("main.py",), data=("visits@latest",))),
    )
    looked = foreseen_run("study", submitting.look(plane.database, "study", workload), None, plane.folder)
    assert looked.site == "b"
    assert [(each.dataset, each.site) for each in looked.missing] == [("visits", "b")]
    with plane.leading():
        if queue is None:
            submitting.submit(plane.database, "study", workload, files, "ann")
        else:
            hand_in_work(plane.database, queue, "study", workload, files, 50, "ann")
        # After some vain attempts the next one is far away.
        until(lambda: (run := plane.last("study")) and run.tries >= 3, "it has tried in vain")
        (unit,) = views.of_workload(plane.database, "study").units
        assert unit.cause == "start failed: visits has no data at b"
        assert unit.next_step is not None
        assert "`situs data put visits PATH --site b`" in unit.next_step
        digest = brought(plane, tmp_path, "1,2")
        until(lambda: plane.outcome("study") == "succeeded", "it has run")
        assert told(plane, "study") == [f"reads visits of b, sha256:{digest}"]
        looked = foreseen_run("next", submitting.look(plane.database, "next", workload), None, plane.folder)
        assert looked.missing == ()
        newer = brought(plane, tmp_path, "3,4")
        submitting.submit(plane.database, "next", workload, files, "ann")
        until(lambda: plane.outcome("next") == "succeeded", "it has run too")
        assert told(plane, "next") == [f"reads visits of b, sha256:{newer}"]


def test_a_copy_follows_the_replica_that_it_was_made_of(plane: Plane, tmp_path: Path) -> None:
    replicas = Replicas(plane.folder)
    brought(plane, tmp_path, "1,2")
    with replicas.reading("b", "visits") as path:
        replicas.replace("a", "visits", partial(copy, source(path)), "b")
    newer = brought(plane, tmp_path, "3,4")
    work = Work(
        "study", workload_of(Asked(("main.py",))), Assignment.model_construct(), {}, lambda _: b"",
        Policy(plane.intent, load(), datetime.now(UTC)), (), plane.folder, True,
    )  # fmt: skip
    work._bring_replica(replicas, "visits", "a")
    found = replicas.find("a", "visits")
    assert found is not None
    assert (found.sha256, found.source) == (newer, "b")
