"""Scripts on this machine's own shells: arguments arrive as they are, files whole, cut transfers go on."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from situs.sites.adapter import Unreachable
from situs.sites.conformance.waiting import alive, until
from situs.sites.pieces import BLOCK
from situs.sites.shell import PIECE, Completed, NotThere, ShellError, ThisMachine

SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "ash")}
ARGUMENT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> ThisMachine:
    words = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"needs the Debian package {words[0]}")
    folder = tmp_path / "host"
    folder.mkdir()
    return ThisMachine(folder, shell=words)


class Broken(ThisMachine):
    """Gives no answer to some calls, after or before what they asked for was done."""

    broken: tuple[int, ...] = ()
    calls = 0

    def run(self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = 30.0) -> Completed:
        self.calls += 1
        if self.calls - 1 in self.broken:
            if self.calls % 2:
                # What came before the break was done.
                super().run(script, *args, stdin=stdin[: len(stdin) // 2], timeout_s=timeout_s)
            raise Unreachable("cut")
        return super().run(script, *args, stdin=stdin, timeout_s=timeout_s)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(args=st.lists(ARGUMENT, max_size=5), stdin=st.binary(max_size=100))
def test_arguments_and_input_arrive_as_they_are(shell: ThisMachine, args: list[str], stdin: bytes) -> None:
    done = shell.run('printf "%s\\0" "$#" "$@"; cat', *args, stdin=stdin)
    shown = "".join(f"{arg}\0" for arg in [str(len(args)), *args]).encode()
    assert (done.exit_code, done.stderr) == (0, b"")
    assert done.stdout == (shown + stdin if args else b"0\0" + stdin)


def test_a_failure_is_told_with_what_the_host_said(shell: ThisMachine) -> None:
    done = shell.run("echo fine; echo 'the disk is full' >&2; exit 7")
    assert (done.exit_code, done.stdout, done.said) == (7, b"fine\n", "the disk is full")


@pytest.mark.slow
def test_no_answer_in_time_is_unreachable_and_ends_the_script(shell: ThisMachine, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match="3 s"):
        shell.run("sleep 600 & echo $! > pid; wait", timeout_s=3.0)
    assert time.monotonic() - began < 30
    pid = int((tmp_path / "host" / "pid").read_text())
    until(lambda: not alive(pid), "what it started is ended too")


def test_nothing_of_the_caller_is_seen(shell: ThisMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET_OF_THE_CALLER", "hush")
    assert b"CLOUD_SECRET" not in shell.run("env").stdout


@pytest.mark.parametrize("size", [0, 1, BLOCK, PIECE, PIECE + 1, 2 * PIECE + 12345])
def test_files_go_there_and_back(shell: ThisMachine, tmp_path: Path, size: int) -> None:
    source, back = tmp_path / "source", tmp_path / "deep" / "back"
    source.write_bytes(os.urandom(size))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    for _ in range(2):
        assert shell.send(source, "-a folder/it's a `name`") == digest
        assert shell.fetch("-a folder/it's a `name`", back) == digest
        assert back.read_bytes() == source.read_bytes()
    assert [path.name for path in (tmp_path / "host" / "-a folder").iterdir()] == ["it's a `name`"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["back"]


def test_a_file_is_read_from_any_byte_on(shell: ThisMachine, tmp_path: Path) -> None:
    content = os.urandom(2 * BLOCK + 77)
    (tmp_path / "host" / "log").write_bytes(content)
    for offset in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 76, len(content), len(content) + 5):
        assert shell.read("log", offset) == content[offset:]
        assert shell.read("log", offset, 10) == content[offset : offset + 10]


def test_what_is_not_there_is_named(shell: ThisMachine, tmp_path: Path) -> None:
    for ask in (lambda: shell.fetch("no such", tmp_path / "x"), lambda: shell.read("no such", 0)):
        with pytest.raises(NotThere, match="'no such'"):
            ask()
    (tmp_path / "file").write_text("x")
    (tmp_path / "host" / "taken").write_text("x")
    with pytest.raises(ShellError, match="taken/x"):
        shell.send(tmp_path / "file", "taken/x")


def test_a_cut_transfer_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("situs.sites.again.PAUSES_S", (0.001,) * 3)
    shell = Broken(tmp_path)
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3 * PIECE))
    shell.broken = (1, 2, 4, 7, 8)
    assert shell.send(source, "there") == shell.fetch("there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    # Cut for longer than the attempts last: the next call begins where this one stopped.
    source.write_bytes(os.urandom(3 * PIECE))
    shell.calls, shell.broken = 0, tuple(range(2, 100))
    with pytest.raises(Unreachable):
        shell.send(source, "other")
    assert [path.stat().st_size for path in tmp_path.glob(".other.*.part")] == [PIECE * 3 // 2]
    shell.calls, shell.broken = 0, ()
    shell.send(source, "other")
    assert shell.calls == 3, "asked what is there, and sent the two pieces that were missing"


def test_a_part_that_is_damaged_is_sent_anew(tmp_path: Path) -> None:
    shell, source = ThisMachine(tmp_path), tmp_path / "source"
    source.write_bytes(os.urandom(2 * PIECE))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    (tmp_path / f".there.{digest[:16]}.part").write_bytes(b"\0" * PIECE)
    with pytest.raises(ShellError, match="did not arrive"):
        shell.send(source, "there")
    assert shell.send(source, "there") == digest
