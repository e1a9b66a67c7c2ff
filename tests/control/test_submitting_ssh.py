"""Work that is handed in, at a host that SSH reaches: real sshd, real control plane."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from situs.control import submitting
from situs.control.asked import Asked, workload_of
from situs.control.attached import At, End, Output, Reader, copy_out, entered
from situs.control.connect import by_kind
from situs.control.shipping import snapshot
from situs.intent import loads
from situs.sites.sshshell import SshShell
from tests.control.plane import Plane
from tests.sites.ssh_server import SshServer, access
from tests.store.databases import migrated

SCRIPT = "import os, sys\nprint(os.environ['SITUS_SITE'], *sys.argv[1:])\nopen('out.txt', 'w').write('made there')\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    made = SshServer(tmp_path / "server", {"PATH": os.environ["PATH"]})
    yield made
    made.stop()


@pytest.fixture(params=["known_hosts", "pinned"])
def plane(request: pytest.FixtureRequest, tmp_path: Path, server: SshServer) -> Plane:
    reach = access(tmp_path, server)
    options = {"host": server.address, "config": str(reach.config), "identity": str(reach.identity)}
    if request.param == "known_hosts":
        options["known_hosts"] = str(reach.known_hosts)
    else:
        kind, key, *_ = Path(f"{server.host_key}.pub").read_text().split()
        options["host_keys"] = f"{server.address} {kind} {key}"
    site = {
        "kind": "on_prem", "country": "DE", "clearance": 1, "adapter": {"kind": "ssh", "options": options},
        "pools": {
            "box": {"node": {"cpu": 4, "memory": "8GiB"}, "count": 1, "price": {"basis": "owned", "price": "0 EUR"}}
        },
    }  # fmt: skip
    made = Plane(
        migrated(tmp_path / "control.db"),
        tmp_path / "situs",
        loads(json.dumps({"sites": {"far": site}})).intent,
    )
    made.apply({})
    return made


def test_a_script_runs_there_and_is_read_along_from_here(
    plane: Plane, tmp_path: Path, server: SshServer
) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "main.py").write_text(SCRIPT)
    files = {".": snapshot(folder).archive}
    reader = Reader(plane.database, by_kind(plane.folder))
    with plane.leading():
        for name in ("one", "two"):
            submitting.submit(plane.database, name, workload_of(Asked(("main.py", "it's"))), files, "ann")
            seen = list(reader.follow(name))
            assert [(each.run.site, each.runs) for each in seen if isinstance(each, At)] == [
                ("far", False),
                ("far", True),
            ]
            assert b"".join(each.text for each in seen if isinstance(each, Output)) == b"far it's\n"
            assert isinstance(seen[-1], End)
            assert seen[-1].exit_code == 0
    assert len(list((server.home / ".situs" / "far" / "kept").iterdir())) == 2, "code and launcher, once each"
    run = reader.run("one")
    copy_out(reader, run, "out.txt", tmp_path / "here.txt")
    assert (tmp_path / "here.txt").read_text() == "made there"
    command = entered(reader, run, ("cat", "out.txt"), terminal=False)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "made there"), done.stderr
    # A shell for a person, who leaves at once.
    shell = entered(reader, run, (), terminal=False)
    done = subprocess.run(
        shell, input="cat out.txt; exit 7\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (7, "made there"), done.stderr


@pytest.mark.parametrize("how", ["known_hosts", "pinned"])
def test_a_terminal_goes_to_no_host_that_shows_another_key(
    tmp_path: Path, server: SshServer, how: str
) -> None:
    reach = access(tmp_path, server)
    (tmp_path / "other").mkdir()
    other = SshServer(tmp_path / "other")
    other.stop()
    kind, key, *_ = Path(f"{other.host_key}.pub").read_text().split()
    assert reach.known_hosts is not None
    if how == "pinned":
        reach = replace(reach, host_keys={server.address: f"{kind} {key}"})
    else:
        reach.known_hosts.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    command = SshShell(server.address, reach).terminal("echo in", terminal=False)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (255, "")
    assert "verification failed" in done.stderr
