"""A command in a container that runs, with this process's own input and output: for people, and for what they type to.

Run as ``python -m situs.sites.container.entering SOCKET CONTAINER FOLDER TERMINAL COMMAND...``; its exit code is that
of the command. The engine's own client need not be installed. The conversation begins as HTTP and then becomes a plain
stream of bytes, which no HTTP library lets one keep; so it is held over the socket itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from situs.model.error import SitusError
from situs.sites.container.engine import Engine

BLOCK = 1 << 16
HEAD = struct.Struct(">BxxxL")
"""Before each piece where there is no terminal: which stream, and how long it is."""
ERRORS = 2


def words(
    socket_path: str, container: str, folder: str, command: tuple[str, ...], *, terminal: bool
) -> tuple[str, ...]:
    """The command of this machine that does it."""
    how = "terminal" if terminal else "pipe"
    return (sys.executable, "-P", "-m", __name__, socket_path, container, folder, how, *command)


def main(socket_path: str, container: str, folder: str, how: str, *command: str) -> int:
    """Run it to its end; gives its exit code."""
    engine, terminal = Engine(socket_path), how == "terminal"
    wanted = {
        "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": terminal, "Cmd": list(command),
        "WorkingDir": folder,
    }  # fmt: skip
    try:
        made = engine.call("POST", f"/containers/{container}/exec", body=wanted).json()["Id"]
        with _conversation(socket_path, f"/exec/{made}/start", {"Detach": False, "Tty": terminal}) as (
            line,
            ahead,
        ):
            threading.Thread(target=_typed, args=(line,), daemon=True).start()
            with _window(engine, made) if terminal else nullcontext():
                _shown(line, ahead, framed=not terminal)
        code = engine.get(f"/exec/{made}/json")["ExitCode"]
    except SitusError as error:
        sys.stderr.write(f"{error}\n")
        return 255
    return 255 if code is None else int(code)


@contextmanager
def _conversation(socket_path: str, path: str, body: object) -> Iterator[tuple[socket.socket, bytes]]:
    """The line once both have left HTTP behind, and what came on it already. Raises SitusError."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\nConnection: Upgrade\r\n"
        f"Upgrade: tcp\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(socket_path)
            line.sendall(head.encode() + content)
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = line.recv(BLOCK)
                if not piece:
                    break
                answer += piece
        except OSError as error:
            raise SitusError(f"the container engine does not answer: {error.strerror}") from error
        said, _, ahead = answer.partition(b"\r\n\r\n")
        if said.split(b" ")[1:2] not in ([b"101"], [b"200"]):
            raise SitusError(
                f"the container engine refuses it: {ahead.decode(errors='replace').strip() or 'no answer'}"
            )
        yield line, ahead


def _typed(line: socket.socket) -> None:
    with suppress(OSError):
        while text := os.read(sys.stdin.fileno(), BLOCK):
            line.sendall(text)
        line.shutdown(socket.SHUT_WR)


def _shown(line: socket.socket, ahead: bytes, *, framed: bool) -> None:
    """Write what comes until there is no more of it."""
    left = ahead
    while True:
        if not framed:
            _write(sys.stdout.fileno(), left)
            left = b""
        while framed and len(left) >= HEAD.size and len(left) >= HEAD.size + HEAD.unpack_from(left)[1]:
            stream, length = HEAD.unpack_from(left)
            to = sys.stderr if stream == ERRORS else sys.stdout
            _write(to.fileno(), left[HEAD.size : HEAD.size + length])
            left = left[HEAD.size + length :]
        piece = line.recv(BLOCK)
        if not piece:
            return
        left += piece


def _write(to: int, text: bytes) -> None:
    while text:
        text = text[os.write(to, text) :]


@contextmanager
def _window(engine: Engine, made: str) -> Iterator[None]:
    """This process's terminal belongs to the command, which knows how large it is."""
    here = sys.stdin.fileno()
    before = termios.tcgetattr(here)

    def told(*_: object) -> None:
        columns, rows = os.get_terminal_size(here)
        with suppress(SitusError):
            engine.call("POST", f"/exec/{made}/resize", query={"h": rows, "w": columns})

    signal.signal(signal.SIGWINCH, told)
    try:
        tty.setraw(here)
        told()
        yield
    finally:
        termios.tcsetattr(here, termios.TCSADRAIN, before)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
