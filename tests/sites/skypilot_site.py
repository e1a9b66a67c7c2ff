"""Sites of kind cloud at a real API server of SkyPilot, whose cloud is a real Slurm on this machine.

``pytest --pyargs situs.sites.conformance --situs-adapter tests.sites.skypilot_site:opened`` runs all that every
adapter must do on it.  Each run gets a machine of its own, so that takes an hour; CI runs what matters most.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from bench.peers.skypilot_server import PORT, SLURM, Served, served
from situs.sites.adapter import Key
from situs.sites.cloud.machines import Machines
from situs.sites.cloud.names import Names
from situs.sites.cloud.server import ApiServer
from situs.sites.cloud.site import CloudSite
from situs.sites.cloud.telling import CloudOptions
from situs.sites.cloud.wanted import Machine

ADDRESS = f"http://127.0.0.1:{PORT}"
SMALL = Machine(f"slurm/{SLURM}", cpus=1, memory_gib=2)
UNATTENDED_S = 3600.0


class PreparedMachines(Machines):
    """Rents machines that have what they would fetch from the network."""

    def __init__(self, there: Served, server: ApiServer, names: Names) -> None:
        super().__init__(server, names, UNATTENDED_S)
        self._there = there

    def _launch(self, key: Key, machine: Machine) -> None:
        self._there.provide(f"{self._names.cluster(key)}-{self._names.user}")
        super()._launch(key, machine)


def cloud_site(there: Served, folder: Path, name: str, start_s: float = 240.0) -> CloudSite:
    """A site; those of one name are the same one."""
    names = Names(name)
    server = ApiServer(ADDRESS, names.user)
    machines = PreparedMachines(there, server, names)
    return CloudSite(server, machines, folder, CloudOptions({}, SMALL, start_s=start_s))


@cache
def _running() -> Served:
    stack, owner = ExitStack(), os.getpid()
    there = stack.enter_context(served(Path(tempfile.mkdtemp(prefix="situs-")) / "skypilot", nodes=3))
    # A process that is forked off must not end what is not its own.
    atexit.register(lambda: stack.close() if os.getpid() == owner else None)
    return there


_NEWEST: list[Path] = []


def opened(folder: Path) -> CloudSite:
    """The site that belongs to a folder; machines of other folders are ended, as there is room for a few only."""
    there = _running()
    if folder not in _NEWEST:
        there.slurm.clear()
        _NEWEST[:] = [folder]
    return cloud_site(there, folder, str(folder))
