"""Asking services whether they are ready: what runs does not serve yet.

A service says on the first line of its output at which address it listens, because a free port is found where it
runs.  Its health check is a path there that answers 200.
"""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException

from situs.model.error import SitusError
from situs.sites.adapter import Adapter, Key

ANSWER_S = 2.0
AT_ONCE = 8
LONGEST_ADDRESS = 300


@dataclass(frozen=True)
class Awaited:
    """A service that is to become ready."""

    site: str
    health: str


@dataclass(frozen=True)
class Ready:
    """It has answered."""

    key: Key
    address: str


class Readiness:
    """Asks those that are awaited again and again, and tells of each that has answered, once."""

    def __init__(
        self, sites: Mapping[str, Adapter], every_s: float, hand_over: Callable[[Ready], None]
    ) -> None:
        self._sites = sites
        self._every_s = every_s
        self._hand_over = hand_over
        self._awaited: Mapping[Key, Awaited] = {}
        self._addresses: dict[Key, str] = {}
        self._told: set[Key] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="readiness", daemon=True)
        self._thread.start()

    def expect(self, awaited: Mapping[Key, Awaited]) -> None:
        """Ask these from now on, and no others."""
        self._awaited = awaited

    def stop(self) -> None:
        """Ask nobody any more; a question that is under way is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ready") as asking:
            while not self._stopped.wait(self._every_s):
                awaited = self._awaited
                self._told &= awaited.keys()
                self._addresses = {key: text for key, text in self._addresses.items() if key in awaited}
                list(asking.map(self._ask, [item for item in awaited.items() if item[0] not in self._told]))

    def _ask(self, item: tuple[Key, Awaited]) -> None:
        key, one = item
        address = self._addresses.get(key) or self._address(key, one.site)
        if address is None:
            return
        self._addresses[key] = address
        if not self._stopped.is_set() and answers(address + one.health):
            self._told.add(key)
            self._hand_over(Ready(key, address))

    def _address(self, key: Key, site: str) -> str | None:
        """The first line that it wrote, once it is whole."""
        try:
            said, _ = self._sites[site].logs(key)
        except (SitusError, KeyError):
            return None
        line, end, _ = said.partition(b"\n")
        return line.decode(errors="replace").strip()[:LONGEST_ADDRESS] if end else None


def answers(url: str) -> bool:
    """Whether a service answers 200 there."""
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - checked above
            return bool(answer.status == 200)
    except (OSError, HTTPException, ValueError):
        return False
