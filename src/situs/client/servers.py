"""Where somebody has logged in: a file for each server, which nobody else may read, and which one is asked by default.

What is in such a file is as good as its owner, so it is made with mode 0600 from the first byte, is written whole or
not at all, and is not read when others could have read it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from situs.model.error import InputError, SitusError

HERE = "local"
"""The word for no server: the control plane of a folder of this machine."""
NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SOON_S = 60.0
"""A token that ends so soon is renewed first."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Server:
    """One server, and what is shown to it."""

    name: str
    url: str
    token: str = field(repr=False)
    until_s: float | None = None
    """Unix time until which the token is good; None: not known here"""
    issuer: str | None = None
    """that has given the token; None: it is one of situs' own"""
    client_id: str | None = None
    refresh: str | None = field(default=None, repr=False)
    """what the issuer gives the next token for"""
    ca: str | None = None
    """certificates of who signs the server's, in PEM; None: those that this machine trusts"""

    @property
    def is_over_soon(self) -> bool:
        """Whether it is time for the next token."""
        return self.until_s is not None and self.until_s < time.time() + SOON_S


class Servers:
    """Those that are kept in a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """``folder``: by default the one of situs among the user's settings."""
        self._folder = folder or _settings()

    def find(self, name: str) -> Server | None:
        """The one of this name, or at this address; None: nobody has logged in there. Raises SitusError."""
        if NAMES.fullmatch(name):
            return self._read(self._file(name))
        return next((server for server in self.everything() if server.url == name), None)

    def everything(self) -> list[Server]:
        """All of them, by name. Raises SitusError."""
        found = (self._read(path) for path in sorted((self._folder / "servers").glob("*.json")))
        return [server for server in found if server is not None]

    def keep(self, server: Server) -> None:
        """Write one down. Raises SitusError."""
        if not NAMES.fullmatch(server.name) or server.name == HERE:
            raise InputError(
                f"{server.name!r} cannot be a server's name; take letters, digits, dots and dashes, and not {HERE!r}"
            )
        content = {key: value for key, value in asdict(server).items() if key != "name" and value is not None}
        self._write(self._file(server.name), content)

    def forget(self, name: str) -> bool:
        """Have no word of one left here; False when there was none."""
        there = self._file(name).exists()
        self._file(name).unlink(missing_ok=True)
        self._file(name).with_suffix(".lock").unlink(missing_ok=True)
        if self.usual() == name:
            (self._folder / "usual.json").unlink(missing_ok=True)
        return there

    def usual(self) -> str | None:
        """Name of the one that is asked where nothing else is said. Raises SitusError."""
        content = _content(self._folder / "usual.json")
        return str(content["server"]) if content and isinstance(content.get("server"), str) else None

    def make_usual(self, name: str) -> None:
        """Have this one be asked where nothing else is said."""
        self._write(self._folder / "usual.json", {"server": name})

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Nobody else renews what is kept of this server meanwhile: an issuer takes each old token once."""
        path = self._file(name).with_suffix(".lock")
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def _file(self, name: str) -> Path:
        return self._folder / "servers" / f"{name}.json"

    def _read(self, path: Path) -> Server | None:
        content = _content(path)
        if content is None:
            return None
        known = {each.name for each in fields(Server)}
        try:
            return Server(name=path.stem, **{key: content[key] for key in content if key in known})
        except TypeError:
            raise SitusError(f"{path} is not what `situs login` has written; log in again") from None

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A temporary file of this kind is its owner's alone.
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as opened:
                    json.dump(content, opened, indent=2)
                    opened.flush()
                    os.fsync(opened.fileno())
                Path(name).replace(path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise SitusError(f"{path} cannot be written: {error.strerror}") from None


def address_of(text: str) -> str:
    """A server's URL as it is kept. Raises InputError, also where a token would cross a network in the open."""
    parts = urlsplit(text)
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise InputError(f"{text!r} is no address of a server; write https://HOST or https://HOST:PORT")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise InputError(f"{text}: a server elsewhere is asked by TLS alone; write https://{parts.netloc}")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/').removesuffix('/v1')}"


def name_of(url: str) -> str:
    """What a server is called where nobody says it."""
    parts = urlsplit(url)
    host = (parts.hostname or "server").replace(":", "-").strip("-")
    return f"{host}-{parts.port}" if parts.port not in (None, 443) else host


def is_address(text: str) -> bool:
    """Whether it is an address rather than a name."""
    return "://" in text


def _content(path: Path) -> dict[str, Any] | None:
    try:
        with path.open(encoding="utf-8") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise SitusError(f"others may read {path}, so it is not used; log in again, or chmod 600 it")
            content = json.load(opened)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SitusError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise SitusError(f"{path} is not what `situs login` has written; log in again")
    return content


def _settings() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "situs"
