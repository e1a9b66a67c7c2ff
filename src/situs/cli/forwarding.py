"""A port of this machine that leads to one where a session is: for notebooks and other things with a browser."""

from __future__ import annotations

import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from situs.model.error import InputError

BLOCK = 1 << 16
HERE = "127.0.0.1"
"""Nobody from elsewhere is let in."""


@contextmanager
def forwarding(words: tuple[str, ...], port: int) -> Iterator[int]:
    """Meanwhile each connection to the port gets a program of its own that leads it on; 0: a port that is free.

    Gives the port. Raises InputError.
    """
    try:
        server = _Server((HERE, port), words)
    except OSError as error:
        raise InputError(
            f"port {port} of this machine cannot be had: {error.strerror}; take another one, as 9000:{port}"
        ) from None
    threading.Thread(target=server.serve_forever, name="situs-forward", daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def ports(text: str) -> tuple[int, int]:
    """The port here and the port there, of ``8888`` or ``9000:8888``. Raises InputError."""
    here, _, there = text.rpartition(":")
    if not all(part.isdecimal() and 0 < int(part) < 1 << 16 for part in (here or there, there)):
        raise InputError(
            f"--forward {text!r} is no port; write it as 8888, or as 9000:8888 for another one here"
        )
    return int(here or there), int(there)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], words: tuple[str, ...]) -> None:
        self.words = words
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Until both sides have nothing more to say."""
        with subprocess.Popen(  # noqa: S603 - the words come from the site's own adapter, as arguments
            self.server.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        ) as process:
            assert process.stdout is not None
            threading.Thread(target=self._away, args=(process,), daemon=True).start()
            with suppress(OSError):
                while text := process.stdout.read(BLOCK):
                    self.request.sendall(text)
            process.terminate()

    def _away(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with suppress(OSError):
            while text := self.request.recv(BLOCK):
                while text:
                    text = text[process.stdin.write(text) or 0 :]
        with suppress(OSError):
            process.stdin.close()
