"""Logging in to a server that runs, at a real OpenID provider or by a token, and what is kept of it."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from situs.api.oidc import trust
from situs.api.serve import Api, listen
from situs.store.database import Database
from tests.api.asked import in_force, token
from tests.api.issuer import running, walked
from tests.api.test_serving import free_port
from tests.cli.conftest import Call
from tests.store.databases import migrated

ROOT = Path(__file__).parents[2]
GRANTS = ["red=data-scientist@red", "boss=approver"]


@contextmanager
def served(database: Database, folder: Path, issuer: str | None = None) -> Iterator[str]:
    """A control plane that answers at an address; gives it."""
    port = free_port()
    api = Api(database, folder, "root", lambda _: None)
    api.on(
        listen(f"127.0.0.1:{port}", None, None), trust(issuer, "situs", GRANTS, "groups") if issuer else None
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        api.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "situs"
    made.mkdir()
    return made


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    """What is asked here is the same over any database."""
    made = migrated(folder / "control.db")
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "settings" / "situs"


def kept(settings: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((settings / "servers" / f"{name}.json").read_text())
    return found


@contextmanager
def situs(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, which is ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "situs.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_person_logs_in_by_a_code_and_out_again(
    database: Database, folder: Path, settings: Path, call: Call
) -> None:
    in_force(database)
    with running() as issuer, served(database, folder, issuer) as url:
        with situs("login", url, "--name", "prod") as login:
            assert login.stderr is not None
            page = login.stderr.readline().split()[1]
            with httpx.Client() as browser:
                walked(browser, page, "ann.red")
            out, err = login.communicate(timeout=60)
            assert login.returncode == 0, err
        assert out.startswith("logged in to prod as ann.red: data-scientist in red\n")
        path = settings / "servers" / "prod.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        told = kept(settings, "prod")
        assert not {told["token"], told["refresh"]} & set(out.split())
        who = call("whoami", "--json")
        assert (who.json["server"], who.json["name"]) == ("prod", "ann.red")
        assert who.json["grants"] == [{"role": "data-scientist", "project": "red"}]
        assert call("whoami", "--server", "local", "--json").json["server"] is None
        assert call("logout", "--json").json == {"server": "prod", "told": True}
        assert not path.exists()
        again = {"grant_type": "refresh_token", "refresh_token": told["refresh"], "client_id": "situs"}
        assert httpx.post(f"{issuer}/token", data=again).json()["error"] == "invalid_grant"
        assert call("whoami", "--server", "prod").code == 2
        assert call("logout").code == 2


@pytest.mark.slow
def test_who_says_no_in_the_browser_is_not_logged_in(
    database: Database, folder: Path, settings: Path, call: Call
) -> None:
    with running() as issuer, served(database, folder, issuer) as url, situs("login", url) as login:
        assert login.stderr is not None
        page = login.stderr.readline().split()[1]
        with httpx.Client() as browser:
            walked(browser, page, "ann.red", refuses=True)
        _, err = login.communicate(timeout=60)
        assert login.returncode == 1
        assert "it was refused in the browser" in err
        assert not settings.exists()


@pytest.mark.slow
def test_a_person_logs_in_in_the_browser_of_the_machine(
    database: Database, folder: Path, settings: Path, call: Call
) -> None:
    browser = f"{sys.executable} -m tests.api.issuer eva.boss %s"
    with running(devices=False) as issuer, served(database, folder, issuer) as url:
        with situs("login", url, "--json", BROWSER=browser) as login:
            out, err = login.communicate(timeout=60)
        assert login.returncode == 0, err
        assert json.loads(out)["name"] == "eva.boss"
        name = json.loads(out)["server"]
        assert kept(settings, name)["refresh"]
        # Whoever calls the port without what the login began with is nobody.
        with situs("login", url, BROWSER="true") as login:
            assert login.stderr is not None
            page = httpx.URL(login.stderr.readline().split()[-1])
            back = page.params["redirect_uri"]
            assert httpx.get(back, params={"code": "x", "state": "guessed"}).status_code == 404
            assert (
                httpx.get(back, params={"error": "server_error", "state": page.params["state"]}).status_code
                == 200
            )
            _, err = login.communicate(timeout=60)
        assert login.returncode == 1
        assert "not logged in: server_error" in err


@pytest.mark.slow
def test_a_login_is_renewed_once_however_many_ask(
    database: Database, folder: Path, settings: Path, call: Call
) -> None:
    browser = f"{sys.executable} -m tests.api.issuer ann.red %s"
    with running(good_s=50) as issuer, served(database, folder, issuer) as url:
        with situs("login", url, "--name", "prod", "--browser", BROWSER=browser) as login:
            assert login.wait(60) == 0
        first = kept(settings, "prod")
        commands = [situs("whoami", "--json") for _ in range(3)]
        with commands[0] as one, commands[1] as two, commands[2] as three:
            for each in (one, two, three):
                out, err = each.communicate(timeout=60)
                assert each.returncode == 0, err
                assert json.loads(out)["name"] == "ann.red"
        assert kept(settings, "prod")["refresh"] != first["refresh"]
        # Who is not known to the issuer any more has to log in again.
        body = {"token": kept(settings, "prod")["refresh"], "client_id": "situs"}
        httpx.post(f"{issuer}/token/revocation", data=body).raise_for_status()
        done = call("whoami")
        assert done.code == 1
        assert f"situs login {url}" in done.err


@pytest.mark.slow
def test_a_token_of_situs_is_taken_from_a_file_or_from_standard_input(
    database: Database,
    folder: Path,
    settings: Path,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shown = token(database, ("viewer", "*"), name="ci")
    file = tmp_path / "token"
    file.write_text(f"{shown}\n")
    with served(database, folder) as url:
        done = call("login", url, "--name", "prod", "--token-file", file)
        assert (done.code, done.err) == (0, "")
        assert "ci: viewer in all projects" in done.out
        assert shown not in done.out
        monkeypatch.setattr(sys, "stdin", io.StringIO(shown))
        assert call("login", "prod", "--name", "again", "--token-file", "-").code == 0
        assert kept(settings, "again")["token"] == shown
        assert call("--lang", "de", "whoami").out.startswith("ci bei again")
        assert call("whoami", "--server", url, "--json").json["server"] == "again"
        file.write_text("situs_000000000000_x")
        refused = call("login", url, "--name", "new", "--token-file", file)
        assert refused.code == 1
        assert "does not know you" in refused.err
        assert not (settings / "servers" / "new.json").exists()
        file.write_text("two words")
        assert call("login", url, "--token-file", file).code == 2
        tokens_alone = call("login", url)
        assert tokens_alone.code == 2
        assert "--token-file FILE" in tokens_alone.err
        assert call("login", "https://other.example.org", "--name", "prod", "--token-file", file).code == 2
        monkeypatch.setenv("SITUS_SERVER", url)
        monkeypatch.setenv("SITUS_TOKEN", shown)
        assert call("logout", "prod").code == call("logout", "again").code == 0
        assert call("whoami", "--json").json["name"] == "ci"
    gone = call("whoami")
    assert gone.code == 1
    assert "does not answer" in gone.err


@pytest.mark.slow
def test_a_certificate_is_verified(
    database: Database, folder: Path, settings: Path, call: Call, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here: apt-get install openssl")
    certificate, key, port = tmp_path / "cert.pem", tmp_path / "key.pem", free_port()
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    api = Api(database, folder, "root", lambda _: None)
    api.on(listen(f"127.0.0.1:{port}", certificate, key))
    file, url = folder / "api-token", f"https://127.0.0.1:{port}"
    try:
        done = call("login", url, "--token-file", file)
        assert done.code == 1
        assert "does not trust" in done.err
        assert not settings.exists(), "nothing is shown to whom nobody trusts"
        assert call("login", url, "--token-file", file, "--ca", file).code == 2
        assert call("login", url, "--token-file", file, "--ca", certificate).code == 0
        assert call("whoami", "--json").json["name"] == "root"
    finally:
        api.stop()
    assert call("login", "http://situs.example.org", "--token-file", file).code == 2
