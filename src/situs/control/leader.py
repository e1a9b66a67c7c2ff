"""Being the one control plane that acts: taking the lease, holding it, noticing that it is lost."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from situs.sites.steady import steady
from situs.store import leases
from situs.store.database import Database, DatabaseAway, clock
from situs.store.leases import Lease, LeaseLost

NAME = "executor"
LEASE_S = 15.0
"""Long enough that a disk that stalls for some seconds loses nobody the lease, short enough that work is looked
after again within half a minute of the death of a machine."""


class Leadership:
    """A lease that is held by a thread of its own, for as long as this process lives and is not frozen."""

    def __init__(self, database: Database, lease: Lease, for_s: float) -> None:
        self.lease = lease
        self._database = database
        self._for_s = for_s
        self._until = steady() + for_s
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="lease", daemon=True)
        self._thread.start()

    def guard(self) -> None:
        """Raises LeaseLost once the lease is lost, or may be because it could not be renewed in time."""
        if self._lost or steady() > self._until:
            raise LeaseLost(f"the lease of token {self.lease.token} is over")

    def end(self) -> None:
        """Let others have it at once, where the database answers."""
        self._ended.set()
        self._thread.join()
        with suppress(DatabaseAway):
            leases.release(self._database, self.lease)

    def _hold(self) -> None:
        while not self._ended.wait(self._for_s / 3):
            asked = steady()
            try:
                leases.renew(self._database, self.lease, self._for_s)
            except LeaseLost:
                self._lost = True
                return
            except DatabaseAway:
                continue
            self._until = asked + self._for_s


def lead(database: Database, for_s: float = LEASE_S) -> Leadership | None:
    """Take the lease if nobody holds it; None when somebody does."""
    held_by = leases.holder_of(database, NAME)
    # Taking it from one that is known to be dead spares the wait; its token makes it safe in any case.
    dead = held_by if _is_dead(held_by) else ""
    lease = leases.acquire(database, NAME, _myself(), for_s, dead=dead)
    return None if lease is None else Leadership(database, lease, for_s)


def acting(database: Database) -> str | None:
    """Who holds the lease, and is not known to be dead; None when nobody does."""
    with database.read() as connection:
        lease = leases.found(connection, NAME)
        if lease is None or lease.expires <= clock(connection) or lease.holder == leases.NOBODY:
            return None
    return None if _is_dead(lease.holder) else lease.holder


def process_here(holder: str) -> int | None:
    """The process of a holder, if it is one of this machine and lives."""
    parts = holder.split("/")
    if len(parts) != 5 or parts[0] != socket.gethostname() or parts[1] != _boot() or _is_dead(holder):
        return None
    return int(parts[2])


def _myself() -> str:
    """Host, its boot, process, its start, and something unique: enough to tell later whether it still lives."""
    return "/".join((socket.gethostname(), _boot(), str(os.getpid()), _started(os.getpid()), uuid4().hex[:8]))


def _is_dead(holder: str) -> bool:
    parts = holder.split("/")
    if len(parts) != 5 or parts[0] != socket.gethostname() or parts[1] != _boot() or not parts[1]:
        return False
    return _started(int(parts[2])) != parts[3]


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # Containers of one machine share its boot, but not their processes.
        return f"{boot}-{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process was started, in ticks since boot; empty when it is gone, also when nobody buried it yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
