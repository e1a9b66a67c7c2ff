"""A thread that keeps the proxy as it should be, and tells when a run gets no requests any more."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from situs.control.traffic.fronts import Front
from situs.control.traffic.haproxy import Haproxy, NoProxy
from situs.sites.adapter import Key

DRAINING_S = 0.1
"""Between looks while requests are still under way."""
RESTING_S = 2.0
"""Between looks whether the proxy is still there."""


@dataclass(frozen=True)
class Drained:
    """A run that may end: it has nothing to answer, or its time to do so is over."""

    key: Key
    waited_s: float


class Router:
    """Applies what is wanted again and again, until it is told to stop; requests are passed on even then."""

    def __init__(
        self, proxy: Haproxy, hand_over: Callable[[Drained], None], say: Callable[[str], None]
    ) -> None:
        self._proxy = proxy
        self._hand_over = hand_over
        self._say = say
        self._fronts: Mapping[str, Front] | None = None
        self._since: dict[Key, float] = {}
        self._told: set[Key] = set()
        self._trouble = ""
        self._numbers: dict[str, str] = {}
        self._due = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="router", daemon=True)
        self._thread.start()

    def want(self, fronts: Mapping[str, Front]) -> None:
        """Have it so from now on."""
        if fronts != self._fronts:
            self._fronts = fronts
            self._due.set()

    def stop(self) -> None:
        """Change nothing any more."""
        self._stopped = True
        self._due.set()

    def _run(self) -> None:
        while not self._stopped:
            self._due.wait(DRAINING_S if self._since.keys() - self._told else RESTING_S)
            self._due.clear()
            if self._stopped or self._fronts is None:
                continue
            fronts = {name: self._resolved(front) for name, front in self._fronts.items()}
            try:
                self._proxy.apply(fronts)
                self._drain(fronts)
                self._complain("")
            except (NoProxy, OSError) as error:
                self._complain(str(error))
                # Who cannot be reached through the proxy has no requests from it to wait for.
                for front in fronts.values():
                    self._over(front.out)

    def _resolved(self, front: Front) -> Front:
        """With numbers for names: the proxy takes nothing else while it runs. Who is not known gets no requests."""
        into = {key: found for key, address in front.into.items() if (found := self._number(address))}
        out = {key: self._number(address) or address for key, address in front.out.items()}
        return replace(front, into=into, out=out)

    def _number(self, address: str) -> str | None:
        if address not in self._numbers:
            host, _, port = address.rpartition(":")
            try:
                found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
            except OSError as error:
                self._say(f"requests are not passed to {address}: {error}")
                return None
            number = str(found[0][4][0])
            self._numbers[address] = f"[{number}]:{port}" if ":" in number else f"{number}:{port}"
        return self._numbers[address]

    def _drain(self, fronts: Mapping[str, Front]) -> None:
        leaving = {key for front in fronts.values() for key in front.out}
        self._since = {key: at for key, at in self._since.items() if key in leaving}
        self._told &= leaving
        for name, front in fronts.items():
            if not front.out.keys() - self._told:
                continue
            under_way, now = self._proxy.connections(name), time.monotonic()
            for key, address in front.out.items():
                waited = now - self._since.setdefault(key, now)
                if not under_way.get(address, 0) or waited >= front.drain_s:
                    self._over([key])

    def _over(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if key not in self._told:
                self._told.add(key)
                self._hand_over(
                    Drained(key, time.monotonic() - self._since.setdefault(key, time.monotonic()))
                )

    def _complain(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            self._say(f"requests are not passed on: {trouble}")
        self._trouble = trouble
