"""Public clouds as one site: each run has a machine of its own, which SkyPilot rents for it and gives back after it.

What is run is kept on its machine, as on any host that SSH reaches; this side only remembers what must outlive the
machine.  A machine that nobody looks after any more is given back by itself (``keeper.sh``).

A start waits a while for its machine and then says that it is not there yet: asking again goes on waiting.  So
nothing that was asked for is lost with this process, and secrets lie nowhere while a machine is made.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from situs.model.error import SitusError
from situs.sites.adapter import (
    Capability,
    Health,
    Inventory,
    Key,
    Nodes,
    StaleGeneration,
    Status,
    Task,
    Unreachable,
    Unsupported,
    Usage,
    refuse_unsupported,
)
from situs.sites.cloud.kept import Kept, inside
from situs.sites.cloud.machines import Machines, refusal
from situs.sites.cloud.names import Names
from situs.sites.cloud.reaching import Reaching
from situs.sites.cloud.server import ApiServer, ServerError, unsuitable
from situs.sites.cloud.wanted import Machine
from situs.sites.ending import awaited
from situs.sites.generations import Generations
from situs.sites.shell import NotThere

LONGEST_PAUSE_S = 2.0
START_S = 60.0
"""A start waits so long for its machine before it says that it is not there yet."""
POOL = "SITUS_POOL"
"""Variable of a task that says which pool of the estate its machine is of."""


@dataclass(frozen=True)
class CloudOptions:
    """How a site's machines are rented."""

    machines: Mapping[str, Machine]
    """pool -> what it stands for"""
    otherwise: Machine
    """for tasks of no pool"""
    offered: tuple[Nodes, ...] = ()
    start_s: float = START_S


class CloudSite:
    """One site. Any call may raise Unreachable."""

    capabilities: frozenset[Capability] = frozenset({"accelerators", "secrets", "lease"})

    def __init__(
        self, server: ApiServer, names: Names, machines: Machines, folder: Path, options: CloudOptions
    ) -> None:
        """``folder``: of this machine; control planes that take over from each other best share it."""
        self._server = server
        self._names = names
        self._machines = machines
        self._options = options
        self._kept = Kept(folder)
        self._generations = Generations(folder / "newest")
        self._reaching = Reaching(server, machines)
        self._fetching = threading.Lock()

    def health(self) -> Health:
        """Whether the API server answers, is new enough, and may rent machines where the site is."""
        try:
            before = datetime.now(UTC)
            told, at = self._server.health()
            if cause := unsuitable(told):
                fix = "upgrade SkyPilot there: pip install -U skypilot; sky api stop; sky api start"
                return Health(False, cause, fix)
            enabled = {str(cloud).lower() for cloud in self._server.told("/enabled_clouds")}
        except Unreachable as error:
            return Health(False, str(error), "start it with `sky api start`, or see the site's option server")
        except ServerError as error:
            return Health(False, str(error), "see the site's option token, and the API server's log")
        # The server says whole seconds.
        ahead = 0.0 if at is None else (at - before).total_seconds() + 0.5
        clouds = {machine.infra.partition("/")[0] for machine in self._all_machines()}
        if missing := sorted(clouds - enabled):
            cause = f"SkyPilot has no access to {', '.join(missing)}"
            return Health(
                False, cause, f"give it credentials, then `sky check {' '.join(missing)}` there", ahead
            )
        return Health(True, clock_ahead_s=ahead)

    def inventory(self) -> Inventory:
        """What the estate says may be rented."""
        nodes = self._options.offered or (Nodes(1, 1, 1.0),)
        accelerators: dict[str, int] = {}
        for node in nodes:
            for model, count in node.accelerators.items():
                accelerators[model] = accelerators.get(model, 0) + count * node.count
        return Inventory(
            sum(node.cpus * node.count for node in nodes),
            sum(node.memory_gib * node.count for node in nodes),
            accelerators, ("machine",), nodes,
        )  # fmt: skip

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
        key, machine = task.key, self.machine(task)
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
            host.start(replace(task, accelerators=0))
        self._kept.begin(key)

    def status(self, key: Key) -> Status:
        """Where the run is; what ended is remembered when its machine is gone."""
        if (ended := self._kept.ended(key)) is not None:
            return ended
        record = self._machines.all().get(key)
        if record is not None and record["status"] == "UP":
            try:
                return self._looked(key)
            except Unreachable:
                # The server's word may be a minute old: the machine may have been taken back.
                record = self._machines.one(key, refresh=True)
                if record is not None and record["status"] == "UP":
                    raise
        if not self._kept.begun(key):
            return Status("absent", detail=_progress(record))
        return self._lost(key, record)

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        return awaited(lambda: self.status(key), timeout_s, 0.2, LONGEST_PAUSE_S)

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        if self._kept.ended(key) is not None:
            text = self._log_from(key, since)
            return text, since + len(text)
        if self._machines.all().get(key, {}).get("status") != "UP":
            return b"", since
        return self._reaching.host(key).logs(key, since)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        if name not in signal.Signals.__members__:
            raise SitusError(f"{name!r} is no signal; write it as SIGTERM or SIGUSR1")
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
            raise SitusError(f"{key.workload} still runs; stop it first")
        self._machines.down(key)
        self._reaching.leave(key)
        self._kept.forget(key)

    def machine(self, task: Task) -> Machine:
        """What is rented for a task. Raises Unsupported when that has not as many accelerators as it asks for."""
        machine = self._options.machines.get(task.env.get(POOL, ""), self._options.otherwise)
        if task.accelerators and machine.instance_type is None and machine.accelerators < task.accelerators:
            raise Unsupported(
                f"{task.key.workload}: a site of kind cloud cannot set {task.accelerators} accelerators aside on "
                f"{machine}; ask for less, or for another pool"
            )
        return machine

    def _all_machines(self) -> list[Machine]:
        return list(self._options.machines.values()) or [self._options.otherwise]

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

    def _lost(self, key: Key, record: Mapping[str, Any] | None) -> Status:
        """A run whose machine is gone, or does not answer and never will."""
        if record is not None and record["status"] == "INIT":
            raise Unreachable(
                f"{key.workload}: its machine is in trouble: {record.get('init_status_reason')}"
            )
        told = self._machines.history(key) or {}
        spot = "[spot]" in str(told.get("resources_str_full")).lower()
        why = "its spot machine was taken back" if spot else "its machine is gone"
        detail = f"{why} ({told.get('last_event') or 'SkyPilot says nothing'})"
        usage = Usage(float(told["duration"]), None, None) if told.get("duration") else None
        status = self._billed(key, Status("ended", None, "cancelled", usage, detail))
        self._kept.end(key, status)
        return status

    def _billed(self, key: Key, status: Status) -> Status:
        """With what its machine has cost, where that is known."""
        if status.usage is None:
            return status
        with suppress(SitusError):
            return replace(status, usage=replace(status.usage, billed=self._machines.billed(key)))
        return status

    def _log_from(self, key: Key, since: int) -> bytes:
        try:
            with self._kept.log(key).open("rb") as file:
                file.seek(since)
                return file.read()
        except FileNotFoundError:
            return b""


def _progress(record: Mapping[str, Any] | None) -> str | None:
    return (
        None if record is None else f"its machine is {record['status']}: {record.get('init_status_reason')}"
    )
