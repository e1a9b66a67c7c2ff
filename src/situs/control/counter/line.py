"""The line between one who asks and the counter: frames of JSON and of bytes over a UNIX socket.

Light enough for a command that must answer at once: nothing but the standard library is loaded for it.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from situs.control.doors import connected

NAME = "counter"
"""Of the socket, in the folder of a control plane."""
HEAD = struct.Struct(">cI")
JSON, BYTES = b"j", b"b"
LARGEST = 256 << 20
"""No code is larger; who says so is not one of us."""


class Closed(Exception):
    """Nobody is at the other end, or not any more."""


class Line:
    """One end of a connection."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected

    def send(self, what: Mapping[str, Any] | bytes) -> None:
        """Say something. Raises Closed."""
        kind, body = (
            (BYTES, what) if isinstance(what, bytes) else (JSON, json.dumps(what, default=str).encode())
        )
        try:
            self.socket.sendall(HEAD.pack(kind, len(body)) + body)
        except OSError as error:
            raise Closed(str(error)) from error

    def told(self) -> dict[str, Any]:
        """What the other end says next. Raises Closed."""
        said = self.next()
        if isinstance(said, bytes):
            raise Closed("bytes came where words were due")
        return said

    def next(self) -> dict[str, Any] | bytes:
        """The same, where bytes may come too. Raises Closed."""
        kind, length = HEAD.unpack(self._read(HEAD.size))
        if kind not in (JSON, BYTES) or length > LARGEST:
            raise Closed("no frame of ours")
        body = self._read(length)
        if kind == BYTES:
            return body
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Closed("no frame of ours")
        return said

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _read(self, length: int) -> bytes:
        parts = []
        while length:
            try:
                part = self.socket.recv(min(length, 1 << 20))
            except OSError as error:
                raise Closed(str(error)) from error
            if not part:
                raise Closed("the other end hung up")
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


def called(folder: Path) -> Line | None:
    """A line to the counter of a folder; None where it is not open."""
    asking = connected(folder / NAME)
    return None if asking is None else Line(asking)


def same(database: str) -> str:
    """What a database is known by at the counter: its address may hold a password, which nobody needs to hear."""
    file = database.removeprefix("sqlite:///")
    whole = database if "://" in file else str(Path(file).resolve())
    return hashlib.sha256(whole.encode()).hexdigest()
