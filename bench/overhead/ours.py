"""``situs run`` on this machine and at a host that a real OpenSSH leads to, with the control plane up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.overhead.terminal import first_line_s
from bench.sshd import SshServer, access
from situs.control.leader import acting
from situs.store.database import Database
from situs.store.schema import ready

SITES = ("local", "ssh")
STARTING_S = 60.0
SITUS = Path(sys.executable).with_name("situs")


class Ours:
    """An estate of two sites, and a control plane that looks after it."""

    def __init__(self, estate: Path) -> None:
        self._estate = estate
        self._env = {**os.environ, "TERM": "xterm"}

    def first_line_s(self, site: str, code: Path) -> float:
        """How long ``situs run`` takes there."""
        words = [str(SITUS), "run", "train.py", "--site", site, "-C", str(self._estate)]
        return first_line_s(words, cwd=code, env=self._env)


@contextmanager
def ours(folder: Path, server: SshServer) -> Iterator[Ours]:
    """The sites, and ``situs up`` until this is left."""
    estate = folder / "estate"
    estate.mkdir(parents=True)
    reach = access(folder, server)
    options = {
        "host": server.address, "config": str(reach.config), "identity": str(reach.identity),
        "known_hosts": str(reach.known_hosts),
    }  # fmt: skip
    pool = {"node": {"cpu": 4, "memory": "8GiB"}, "count": 4, "price": {"basis": "owned", "price": "0 EUR"}}
    site = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": pool}}
    adapters = {"local": {"kind": "local"}, "ssh": {"kind": "ssh", "options": options}}
    sites = {name: {**site, "adapter": adapters[name]} for name in SITES}
    # YAML has JSON in it.
    (estate / "estate.yaml").write_text(json.dumps({"sites": sites}))
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [SITUS, "up", "-C", estate], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait_for(estate / ".situs" / "control.db", process)
            yield Ours(estate)
        finally:
            process.terminate()
            process.wait()


def _wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTING_S
    while not file.exists():
        assert process.poll() is None and time.monotonic() < deadline, "the control plane did not come up"
        time.sleep(0.05)
    database = ready(Database(str(file)))
    try:
        while acting(database) is None:
            assert process.poll() is None and time.monotonic() < deadline, "the control plane does not lead"
            time.sleep(0.05)
    finally:
        database.close()
