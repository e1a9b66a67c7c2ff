"""The control plane's side of the counter: hands work in for those who ask, and lets them read along."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from situs.control import submitting
from situs.control.asked import Asked, workload_of
from situs.control.attached import At, End, Output, Reader, Trouble
from situs.control.counter.line import NAME, Closed, Line, same
from situs.control.doors import listening
from situs.control.held_up import HeldUp
from situs.model.amount import plain as exact
from situs.model.error import SitusError
from situs.model.estate import Site
from situs.planner.single import Placed
from situs.sites.adapter import Adapter
from situs.store.database import Database
from situs.version import __version__

Shown = Callable[[str, Placed, float | None, str], Mapping[str, Any]]
"""How a place is told of: given name, place, hours and language."""
AT_ONCE = 64
"""So many may read along; others go the long way."""
METERED_S = 4.0
"""The control plane looks every two seconds where something runs; what it cost is known then."""
PEER = struct.Struct("3i")


class Leading(Protocol):
    """The control plane behind the counter, as far as that needs it; any thread may ask."""

    def reached(self, name: str, site: Site) -> Adapter:
        """A site, by the way that is open to it already. Raises InputError."""

    def wake(self) -> None:
        """Read at once what others have written."""

    def look(self, site: str) -> None:
        """Look at a site now: something has happened there."""


@dataclass(frozen=True)
class Counter:
    """What it needs to serve anybody."""

    database: Database
    address: str
    """of the database, as commands give it"""
    folder: Path
    shown: Shown

    def opened(self, term: Leading) -> Open:
        """Serve from now on."""
        return Open(self, term)


class Open:
    """A counter that is open: one thread that lets people in, and one for each of them."""

    def __init__(self, counter: Counter, term: Leading) -> None:
        self._counter, self._term = counter, term
        self._stopped = False
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._socket: socket.socket | None = None
        # Where no socket can be had, all go the long way.
        with suppress(OSError):
            self._socket = listening(counter.folder / NAME)
        if self._socket is not None:
            threading.Thread(target=self._let_in, args=(self._socket,), name="counter", daemon=True).start()

    def stop(self) -> None:
        """Serve nobody any more; who is reading along is sent the long way."""
        self._stopped = True
        if self._socket is not None:
            # Closing alone would not end the wait for the next one.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _let_in(self, listening: socket.socket) -> None:
        while not self._stopped:
            try:
                connected, _ = listening.accept()
            except OSError:
                return
            if not _is_ours(connected) or not self._places.acquire(blocking=False):
                connected.close()
                continue
            threading.Thread(target=self._serve, args=(Line(connected),), name="served", daemon=True).start()

    def _serve(self, line: Line) -> None:
        # Whatever goes wrong is told by the one who asked, who tries it the long way.
        try:
            with suppress(Closed, SitusError):
                request = line.told()
                if self._hand_in(line, request) and request["follow"]:
                    self._read_along(line, request["name"])
        finally:
            line.close()
            self._places.release()

    def _hand_in(self, line: Line, request: Mapping[str, Any]) -> bool:
        """False when it was not: then nothing of it is in the database."""
        counter = self._counter
        code = line.next()
        ours = (request.get("situs"), request.get("database")) == (__version__, same(counter.address))
        if not ours or not isinstance(code, bytes):
            return False
        asked: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in request["asked"].items()
        }
        only = frozenset(request["sites"]) if request["sites"] else None
        name = request["name"]
        placed = submitting.submit(
            counter.database, name, workload_of(Asked(**asked)), {".": code}, request["by"], only
        )
        self._term.wake()
        line.send({"placed": counter.shown(name, placed, request["hours"], request["lang"])})
        return True

    def _read_along(self, line: Line, name: str) -> None:
        reader = Reader(self._counter.database, self._term.reached)
        for seen in reader.follow(name, stop=lambda: self._stopped or _has_hung_up(line)):
            if isinstance(seen, Output):
                line.send(seen.text)
            elif isinstance(seen, At):
                line.send({"at": seen.run.site, "generation": seen.run.generation, "runs": seen.runs})
            elif isinstance(seen, HeldUp):
                line.send({"held_up": {"cause": seen.cause, "next_step": seen.next_step}})
            elif isinstance(seen, Trouble):
                line.send({"trouble": seen.what})
            elif isinstance(seen, End):
                line.send({"end": self._end(reader, seen)})

    def _end(self, reader: Reader, end: End) -> Mapping[str, Any]:
        if end.run is not None:
            self._term.look(end.run.site)
        cost, currency = reader.cost(end)
        return {
            "exit_code": end.exit_code, "reason": end.reason, "stopped": end.stopped, "cost": exact(cost),
            "currency": currency,
        }  # fmt: skip


def _is_ours(connected: socket.socket) -> bool:
    """Whether it is the same user who asks: the folder's mode says so too, and may have been changed."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    told = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
    return bool(PEER.unpack(told)[1] in (os.getuid(), 0))


def _has_hung_up(line: Line) -> bool:
    """Who reads along says nothing more, so that anything to be read is the end."""
    return bool(select.select([line.socket], [], [], 0)[0])
