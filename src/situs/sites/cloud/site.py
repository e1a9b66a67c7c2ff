"""Public clouds as one site: each run has a machine of its own, which SkyPilot rents for it and gives back after it.

What is run is kept on its machine, as on any host that SSH reaches; this side only remembers what must outlive the
machine.  A machine that nobody looks after any more is given back by itself (``keeper.sh``).

A start waits a while for its machine and then says that it is not there yet: asking again goes on waiting.  So
nothing that was asked for is lost with this process, and secrets lie nowhere while a machine is made.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from situs.model.capability import CAPABILITIES
from situs.model.error import SitusError
from situs.sites.adapter import (
    Health,
    Inventory,
    Key,
    StaleGeneration,
    Status,
    Task,
    Unreachable,
    refuse_unsupported,
)
from situs.sites.cloud.machines import Machines, refusal
from situs.sites.cloud.reaching import Reaching
from situs.sites.cloud.server import ApiServer, ServerError
from situs.sites.cloud.states import gone, in_trouble, progress
from situs.sites.cloud.telling import CloudOptions, health, inventory
from situs.sites.ending import awaited
from situs.sites.generations import Generations
from situs.sites.kept import Kept
from situs.sites.shell import NotThere
from situs.sites.words import inside, signal_of, still_runs

LONGEST_PAUSE_S = 2.0


class CloudSite:
    """One site. Any call may raise Unreachable."""

    capabilities = CAPABILITIES["cloud"]

    def __init__(self, server: ApiServer, machines: Machines, folder: Path, options: CloudOptions) -> None:
        """``folder``: of this machine; control planes that take over from each other best share it."""
        self._server = server
        self._machines = machines
        self._options = options
        self._kept = Kept(folder)
        self._generations = Generations(folder / "newest")
        self._reaching = Reaching(server, machines)
        self._fetching = threading.Lock()

    def health(self) -> Health:
        """Whether the API server answers, is new enough, and may rent machines where the site is."""
        return health(self._server, self._options)

    def inventory(self) -> Inventory:
        """What the estate says may be rented."""
        return inventory(self._options)

    def put(self, key: Key, source: Path, name: str) -> str:
        """Keep a file until the run's machine is there; gives its SHA-256."""
        inside(name)
        if self._kept.begun(key):
            raise SitusError(f"{key.workload} has started, and files come before that")
        return self._kept.stage(key, source, name)

    def start(self, task: Task) -> None:
        """Rent the machine and start the task on it. Raises StaleGeneration, and Unreachable while there is none yet.

        Raises SitusError when SkyPilot cannot rent it, with the reason of the cloud.
        """
        refuse_unsupported(task, self.capabilities, "cloud")
        key, machine = task.key, self._options.machine(task)
        self._admit(key)
        if self._kept.begun(key) and self.status(key).state != "absent":
            return
        try:
            record = self._machines.up(key, machine, self._options.start_s)
        except ServerError as error:
            raise refusal(error, machine) from None
        self._kept.open(key)
        # Whoever was frozen while it waited must find out before it starts anything.
        try:
            self._admit(key)
        except StaleGeneration:
            self._machines.down(key)
            raise
        host = self._reaching.host(key, record)
        if host.status(key).state == "absent":
            for name, path in self._kept.staged(key):
                host.put(key, path, name)
            # All that the machine has is its own.
            ids = ",".join(map(str, range(task.accelerators)))
            env = {**task.env, "SITUS_ACCELERATORS": ids} if ids else task.env
            host.start(replace(task, env=env, accelerators=0))
        self._kept.begin(key)

    def status(self, key: Key) -> Status:
        """Where the run is; what ended is remembered when its machine is gone."""
        if (ended := self._kept.ended(key)) is not None:
            return ended
        record = self._machines.all().get(key)
        if record is not None and (record["status"] == "UP" or in_trouble(record)):
            try:
                return self._looked(key)
            except Unreachable as error:
                # The server's word may be a minute old: the machine may have been taken back.
                record = self._machines.one(key, refresh=True)
                if record is not None and (record["status"] == "UP" or in_trouble(record)):
                    return self._silent(key, record, error)
        if not self._kept.begun(key):
            return Status("absent", detail=progress(record))
        return self._lost(key)

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        return awaited(lambda: self.status(key), timeout_s, 0.2, LONGEST_PAUSE_S)

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        if self._kept.ended(key) is not None:
            text = self._kept.read_log(key, since)
            return text, since + len(text)
        if self._machines.all().get(key, {}).get("status") != "UP":
            return b"", since
        return self._reaching.host(key).logs(key, since)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        signal_of(name)
        if self.status(key).alive:
            self._reaching.host(key).signal(key, name)

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._generations.admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the process group; SIGKILL after the grace to all that the run started."""
        if self.status(key).alive:
            self._reaching.host(key).stop(key, grace_s)
        return self.status(key)

    def renew(self, leases: Mapping[Key, float]) -> None:
        """Let runs that have a lease go on until then. Raises what one of their machines raised."""
        there, failed = self._machines.all(), None
        for key, until in leases.items():
            if there.get(key, {}).get("status") == "UP" and self._kept.ended(key) is None:
                try:
                    self._reaching.host(key).renew({key: until})
                except Unreachable as error:
                    failed = error
        if failed is not None:
            raise failed

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        inside(name)
        if self._machines.all().get(key, {}).get("status") != "UP":
            raise NotThere(f"{key.workload}: its machine is gone, and {name!r} with it")
        return self._reaching.host(key).get(key, name, target)

    def known(self) -> list[Key]:
        """All runs that have a machine of ours, or something here."""
        found = {*self._machines.all(), *self._kept.known()}
        return sorted(found, key=lambda key: (key.workload, key.unit, key.generation))

    def forget(self, key: Key) -> None:
        """Give the machine back and remove what is here. Raises SitusError while it runs."""
        if self.status(key).alive:
            raise still_runs(key.workload)
        self._machines.down(key)
        self._reaching.leave(key)
        self._kept.forget(key)

    def _admit(self, key: Key) -> None:
        """Refuse it when this machine or the API server knows a higher generation."""
        self._generations.admit(key)
        others = [
            other.generation
            for other in self._machines.all(0.0)
            if (other.workload, other.unit) == (key.workload, key.unit)
        ]
        if (newest := max(others, default=0)) > key.generation:
            raise StaleGeneration(
                f"{key.workload}: generation {key.generation} is older than {newest}, which this site has seen"
            )

    def _looked(self, key: Key) -> Status:
        """What the machine itself says; an end is fetched home."""
        host = self._reaching.host(key)
        status = host.status(key)
        if status.state == "absent":
            return status
        if not self._kept.begun(key):
            self._kept.begin(key)
        if status.state == "ended":
            status = self._billed(key, status)
            with self._fetching:
                text, _ = host.logs(key, self._kept.logged(key))
                while text:
                    self._kept.add(key, text)
                    text, _ = host.logs(key, self._kept.logged(key))
                self._kept.end(key, status)
            with suppress(SitusError):
                host.fetched(key)
        return status

    def _silent(self, key: Key, record: Mapping[str, Any], error: Unreachable) -> Status:
        """A run whose machine is there and gives no answer: others of the site are no worse off for it.

        Raises Unreachable where this machine does not know whether it was begun.
        """
        if not self._kept.begun(key):
            raise error
        why = record.get("init_status_reason") or "SkyPilot says that it is up"
        return Status("running", detail=f"its machine gives no answer ({why}): {error}")

    def _lost(self, key: Key) -> Status:
        """A run whose machine is gone. Raises Unreachable when that is not sure: nothing else may run for it then."""
        record = self._machines.one(key, refresh=True)
        told = self._machines.history(key)
        if told is None:
            raise Unreachable(
                f"{key.workload}: the API server does not know its machine at all; it may still run"
            )
        if record is not None and record["status"] != "STOPPED":
            raise Unreachable(f"{key.workload}: its machine is {record['status']} again")
        status = self._billed(key, gone(told, record))
        self._kept.end(key, status)
        return status

    def _billed(self, key: Key, status: Status) -> Status:
        """With what its machine has cost, where that is known."""
        if status.usage is None:
            return status
        with suppress(SitusError):
            return replace(status, usage=replace(status.usage, billed=self._machines.billed(key)))
        return status
