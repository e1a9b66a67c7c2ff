"""Handing in, looking, stopping, reading along: done once, seen as it is, and written down with who did it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from situs.api.handed import Handing, workload
from situs.api.routes import ledger
from situs.control import orders, submitting
from situs.control.queues import handing_in
from situs.store import answers, events, queued
from situs.store.database import Database
from tests.api.asked import client, in_force, token
from tests.control.plane import Plane, estate, until

JOB = {
    "command": ["main.py", "3"],
    "files": {"main.py": base64.b64encode(b"print('here', flush=True)").decode()},
}


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    made = Plane(database, tmp_path / "situs", estate({}, queues={"line": {"quota": {"cpu": 1}}}))
    made.apply({})
    yield made
    made.end_all()


@pytest.fixture
def asked(plane: Plane) -> TestClient:
    return client(plane.database, plane.folder, token(plane.database, ("admin", "*"), name="ann"))


def names(asked: TestClient) -> list[str]:
    return [item["name"] for item in asked.get("/v1/workloads").json()["items"]]


@pytest.mark.slow
def test_it_is_handed_in_runs_and_is_read_along_with(plane: Plane, asked: TestClient) -> None:
    made = asked.post("/v1/workloads", json={**JOB, "name": "job"})
    assert made.status_code == 201
    assert made.headers["Location"] == "/v1/workloads/job"
    assert made.json()["site"] in ("a", "b", "c")
    with plane.leading():
        with asked.stream("GET", "/v1/workloads/job/logs/stream") as stream:
            told = _told("".join(stream.iter_text()))
        assert [kind for kind, _ in told] == ["at", "at", "output", "end"]
        assert [at["runs"] for _, at in told[:2]] == [False, True]
        assert told[2][1] == {"text": "here\n"}
        assert told[3][1]["exit_code"] == 0
        until(lambda: asked.get("/v1/workloads/job").json()["units"][0]["standing"] == "done", "it is done")
    assert asked.get("/v1/workloads/job/logs").json()["text"] == "here\n"
    rest = asked.get("/v1/workloads/job/logs", params={"since": 3}).json()
    assert (rest["text"], rest["next"], rest["base64"]) == ("e\n", 5, None)
    generation = rest["generation"]
    for last, wanted in (
        (f"{generation}.5", []),
        (f"{generation}.2", ["output"]),
        ("0.0", ["at", "at", "output"]),
    ):
        header = {"Last-Event-ID": last}
        with asked.stream("GET", "/v1/workloads/job/logs/stream", headers=header) as stream:
            assert [kind for kind, _ in _told("".join(stream.iter_text()))] == [*wanted, "end"], last
    for path in ("/v1/workloads/job/logs/stream", "/v1/workloads/nobody/logs/stream"):
        assert asked.get(path, headers={"Last-Event-ID": "no"}).status_code == 422
    assert asked.get("/v1/workloads/nobody/logs/stream").status_code == 404
    (used,) = asked.get("/v1/usage").json()
    assert used["name"] == "job"
    assert [e["kind"] for e in asked.get("/v1/workloads/job/history").json()["events"]][:2] == [
        "submitted",
        "placed",
    ]


def _told(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_a_request_that_is_sent_again_is_done_once(plane: Plane, asked: TestClient) -> None:
    key = {"Idempotency-Key": "a1"}
    first = asked.post("/v1/workloads", json=JOB, headers=key)
    again = asked.post("/v1/workloads", json=JOB, headers=key)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert names(asked) == [first.json()["name"]]
    other = asked.post("/v1/workloads", json={**JOB, "priority": 3}, headers=key)
    assert other.status_code == 422
    assert "another request" in other.json()["detail"]
    somebody = client(plane.database, plane.folder, token(plane.database, ("admin", "*"), name="bob"))
    theirs = somebody.post(
        "/v1/workloads", json={**JOB, "command": ["main.py", "4"], "name": "own"}, headers=key
    )
    assert theirs.json()["name"] == "own", "keys are each one's own"


@pytest.mark.parametrize("queue", [None, "line"])
@pytest.mark.slow
def test_a_request_whose_answer_was_lost_is_done_once(
    plane: Plane, asked: TestClient, monkeypatch: pytest.MonkeyPatch, queue: str | None
) -> None:
    """The server dies after it did it, and before it wrote down that it had."""
    key, job = {"Idempotency-Key": "b2"}, {**JOB, "queue": queue}

    def dies(*_: object) -> None:
        raise RuntimeError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(answers, "end", dies)
        assert asked.post("/v1/workloads", json=job, headers=key).status_code == 500
    before = names(asked)
    again = asked.post("/v1/workloads", json=job, headers=key)
    assert again.status_code == 201
    assert names(asked) == before == [again.json()["name"]]
    assert again.json()["queue"] == queue


@pytest.mark.slow
def test_many_at_once_with_one_key_get_one_run(plane: Plane, asked: TestClient) -> None:
    job, found = {**JOB, "queue": "line"}, []
    key = {"Idempotency-Key": "c3"}

    def ask() -> None:
        found.append(asked.post("/v1/workloads", json=job, headers=key))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.status_code for each in found} == {201}
    assert len({each.json()["name"] for each in found}) == 1
    assert len(names(asked)) == 1


def test_what_has_changed_since_it_was_seen_is_not_stopped(plane: Plane, asked: TestClient) -> None:
    asked.post("/v1/workloads", json={**JOB, "name": "job", "queue": "line"})
    seen = asked.get("/v1/workloads/job")
    tag = seen.headers["ETag"]
    assert asked.get("/v1/workloads/job", headers={"If-None-Match": tag}).status_code == 304
    assert asked.post("/v1/workloads/job/stop", headers={"If-Match": '"other"'}).status_code == 412
    assert asked.post(
        "/v1/workloads/job/stop", json={"reason": "enough"}, headers={"If-Match": tag}
    ).json() == {"changed": True}
    assert asked.get("/v1/workloads/job", headers={"If-None-Match": tag}).status_code == 200
    assert asked.delete("/v1/workloads/job", headers={"If-Match": tag}).status_code == 412
    assert asked.delete("/v1/workloads/job").json() == {"changed": True}
    assert names(asked) == []
    with plane.database.read() as connection:
        said = [(event.by, event.kind, event.text) for event in events.of_workload(connection, "job")]
    assert [(by, kind) for by, kind, _ in said] == [
        ("ann", "submitted"),
        ("ann", "stopped"),
        ("ann", "removed"),
    ]
    assert said[1][2] == "stopped: enough"


@pytest.mark.slow
def test_pages_are_whole_while_others_hand_in(plane: Plane, asked: TestClient) -> None:
    work_ = handing_in.keep(plane.database, workload(Handing(command=["true"])), {".": b""})
    pieces = [handing_in.Handed(f"w{k:03}", "line", work_) for k in range(25)]
    handing_in.hand_in(plane.database, pieces, "ann")
    seen, cursor = [], None
    while True:
        page = asked.get(
            "/v1/workloads", params={"limit": 10, **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        handing_in.hand_in(plane.database, [handing_in.Handed(f"a{len(seen)}", "line", work_)], "bob")
    assert seen == [f"w{k:03}" for k in range(25)]
    assert asked.get("/v1/workloads", params={"cursor": "?"}).status_code == 422


@pytest.mark.slow
def test_events_come_page_by_page_and_as_they_happen(plane: Plane, asked: TestClient) -> None:
    first = asked.get("/v1/events", params={"limit": 1}).json()
    rest = asked.get("/v1/events", params={"cursor": first["next"]}).json()
    assert first["items"][0]["seq"] < rest["items"][0]["seq"]
    assert rest["next"] is None
    messages = ledger._events(plane.database, None)
    assert next(messages) is None
    orders.pause(plane.database, "bob", "lunch")
    told = next(messages)
    assert told is not None
    assert (told.kind, told.data.by, told.data.text) == ("pause", "bob", "paused: lunch")
    again = next(ledger._events(plane.database, int(told.id) - 1))
    assert again is not None and again.id == told.id, "after a cut it goes on where it was"


@pytest.mark.slow
def test_the_estate_is_paused_and_drained_by_name(plane: Plane, asked: TestClient) -> None:
    assert asked.put("/v1/sites/a/drain", json={"reason": "repair"}).json() == {"changed": True}
    assert asked.put("/v1/sites/nowhere/drain").status_code == 422
    assert asked.put("/v1/pause").json() == {"changed": True}
    holds = asked.get("/v1/overview").json()["holds"]
    assert {(hold["kind"], hold["by"]) for hold in holds} == {("drain", "ann"), ("pause", "ann")}
    assert asked.delete("/v1/pause").json() == {"changed": True}
    assert asked.delete("/v1/sites/a/drain").json() == {"changed": True}
    target = asked.get("/v1/targets").json()[0]
    assert asked.get(f"/v1/plans/{target['plan'][7:19]}").json()["id"] == target["plan"]
    assert asked.get("/v1/plans/ffffff").status_code == 404
    assert asked.post("/v1/rollback", json={}).status_code == 422


@pytest.mark.parametrize(
    "changed",
    [
        {"files": {"../out": "AA=="}}, {"files": {"/etc/x": "AA=="}}, {"files": {"a": "no base64!"}},
        {"files": {"a": "AA==", "a/b": "AA=="}}, {"command": []}, {"queue": "none"}, {"use_case": "none"},
        {"data": ["none"]}, {"memory_gib": -1}, {"more": 1}, {"env": {"A=B": "x"}}, {"secrets": {"A": "hunter2"}},
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_done(
    database: Database, tmp_path: Path, changed: dict[str, Any]
) -> None:
    in_force(database)
    asked = client(database, tmp_path, owner="ann")
    given = asked.post("/v1/workloads", json={**JOB, "name": "job", **changed})
    assert given.status_code == 422
    assert given.json()["detail"]
    assert "job" not in names(asked)
    assert submitting.found(database, "job") is None


@pytest.mark.slow
def test_too_much_is_refused_before_it_is_read(database: Database, tmp_path: Path) -> None:
    asked = client(database, tmp_path, owner="ann")
    assert asked.post("/v1/workloads", content=b"x" * (25 << 20)).status_code == 413


@pytest.mark.slow
def test_a_fault_tells_nothing_of_the_inside(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("situs.api.routes.estate.views.overview", fails)
    given = client(database, tmp_path, owner="ann").get("/v1/overview")
    assert given.status_code == 500
    assert "inside" not in given.text
    assert given.json()["title"] == "a fault"


def test_what_is_lost_and_what_is_final_is_handed_in_too(plane: Plane, asked: TestClient) -> None:
    terms = {
        "final": [2, 3], "state": ["model.pt"], "min_runtime_s": 600, "checkpoint_every_s": 300,
        "checkpoint_size_gb": 2.5,
    }  # fmt: skip
    assert (
        asked.post("/v1/workloads", json={**JOB, "name": "job", "queue": "line", **terms}).status_code == 201
    )
    with plane.database.read() as connection:
        last = queued.newest(connection, "job")
        assert last is not None
        kept = queued.work(connection, last.work).workload
    assert kept.run is not None and kept.checkpoint is not None
    assert kept.run.final == (2, 3)
    assert kept.min_runtime == pytest.approx(1 / 6)
    assert (kept.checkpoint.interval, kept.checkpoint.size_gb) == pytest.approx((1 / 12, 2.5))
    for wrong in ({"min_runtime_s": 5}, {"checkpoint_every_s": 5}, {"checkpoint_size_gb": 1}, {"final": [0]}):
        assert asked.post("/v1/workloads", json={**JOB, **wrong}).status_code == 422, wrong


def test_all_that_a_queue_has_is_shown_to_who_asks_for_it(plane: Plane, asked: TestClient) -> None:
    asked.post("/v1/workloads", json={**JOB, "name": "job", "queue": "line"})
    asked.post("/v1/workloads/job/stop")
    assert asked.get("/v1/overview").json()["units"] == []
    (unit,) = asked.get("/v1/overview", params={"all": True}).json()["units"]
    assert (unit["workload"], unit["standing"]) == ("job", "done")
