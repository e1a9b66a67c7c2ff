"""Work that is handed in at the counter of a control plane: as quick as it is, it is the same work, once."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from situs.control import submitting
from situs.control.asked import Asked, workload_of
from situs.control.connect import by_kind
from situs.control.counter.line import HEAD, NAME, Closed, Line, called, same
from situs.control.counter.serving import Counter
from situs.control.loop import Controller
from situs.control.shipping import snapshot
from situs.model.error import SitusError
from situs.planner.single import Placed
from situs.store import submissions
from situs.version import __version__
from tests.control.plane import PACE, PATIENCE_S, Plane, estate, until
from tests.store.databases import migrated

SAY = "import sys\nprint('epoch', *sys.argv[1:])\nsys.exit(3)\n"


def shown(name: str, placed: Placed, hours: float | None, language: str) -> Mapping[str, Any]:
    """What is told of a place."""
    return {"lines": [f"{name} {language}"], "values": {"site": placed.decision.assignments[0].site}}


def cannot_tell(*_about: object) -> Mapping[str, Any]:
    """A control plane that ends right after it has handed something in looks like this."""
    raise SitusError("no more of this")


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    made = Plane(migrated(tmp_path / "control.db"), tmp_path / "situs", estate({}))
    made.folder.mkdir(mode=0o700)
    made.apply({})
    return made


@contextmanager
def opened(plane: Plane, tell: Callable[..., Mapping[str, Any]] = shown) -> Iterator[None]:
    """A control plane whose counter is open."""
    counter = Counter(plane.database, str(plane.folder.parent / "control.db"), plane.folder, tell)
    controller = Controller(plane.database, plane.folder, by_kind(plane.folder), PACE, counter=counter)
    thread = threading.Thread(target=controller.run)
    thread.start()
    try:
        until(lambda: (plane.folder / NAME).exists(), "the counter opens")
        yield
    finally:
        controller.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def request(plane: Plane, name: str, **other: Any) -> dict[str, Any]:
    """What a command asks for."""
    return {
        "situs": __version__, "database": same(str(plane.folder.parent / "control.db")), "name": name, "by": "ann",
        "asked": asdict(Asked(("main.py", "--lr", "0.1"), env={"A": "b"})), "sites": ["b"], "hours": None,
        "lang": "en", "follow": True, **other,
    }  # fmt: skip


def asked(plane: Plane, what: Mapping[str, Any]) -> Line:
    """A line on which it was asked for."""
    (plane.folder.parent / "code").mkdir(exist_ok=True)
    (plane.folder.parent / "code" / "main.py").write_text(SAY)
    line = called(plane.folder)
    assert line is not None
    line.send(what)
    line.send(snapshot(plane.folder.parent / "code").archive)
    return line


@pytest.mark.slow
def test_it_is_handed_in_and_read_along_with_to_its_end(plane: Plane) -> None:
    with opened(plane):
        line = asked(plane, request(plane, "one"))
        assert line.told() == {"placed": {"lines": ["one en"], "values": {"site": "b"}}}
        kept = submitting.found(plane.database, "one")
        assert kept is not None, "it is in the database before anybody is told so"
        assert (kept.act, kept.by) == ("submitted", "ann")
        assert line.told() == {"at": "b", "generation": 1, "runs": False}
        assert line.told() == {"at": "b", "generation": 1, "runs": True}
        output = b""
        while isinstance(said := line.next(), bytes):
            output += said
        assert output == b"epoch --lr 0.1\n"
        assert {key: said["end"][key] for key in ("exit_code", "reason", "stopped")} == {
            "exit_code": 3, "reason": "exited", "stopped": False,
        }  # fmt: skip
        with pytest.raises(Closed):
            line.next()
        # Whoever only hands in is told and let go.
        line = asked(plane, request(plane, "two", follow=False))
        assert "placed" in line.told()
        with pytest.raises(Closed):
            line.next()


@pytest.mark.slow
def test_what_is_turned_away_is_in_no_database(plane: Plane) -> None:
    wrong = (
        {"situs": "0.0"},
        {"database": same("postgresql://elsewhere/db")},
        {"sites": ["nowhere"]},
        {"asked": {**request(plane, "x")["asked"], "accelerator_memory": "much"}},
        {"asked": {**request(plane, "x")["asked"], "data": ["none-such"]}},
    )
    with opened(plane):
        for other in wrong:
            with pytest.raises(Closed):
                asked(plane, request(plane, "never", **other)).told()
        assert submitting.found(plane.database, "never") is None
        line = called(plane.folder)
        assert line is not None
        line.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(Closed):
            line.told()
        assert "placed" in asked(plane, request(plane, "after")).told(), "it goes on serving"


@pytest.mark.slow
def test_an_answer_that_is_lost_leaves_it_handed_in_once(plane: Plane) -> None:
    with opened(plane, cannot_tell):
        with pytest.raises(Closed):
            asked(plane, request(plane, "once")).told()
        with pytest.raises(Closed):
            asked(plane, request(plane, "once")).told()
    with plane.database.read() as connection:
        assert [each.name for each in submissions.kept(connection)] == ["once"]


@pytest.mark.slow
def test_it_is_for_the_owner_alone_and_open_only_while_its_control_plane_leads(plane: Plane) -> None:
    with opened(plane):
        assert stat.S_IMODE((plane.folder / NAME).stat().st_mode) == 0o600
    assert called(plane.folder) is None
    assert (plane.folder / NAME).exists(), "as one leaves it that was killed"
    with opened(plane):
        until(lambda: (line := called(plane.folder)) is not None and line.close() is None, "it opens again")
    workload = workload_of(Asked(("true",)))
    submitting.submit(plane.database, "without", workload, {".": b""}, "ann")


def test_a_folder_may_have_a_longer_name_than_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    assert called(folder) is None
    with socket.socket(socket.AF_UNIX) as listening:
        handle = os.open(folder, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{handle}/{NAME}")
        os.close(handle)
        listening.listen()
        line = called(folder)
        assert line is not None
        there = Line(listening.accept()[0])
        line.send({"a": 1})
        line.send(b"\0" * 100_000)
        assert there.told() == {"a": 1}
        assert there.next() == b"\0" * 100_000
        line.socket.sendall(HEAD.pack(b"j", 1 << 31))
        with pytest.raises(Closed):
            there.next()
        line.close()
        there.close()
    shutil.rmtree(folder)


def test_a_database_is_known_by_its_place_and_by_nothing_that_is_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        same("control.db") == same(str(tmp_path / "control.db")) == same(f"sqlite:///{tmp_path}/control.db")
    )
    assert same("postgresql://a:word@host/x") != same("postgresql://a:other@host/x")
    assert "word" not in same("postgresql://a:word@host/x")
