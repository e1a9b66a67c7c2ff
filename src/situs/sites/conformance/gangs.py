"""What kinds of sites must do that start one task on several nodes: all of it begins, fails and ends as one.

Two nodes are enough.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from situs.model.error import SitusError
from situs.sites.adapter import Adapter, Key, Task
from situs.sites.conformance.waiting import ended, python, until

MEET = """
import json, os, socket, time
e = os.environ
names = ("SITUS_NODES", "SITUS_NODE_RANK", "WORLD_SIZE", "RANK", "PET_NNODES", "PET_NODE_RANK", "PET_NPROC_PER_NODE")
first, port = e["MASTER_ADDR"], int(e["MASTER_PORT"])
assert (e["PET_MASTER_ADDR"], int(e["PET_MASTER_PORT"]), e["SITUS_FIRST_NODE"]) == (first, port, first)
hosts = open(e["SITUS_HOSTFILE"]).read().split()
assert hosts[0] == first, hosts
# The first one listens where it is told to, and the other one reaches it there.
if e["RANK"] == "0":
    with socket.create_server(("", port)) as server:
        other, _ = server.accept()
        met = other.recv(100).decode()
else:
    while True:
        try:
            with socket.create_connection((e["AT"] or first, port), timeout=5) as one:
                one.sendall(b"from " + e["RANK"].encode())
                met = "sent"
            break
        except OSError:
            time.sleep(0.05)
line = json.dumps([[e[name] for name in names], met, len(hosts), e["A"]])
os.write(1, line.encode() + b"\\n")
"""
HEAR = """
import os, signal, sys, time
rank = os.environ["RANK"]
signal.signal(signal.SIGUSR1, lambda *_: open("heard" + rank, "w"))
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"goodbye\\n"), sys.exit(0)))
open("ready" + rank, "w")
while True: time.sleep(0.01)
"""
FAIL = """
import os, sys, time
while not os.path.exists("ready1"):
    if os.environ["RANK"] == "1": open("ready1", "w")
    time.sleep(0.01)
if os.environ["RANK"] == "1": sys.exit(3)
os.write(1, b"begun\\n")
time.sleep(600)
"""


class GangConformance:
    """For a test class of a kind of site, beside :class:`situs.sites.conformance.suite.AdapterConformance`."""

    KEY = Key("job", 1)
    FIRST_IS_AT = ""
    """where the first member is reached if its name cannot be looked up here"""

    @pytest.fixture
    def gang_site(self, site: Adapter) -> Adapter:
        """A site on which two nodes can be had."""
        assert "nodes" in site.capabilities
        return site

    def test_members_know_each_other_and_meet_where_they_are_told(self, gang_site: Adapter) -> None:
        gang_site.start(
            Task(self.KEY, python(MEET), {"A": "it's $HOME", "AT": self.FIRST_IS_AT}, nodes=2, memory_gib=0.2)
        )
        status = ended(gang_site, self.KEY)
        text = gang_site.logs(self.KEY)[0].decode()
        assert status.succeeded, (status, text)
        told = sorted(json.loads(line) for line in text.splitlines() if line.startswith("["))
        assert told == [
            [["2", "0", "2", "0", "2", "0", "1"], "from 1", 2, "it's $HOME"],
            [["2", "1", "2", "1", "2", "1", "1"], "sent", 2, "it's $HOME"],
        ]

    def test_a_member_that_fails_ends_the_others_and_is_the_cause(self, gang_site: Adapter) -> None:
        gang_site.start(Task(self.KEY, python(FAIL), nodes=2))
        status = ended(gang_site, self.KEY)
        assert (status.exit_code, status.reason, status.succeeded) == (3, "exited", False)
        assert gang_site.status(self.KEY) == status

    def test_all_members_hear_signals_and_are_stopped(self, gang_site: Adapter, tmp_path: Path) -> None:
        def wrote(name: str) -> bool:
            try:
                gang_site.get(self.KEY, name, tmp_path / "taken")
            except SitusError:
                return False
            return True

        def all_wrote(word: str) -> None:
            until(lambda: all(wrote(f"{word}{rank}") for rank in range(2)), f"both are {word}")

        gang_site.start(Task(self.KEY, python(HEAR), nodes=2))
        all_wrote("ready")
        gang_site.signal(self.KEY, "SIGUSR1")
        all_wrote("heard")
        status = gang_site.stop(self.KEY, grace_s=20)
        assert (status.reason, status.exit_code) == ("stopped", 0)
        assert gang_site.logs(self.KEY)[0].count(b"goodbye") == 2
