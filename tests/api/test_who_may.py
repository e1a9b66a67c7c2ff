"""Every route, every role, the own project and another one: nobody may what the table of the documentation forbids."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from situs.api.app import application
from situs.api.identity import Pace
from situs.api.permissions import ROLES, ROUTES
from situs.store import events, tokens
from situs.store.database import Database
from situs.store.tables import tokens as tokens_table
from tests.api.asked import client, in_force, token

# Who may, in words of its own: for the whole estate, and for work of a project.
READERS = {"viewer", "data-scientist", "operator", "approver", "auditor", "admin"}
WHO = {
    "look": READERS,
    "hear": {"data-scientist", "operator", "admin"},
    "hand in": {"data-scientist", "admin"},
    "end": {"data-scientist", "operator", "admin"},
    "run the plant": {"operator", "admin"},
    "move": {"operator", "admin"},
    "hand plans in": {"operator", "admin"},
    "approve": {"approver", "admin"},
    "audit": {"auditor", "admin"},
    "give tokens": {"admin"},
}
JOB = {"command": ["true"], "use_case": "red", "queue": "line"}
STAGES = json.dumps(
    {"workloads": {"only": {"stage": "batch", "use_case": "red", "label": {"level": 0}, "job": {"work": "1h"},
     "shapes": [{"cpu": 1, "memory": "0GiB"}], "run": {"command": ["true"]}}}}
)  # fmt: skip
CASES = [
    # method, path, body, what it is, of one project ("red") or of the whole estate
    ("GET", "/v1/sites", None, "look", False),
    ("GET", "/v1/queues/{queue}", None, "look", False),
    ("GET", "/v1/targets", None, "look", False),
    ("GET", "/v1/plans/{plan}", None, "look", False),
    ("GET", "/v1/plans", None, "look", False),
    ("POST", "/v1/plans", {"estate": "sites: {"}, "hand plans in", False),
    ("GET", "/v1/plans/{plan}/estate", None, "look", False),
    ("GET", "/v1/plans/{plan}/proposal", None, "look", False),
    ("GET", "/v1/plans/{plan}/diff", None, "look", False),
    ("POST", "/v1/plans/{plan}/apply", {}, "hand plans in", False),
    ("POST", "/v1/plans/{plan}/approve", {}, "approve", False),
    ("POST", "/v1/plans/{plan}/reject", {"reason": "no"}, "approve", False),
    ("GET", "/v1/proposed", None, "look", False),
    ("PUT", "/v1/sites/{site}/drain", {}, "run the plant", False),
    ("DELETE", "/v1/sites/{site}/drain", None, "run the plant", False),
    ("PUT", "/v1/sites/{site}/lost", {"reason": "fire"}, "run the plant", False),
    ("DELETE", "/v1/sites/{site}/lost", None, "run the plant", False),
    ("PUT", "/v1/pause", {}, "run the plant", False),
    ("DELETE", "/v1/pause", None, "run the plant", False),
    ("POST", "/v1/proposed/approve", {"plan": "sha256:00"}, "approve", False),
    ("POST", "/v1/rollback", {}, "approve", False),
    ("GET", "/v1/events", None, "audit", False),
    ("GET", "/v1/events/stream", None, "audit", False),
    ("GET", "/v1/tokens", None, "give tokens", False),
    ("POST", "/v1/tokens", {"name": "x", "grants": [{"role": "viewer"}]}, "give tokens", False),
    ("DELETE", "/v1/tokens/{token}", None, "give tokens", False),
    ("POST", "/v1/workloads", JOB, "hand in", True),
    ("GET", "/v1/workloads/{name}", None, "look", True),
    ("GET", "/v1/workloads/{name}/history", None, "look", True),
    ("GET", "/v1/workloads/{name}/move", None, "look", True),
    ("PUT", "/v1/workloads/{name}/move/cancelled", {}, "move", True),
    ("DELETE", "/v1/workloads/{name}/move/cancelled", None, "move", True),
    ("GET", "/v1/workloads/{name}/logs", None, "hear", True),
    ("GET", "/v1/workloads/{name}/logs/stream", None, "hear", True),
    ("POST", "/v1/workloads/{name}/stop", {}, "end", True),
    ("DELETE", "/v1/workloads/{name}", None, "end", True),
    ("POST", "/v1/arrays", {**JOB, "parameters": [{}, {}]}, "hand in", True),
    ("POST", "/v1/pipelines", {"name": "new", "pipeline": STAGES, "dry_run": True}, "hand in", True),
    ("GET", "/v1/pipelines/{name}", None, "look", True),
    ("POST", "/v1/pipelines/{name}/stop", {}, "end", True),
    ("POST", "/v1/pipelines/{name}/retry", None, "hand in", True),
    ("DELETE", "/v1/pipelines/{name}", None, "end", True),
    ("GET", "/v1/arrays/{name}", None, "look", True),
    ("POST", "/v1/arrays/{name}/stop", {}, "end", True),
    ("DELETE", "/v1/arrays/{name}", None, "end", True),
    ("POST", "/v1/code", {"sha256": "0" * 64, "sha512": "0" * 128}, "hand in", True),
    ("PUT", "/v1/code/{sha256}", None, "hand in", True),
]
OF_ANY_PROJECT = {("POST", "/v1/code"), ("PUT", "/v1/code/{sha256}")}
"""Code is of no project yet when it is sent: whoever may hand work in anywhere may send it."""
FILTERED = {
    ("GET", f"/v1/{what}")
    for what in ("login", "me", "overview", "running", "workloads", "arrays", "pipelines", "usage", "queues")
}
"""What everybody with a role may ask for, and gets of it what is theirs."""


def test_every_route_of_the_document_is_in_the_table_and_in_this_test(tmp_path: Path) -> None:
    app = application(Database(str(tmp_path / "x.db")), tmp_path)
    document = {
        (method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods
    }
    assert document == set(ROUTES)
    assert document == {(method, path) for method, path, *_ in CASES} | FILTERED


@pytest.mark.slow
def test_every_route_by_every_role_in_every_project(database: Database, tmp_path: Path) -> None:
    in_force(database)
    asked = client(database, tmp_path)
    cells = wrong = 0
    for role in [*ROLES, None]:
        for project in ("*", "red", "blue"):
            shown = token(database, *([(role, project)] if role else []))
            header = {"Authorization": f"Bearer {shown}"}
            for method, path, body, what, of_project in CASES:
                there = path.format(
                    site="a",
                    plan="00000000",
                    token="000000000000",
                    queue="line",
                    sha256="0" * 64,
                    name="piped" if "pipelines" in path else "one",
                )
                if path.endswith("/stream") and role in WHO[what] and project != "blue":
                    continue  # what is allowed there has no end; other tests read it
                given = asked.request(method, there, json=body, headers=header)
                there_too = project == "*" or (of_project and project == "red")
                allowed = role in WHO[what] and (there_too or (method, path) in OF_ANY_PROJECT)
                assert given.status_code < 500, (role, project, method, path, given.text)
                # What one may not even read is not told to be there.
                refused = given.status_code == 403 or (
                    of_project and given.status_code == 404 and project == "blue"
                )
                cells += 1
                wrong += refused == allowed
                assert refused != allowed, (role, project, method, path, given.status_code, given.text)
    assert (wrong, cells) == (0, cells)
    assert cells > 600


def test_lists_have_what_is_of_ones_own_projects(database: Database, tmp_path: Path) -> None:
    in_force(database)
    for project, names in (("red", ["one"]), ("default", ["three"]), ("*", ["one", "three", "two"])):
        asked = client(database, tmp_path, token(database, ("viewer", project)))
        assert [item["name"] for item in asked.get("/v1/workloads").json()["items"]] == names
        assert asked.get("/v1/usage").json() == []
        seen = asked.get("/v1/overview").json()
        assert [unit["workload"] for unit in seen["units"]] == names
        assert seen["is_whole"] == (project == "*")
        assert project == "*" or not (seen["target"] or seen["sites"] or seen["holds"])
        readable = {"*": ["line", "reds"], "red": ["reds"]}.get(project, [])
        assert [queue["name"] for queue in seen["queues"]] == readable
        assert [queue["name"] for queue in asked.get("/v1/queues").json()] == readable
    asked = client(database, tmp_path, token(database))
    for path in ("workloads", "overview", "running", "arrays", "pipelines", "queues"):
        assert asked.get(f"/v1/{path}").status_code == 403


@pytest.mark.slow
def test_a_queue_of_a_project_is_that_projects_by_every_role(database: Database, tmp_path: Path) -> None:
    in_force(database)
    asked = client(database, tmp_path)
    for role in ROLES:
        for project in ("*", "red", "blue", "default"):
            header = {"Authorization": f"Bearer {token(database, (role, project))}"}
            name, own = f"{role}-{'all' if project == '*' else project}", project in ("*", "red")
            for body in ({"name": name}, {"name": f"{name}-many", "parameters": [{}, {}]}):
                path = "/v1/arrays" if "parameters" in body else "/v1/workloads"
                given = asked.post(path, json={"command": ["true"], "queue": "reds", **body}, headers=header)
                allowed = own and role in WHO["hand in"]
                assert given.status_code == (201 if allowed else 403), (role, project, path, given.text)
            seen = asked.get("/v1/queues/reds", headers=header)
            assert seen.status_code == (200 if own and role in WHO["look"] else 403), (role, project)
            listed = [queue["name"] for queue in asked.get("/v1/queues", headers=header).json()]
            assert listed == {"*": ["line", "reds"], "red": ["reds"]}.get(project, []), (role, project)


def test_work_in_a_queue_of_a_project_belongs_to_it(database: Database, tmp_path: Path) -> None:
    in_force(database)
    red = client(database, tmp_path, token(database, ("data-scientist", "red")))
    blue = client(database, tmp_path, token(database, ("data-scientist", "blue")))
    job = {"command": ["true"], "queue": "reds", "name": "ours"}
    assert red.post("/v1/workloads", json=job).status_code == 201
    assert [entry["name"] for entry in red.get("/v1/queues/reds").json()["entries"]] == ["ours"]
    assert red.get("/v1/workloads/ours").status_code == 200
    for method, path in (("GET", ""), ("POST", "/stop"), ("DELETE", "")):
        assert blue.request(method, f"/v1/workloads/ours{path}").status_code == 404
    assert red.post("/v1/workloads/ours/stop").json() == {"changed": True}
    both = client(database, tmp_path, token(database, ("data-scientist", "*")))
    given = both.post("/v1/workloads", json={**job, "name": "theirs", "use_case": "blue"})
    assert given.status_code == 422
    assert "queue reds is of the project red" in given.text


@pytest.mark.parametrize(
    "shown", [None, "", "nonsense", "situs_", "situs_000000000000_x", "situs_x", "Basic abc", "situs_é_ü"]
)
def test_who_is_not_known_gets_nothing(database: Database, tmp_path: Path, shown: str | None) -> None:
    asked = client(database, tmp_path)
    header = {} if shown is None else {b"Authorization": f"Bearer {shown}".encode()}
    for path in ("/v1/me", "/v1/overview", "/v1/tokens"):
        given = asked.get(path, headers=header)  # type: ignore[arg-type]
        assert given.status_code == 401
        assert given.headers["WWW-Authenticate"].startswith("Bearer")
        assert given.headers["Content-Type"] == "application/problem+json"


def test_a_token_ends_when_it_is_revoked_or_its_time_is_over(database: Database, tmp_path: Path) -> None:
    admin = client(database, tmp_path, token(database, ("admin", "*"), name="root"))
    made = admin.post(
        "/v1/tokens", json={"name": "ci", "grants": [{"role": "viewer", "project": "red"}], "days": 3}
    )
    assert made.status_code == 201
    shown, identity = made.json()["token"], made.json()["known"]["id"]
    other = client(database, tmp_path, shown)
    assert other.get("/v1/me").json() == {
        "name": "ci", "grants": [{"role": "viewer", "project": "red"}], "token": identity,
    }  # fmt: skip
    assert admin.delete(f"/v1/tokens/{identity}").json() == {"changed": True}
    assert other.get("/v1/me").status_code == 401
    assert admin.delete(f"/v1/tokens/{identity}").json() == {"changed": False}
    assert admin.delete("/v1/tokens/none").status_code == 404
    late = token(database, ("viewer", "*"))
    with database.write() as connection:
        known = tokens.found(connection, late)
        assert known is not None
        past = known.created - timedelta(seconds=1)
        connection.execute(update(tokens_table).where(tokens_table.c.id == known.id).values(expires=past))
    assert client(database, tmp_path, late).get("/v1/me").status_code == 401
    with database.read() as connection:
        said = [(event.by, event.text) for event in events.newest(connection, 10) if event.kind == "token"]
        kept = str([vars(token_) for token_ in tokens.everything(connection)])
    assert any(by == "root" and "ci is revoked" in text for by, text in said)
    secret = shown.split("_", 2)[2]
    assert secret not in kept and secret not in str(said) and secret not in admin.get("/v1/tokens").text


def test_whoever_asks_too_often_is_told_when_to_come_back(database: Database, tmp_path: Path) -> None:
    shown, other = token(database, ("viewer", "*")), token(database, ("viewer", "*"))
    asked = client(database, tmp_path, shown, pace=Pace(0.001, 3))
    assert [asked.get("/v1/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    given = asked.get("/v1/me")
    assert int(given.headers["Retry-After"]) > 100
    assert asked.get("/v1/me", headers={"Authorization": f"Bearer {other}"}).status_code == 200


def test_the_owner_needs_no_token_at_the_socket(database: Database, tmp_path: Path) -> None:
    asked = client(database, tmp_path, owner="ann")
    assert asked.get("/v1/me").json() == {
        "name": "ann",
        "grants": [{"role": "admin", "project": "*"}],
        "token": None,
    }
