"""Arrays over the API: handed in once, seen as they are, filtered by project, and ended as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from situs.store import answers
from situs.store.database import Database
from tests.api.asked import client, token
from tests.control.plane import Plane, estate, until

SECRET = f"ghp_{'x1' * 18}"
CASE = {"owner": "x", "value": "1 EUR/month"}
MANY: dict[str, Any] = {
    "command": ["python3", "-c", "print('lr', {lr})"], "use_case": "red", "name": "many", "at_once": 1,
    "parameters": [{"lr": 0.1}, {"lr": 0.01}, {"lr": 0.001}],
}  # fmt: skip


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    written = estate({}, queues={"line": {"quota": {"cpu": 1}}}, use_cases={"red": CASE, "blue": CASE})
    made = Plane(database, tmp_path / "situs", written)
    made.apply({})
    yield made
    made.end_all()


@pytest.fixture
def asked(plane: Plane) -> TestClient:
    return client(plane.database, plane.folder, token(plane.database, ("admin", "*"), name="ann"))


@pytest.mark.slow
def test_its_members_run_and_it_is_seen_as_it_is(plane: Plane, asked: TestClient) -> None:
    made = asked.post("/v1/arrays", json=MANY)
    assert (made.status_code, made.headers["Location"]) == (201, "/v1/arrays/many")
    assert made.json() == {"name": "many", "size": 3, "at_once": 1, "queue": None}
    before = asked.get("/v1/arrays/many")
    same = asked.get("/v1/arrays/many", headers={"If-None-Match": before.headers["ETag"]})
    assert same.status_code == 304
    with plane.leading():
        until(lambda: asked.get("/v1/arrays/many").json()["state"] == "done", "all members are done")
    seen = asked.get("/v1/arrays/many").json()
    assert [member["parameters"]["lr"] for member in seen["members"]] == [0.1, 0.01, 0.001]
    assert asked.get("/v1/workloads/many-1/logs").json()["text"] == "lr 0.01\n"
    changed = asked.post("/v1/arrays/many/stop", headers={"If-Match": before.headers["ETag"]})
    assert changed.status_code == 412
    assert asked.get("/v1/arrays").json()["items"][0]["members"] == []


def test_who_has_not_the_project_is_not_told_that_it_is_there(plane: Plane, asked: TestClient) -> None:
    asked.post("/v1/arrays", json={**MANY, "queue": "line"})
    blue = client(plane.database, plane.folder, token(plane.database, ("data-scientist", "blue")))
    assert blue.get("/v1/arrays").json() == {"items": [], "next": None}
    for method, path in (("GET", ""), ("POST", "/stop"), ("DELETE", "")):
        assert blue.request(method, f"/v1/arrays/many{path}").status_code == 404
    assert blue.post("/v1/arrays", json={**MANY, "name": "own"}).status_code == 403
    red = client(plane.database, plane.folder, token(plane.database, ("data-scientist", "red"), name="rea"))
    assert [item["name"] for item in red.get("/v1/arrays").json()["items"]] == ["many"]
    assert red.post("/v1/arrays/many/stop", json={"reason": "enough"}).json() == {"changed": True}
    assert red.post("/v1/arrays/many/stop").json() == {"changed": False}
    assert red.delete("/v1/arrays/many").json() == {"changed": True}
    told = red.get("/v1/workloads/many/history").json()["events"]
    assert [(event["kind"], event["by"]) for event in told] == [
        ("submitted", "ann"), ("stopped", "rea"), ("removed", "rea"),
    ]  # fmt: skip
    assert red.get("/v1/arrays").json()["items"] == []
    assert red.get("/v1/arrays/many").status_code == 422


@pytest.mark.slow
def test_one_whose_answer_was_lost_is_made_once(
    plane: Plane, asked: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, many = {"Idempotency-Key": "k"}, {**MANY, "name": None}

    def dies(*_: object) -> None:
        raise RuntimeError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(answers, "end", dies)
        assert asked.post("/v1/arrays", json=many, headers=key).status_code == 500
    (before,) = asked.get("/v1/arrays").json()["items"]
    again = asked.post("/v1/arrays", json=many, headers=key)
    assert (again.status_code, again.json()["name"]) == (201, before["name"])
    assert len(asked.get("/v1/arrays").json()["items"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"parameters": []}, {"parameters": [{"index": 1}]}, {"parameters": [{"a": 1, "A": 2}]}, {"at_once": 0},
        {"parameters": [{"a b": 1}]}, {"name": "many.x y"}, {"queue": "none"}, {"parameters": [{"a": [1]}]},
        {"env": {"TOKEN": SECRET}}, {"parameters": [{"token": SECRET}]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_what_is_wrong_is_refused(plane: Plane, asked: TestClient, wrong: dict[str, Any]) -> None:
    assert asked.post("/v1/arrays", json={**MANY, **wrong}).status_code == 422
    assert asked.get("/v1/arrays").json()["items"] == []
