"""Asking services for their health: what runs does not serve yet, and what served may serve no more.

A service says on the first line of its output at which address it listens, because a free port is found where it
runs.  Its health check is a path there that is asked for as long as it runs: often until it is ready, and with the
period of its own from then on.  All are asked by one thread that waits for none of them, so that those that hang hold
up nobody.
"""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from situs.control.answering import trouble_at
from situs.model.error import SitusError
from situs.model.workload import HealthCheck
from situs.sites.adapter import Adapter, Key

AT_ONCE = 8
"""Outputs that are read at once, to find addresses."""
LONGEST_ADDRESS = 300
_USUAL = HealthCheck()


@dataclass(frozen=True)
class Awaited:
    """A service that is asked."""

    site: str
    health: str
    check: HealthCheck = _USUAL
    stands: Literal["new", "well", "sick"] = "new"
    """``new``: it has never answered; ``sick``: it is known to be unhealthy"""
    address: str | None = None
    """where it listens; None: that is still to be found out"""


@dataclass(frozen=True)
class Ready:
    """It has answered: for the first time, or again."""

    key: Key
    address: str


@dataclass(frozen=True)
class Failing:
    """It served, and has failed its check as often in a row as it may, or more often."""

    key: Key
    site: str
    cause: str
    asked_at: datetime
    """when the last of these questions was asked"""


@dataclass
class _Asking:
    """One that is asked, again and again."""

    one: Awaited
    address: str | None
    failed: int = 0
    """times in a row"""
    now: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Readiness:
    """Asks those that it is told to, and tells of each that answers or fails where it did not before."""

    def __init__(
        self, sites: Mapping[str, Adapter], every_s: float, hand_over: Callable[[Ready | Failing], None]
    ) -> None:
        """``every_s``: between questions to one that has never answered."""
        self._sites = sites
        self._every_s = every_s
        self._hand_over = hand_over
        self._awaited: Mapping[Key, Awaited] = {}
        self._asking: dict[Key, _Asking] = {}
        self._reading = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ready")
        self._loop = asyncio.new_event_loop()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="readiness", daemon=True)
        self._thread.start()

    def expect(self, awaited: Mapping[Key, Awaited]) -> None:
        """Ask these from now on, and no others."""
        if awaited != self._awaited:
            self._awaited = awaited
            self._call(lambda: self._set(awaited))

    def again(self, keys: Iterable[Key]) -> None:
        """Ask these now, not when their time has come."""
        chosen = list(keys)
        if chosen:
            self._call(lambda: self._ask_now(chosen))

    def forget(self, keys: Iterable[Key]) -> None:
        """Count anew how often these fail in a row: what failed so far was not theirs."""
        chosen = list(keys)
        if chosen:
            self._call(lambda: self._count_anew(chosen))

    def stop(self) -> None:
        """Ask nobody any more; a question that is under way is not waited for."""
        self._call(self._loop.stop)
        self._stopped = True
        self._reading.shutdown(wait=False, cancel_futures=True)

    def _call(self, change: Callable[[], object]) -> None:
        if not self._stopped:
            self._loop.call_soon_threadsafe(change)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        finally:
            self._loop.close()

    def _set(self, awaited: Mapping[Key, Awaited]) -> None:
        for key in [key for key, asking in self._asking.items() if awaited.get(key) != asking.one]:
            asking = self._asking.pop(key)
            if asking.task is not None:
                asking.task.cancel()
        for key, one in awaited.items():
            if key not in self._asking:
                asking = self._asking[key] = _Asking(one, one.address)
                asking.task = self._loop.create_task(self._keep_asking(key, asking))

    def _ask_now(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if key in self._asking:
                self._asking[key].now.set()

    def _count_anew(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if key in self._asking:
                self._asking[key].failed = 0

    async def _keep_asking(self, key: Key, asking: _Asking) -> None:
        one = asking.one
        every_s = self._every_s if one.stands == "new" else one.check.period
        # Spread by name, so that a new leader does not ask all of them at the same instant.
        wait_s = every_s if one.stands == "new" else every_s * (zlib.crc32(str(key).encode()) / 2**32)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await asking.now.wait()
            asking.now.clear()
            wait_s = every_s
            if asking.address is None:
                asking.address = await self._loop.run_in_executor(self._reading, self._address, key, one.site)
            if asking.address is not None and await self._asked(key, asking, asking.address):
                return

    async def _asked(self, key: Key, asking: _Asking, address: str) -> bool:
        """Ask once; gives whether that settles it, because whoever is told has it asked differently from then on."""
        one, at = asking.one, datetime.now(UTC)
        trouble = await trouble_at(address + one.health, one.check.timeout)
        if trouble is None:
            if one.stands != "well" or asking.failed >= one.check.failures:
                self._hand_over(Ready(key, address))
            asking.failed = 0
            return one.stands == "new"
        asking.failed += 1
        if one.stands != "new" and asking.failed >= one.check.failures:
            self._hand_over(Failing(key, one.site, f"{one.health} {trouble}", at))
        return False

    def _address(self, key: Key, site: str) -> str | None:
        """The first line that it wrote, once it is whole."""
        try:
            said, _ = self._sites[site].logs(key)
        except (SitusError, KeyError):
            return None
        line, end, _ = said.partition(b"\n")
        return line.decode(errors="replace").strip()[:LONGEST_ADDRESS] if end else None
