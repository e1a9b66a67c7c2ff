"""Runs of queues that are not ended for others yet: by their least run time, and until they have made up for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from situs.control.asked import Asked, must_be_in_a_queue, workload_of
from situs.control.queues.floor import owed_s, saves_s
from situs.control.queues.handing_in import hand_in_work
from situs.model.error import InputError
from situs.model.workload import Workload
from situs.store import queued
from situs.store.database import Database
from situs.store.runs import Run
from tests.control.plane import PYTHON, Plane, estate, until
from tests.control.queues.test_queued_work import running, states

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
QUEUE = {"quota": {"cpu": 1}}


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    made = Plane(database, tmp_path / "situs", estate({}, queues={"one": QUEUE}))
    made.apply({})
    yield made
    made.end_all()


def work(line: str, **more: Any) -> Workload:
    """A line of Python that is likely to take an hour."""
    made = workload_of(Asked((*PYTHON, line), hours=1.0, **more))
    assert made.run is not None
    return made.model_copy(update={"run": made.run.model_copy(update={"code": None, "packages": None})})


def hand_in(plane: Plane, name: str, workload: Workload, priority: int) -> None:
    hand_in_work(plane.database, "one", name, workload, {}, priority, "ann")


FOREVER, SHORT = "import time; time.sleep(600)", "pass"


def lasted(run: Run) -> timedelta:
    assert run.ended_at is not None
    return run.ended_at - run.placed_at


@pytest.mark.slow
def test_it_is_ended_for_a_more_urgent_one_once_it_has_run_so_long(plane: Plane) -> None:
    hand_in(plane, "lesser", work(FOREVER, min_runtime="4s"), 10)
    with plane.leading():
        until(lambda: running(plane) == {"lesser"}, "it runs")
        hand_in(plane, "urgent", work(SHORT), 90)
        until(
            lambda: states(plane)["urgent"] == "done",
            "the urgent one had its turn, with nothing else going on",
        )
        until(lambda: running(plane) == {"lesser"}, "the other one goes on")
    first = plane.runs("lesser")[0]
    assert lasted(first) >= timedelta(seconds=4)


@pytest.mark.slow
def test_one_that_made_room_is_left_alone_until_it_has_done_again_what_that_cost(plane: Plane) -> None:
    hand_in(plane, "lesser", work(FOREVER, min_runtime="3s"), 10)
    with plane.leading():
        until(lambda: running(plane) == {"lesser"}, "it runs")
        hand_in(plane, "urgent", work(SHORT), 90)
        until(lambda: states(plane)["urgent"] == "done", "it made room")
        until(lambda: running(plane) == {"lesser"}, "it goes on")
    # Whoever leads next knows what it owes.
    with plane.leading():
        hand_in(plane, "again", work(SHORT), 90)
        until(lambda: states(plane)["again"] == "done", "it made room once more")
    first, second = plane.runs("lesser")[:2]
    assert first.started_at is not None and first.ended_at is not None
    assert lasted(second) >= first.ended_at - first.started_at


@pytest.mark.slow
def test_an_exit_code_that_is_final_is_not_tried_again(plane: Plane) -> None:
    hand_in(plane, "wrong", work("raise SystemExit(7)", retries=5, final=(7,)), 50)
    hand_in(plane, "unlucky", work("raise SystemExit(8)", retries=1, final=(7,)), 40)
    with plane.leading():
        until(lambda: states(plane) == {"wrong": "failed", "unlucky": "failed"}, "both have failed")
    assert [run.exit_code for run in plane.runs("wrong")] == [7]
    assert [run.exit_code for run in plane.runs("unlucky")] == [8, 8]


def test_what_is_asked_for_is_what_is_kept(plane: Plane) -> None:
    asked = work(
        SHORT,
        state=("model.pt",),
        min_runtime="10m",
        checkpoint_every="5min",
        checkpoint_size="2GB",
        final=(2, 3),
    )
    hand_in(plane, "job", asked, 50)
    with plane.database.read() as connection:
        last = queued.newest(connection, "job")
        assert last is not None
        kept = queued.work(connection, last.work).workload
    assert kept.run is not None and kept.checkpoint is not None
    assert kept.run.final == (2, 3)
    assert kept.min_runtime * 60 == pytest.approx(10)
    assert kept.checkpoint.interval * 60 == pytest.approx(5)
    assert kept.checkpoint.size_gb == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"checkpoint_every": "5min"}, "name them as its state"),
        ({"checkpoint_size": "2GB"}, "how often"),
        ({"checkpoint_every": "often", "state": ("x",)}, "interval"),
        ({"min_runtime": "long"}, "min_runtime"),
    ],
)
def test_what_is_wrong_is_said(more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        workload_of(Asked(("x",), **more))


def test_a_least_run_time_is_for_queues() -> None:
    must_be_in_a_queue("one", "10m")
    must_be_in_a_queue(None, Asked.min_runtime)
    with pytest.raises(InputError, match="which queue"):
        must_be_in_a_queue(None, "10m")


def test_what_is_owed_is_what_was_lost_since_it_saved_its_state() -> None:
    saving = work(SHORT, state=("model.pt",), checkpoint_every="60s")
    ran = Run(
        "w", 0, 1, "a", "p", "d", "s", None, "ended", NOW, NOW, NOW + timedelta(seconds=900), "stopped",
    )  # fmt: skip
    assert saves_s(saving) == pytest.approx(60)
    assert owed_s(ran, saving) == pytest.approx(60)
    assert owed_s(ran, work(SHORT)) == 900
    assert owed_s(replace(ran, outcome="failed"), saving) == 0
    assert owed_s(None, saving) == 0
