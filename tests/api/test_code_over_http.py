"""Code that is sent before it is run: in parts, once, by who has it; and only what situs would have packed."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from situs.control.shipping import snapshot, uploads
from situs.control.shipping.checking import check
from situs.control.shipping.listing import MOST_FILES
from situs.control.shipping.snapshot import LARGEST_BYTES
from situs.model.error import InputError
from situs.store import plans
from situs.store.database import Database
from tests.api.asked import client, in_force, token


def names(content: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "sha512": hashlib.sha512(content).hexdigest()}


def put(asked: TestClient, whole: bytes, offset: int, part: bytes, digest: str | None = None) -> Any:
    path = f"/v1/code/{digest or names(whole)['sha256']}"
    header = {"Content-Type": "application/octet-stream"}
    return asked.put(path, params={"size": len(whole), "offset": offset}, content=part, headers=header)


def is_kept(database: Database, content: bytes) -> bool:
    try:
        with database.read() as connection:
            return plans.content(connection, names(content)["sha256"]) == content
    except InputError:
        return False


def left(folder: Path) -> list[Path]:
    return list((folder / "uploads").glob("*"))


@pytest.fixture
def code(tmp_path: Path) -> bytes:
    folder = tmp_path / "code"
    (folder / "deep").mkdir(parents=True)
    (folder / "main.py").write_text("print('sent before')")
    (folder / "deep" / "tool").write_text("#!/bin/sh\n")
    (folder / "deep" / "tool").chmod(0o755)
    (folder / "deep" / "up").symlink_to("../main.py")
    return snapshot(folder).archive


def test_it_is_sent_in_parts_goes_on_where_it_was_and_is_never_sent_again(
    database: Database, tmp_path: Path, code: bytes
) -> None:
    in_force(database)
    asked = client(database, tmp_path, token(database, ("data-scientist", "red")))
    assert asked.post("/v1/code", json=names(code)).json() == {"whole": False, "bytes": 0}
    assert put(asked, code, 0, code[:100]).json() == {"whole": False, "bytes": 100}
    again = put(asked, code, 0, code[:100])
    assert again.status_code == 409 and "100 bytes of the code are here" in again.json()["detail"]
    # Another process, as after a restart, knows how far it was.
    other = client(database, tmp_path, asked.headers["Authorization"].split()[1])
    assert other.post("/v1/code", json=names(code)).json() == {"whole": False, "bytes": 100}
    assert not is_kept(database, code)
    job = {"name": "early", "command": ["python3", "main.py"], "use_case": "red", "code": names(code)}
    refused = asked.post("/v1/workloads", json=job)
    assert refused.status_code == 422 and "send it first" in refused.json()["detail"]
    assert put(other, code, 100, code[100:]).json() == {"whole": True, "bytes": len(code)}
    assert is_kept(database, code) and left(tmp_path) == []
    assert asked.post("/v1/code", json=names(code)).json() == {"whole": True, "bytes": 0}
    assert asked.post("/v1/workloads", json={**job, "name": "now"}).status_code == 201
    both = {**job, "name": "both", "files": {"main.py": ""}}
    assert asked.post("/v1/workloads", json=both).status_code == 422


def test_who_only_knows_its_name_neither_gets_it_nor_learns_that_it_is_here(
    database: Database, tmp_path: Path, code: bytes
) -> None:
    in_force(database)
    mine = client(database, tmp_path, token(database, ("data-scientist", "red"), name="mine"))
    other = client(database, tmp_path, token(database, ("data-scientist", "blue"), name="other"))
    assert put(mine, code, 0, code[:50]).status_code == 200
    assert other.post("/v1/code", json=names(code)).json() == {"whole": False, "bytes": 0}
    assert put(mine, code, 50, code[50:]).json()["whole"]
    guessed = {**names(code), "sha512": "0" * 128}
    assert other.post("/v1/code", json=guessed).json() == {"whole": False, "bytes": 0}
    job = {"name": "theft", "command": ["sh"], "use_case": "blue", "code": guessed}
    assert other.post("/v1/workloads", json=job).status_code == 422
    viewer = client(database, tmp_path, token(database, ("viewer", "*")))
    assert viewer.post("/v1/code", json=names(code)).status_code == 403
    assert put(viewer, code, 0, code).status_code == 403
    assert client(database, tmp_path).post("/v1/code", json=names(code)).status_code == 401


def test_what_is_not_what_was_said_is_not_kept(database: Database, tmp_path: Path, code: bytes) -> None:
    asked = client(database, tmp_path, token(database, ("data-scientist", "*")))
    wrong = names(b"something else")["sha256"]
    given = put(asked, code, 0, code, wrong)
    assert given.status_code == 422 and "does not have the SHA-256" in given.json()["detail"]
    assert not is_kept(database, code) and left(tmp_path) == []
    for digest in ("..%2f..%2fcontrol.db", "g" * 64, wrong[:63]):
        assert put(asked, code, 0, code, digest).status_code in (404, 422)
    assert put(asked, code, 0, b"").status_code == 422
    assert put(asked, code, 0, code + b"x").status_code == 422
    assert put(asked, code, len(code), code[:1]).status_code == 422
    large = {"size": uploads.LARGEST_BYTES + 1, "offset": 0}
    assert asked.put(f"/v1/code/{wrong}", params=large, content=b"x").status_code == 422
    assert put(asked, bytes(30 << 20), 0, bytes(25 << 20)).status_code == 413
    assert left(tmp_path) == [] and sorted(tmp_path.glob("**/*.db")) == sorted(tmp_path.glob("control.db"))


def test_one_who_begins_much_and_ends_nothing_is_stopped_and_forgotten(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = client(database, tmp_path, token(database, ("data-scientist", "*"), name="many"))
    other = client(database, tmp_path, token(database, ("data-scientist", "*"), name="few"))
    for number in range(uploads.AT_ONCE):
        assert put(asked, bytes([number]) * 10, 0, bytes([number])).status_code == 200
    full = put(asked, b"one more..", 0, b"o")
    assert full.status_code == 429 and "Retry-After" in full.headers
    assert put(other, b"one more..", 0, b"o").status_code == 200
    monkeypatch.setattr(uploads, "KEPT_S", -1.0)
    assert put(asked, b"one more..", 0, b"o").status_code == 200
    assert len(left(tmp_path)) == 1


def packed(*entries: tuple[tarfile.TarInfo, bytes], more: bytes = b"") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in entries:
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(made.getvalue() + more, 1)


def file(name: str, content: bytes = b"x", **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    for field, value in more.items():
        setattr(entry, field, value)
    return entry, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return file(name, b"", type=kind, linkname=target)


SPARSE = {
    "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a", "GNU.sparse.realsize": "99999999999",
}  # fmt: skip
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "upwards": (lambda: packed(file("../../etc/passwd")), "not a path in its folder"),
    "hidden upwards": (lambda: packed(file("a/../../b")), "not a path in its folder"),
    "absolute": (lambda: packed(file("/etc/passwd")), "not a path in its folder"),
    "otherwise written": (lambda: packed(file("./a")), "not a path in its folder"),
    "link to elsewhere": (lambda: packed(link("a", "/etc")), "leads out"),
    "link upwards": (lambda: packed(link("a/b", "../../c")), "leads out"),
    "link by another": (lambda: packed(link("a/b/s", "../.."), link("a/b/t", "s/../..")), "leads out"),
    "through a link": (lambda: packed(link("a", "b"), file("a/c")), "below what is no folder"),
    "through a file": (lambda: packed(file("a"), file("a/c")), "below what is no folder"),
    "hard link": (lambda: packed(link("a", "/etc/shadow", tarfile.LNKTYPE)), "neither a file nor"),
    "device": (lambda: packed(link("a", "", tarfile.CHRTYPE)), "neither a file nor"),
    "folder": (lambda: packed(link("a", "", tarfile.DIRTYPE)), "neither a file nor"),
    "rights of root": (lambda: packed(file("a", mode=0o4755)), "owner or rights"),
    "of somebody": (lambda: packed(file("a", uid=1000)), "owner or rights"),
    "twice": (lambda: packed(file("a"), file("a", b"y")), "two files"),
    "sparse": (lambda: packed(file("a", b"1\n0\n9999999999\n", pax_headers=SPARSE)), "neither a file nor"),
    "bomb": (lambda: packed(file("a", bytes(LARGEST_BYTES + 1))), "more than the 64 MiB"),
    "bomb behind the end": (lambda: packed(file("a"), more=bytes(200 << 20)), "more than the 64 MiB"),
    "something behind the end": (lambda: packed(file("a"), more=b"echo" * 3000), "behind its end"),
    "too many": (lambda: packed(*(file(str(k), b"") for k in range(MOST_FILES + 1))), "20,000 files"),
    "no archive": (lambda: b"#!/bin/sh\n", "no archive"),
    "cut off": (lambda: packed(file("a", bytes(100_000)))[:-20], "no archive"),
    "text in gzip": (lambda: gzip.compress(b"words" * 1000), "no archive"),
}  # fmt: skip


@pytest.mark.parametrize("which", HOSTILE)
def test_what_situs_would_not_have_packed_is_refused(database: Database, tmp_path: Path, which: str) -> None:
    make, said = HOSTILE[which]
    content = make()
    with pytest.raises(InputError, match=said):
        check(content)
    asked = client(database, tmp_path, token(database, ("data-scientist", "*")))
    given = put(asked, content, 0, content)
    assert given.status_code == 422, given.text
    assert given.headers["Content-Type"] == "application/problem+json"
    assert not is_kept(database, content) and left(tmp_path) == []


def test_what_situs_packs_is_taken(code: bytes) -> None:
    assert check(code) == ("deep/tool", "deep/up", "main.py")


def test_a_place_is_looked_for_and_told_of_without_its_code(database: Database, tmp_path: Path) -> None:
    in_force(database)
    asked = client(database, tmp_path, token(database, ("data-scientist", "*")))
    job = {"command": ["python3", "main.py"], "hours": 2.0, "name": "one-more", "dry_run": True}
    looked = asked.post("/v1/workloads", json=job)
    assert looked.status_code == 200
    told = looked.json()
    assert (told["name"], told["fit"], told["site"], told["hours"]) == ("one-more", "now", "a", 2.0)
    assert told["per_hour"] is not None and isinstance(told["estimate"], str)
    only = asked.post("/v1/workloads", json={**job, "sites": ["b"]}).json()
    assert (only["site"], told["refused"]) == ("b", [])
    assert asked.post("/v1/workloads", json={**job, "sites": ["nowhere"]}).status_code == 422
    assert asked.post("/v1/workloads", json={**job, "sites": ["a"], "queue": "line"}).status_code == 422
    many = asked.post("/v1/arrays", json={**job, "parameters": [{"lr": 1}, {"lr": 2}]})
    assert (many.status_code, many.json()["name"]) == (200, "one-more")
    huge = {**job, "cpu": 1000.0}
    assert asked.post("/v1/workloads", json=huge).json()["fit"] == "never"
    refused = asked.post("/v1/workloads", json={**huge, "dry_run": False})
    assert refused.status_code == 409 and refused.json()["place"]["fit"] == "never"
    assert asked.get("/v1/workloads").json()["items"] == [
        {"name": name, "project": project} for name, project in (("one", "red"), ("three", "default"), ("two", "blue"))
    ]  # fmt: skip
