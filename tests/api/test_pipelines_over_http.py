"""Pipelines over the API: handed in once, seen as they are, tried again, and ended by those who may."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from situs.store import answers
from tests.api.asked import client, token
from tests.control.pipelines.written import stage, three
from tests.control.plane import Plane, estate, until
from tests.store.databases import migrated

VAULT = {"A": "vault:kv/blue/x#y"}
CASE = {"owner": "x", "value": "1 EUR/month"}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    database = migrated(tmp_path / "control.db")
    made = Plane(database, tmp_path / "situs", estate({}, use_cases={"red": CASE, "blue": CASE}))
    made.apply({})
    yield made
    made.end_all()
    database.close()


@pytest.fixture
def asked(plane: Plane) -> TestClient:
    return client(plane.database, plane.folder, token(plane.database, ("admin", "*"), name="ann"))


def of_red(**changed: Any) -> dict[str, Any]:
    """The pipeline of tests, of one project."""
    document = three(**changed)
    for workload in document["workloads"].values():
        workload.setdefault("use_case", "red")
    return document


def body(name: str = "churn", **changed: Any) -> dict[str, Any]:
    return {"name": name, "pipeline": json.dumps(of_red(**changed))}


@pytest.mark.slow
def test_it_runs_fails_is_tried_again_and_removed(plane: Plane, asked: TestClient, tmp_path: Path) -> None:
    works = tmp_path / "works"
    line = f"import os, sys; sys.exit(0 if os.path.exists({str(works)!r}) else 4)"
    sent = body(check=stage(f"exec(open('main.py').read()); {line}", ("model",), run={"files": ["main.py"]}))
    sent["files"] = {"main.py": base64.b64encode(b"print('sent')").decode()}
    looked = asked.post("/v1/pipelines", json={**sent, "dry_run": True})
    assert (looked.status_code, asked.get("/v1/pipelines").json()["items"]) == (200, [])
    made = asked.post("/v1/pipelines", json=sent)
    assert (made.status_code, made.headers["Location"]) == (201, "/v1/pipelines/churn")
    assert made.json() == looked.json()
    assert [each["name"] for each in made.json()["stages"]] == ["prepare", "train", "check"]
    before = asked.get("/v1/pipelines/churn")
    same = asked.get("/v1/pipelines/churn", headers={"If-None-Match": before.headers["ETag"]})
    assert same.status_code == 304

    def state() -> Any:
        return asked.get("/v1/pipelines/churn").json()["standing"]["state"]

    with plane.leading():
        until(lambda: state() == "failed", "its last stage fails")
        assert asked.get("/v1/workloads/churn.check/logs").json()["text"] == "sent\n"
        changed = asked.post("/v1/pipelines/churn/retry", headers={"If-Match": before.headers["ETag"]})
        assert changed.status_code == 412
        works.touch()
        assert asked.post("/v1/pipelines/churn/retry").json() == {"again": ["check"]}
        until(lambda: state() == "done", "it is done")
    assert asked.post("/v1/pipelines/churn/retry").status_code == 422
    assert asked.delete("/v1/pipelines/churn").json() == {"changed": True}
    assert asked.delete("/v1/pipelines/churn").json() == {"changed": False}
    assert asked.get("/v1/pipelines").json() == {"items": [], "next": None}
    told = [each["event"] for each in asked.get("/v1/events", params={"limit": 500}).json()["items"]]
    assert [(each["kind"], each["by"]) for each in told if each["workload"] == "churn"] == [
        ("pipeline", "ann"), ("retried", "ann"), ("removed", "ann"),
    ]  # fmt: skip


def test_who_has_not_all_its_projects_is_not_told_that_it_is_there(plane: Plane, asked: TestClient) -> None:
    assert asked.post("/v1/pipelines", json=body()).status_code == 201
    mixed = body("mixed", check=stage("pass", ("model",), use_case="blue"))
    assert asked.post("/v1/pipelines", json=mixed).status_code == 201
    red = client(plane.database, plane.folder, token(plane.database, ("data-scientist", "red"), name="rea"))
    assert [each["standing"]["name"] for each in red.get("/v1/pipelines").json()["items"]] == ["churn"]
    assert red.post("/v1/pipelines", json={**mixed, "name": "own"}).status_code == 403
    for method, path in (("GET", ""), ("POST", "/stop"), ("POST", "/retry"), ("DELETE", "")):
        assert red.request(method, f"/v1/pipelines/mixed{path}").status_code == 404
    assert red.post("/v1/pipelines/churn/stop", json={"reason": "enough"}).json() == {"changed": True}
    assert red.post("/v1/pipelines/churn/stop").json() == {"changed": False}
    seen = client(plane.database, plane.folder, token(plane.database, ("viewer", "red")))
    assert seen.get("/v1/pipelines/churn").json()["standing"]["state"] == "stopped"
    assert seen.delete("/v1/pipelines/churn").status_code == 403


def test_pages_have_all_of_them_once(plane: Plane, asked: TestClient) -> None:
    for name in ("c", "a", "b"):
        assert asked.post("/v1/pipelines", json=body(name)).status_code == 201
    found, cursor = [], None
    while True:
        page = asked.get(
            "/v1/pipelines", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        found += [each["standing"]["name"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert found == ["a", "b", "c"]


def test_one_whose_answer_was_lost_is_handed_in_once(
    plane: Plane, asked: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise RuntimeError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(answers, "end", dies)
        assert asked.post("/v1/pipelines", json=body(), headers={"Idempotency-Key": "k"}).status_code == 500
    again = asked.post("/v1/pipelines", json=body(), headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["name"]) == (201, "churn")
    other = asked.post("/v1/pipelines", json=body(), headers={"Idempotency-Key": "another"})
    assert other.status_code == 422, "the name is taken, whatever the key"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"pipeline": "workloads: {"}, "pipeline:2:1"),
        ({"pipeline": "sites: {}"}, "a pipeline has stages"),
        ({"pipeline": json.dumps(of_red(check=stage("pass", ("nothing",))))}, "nothing"),
        ({"pipeline": json.dumps(of_red(check=stage("pass", run={"env": {"A": f"ghp_{'x1' * 18}"}})))}, "a secret"),
        ({"pipeline": json.dumps(of_red(check=stage("pass", run={"secrets": VAULT})))}, "of a vault"),
        ({"pipeline": json.dumps(of_red(check=stage("pass", run={"files": ["main.py"]})))}, "main.py"),
        ({"files": {"../x": ""}}, "not a path"),
        ({"files": {"x": "%"}}, "not base64"),
        ({"name": "no name"}, "name"),
    ],
    ids=["yaml", "empty", "data", "secret", "vault", "file", "path", "base64", "name"],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_handed_in(
    plane: Plane, asked: TestClient, what: dict[str, Any], words: str
) -> None:
    given = asked.post("/v1/pipelines", json={**body(), **what})
    assert given.status_code == 422
    assert words in given.json()["detail"]
    assert asked.get("/v1/pipelines").json()["items"] == []


def test_a_stage_that_can_be_nowhere_is_told_with_the_reason(plane: Plane, asked: TestClient) -> None:
    nowhere = body(check=stage("pass", ("model",), shapes=[{"cpu": 1000, "memory": "0GiB"}]))
    assert asked.post("/v1/pipelines", json=nowhere).status_code == 409
    told = asked.post("/v1/pipelines", json={**nowhere, "dry_run": True}).json()["stages"][-1]
    assert told["site"] is None
    assert set(told["refused"]) == {"a", "b", "c"}
    assert asked.get("/v1/pipelines").json()["items"] == []
