"""Hosts that SSH reaches, one or several as one site; nothing has to be installed there.

Which host of several runs what is settled once for each run and kept there: a claim, made at the one host that the
unit's name chooses, says where it is, whoever asks first.  Nothing of it is kept on this side.  A run that has no
claim yet is looked for at all hosts, as their list may have changed since; so nothing new starts while one of them
gives no answer, until it is back or taken off the list.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from situs.model.error import SitusError
from situs.sites.adapter import (
    Full,
    Health,
    Inventory,
    Key,
    Nodes,
    Status,
    Task,
    by_shape,
    refuse_unsupported,
)
from situs.sites.posix import PosixHost
from situs.sites.ssh_checkpoints import HostsCheckpoints

T = TypeVar("T")


class SshSite:
    """Several POSIX hosts as one site. Any call may raise Unreachable."""

    capabilities = PosixHost.capabilities

    def __init__(self, hosts: dict[str, PosixHost], slots: int | None = None) -> None:
        """``slots``: runs at once on each host; None: as many as are asked for."""
        if not hosts:
            raise SitusError("a site needs at least one host")
        self._hosts = hosts
        self._slots = slots
        self._found: dict[Key, str] = {}
        self._choosing = threading.Lock()
        self._coming: dict[Key, str] = {}
        """runs on their way to the host that they were given, of which nothing may be there yet"""
        self._without_room: dict[Key, set[str]] = {}
        """hosts that a run was refused by, so that the next one is tried; who has forgotten it only tries one again"""

    def health(self) -> Health:
        """Whether all hosts answer and can start things."""
        seen = self._each(lambda host: host.health())
        for name, health in zip(self._hosts, seen, strict=True):
            if not health.ok:
                return Health(False, f"{name}: {health.cause}", health.next_step)
        # What all of them answer together is the worst of each.
        clock = max((health.clock_ahead_s for health in seen), key=abs)
        free = min((health.free_gib for health in seen if health.free_gib is not None), default=None)
        mode = max((health.mode for health in seen if health.mode is not None), key=_open, default=None)
        return Health(True, None, None, clock, free, mode)

    def inventory(self) -> Inventory:
        """What all hosts have together."""
        seen = self._each(lambda host: host.inventory())
        accelerators: dict[str, int] = {}
        for there in seen:
            for model, count in there.accelerators.items():
                accelerators[model] = accelerators.get(model, 0) + count
        return Inventory(
            sum(there.cpus for there in seen),
            sum(there.memory_gib for there in seen),
            accelerators,
            tuple(part for part in seen[0].isolation if all(part in there.isolation for there in seen)),
            by_shape(Nodes(1, there.cpus, there.memory_gib, there.accelerators) for there in seen),
        )

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        with self._settled(key) as host:
            return host.put(key, source, name)

    def keep(self, key: Key, source: Path, digest: str) -> str:
        """Have a file at the run's host for all its runs; gives its path."""
        with self._settled(key) as host:
            return host.keep(key, source, digest)

    def checkpoints(self) -> HostsCheckpoints:
        """The checkpoints that the hosts hold."""
        return HostsCheckpoints({name: host.checkpoints for name, host in self._hosts.items()}, self._host_of)

    def start(self, task: Task) -> None:
        """Start the task on the host that it has or gets. Raises StaleGeneration and Full."""
        refuse_unsupported(task, self.capabilities, "ssh")
        if len(self._hosts) > 1:
            # A lower generation may have run at another one of them, and hosts may have been put on the list since.
            self.fence(task.key)
        try:
            with self._settled(task.key) as host:
                host.start(task)
        except Full:
            self._left(task.key)
            raise
        self._without_room.pop(task.key, None)

    def status(self, key: Key) -> Status:
        """Where the run is."""
        host = self._find(key)
        return Status("absent") if host is None else host.status(key)

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        host = self._find(key)
        return Status("absent") if host is None else host.wait(key, timeout_s)

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        host = self._find(key)
        return (b"", since) if host is None else host.logs(key, since)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        (self._find(key) or next(iter(self._hosts.values()))).signal(key, name)

    def renew(self, leases: Mapping[Key, float]) -> None:
        """Let runs that have a lease go on until then; one call to each host. Raises what one of them raised."""
        by_host: dict[int, tuple[PosixHost, dict[Key, float]]] = {}
        for key, until in leases.items():
            host = self._find(key)
            if host is not None:
                by_host.setdefault(id(host), (host, {}))[1][key] = until
        with ThreadPoolExecutor(max(1, len(by_host))) as pool:
            asked = [pool.submit(host.renew, theirs) for host, theirs in by_host.values()]
        for one in asked:
            one.result()

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on, at every host."""
        self._registrar(key).fence(key)
        self._each(lambda host: host.fence(key))

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """Ask the run to end, and end it after the grace."""
        host = self._find(key)
        return Status("absent") if host is None else host.stop(key, grace_s)

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        return (self._find(key) or self._registrar(key)).get(key, name, target)

    def enter(self, key: Key, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """The command that runs another one, or a shell, in the run's folder at its host."""
        host = self._find(key)
        if host is None:
            raise SitusError(f"no host of the site has {key.workload}")
        return host.enter(key, command, terminal=terminal)

    def known(self) -> list[Key]:
        """All runs that the hosts know."""
        return sorted(
            {key for keys in self._each(lambda host: host.known()) for key in keys},
            key=lambda key: (key.workload, key.unit, key.generation),
        )

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        host = self._find(key)
        if host is not None:
            host.forget(key)
            self._registrar(key).unclaim(key)
            self._found.pop(key, None)

    @contextmanager
    def _settled(self, key: Key) -> Iterator[PosixHost]:
        """The host of the run, for something to be brought there; it gets one if it has none. Raises Full."""
        try:
            yield self._find(key) or self._chosen(key)
        finally:
            self._coming.pop(key, None)

    def _chosen(self, key: Key) -> PosixHost:
        """The host that has the least to do. Raises Full."""
        # One after the other, as a host does not know yet of runs that are on their way to it.
        with self._choosing:
            refused = self._without_room.get(key, set())
            coming = Counter(list(self._coming.values()))
            busy = self._each(lambda host: host.busy())
            runs = {name: there + coming[name] for name, there in zip(self._hosts, busy, strict=True)}
            name = min(self._hosts, key=lambda name: (name in refused, runs[name]))
            if refused >= set(self._hosts):
                del self._without_room[key]
            if self._slots is not None and min(runs.values()) >= self._slots:
                raise Full(
                    f"{key.workload}: all {self._slots * len(self._hosts)} slots of the site are taken"
                )
            # Somebody else may have chosen meanwhile: what the registrar says counts.
            name = name if len(self._hosts) == 1 else self._registrar(key).claim(key, name) or name
            self._coming[key] = name
            return self._remembered(key, name)

    def _left(self, key: Key) -> None:
        """A host that has no room for a run does not keep it: the next time it goes to another one."""
        name = self._found.get(key)
        if len(self._hosts) == 1 or name is None:
            return
        try:
            self._hosts[name].forget(key)
        except SitusError:
            # Somebody else has started it there meanwhile.
            return
        self._registrar(key).unclaim(key)
        del self._found[key]
        self._without_room.setdefault(key, set()).add(name)

    def _find(self, key: Key) -> PosixHost | None:
        """The host that has the run, or will have it; None when no host knows of it."""
        if len(self._hosts) == 1 and self._slots is None:
            return next(iter(self._hosts.values()))
        if key in self._found:
            return self._hosts[self._found[key]]
        name = self._registrar(key).claim(key, None) if len(self._hosts) > 1 else None
        if name in self._hosts:
            return self._remembered(key, name)
        for name, keys in zip(self._hosts, self._each(lambda host: host.known()), strict=True):
            if key in keys:
                return self._remembered(key, name)
        return None

    def _host_of(self, key: Key) -> str | None:
        """The name of the host that has the run; None when no host knows of it."""
        found = self._find(key)
        return next((name for name, host in self._hosts.items() if host is found), None)

    def _remembered(self, key: Key, name: str) -> PosixHost:
        self._found[key] = name
        return self._hosts[name]

    def _registrar(self, key: Key) -> PosixHost:
        """The host that keeps the claims of a unit: the same for everyone who has the same hosts."""
        name = max(
            self._hosts, key=lambda name: sha256(f"{name} {key.workload}.{key.unit}".encode()).digest()
        )
        return self._hosts[name]

    def _each(self, ask: Callable[[PosixHost], T]) -> Sequence[T]:
        """Ask all hosts at once."""
        if len(self._hosts) == 1:
            return [ask(host) for host in self._hosts.values()]
        with ThreadPoolExecutor(len(self._hosts)) as pool:
            return list(pool.map(ask, self._hosts.values()))


def _open(mode: str) -> int:
    """How much others may do with a folder of this mode."""
    return sum(right != "-" for right in mode[4:10])
