"""Doing something in a container that runs: the cluster's own way to enter one, by WebSocket.

The protocol cannot say that nothing more comes on standard input.  So whoever sends something says beforehand how
much it is, and the command reads so much.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from situs.sites.adapter import Unreachable
from situs.sites.kubernetes.cluster import AWAY, POD, Cluster, ClusterError

PROTOCOL = "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, END = 0, 1, 2, 3
"""The first byte of each message."""
HANDSHAKE_S = 10.0
"""On its way to a container a request passes through four programs, and now and then one of them loses it."""
TRIES = 3
SILENCE_S = 300.0
"""Without a single byte for so long a command is taken for cut off."""
SAID = 10_000


class Unanswered(Unreachable):
    """Nobody on the way has answered; most likely nothing was done."""


class Gone(ClusterError):
    """There is no such container that runs."""

    def __init__(self, message: str) -> None:
        super().__init__(404, "Gone", message)


@dataclass(frozen=True)
class Done:
    """How a command went."""

    exit_code: int
    said: str
    """on standard error"""


def entered(
    cluster: Cluster, pod: str, container: str, command: tuple[str, ...], *, stdin: Iterable[bytes] = (),
    stdout: Callable[[bytes], object] = len, safe_to_repeat: bool = True,
) -> Done:  # fmt: skip
    """Run a command in a container. ``stdout`` is given what it prints, piece by piece.

    Raises Gone when the container does not run, and Unreachable when it broke off: the command may have been done.
    """
    for _ in range(TRIES if safe_to_repeat else 1):
        try:
            return _entered(cluster, pod, container, command, iter(stdin), stdout)
        except Unanswered as error:
            unanswered = error
    raise unanswered


def _entered(
    cluster: Cluster, pod: str, container: str, command: tuple[str, ...], stdin: Iterator[bytes],
    stdout: Callable[[bytes], object],
) -> Done:  # fmt: skip
    first = next(stdin, None)
    query = [("container", container), ("stdout", "true"), ("stderr", "true")]
    query += [("stdin", "true")] if first is not None else []
    query += [("command", word) for word in command]
    server = urlsplit(cluster.access.server)
    path = f"{server.path}{cluster.path(POD, pod)}/exec"
    address = urlunsplit(("wss", server.netloc, path, urlencode(query), ""))
    said, open_ = bytearray(), False
    try:
        with connect(
            address, ssl=cluster.access.ssl, subprotocols=[PROTOCOL],  # type: ignore[list-item]
            additional_headers=cluster.headers(), compression=None, max_size=None, open_timeout=HANDSHAKE_S,
            close_timeout=5.0, user_agent_header=None,
        ) as socket:  # fmt: skip
            open_ = True
            while first is not None:
                socket.send(bytes([STDIN]) + first)
                first = next(stdin, None)
            while True:
                message = socket.recv(timeout=SILENCE_S)
                content = message.encode() if isinstance(message, str) else message
                if content[:1] == bytes([STDOUT]):
                    stdout(content[1:])
                elif content[:1] == bytes([STDERR]):
                    said += content[1 : 1 + SAID - len(said)]
                elif content[:1] == bytes([END]):
                    return _end(content[1:], said.decode(errors="replace").strip())
    except InvalidStatus as error:
        raise _refused(cluster, error) from error
    except (OSError, WebSocketException) as error:
        what = f"in {pod}: {error or type(error).__name__}"
        if isinstance(error, TimeoutError) and not open_:
            raise Unanswered(f"the cluster at {cluster.access.server} gave no answer {what}") from error
        raise Unreachable(f"the cluster at {cluster.access.server} broke off {what}") from error


def _end(content: bytes, said: str) -> Done:
    status = json.loads(content)
    if status.get("status") == "Success":
        return Done(0, said)
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return Done(int(cause["message"]), said)
    message = str(status.get("message"))
    if "not found" in message or "not running" in message or "stopped" in message:
        raise Gone(message)
    raise Unreachable(f"the command could not be done: {message}")


def _refused(cluster: Cluster, error: InvalidStatus) -> Exception:
    code = error.response.status_code
    try:
        message = str(json.loads(error.response.body or b"")["message"])
    except (ValueError, KeyError, TypeError):
        message = (error.response.body or b"").decode(errors="replace").strip() or f"HTTP {code}"
    if code == 404 or "not found" in message or "not running" in message or "completed pod" in message:
        return Gone(message)
    if code in AWAY:
        return Unreachable(f"the cluster at {cluster.access.server} cannot say now: {message}")
    return ClusterError(code, "", message)
