"""Serving: over a socket that is the owner's alone, on this machine with a token, and elsewhere only with TLS."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from uvicorn import Config, Server

from situs.api.app import application
from situs.api.oidc import Login, Trust
from situs.api.permissions import EVERYTHING
from situs.control.doors import LONGEST, WAITING, connected, listening
from situs.model.error import InputError
from situs.store import tokens
from situs.store.database import Database

SOCKET, TOKEN = "api.sock", "api-token"
ENDING_S = 5
"""Answers under way get so long when it ends; streams are cut."""


@dataclass(frozen=True)
class Listen:
    """Where it answers besides the socket."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether only this machine reaches it."""
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


def listen(text: str, certificate: Path | None, key: Path | None) -> Listen:
    """From ``host:port``. Raises InputError, also where what is said would cross a network in the open."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(f"--listen {text!r} is no address; write HOST:PORT, such as 127.0.0.1:8420")
    found = Listen(host.strip("[]"), int(port), certificate, key)
    if (certificate is None) != (key is None):
        raise InputError("give --tls-cert and --tls-key together")
    for path in filter(None, (certificate, key)):
        if not path.is_file():
            raise InputError(f"there is no file {path}")
    if certificate is None and not found.is_here:
        raise InputError(f"--listen {text} is reached from elsewhere; give --tls-cert and --tls-key as well")
    return found


class Api:
    """The servers of one control plane, in threads of their own."""

    def __init__(self, database: Database, folder: Path, owner: str, say: Callable[[str], None]) -> None:
        self._database = database
        self._folder = folder
        self._owner = owner
        self._say = say
        self._servers: list[Server] = []
        self._threads: list[threading.Thread] = []

    def on_socket(self) -> None:
        """Answer the owner; where another control plane of the same folder does, nothing is to be done."""
        path = self._folder / SOCKET
        if len(str(path)) > LONGEST:
            self._say(f"no socket for the API: the path {path} is too long for one")
            return
        if (there := connected(path)) is not None:
            there.close()
            return
        opened = listening(path)
        app = application(self._database, self._folder, self._owner)
        self._serve(_config(app, None), opened)

    def on(self, at: Listen, trust: Trust | None = None) -> None:
        """Answer whoever shows a token, or what a trusted issuer gave. Raises InputError when the port is taken."""
        family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((at.host, at.port))
        except OSError as error:
            opened.close()
            raise InputError(f"--listen {at.host}:{at.port}: {error.strerror}; take another port") from None
        # Whoever comes before the server is up waits in line, and is not turned away.
        opened.listen(WAITING)
        if at.is_here:
            self._token_file()
        login = Login(trust) if trust is not None else None
        self._serve(_config(application(self._database, self._folder, login=login), at), opened)
        scheme = "http" if at.certificate is None else "https"
        self._say(f"the API answers at {scheme}://{at.host}:{at.port}/v1")

    def stop(self) -> None:
        """Answer no more."""
        for server in self._servers:
            server.should_exit = True
        deadline = time.monotonic() + ENDING_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for server in self._servers:
            server.force_exit = True

    def _serve(self, config: Config, opened: socket.socket) -> None:
        server = Server(config)
        thread = threading.Thread(target=server.run, args=([opened],), name="api", daemon=True)
        thread.start()
        self._servers.append(server)
        self._threads.append(thread)

    def _token_file(self) -> None:
        """A token for the programs of this machine's owner, in a file that nobody else may read."""
        path = self._folder / TOKEN
        with self._database.write() as connection:
            if path.exists() and tokens.found(connection, path.read_text().strip()) is not None:
                return
            grants = [{"role": "admin", "project": EVERYTHING}]
            _, shown = tokens.create(connection, self._owner, grants, timedelta(days=366), self._owner)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{shown}\n")


def _config(app: FastAPI, at: Listen | None) -> Config:
    return Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1,
        ssl_certfile=at.certificate if at else None, ssl_keyfile=at.key if at else None,
    )  # fmt: skip
