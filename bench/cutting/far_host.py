"""A host with a network of its own on this machine, behind one line that can be cut; needs root.

The line is a pair of virtual interfaces, one of them in a network namespace with a real sshd.  A line that is
*down* says so: what is sent is refused at once.  One that is *silent* is worse: everything is sent, and nothing
arrives, in either direction.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from bench.sshd import SshServer

Cut = Literal["down", "silent"]

TRYING_S = 2.0
NOBODY = "02:00:00:00:00:99"
"""A hardware address that no interface has: frames to it are lost without a word."""


class NoNetworks(Exception):
    """Namespaces cannot be made here; the message says what is missing."""


class FarHost:
    """One such host. Processes there see this machine's files, and no other network than the line."""

    def __init__(self, folder: Path, number: int = 1) -> None:
        """``number``: which of 200 such hosts of this machine, so that tests can be beside each other."""
        self._name = f"situs-{os.getpid()}-{number}"
        self._near, self._far = f"sn{os.getpid() % 100_000}-{number}", f"sf{os.getpid() % 100_000}-{number}"
        third = (os.getpid() * 7 + number) % 250
        self._here, self._there = f"10.213.{third}.1", f"10.213.{third}.2"
        self._set_up()
        within = ("nsenter", f"--net=/run/netns/{self._name}", "--")
        self.server = SshServer(folder, at=self._there, within=within)

    def cut(self, how: Cut) -> None:
        """Let nothing through."""
        if how == "down":
            _ip("link", "set", self._near, "down")
        else:
            _ip("neigh", "replace", self._there, "lladdr", NOBODY, "dev", self._near, "nud", "permanent")
            self._in_there(
                "neigh", "replace", self._here, "lladdr", NOBODY, "dev", self._far, "nud", "permanent"
            )

    def mend(self) -> None:
        """Let everything through again."""
        _ip("link", "set", self._near, "up")
        _ip("neigh", "flush", "dev", self._near, "nud", "permanent")
        self._in_there("neigh", "flush", "dev", self._far, "nud", "permanent")

    @property
    def is_cut(self) -> bool:
        """Whether nobody gets through, by trying."""
        try:
            socket.create_connection((self._there, self.server.port), TRYING_S).close()
        except OSError:
            return True
        return False

    def close(self) -> None:
        """Take it all away."""
        self.server.stop()
        self._take_down()

    def _set_up(self) -> None:
        missing = [name for name in ("ip", "nsenter") if shutil.which(name) is None]
        if missing or os.getuid() != 0:
            raise NoNetworks(
                "needs root" if not missing else "needs the Debian packages iproute2 and util-linux"
            )
        self._take_down()
        _ip("netns", "add", self._name)
        _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self._name)
        _ip("addr", "add", f"{self._here}/30", "dev", self._near)
        _ip("link", "set", self._near, "up")
        self._in_there("addr", "add", f"{self._there}/30", "dev", self._far)
        self._in_there("link", "set", self._far, "up")
        self._in_there("link", "set", "lo", "up")

    def _take_down(self) -> None:
        # Sessions whose other end has gone without a word would wait for it for ever.
        there = subprocess.run(
            ["ip", "netns", "pids", self._name], capture_output=True, text=True, check=False
        )
        for pid in there.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        for words in (("link", "del", self._near), ("netns", "del", self._name)):
            subprocess.run(["ip", *words], capture_output=True, check=False)

    def _in_there(self, *words: str) -> None:
        _ip("-n", self._name, *words)


@contextmanager
def far_host(folder: Path, number: int = 1) -> Iterator[FarHost]:
    """A host that is gone afterwards."""
    host = FarHost(folder, number)
    try:
        yield host
    finally:
        host.mend()
        host.close()


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNetworks(f"ip {' '.join(words)}: {done.stderr.strip()}")
