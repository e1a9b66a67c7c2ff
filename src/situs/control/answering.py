"""One question to a service about its health, put so that thousands cost little."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache, lru_cache
from urllib.parse import urlsplit

REST_S = 0.5
"""The rest of an answer is read for so long, so that who answers is not cut off in the middle."""
BLOCK_BYTES, MOST_BYTES = 4096, 65_536


async def trouble_at(url: str, timeout_s: float) -> str | None:
    """What is wrong with what answers there; None: it answers 200, or another code from 200 to 399."""
    try:
        host, port, secure, asked = _question(url)
    except ValueError:
        return f"is no address that can be asked: {url[:100]!r}"
    try:
        async with asyncio.timeout(timeout_s):
            said = await (_securely if secure else _plainly)(host, port, asked)
    except TimeoutError:
        return f"does not answer within {timeout_s:g} s"
    except (OSError, ValueError) as error:
        return f"cannot be reached: {getattr(error, 'strerror', None) or error}"
    return _wrong(said)


@lru_cache(10_000)
def _question(url: str) -> tuple[str, int, bool, bytes]:
    """Whom to ask, whether under TLS, and what. Raises ValueError."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.scheme not in ("http", "https"):
        raise ValueError(url)
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    asked = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: situs\r\nConnection: close\r\n\r\n"
    return parts.hostname, parts.port or (443 if secure else 80), secure, asked.encode()


async def _plainly(host: str, port: int, asked: bytes) -> bytes:
    """The first line of the answer, without the buffers and tasks of a stream: this is done thousands of times."""
    loop = asyncio.get_running_loop()
    family, address = _numbered(host, port) or await _named(loop, host, port)
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as line:
        await loop.sock_connect(line, address)
        await loop.sock_sendall(line, asked)
        said = b""
        while (
            b"\n" not in said
            and len(said) < BLOCK_BYTES
            and (more := await loop.sock_recv(line, BLOCK_BYTES))
        ):
            said += more
        await _to_the_end(lambda: loop.sock_recv(line, BLOCK_BYTES))
        return said


async def _securely(host: str, port: int, asked: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port, ssl=_trusted())
    try:
        writer.write(asked)
        said = await reader.readline()
        await _to_the_end(lambda: reader.read(BLOCK_BYTES))
        return said
    finally:
        writer.close()


async def _to_the_end(more: Callable[[], Awaitable[bytes]]) -> None:
    deadline = asyncio.get_running_loop().time() + REST_S
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            for _ in range(MOST_BYTES // BLOCK_BYTES):
                if not await more():
                    return


def _numbered(host: str, port: int) -> tuple[int, tuple[str, int]] | None:
    """The usual address needs nobody to be asked for it."""
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        return None
    return socket.AF_INET, (host, port)


async def _named(loop: asyncio.AbstractEventLoop, host: str, port: int) -> tuple[int, tuple[object, ...]]:
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    return family, address


def _wrong(first_line: bytes) -> str | None:
    protocol, _, rest = first_line.partition(b" ")
    code = rest[:3]
    if not protocol.startswith(b"HTTP/") or not code.isdigit():
        return "does not answer in HTTP"
    return None if 200 <= int(code) < 400 else f"answers {int(code)}"


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
