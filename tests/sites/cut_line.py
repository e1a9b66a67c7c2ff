"""A TCP line between two ends of a test that is cut, or goes silent, after a given number of bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal

Fault = Literal["drop", "silence"]


class CutLine:
    """Leads to a port of this machine. Without :meth:`arm` it carries everything."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port: int = self._listening.getsockname()[1]
        self._left: int | None = None
        self._fault: Fault = "drop"
        self._silent: set[socket.socket] = set()
        self._ends: list[socket.socket] = []
        self._counting = threading.Lock()
        self.faults = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, after_bytes: int, fault: Fault) -> None:
        """The line that carries the byte after so many, in either direction, fails; later ones are whole again."""
        with self._counting:
            self._left, self._fault = after_bytes, fault

    def close(self) -> None:
        """Take no more lines, and cut all that are there."""
        self._listening.close()
        for end in self._ends:
            _cut(end)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to), 10)
            except OSError:
                _cut(near)
                continue
            far.settimeout(None)
            self._ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other, near), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, line: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65536):
                passes, fails = self._passing(len(block))
                if line in self._silent:
                    continue
                sink.sendall(block[:passes])
                if fails == "silence":
                    self._silent.add(line)
                elif fails == "drop":
                    break
        # A silent line stays open: that is what makes it worse than one that is cut.
        if line not in self._silent:
            _cut(source)
            _cut(sink)

    def _passing(self, length: int) -> tuple[int, Fault | None]:
        """How much of a block still goes through, and what happens then."""
        with self._counting:
            if self._left is None:
                return length, None
            if length <= self._left:
                self._left -= length
                return length, None
            passes, self._left = self._left, None
            self.faults += 1
            return passes, self._fault


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
