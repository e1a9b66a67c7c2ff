"""Secrets of what is handed in over HTTP: as references alone, and none that are somebody else's or the machine's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.api.asked import client, in_force, token
from tests.control.plane import Plane, estate, until
from tests.store.databases import migrated

CASE = {"owner": "x", "value": "1 EUR/month"}
SHOW = "import hashlib, os; print(hashlib.sha256(os.environ['IT'].encode()).hexdigest(), flush=True)"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    written = estate({}, use_cases={"red": CASE, "blue": CASE})
    made = Plane(migrated(tmp_path / "control.db"), tmp_path / "situs", written)
    made.apply({})
    yield made
    made.end_all()


def keep(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def hand_in(asked: TestClient, name: str, secret: str, project: str = "red") -> int:
    job = {"name": name, "command": ["python3", "-c", SHOW], "use_case": project, "secrets": {"IT": secret}}
    return asked.post("/v1/workloads", json=job).status_code


@pytest.mark.slow
def test_a_reference_reaches_what_is_ones_own_and_nothing_else(
    plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hashlib import sha256

    ours, theirs, of_all, of_host = (f"canary-{uuid4().hex}" for _ in range(4))
    keep(plane.folder / "secrets" / "red" / "key", ours)
    keep(plane.folder / "secrets" / "blue" / "key", theirs)
    keep(tmp_path / "host-only", of_host)
    (plane.folder / "secrets" / "red" / "link").symlink_to(tmp_path / "host-only")
    monkeypatch.setenv("SITUS_SECRET_FOR_ALL", of_all)
    monkeypatch.setenv("HOST_TOKEN", of_host)
    red = client(plane.database, plane.folder, token(plane.database, ("data-scientist", "red"), name="ann"))
    good = {"mine": ("file:key", ours), "shared": ("env:FOR_ALL", of_all)}
    bad = {
        "shadow": "file:/etc/shadow", "host": f"file:{tmp_path / 'host-only'}", "link": "file:link",
        "up": "file:../blue/key", "down": "file:blue/key", "whole": f"file:{plane.folder / 'secrets/blue/key'}",
        "tokens": f"file:{plane.folder / 'control.db'}", "host-env": "env:HOST_TOKEN", "path": "env:PATH",
    }  # fmt: skip
    for name, secret in [*((name, ref) for name, (ref, _) in good.items()), *bad.items()]:
        assert hand_in(red, name, secret) == 201, name
    with plane.leading():
        for name, (_, canary) in good.items():
            until(lambda: red.get(f"/v1/workloads/{name}/logs").json().get("text"), f"{name} has told")  # noqa: B023
            text = red.get(f"/v1/workloads/{name}/logs").json()["text"]
            assert text.strip() == sha256(canary.encode()).hexdigest()
        for name in bad:
            until(
                lambda: "secret IT" in red.get(f"/v1/workloads/{name}").text,  # noqa: B023
                f"{name} is not started",
            )
    said = "".join(red.get(f"/v1/workloads/{name}{part}").text for name in bad for part in ("", "/history"))
    kept = b"".join(
        path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file() and "secrets" not in path.parts and path.name != "host-only"
    )
    for canary in (ours, theirs, of_all, of_host):
        assert canary not in said
        assert canary.encode() not in kept


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """One who may hand in for ``red``; what is refused changes nothing."""
    folder = tmp_path_factory.mktemp("api")
    database = in_force(migrated(folder / "control.db"))
    return client(database, folder, token(database, ("data-scientist", "red")))


def test_nobody_hands_in_for_a_project_that_is_not_theirs(red: TestClient) -> None:
    assert hand_in(red, "x", "file:key", "blue") == 403


@pytest.mark.parametrize(
    "secret", ["hunter2", "", "vault:kv/blue/db#password", "vault:red/blue/db#password",
               "vault:kv/red/../blue/db#password", "vault:kv/./red/db#password"],
)  # fmt: skip
def test_what_is_no_reference_of_ones_own_is_refused_and_not_shown(red: TestClient, secret: str) -> None:
    job = {"command": ["true"], "use_case": "red", "secrets": {"IT": secret}}
    given = red.post("/v1/workloads", json=job)
    assert given.status_code == 422
    assert not secret or secret not in given.text


def test_a_secret_that_is_written_out_is_refused_and_not_shown(red: TestClient) -> None:
    secret = "ghp_" + uuid4().hex + "abcd"
    for body in ({"command": ["x", f"--token={secret}"]}, {"command": ["x"], "env": {"IT": secret}}):
        given = red.post("/v1/workloads", json={**body, "use_case": "red"})
        assert given.status_code == 422 and "seems to be a secret" in given.json()["detail"]
        assert secret not in given.text
