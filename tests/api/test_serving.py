"""Answering at real sockets: the owner's alone, this machine's with a token, and elsewhere with TLS or not at all."""

from __future__ import annotations

import shutil
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from situs.api.serve import SOCKET, TOKEN, Api, listen
from situs.model.error import InputError
from situs.store import tokens
from situs.store.database import Database
from tests.api.asked import in_force
from tests.control.plane import until
from tests.store.databases import migrated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "situs"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def api(folder: Path) -> Iterator[Api]:
    database = in_force(migrated(folder / "control.db"))
    made = Api(database, folder, "ann", lambda _: None)
    yield made
    made.stop()
    database.close()


def at_socket(folder: Path) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(folder / SOCKET)), base_url="http://situs")


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_socket_is_the_owners_alone(api: Api, folder: Path) -> None:
    api.on_socket()
    assert mode(folder / SOCKET) == 0o600
    with at_socket(folder) as asked:
        until(lambda: asked.get("/v1/me").status_code == 200, "it answers")
        assert asked.get("/v1/me").json()["name"] == "ann"
        assert "server" not in asked.get("/v1/me").headers
    other = Api(Database(str(folder / "control.db")), folder, "bob", lambda _: None)
    other.on_socket()
    with at_socket(folder) as asked:
        assert asked.get("/v1/me").json()["name"] == "ann", "the one that answers goes on"
    other.stop()


def test_a_socket_that_a_dead_process_left_is_taken_over(api: Api, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / SOCKET))
    api.on_socket()
    with at_socket(folder) as asked:
        until(lambda: asked.get("/v1/me").status_code == 200, "it answers")


def test_on_this_machine_a_token_is_in_a_file_of_the_owner(api: Api, folder: Path) -> None:
    port = free_port()
    api.on(listen(f"127.0.0.1:{port}", None, None))
    shown = (folder / TOKEN).read_text().strip()
    assert mode(folder / TOKEN) == 0o600
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as asked:
        until(lambda: asked.get("/v1/me").status_code == 401, "it answers, and asks for a token")
        assert asked.get("/v1/me", headers={"Authorization": f"Bearer {shown}"}).json()["name"] == "ann"
    again = Api(Database(str(folder / "control.db")), folder, "ann", lambda _: None)
    again.on(listen(f"127.0.0.1:{free_port()}", None, None))
    assert (folder / TOKEN).read_text().strip() == shown, "the token is good for longer than a process"
    again.stop()
    with pytest.raises(InputError, match="take another port"):
        api.on(listen(f"127.0.0.1:{port}", None, None))


def test_a_token_file_that_is_no_longer_good_is_made_anew(api: Api, folder: Path) -> None:
    api.on(listen(f"127.0.0.1:{free_port()}", None, None))
    database = Database(str(folder / "control.db"))
    shown = (folder / TOKEN).read_text().strip()
    with database.write() as connection:
        known = tokens.found(connection, shown)
        assert known is not None
        tokens.revoke(connection, known.id, "ann")
    api.on(listen(f"127.0.0.1:{free_port()}", None, None))
    assert (folder / TOKEN).read_text().strip() != shown


@pytest.mark.parametrize("text", ["0.0.0.0:8420", "example.org:8420", "192.0.2.1:8420", "[::]:8420"])
def test_nothing_crosses_a_network_in_the_open(text: str) -> None:
    with pytest.raises(InputError, match="--tls-cert and --tls-key"):
        listen(text, None, None)


@pytest.mark.parametrize("text", ["8420", "host", "host:", ":8420", "host:x", "host:0", "host:70000"])
def test_an_address_that_is_none_is_said(text: str) -> None:
    with pytest.raises(InputError, match="HOST:PORT"):
        listen(text, None, None)


def test_the_halves_of_a_certificate_belong_together(tmp_path: Path) -> None:
    (tmp_path / "c").touch()
    with pytest.raises(InputError, match="together"):
        listen("127.0.0.1:1", tmp_path / "c", None)
    with pytest.raises(InputError, match="there is no file"):
        listen("127.0.0.1:1", tmp_path / "c", tmp_path / "k")


@pytest.mark.slow
def test_elsewhere_it_answers_by_tls_alone(api: Api, folder: Path, tmp_path: Path) -> None:
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
    api.on(listen(f"0.0.0.0:{port}", certificate, key))
    assert not (folder / TOKEN).exists(), "elsewhere nobody is the owner"
    with httpx.Client(verify=ssl.create_default_context(cafile=str(certificate))) as asked:
        until(lambda: asked.get(f"https://127.0.0.1:{port}/v1/me").status_code == 401, "it answers")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/v1/me")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"https://127.0.0.1:{port}/v1/me")


def test_it_ends_although_somebody_reads_along(api: Api, folder: Path) -> None:
    api.on_socket()
    with at_socket(folder) as asked:
        until(lambda: asked.get("/v1/me").status_code == 200, "it answers")
        with asked.stream("GET", "/v1/events/stream") as stream:
            assert next(stream.iter_lines()) == ": here"
            api.stop()
    assert not any(thread.is_alive() for thread in api._threads)
