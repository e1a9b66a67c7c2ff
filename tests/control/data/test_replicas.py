"""Replicas: replaced as a whole or not at all, whoever is killed, writes or reads meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from situs.control.data.replicas import Busy, Replica, Replicas
from situs.control.data.source import Content, copy, source
from situs.model.error import InputError, SitusError
from tests.control.plane import PATIENCE_S, until

PUT = """
import sys
from functools import partial
from pathlib import Path
from situs.control.data.replicas import Replicas
from situs.control.data.source import copy, source
Replicas(Path(sys.argv[1])).replace("office", "patients", partial(copy, source(Path(sys.argv[2]))))
"""


@pytest.fixture
def replicas(tmp_path: Path) -> Replicas:
    return Replicas(tmp_path / "situs")


def folder(path: Path, **files: str) -> Path:
    """A folder with these files, ``sub__a`` for ``sub/a``."""
    for name, text in files.items():
        there = path / name.replace("__", "/")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text)
    return path


def put(replicas: Replicas, path: Path, site: str = "office") -> Replica:
    return replicas.replace(site, "patients", partial(copy, source(path)))


def test_a_file_and_a_folder_take_each_others_place(replicas: Replicas, tmp_path: Path) -> None:
    one = folder(tmp_path, visits="1,2\n") / "visits"
    assert put(replicas, one).sha256 == sha256(b"1,2\n").hexdigest()
    assert replicas.path("office", "patients").read_text() == "1,2\n"
    many = folder(tmp_path / "many", a="1", sub__b="22")
    found = put(replicas, many)
    assert (found.files, found.size_bytes) == (2, 3)
    assert (replicas.path("office", "patients") / "sub" / "b").read_text() == "22"
    assert put(replicas, one) == replicas.find("office", "patients")
    assert replicas.path("office", "patients").read_text() == "1,2\n"
    assert list(replicas.at_sites()) == [("office", "patients")]
    assert replicas.remove("office", "patients")
    assert not replicas.remove("office", "patients")
    assert replicas.find("office", "patients") is None
    # Nothing of any version is left.
    assert not list((tmp_path / "situs").rglob("*[0-9a-f]" * 8))


def test_the_digest_of_a_folder_is_what_coreutils_give(replicas: Replicas, tmp_path: Path) -> None:
    many = folder(tmp_path / "many", b="1", a="2", sub__c="3", **{"B": "4", "ä ö": "5"})
    listing = subprocess.run(
        "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum",
        shell=True, cwd=many, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert put(replicas, many).sha256 == listing.split()[0]


@pytest.mark.slow
def test_who_is_killed_leaves_the_version_before_and_the_next_clears_up(
    replicas: Replicas, tmp_path: Path
) -> None:
    before = put(replicas, folder(tmp_path / "old", a="old"))
    new = folder(tmp_path / "new", **{f"file{number}": "new" * number for number in range(5000)})
    killed = subprocess.Popen([sys.executable, "-c", PUT, str(tmp_path / "situs"), str(new)])
    versions = tmp_path / "situs" / "sites" / "office" / "data" / ".versions" / "patients"
    until(lambda: any(each.is_dir() and any(each.iterdir()) for each in versions.glob(".new-*")), "it copies")
    with pytest.raises(Busy, match="being written at office"):
        put(replicas, tmp_path / "old")
    killed.kill()
    assert killed.wait(PATIENCE_S) == -9
    assert replicas.find("office", "patients") == before
    assert (replicas.path("office", "patients") / "a").read_text() == "old"
    assert list(versions.glob(".new-*"))
    assert put(replicas, new).files == 5000
    assert not list(versions.glob(".new-*"))


def test_what_is_read_stays_until_it_was_read(replicas: Replicas, tmp_path: Path) -> None:
    put(replicas, folder(tmp_path / "old", a="old"))
    with replicas.reading("office", "patients") as path:
        put(replicas, folder(tmp_path / "new", a="new", b="new"))
        assert (path / "a").read_text() == "old"
        with pytest.raises(Busy, match="being read"):
            replicas.remove("office", "patients")
        with replicas.reading("office", "patients") as newest:
            assert (newest / "b").read_text() == "new"
    assert path.exists()
    put(replicas, tmp_path / "new")
    assert not path.exists(), "the next who writes clears it away"


def test_what_fails_changes_nothing(replicas: Replicas, tmp_path: Path) -> None:
    before = put(replicas, folder(tmp_path / "old", a="old"))
    stamp = replicas.changed()

    def broken(path: Path) -> Content:
        path.mkdir()
        (path / "half").write_text("half")
        raise SitusError("the line is cut")

    with pytest.raises(SitusError, match="the line is cut"):
        replicas.replace("office", "patients", broken)
    assert replicas.find("office", "patients") == before
    assert not list((tmp_path / "situs").rglob("half"))
    assert replicas.changed() == stamp


def test_one_who_reads_all_the_time_sees_whole_versions_alone(replicas: Replicas, tmp_path: Path) -> None:
    sources = [folder(tmp_path / word, a=word, b=word) for word in ("one", "two")]
    put(replicas, sources[0])
    over, seen = threading.Event(), set()

    def read() -> None:
        while not over.is_set():
            with replicas.reading("office", "patients") as path:
                seen.add(((path / "a").read_text(), (path / "b").read_text()))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(60):
            put(replicas, sources[number % 2])
    finally:
        over.set()
        reader.join(PATIENCE_S)
    assert seen <= {("one", "one"), ("two", "two")}
    assert seen


def test_data_that_were_laid_there_by_hand_are_read_and_replaced(replicas: Replicas, tmp_path: Path) -> None:
    by_hand = folder(replicas.path("office", "patients"), a="1", b="2")
    found = replicas.find("office", "patients")
    assert found is not None
    assert (found.files, found.size_bytes, found.sha256) == (2, 2, None)
    with replicas.reading("office", "patients") as path:
        assert path == by_hand
    put(replicas, folder(tmp_path / "new", c="3"))
    assert [path.name for path in replicas.path("office", "patients").iterdir()] == ["c"]


def test_what_cannot_be_copied_is_told_before_anything_is(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    linked = folder(tmp_path / "linked", a="1")
    (linked / "elsewhere").symlink_to(tmp_path / "empty")
    broken = folder(tmp_path / "broken", a="1")
    (broken / "gone").symlink_to("nowhere")
    for path, said in (
        ("none", "cannot be read: No such file"), ("empty", "has no files"), ("linked", "a link to a folder"),
        ("broken", "gone is no file that can be copied"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            source(tmp_path / path)
