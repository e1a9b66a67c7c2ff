"""A host in a network of its own that is cut off while its processes run on, and what they leave as evidence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bench.cutting.far_host import FarHost, NoNetworks, far_host
from bench.sshd import NoServer, access
from situs.intent import loads
from situs.store import events
from tests.control.plane import Plane
from tests.store.databases import migrated

POOL = {"node": {"cpu": 4, "memory": "8GiB"}, "count": 9, "price": {"basis": "owned", "price": "0 EUR"}}
NEAR: Mapping[str, Any] = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": POOL}}
PROGRAM = "evidence.py"


class Cuttable(Plane):
    """Far hosts, this machine as ``near``, and workloads that count."""

    def __init__(self, tmp_path: Path, hosts: Mapping[str, FarHost], workloads: Mapping[str, Any]) -> None:
        self.hosts = hosts
        self.evidence = tmp_path / "evidence"
        self.evidence.mkdir()
        sites = {name: self._far(tmp_path, host) for name, host in hosts.items()}
        content = {"sites": {"near": NEAR, **sites}, "workloads": workloads}
        database = migrated(tmp_path / "control.db")
        super().__init__(database, tmp_path / "situs", loads(json.dumps(content)).intent)
        self.sites = sites

    def go(self, **places: str) -> None:
        """Put a plan in force that has each workload there."""
        program = {PROGRAM: files("bench.crash").joinpath(PROGRAM).read_bytes()}
        self.apply({name: [(site, "box", 1)] for name, site in places.items()}, program)

    def lines(self, name: str) -> list[list[str]]:
        """What the runs of a workload wrote: begin or end, generation, site, count."""
        path = self.evidence / f"{name}.0.log"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def twice(self, name: str) -> bool:
        """Whether two of its runs were alive at once."""
        return bool(list(self.evidence.glob(f"{name}.0*.twice")))

    def told(self, kind: str) -> list[str]:
        """Events of a kind, the newest first."""
        with self.database.read() as connection:
            return [event.text for event in events.newest(connection, 1000) if event.kind == kind]

    @staticmethod
    def _far(tmp_path: Path, host: FarHost) -> dict[str, Any]:
        reach = access(host.server.folder, host.server)
        options = {
            "hosts": host.server.address, "config": str(reach.config), "known_hosts": str(reach.known_hosts),
            "identity": str(reach.identity), "slots": "9",
        }  # fmt: skip
        return {**NEAR, "adapter": {"kind": "ssh", "options": options}}


def counting(evidence: Path, steps: int = 0, **more: Any) -> dict[str, Any]:
    """A job that counts; 0 steps: until it is asked to end."""
    command = [sys.executable, "-S", PROGRAM, str(evidence), str(steps), "0.1"]
    return {
        "stage": "train", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}], "job": {"work": "1h"},
        "run": {"command": command, "files": [PROGRAM], "state": ["count"], "grace": "5s"}, **more,
    }  # fmt: skip


@contextmanager
def cuttable(tmp_path: Path, names: tuple[str, ...], workloads: Mapping[str, Any]) -> Iterator[Cuttable]:
    """It is all gone afterwards; without root or the programs the test is skipped."""
    with ExitStack() as stack:
        try:
            hosts = {
                name: stack.enter_context(far_host(tmp_path / name, number + 20))
                for number, name in enumerate(names)
            }
        except (NoServer, NoNetworks) as missing:
            pytest.skip(str(missing))
        made = Cuttable(tmp_path, hosts, workloads)
        try:
            yield made
        finally:
            made.end_all()
            made.database.close()
