"""People of an organisation, vouched for by a real OpenID provider, and by nobody else."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

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
from tests.api.test_serving import free_port
from tests.control.plane import until

PACKAGES = Path(os.environ.get("SITUS_OIDC_PROVIDER", Path(__file__).parents[2] / ".venv" / "oidc"))
BACK = "http://127.0.0.1:1/back"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that runs."""
    if shutil.which("node") is None or not (PACKAGES / "node_modules" / "oidc-provider").exists():
        pytest.skip("no OpenID provider here: apt-get install nodejs npm, and make provider")
    port = free_port()
    script = PACKAGES / "provider.mjs"
    shutil.copy(Path(__file__).parent / "provider" / "provider.mjs", script)
    process = subprocess.Popen(["node", script, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(address), "the provider answers")
        yield address
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/.well-known/openid-configuration").status_code == 200
    except httpx.TransportError:
        return False


def logged_in(issuer: str, person: str, client: str = "situs") -> str:
    """What a person's browser gets from logging in: an ID token, by code and PKCE."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "client_id": client, "redirect_uri": BACK, "response_type": "code", "scope": "openid groups",
        "code_challenge": challenge, "code_challenge_method": "S256", "state": "s", "nonce": "n",
    }  # fmt: skip
    with httpx.Client() as browser:
        page = browser.get(f"{issuer}/auth", params=asked)
        for _ in range(20):
            if page.is_redirect:
                target = urljoin(str(page.url), page.headers["location"])
                if target.startswith(BACK):
                    break
                page = browser.get(target)
                continue
            action = re.search(r'action="([^"]+)"', page.text)
            assert action is not None, page.text
            what = "login" if 'name="login"' in page.text else "consent"
            form = (
                {"prompt": what, "login": person, "password": "any"} if what == "login" else {"prompt": what}
            )
            page = browser.post(urljoin(str(page.url), action.group(1)), data=form)
        code = parse_qs(urlsplit(target).query)["code"][0]
        body = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": client,
            "code_verifier": verifier,
        }  # fmt: skip
        return str(browser.post(f"{issuer}/token", data=body).raise_for_status().json()["id_token"])


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
    assert ann.get("/v1/overview").status_code == 403
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
