"""``situs dev`` as a person lives it: a real terminal, a real session, lines that are cut."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from situs.sites.processes import children
from tests.cli.test_run import Person, person
from tests.control.plane import PATIENCE_S, until

__all__ = ["person"]

LEAVE = "\x1d\x1d\x1d"
pytestmark = pytest.mark.slow


class Terminal:
    """A window in which somebody has typed a command."""

    def __init__(self, person: Person, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(40, 110)
        self.shown = self.found = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "situs.cli", *words], cwd=person.folder, env={**person.env, "TERM": "xterm"},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(self._ours, False)

    def resize(self, rows: int, columns: int) -> None:
        """Make the window larger or smaller."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Type it."""
        os.write(self._ours, text.encode())

    def sees(self, pattern: str) -> None:
        """Wait for what is to be shown, from the last that was waited for on."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := re.search(pattern.encode(), self.read(), re.DOTALL)) is None:
            assert time.monotonic() < deadline, f"{pattern!r} is not in {self.shown!r}"
            time.sleep(0.02)
        self.found, self.shown = found[0], self.shown[found.end() :]

    def ends(self) -> int:
        """Wait until the command has ended; gives its exit code."""
        until(lambda: (self.read(), self.process.poll())[1] is not None, "it ends")
        return self.process.returncode

    def close(self) -> None:
        """Close the window."""
        os.close(self._ours)

    def read(self) -> bytes:
        """What is shown now, from the last that was waited for on."""
        # Nothing now, or nobody there any more.
        with suppress(OSError):
            self.shown += os.read(self._ours, 1 << 16)
        return self.shown


def test_a_session_is_left_come_back_to_and_ended(person: Person) -> None:
    person.write(train="print('trained')")
    window = Terminal(person, "dev", "--name", "mine", "--data", "none")
    assert window.ends() == 2
    window = Terminal(person, "dev", "--name", "mine")
    window.sees("mine goes to this-machine/machine")
    window.sees("mine at this-machine: Ctrl-] three times")
    window.type("python3 train.py; echo size $(stty size)\r")
    window.sees("trained\r\nsize 40 110")
    window.resize(50, 120)
    window.type("until [ \"$(stty size)\" = '50 120' ]; do sleep 0.1; done; echo grown-$((1+1))\r")
    window.sees("grown-2")
    window.type("echo kept > kept.txt; VALUE=$((40+2))\r" + LEAVE)
    window.sees("mine runs on; `situs dev mine` comes back")
    assert window.ends() == 0
    (row,) = json.loads(person.type("ps", "--json")[1])["units"]
    assert (row["workload"], row["standing"]) == ("mine", "running"), row
    # Whoever closes the window has left too.
    window = Terminal(person, "dev", "mine")
    window.sees("three times")
    window.type("echo value=$VALUE\r")
    window.sees("value=42")
    window.close()
    window.process.wait(60)
    # A line that is cut is made again.
    window = Terminal(person, "dev", "mine")
    window.sees("value=42")
    (attached,) = children(window.process.pid)
    os.kill(attached, signal.SIGKILL)
    window.sees("the line to mine is cut")
    window.sees("value=42")
    assert person.type("cp", "mine:kept.txt", "here.txt")[0] == 0
    assert (person.folder / "here.txt").read_text() == "kept\n"
    window.type("exit\r")
    window.sees("mine ended with exit code 0; cost so far")
    assert window.ends() == 0
    window = Terminal(person, "dev", "mine")
    window.sees("mine ended with exit code 0")
    assert window.ends() == 0


def test_a_session_that_is_stopped_says_so_to_who_is_there(person: Person) -> None:
    code, out, err = person.type("dev", "--name", "mine", "--detach", "--json")
    assert code == 0, err
    assert json.loads(out)["site"] == "this-machine"
    window = Terminal(person, "dev", "mine")
    window.sees("three times")
    window.type("sleep 600\r")
    window.sees("sleep 600")
    assert person.type("stop", "mine")[0] == 0
    window.sees("mine was stopped")
    window.ends()


def test_a_port_of_this_machine_leads_to_the_session(person: Person) -> None:
    person.write(page="what is there")
    assert person.type("dev", "--name", "mine", "--detach")[0] == 0
    window = Terminal(person, "dev", "mine")
    window.sees("three times")
    window.type("python3 -u -m http.server --bind 127.0.0.1 0 | sed 's/.* port /listens at /'\r")
    window.sees(r"listens at \d+")
    port = re.findall(rb"listens at (\d+)", window.read() + window.found)[-1].decode()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        here = free.getsockname()[1]
    forward = Terminal(person, "dev", "mine", "--forward", f"{here}:{port}")
    forward.sees(f"http://127.0.0.1:{here} leads to port {port} at this-machine")
    for _ in range(3):
        assert httpx.get(f"http://127.0.0.1:{here}/page.py", timeout=60).text == "what is there"
    assert person.type("dev", "mine", "--forward", f"{here}:{port}")[0] == 2
    assert person.type("dev", "mine", "--forward", "a:b")[0] == 2
    assert person.type("dev", "--forward", "8888")[0] == 2
    forward.type("\x03")
    assert forward.ends() == 0
    window.type("\x03")
    window.type("exit\r")
    window.ends()


def test_what_makes_no_sense_is_refused(person: Person) -> None:
    code, _, err = person.type("dev")
    assert code == 2
    assert "a session needs a terminal" in err
    code, _, err = person.type("dev", "mine", "--gpu", "1")
    assert (code, "mine is as it was begun" in err) == (2, True)
    person.write(train="import time; time.sleep(600)")
    assert person.type("run", "train.py", "--name", "other", "--detach")[0] == 0
    window = Terminal(person, "dev", "other")
    window.sees("other is no session")
    assert window.ends() == 2
    code, _, err = person.type("dev", "--dry-run", "--site", "moon")
    assert (code, "the estate has no site 'moon'" in err) == (2, True)
    code, out, err = person.type("dev", "--dry-run", "--json")
    assert (code, json.loads(out)["site"]) == (0, "this-machine"), err
    assert Path(person.folder, ".situs").is_dir()
