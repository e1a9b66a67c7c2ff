"""UNIX sockets in the folder of a control plane: doors that its owner alone may open.

Light enough for a command that must answer at once: nothing but the standard library is loaded for it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 100
"""Of a socket's path: systems allow a few bytes more than this."""
WAITING = 128
"""So many may wait to be let in."""


@contextmanager
def address(door: Path) -> Iterator[str]:
    """The socket's path, by a name that is short enough for one however long the folder's is."""
    path = str(door)
    if len(os.fsencode(path)) < LONGEST or not Path("/proc/self/fd").exists():
        yield path
        return
    handle = os.open(door.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{door.name}"
    finally:
        os.close(handle)


def connected(door: Path) -> socket.socket | None:
    """A connection to whoever is behind it; None where nobody is."""
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address(door) as path:
            asking.connect(path)
    except OSError:
        asking.close()
        return None
    return asking


def listening(door: Path) -> socket.socket:
    """Let people in there. What a process that was killed has left is put out of the way. Raises OSError."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address(door) as path:
            Path(path).unlink(missing_ok=True)
            opened.bind(path)
            # Nobody gets through before it listens.
            Path(path).chmod(0o600)
        opened.listen(WAITING)
    except OSError:
        opened.close()
        raise
    return opened
