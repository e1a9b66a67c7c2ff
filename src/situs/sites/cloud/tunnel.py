"""A line to a machine that only its API server reaches, by way of that: SSH in a websocket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

PIECE = 1 << 16
OPEN_S = 15.0
ENDPOINTS = {"slurm": "slurm-job-ssh-proxy", "kubernetes": "kubernetes-pod-ssh-proxy"}
"""Where the server leads to machines of these clouds, which have no address of their own."""
_RUNNING: set[asyncio.Task[None]] = set()


def line(
    address: str, endpoint: str, machine: str, headers: Callable[[], Mapping[str, str]]
) -> Callable[[], Awaitable[socket.socket]]:
    """What opens such lines. They raise OSError when the server does not lead there."""
    url = f"ws{address.removeprefix('http')}/{endpoint}?{urlencode({'cluster_name': machine})}"

    async def opened() -> socket.socket:
        try:
            wire = await connect(
                url, additional_headers=dict(headers()), open_timeout=OPEN_S, max_size=None, proxy=None
            )
        except (WebSocketException, TimeoutError) as error:
            raise OSError(f"the API server does not lead there: {error}") from None
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        task = asyncio.create_task(_carry(wire, reader, writer))
        # The loop itself only remembers tasks weakly.
        _RUNNING.add(task)
        task.add_done_callback(_RUNNING.discard)
        return theirs

    return opened


async def _carry(wire: ClientConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Both ways, until one end hangs up."""
    sending = asyncio.create_task(_send(wire, reader))
    try:
        with suppress(WebSocketException, OSError):
            async for message in wire:
                writer.write(message if isinstance(message, bytes) else message.encode())
                await writer.drain()
    finally:
        sending.cancel()
        writer.close()
        await wire.close()


async def _send(wire: ClientConnection, reader: asyncio.StreamReader) -> None:
    with suppress(WebSocketException, OSError):
        while piece := await reader.read(PIECE):
            await wire.send(piece)
    await wire.close()
