"""People of an organisation, vouched for by a real OpenID provider, and by nobody else."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from situs.api.app import application
from situs.api.oidc import Login, trust
from situs.model.error import InputError
from situs.store.database import Database
from tests.api.asked import FAST, in_force
from tests.api.issuer import logged_in, running
from tests.api.test_serving import free_port


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that runs."""
    with running() as address:
        yield address


def asked(database: Database, folder: Path, issuer: str, shown: str) -> TestClient:
    grants = ["red=data-scientist@red", "boss=approver", "boss=viewer@blue"]
    login = Login(trust(issuer, "situs", grants, "groups"))
    made = TestClient(application(database, folder, None, FAST, login), raise_server_exceptions=False)
    made.headers["Authorization"] = f"Bearer {shown}"
    return made


@pytest.mark.slow
def test_who_logged_in_has_the_roles_of_the_groups(database: Database, tmp_path: Path, issuer: str) -> None:
    in_force(database)
    ann = asked(database, tmp_path, issuer, logged_in(issuer, "ann.red"))
    assert ann.get("/v1/me").json()["name"] == "ann.red"
    assert [item["name"] for item in ann.get("/v1/workloads").json()["items"]] == ["one"]
    assert ann.post("/v1/workloads/one/stop").status_code == 422, "it may; but the plan would start it again"
    assert ann.post("/v1/workloads/two/stop").status_code == 404
    assert ann.get("/v1/overview").json()["is_whole"] is False
    assert ann.get("/v1/sites").status_code == 403
    boss = asked(database, tmp_path, issuer, logged_in(issuer, "eva.boss"))
    assert boss.get("/v1/overview").status_code == 200
    assert boss.post("/v1/rollback", json={}).status_code == 422
    nobody = asked(database, tmp_path, issuer, logged_in(issuer, "tom.others"))
    assert nobody.get("/v1/me").json()["grants"] == []
    assert nobody.get("/v1/workloads").status_code == 403


@pytest.mark.slow
def test_what_the_issuer_did_not_give_for_us_is_not_good(
    database: Database, tmp_path: Path, issuer: str
) -> None:
    good = logged_in(issuer, "ann.red")
    head, body, signature = good.split(".")
    changed = bytearray(base64.urlsafe_b64decode(body + "=="))
    changed[changed.index(b"red")] = ord("b")
    other = base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")
    now, own = int(time.time()), ECKey.generate_key("P-256")
    claims = {"iss": issuer, "aud": "situs", "sub": "ann", "iat": now, "exp": now + 60, "groups": ["boss"]}
    keys = httpx.get(f"{issuer}/jwks").text.encode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    forged = {
        "for another client": logged_in(issuer, "ann.red", "other"),
        "changed": f"{head}.{other}.{signature}",
        "unsigned": f"{none}.{body}.",
        "by another key": jwt.encode({"alg": "ES256"}, claims, own),
        "by what everybody knows": jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(keys)),
        "nonsense": "a.b.c",
        "too much": "x" * 20_000,
    }
    for what, shown in forged.items():
        assert asked(database, tmp_path, issuer, shown).get("/v1/me").status_code == 401, what
    assert asked(database, tmp_path, issuer, good).get("/v1/me").status_code == 200


def test_an_issuer_that_does_not_answer_is_said(database: Database, tmp_path: Path) -> None:
    given = asked(database, tmp_path, f"http://127.0.0.1:{free_port()}", "a.b.c").get("/v1/me")
    assert given.status_code == 503
    assert "cannot be asked for its keys" in given.json()["detail"]


def test_what_is_said_of_an_issuer_must_be_meant() -> None:
    for issuer, grant in (
        ("http://example.org", "a=viewer"),
        ("https://example.org", "a=king"),
        ("https://x", "=viewer"),
    ):
        with pytest.raises(InputError):
            trust(issuer, "situs", [grant], "groups")
