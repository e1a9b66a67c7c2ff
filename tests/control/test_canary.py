"""Canaries in every way that a secret takes, at every real kind of site, and a search for them everywhere else.

Runs that begin, runs whose program is not there and runs whose secret is not there: whatever happens, a secret is in
the environment of the run that it is for, and in nothing that anybody else can see.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bench.slurm_cluster import SlurmCluster
from tests.control.plane import until
from tests.sites.container_engine import IMAGE, ContainerEngine
from tests.sites.slurm_rest import SlurmRest
from tests.sites.ssh_server import SshServer, access
from tests.sites.started import started_cluster, started_engine, started_rest
from tests.sites.test_secrets import Vault

SITES = ("box", "host", "cluster", "rest", "engine")
SHOW = """
import hashlib, os, time
print(*(hashlib.sha256(os.environ[name].encode()).hexdigest() for name in ("A", "B", "C")), flush=True)
time.sleep(3)
"""


class Watch:
    """Looks at all processes of the machine, all the time, as their neighbours may."""

    def __init__(self, canaries: list[bytes], plane: set[int]) -> None:
        self.canaries = canaries
        self.plane = plane
        # A program that has just been started has no command line yet.
        until(lambda: all(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in plane), "it is started")
        self.lines = {Path(f"/proc/{pid}/cmdline").read_bytes() for pid in plane}
        self.told: list[str] = []
        self.seen: Counter[str] = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            self.seen["looks"] += 1
            for entry in os.scandir("/proc"):
                if entry.name.isdigit():
                    self._look(Path(entry.path))

    def _look(self, process: Path) -> None:
        try:
            line = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:
            return
        if any(canary in line for canary in self.canaries):
            self.told.append(f"command line: {line[:200]!r}")
        if any(canary in environment for canary in self.canaries):
            # A child that has not become another program yet still is the control plane, by its looks.
            if int(process.name) in self.plane or line in self.lines:
                return
            if b"SITUS_WORKLOAD=" in environment:
                site = re.search(rb"SITUS_SITE=(\w+)", environment)
                self.seen[site[1].decode() if site else "?"] += 1
            else:
                names = [v.partition(b"=")[0] for v in environment.split(b"\0")]
                self.told.append(f"environment of {line[:200]!r}: {names}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with started_cluster(tmp_path_factory.mktemp("slurm") / "cluster", tokens=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def rest(cluster: SlurmCluster) -> Iterator[SlurmRest]:
    with started_rest(cluster) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerEngine]:
    with started_engine(tmp_path_factory.mktemp("docker")) as engine:
        yield engine
        engine.clear()


@pytest.fixture(scope="module")
def vault() -> Iterator[tuple[str, str, str]]:
    """Its address, the token that opens it, and what it keeps."""
    from http.server import ThreadingHTTPServer

    token, canary = f"canary-t-{uuid4().hex}", f"canary-c-{uuid4().hex}"

    class Kept(Vault):
        TOKEN = token

        def answer(self, code: int, content: Any) -> None:
            if code == 200:
                content["data"]["data"]["password"] = canary
            super().answer(code, content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Kept) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", token, canary
        server.shutdown()


def estate(sites: dict[str, dict[str, Any]]) -> dict[str, Any]:
    refs = {"A": "env:A", "B": "file:b", "C": "vault:kv/team/db#password"}
    python = [sys.executable, "-S", "-c"]
    runs = {
        "good": {"command": [*python, SHOW], "secrets": refs},
        "gone": {"command": ["no-such-program-anywhere"], "secrets": refs, "retries": 0},
        "lost": {"command": [*python, SHOW], "secrets": {**refs, "D": "file:not-there"}, "retries": 0},
    }
    pool = {"node": {"cpu": 8, "memory": "8GiB"}, "count": 1, "price": {"basis": "owned", "price": "0 EUR"}}
    names = [(kind, site) for kind in runs for site in SITES]
    return {
        "settings": {"at": "2026-11-23T08:00Z", "currency": "EUR"},
        "sites": {
            name: {"kind": "on_prem", "country": "DE", "clearance": 4, "adapter": adapter, "pools": {"all": pool}}
            for name, adapter in sites.items()
        },
        "links": [{"from": "*", "to": "*", "latency": "1ms", "bandwidth": "1Gbit/s", "price": "0 EUR/GB"}],
        "workloads": {
            f"{kind}-{site}": {
                "stage": "train", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}],
                "job": {"work": "1h"}, "run": runs[kind],
            }
            for kind, site in names
        },
        "rules": {
            f"at-{site}": {
                "title": f"at {site}", "only_at": {"name": [site]},
                "applies_to": {"name": [f"{kind}-{site}" for kind in runs]},
            }
            for site in SITES
        },
    }  # fmt: skip


@pytest.mark.slow
def test_secrets_are_in_the_environment_of_their_run_and_nowhere_else(
    tmp_path: Path,
    cluster: SlurmCluster,
    rest: SlurmRest,
    engine: ContainerEngine,
    vault: tuple[str, str, str],
) -> None:
    pass_there = rest.token()
    a, b, phrase, password = (f"canary-{x}-{uuid4().hex}" for x in ("a", "b", "p", "d"))
    address, token, c = vault
    canaries = [text.encode() for text in (a, b, c, token, phrase, pass_there, password)]
    home, shared = tmp_path / "home", tmp_path / "shared"
    kept = home / ".situs" / "secrets"
    for folder in (kept, shared):
        folder.mkdir(parents=True, mode=0o700)
    (tmp_path / "mounted").mkdir(mode=0o700)
    for name, text in (("b", b), ("phrase", phrase), ("slurm", pass_there)):
        (kept / name).touch(mode=0o600)
        (kept / name).write_text(text)
    server = SshServer(tmp_path / "sshd", cluster.env)
    reach = access(tmp_path, server)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", phrase, "-f", str(reach.identity)], check=True)
    ssh = {
        "host": server.address, "config": str(reach.config), "known_hosts": str(reach.known_hosts),
        "identity": str(reach.identity), "passphrase": "file:phrase",
    }  # fmt: skip
    content = estate(
        {
            "box": {"kind": "local"},
            "host": {"kind": "ssh", "options": ssh},
            "cluster": {"kind": "slurm", "options": {**ssh, "folder": str(shared)}},
            "rest": {
                "kind": "slurm",
                "options": {"address": rest.address, "token": "file:slurm", "folder": str(tmp_path / "mounted")},
            },
            "engine": {
                "kind": "container",
                "options": {
                    "socket": engine.socket, "image": IMAGE, "network": "none", "pull": "never",
                    "mounts": ",".join(engine.python_mounts),
                },
            },
        }
    )  # fmt: skip
    (home / "estate.yaml").write_text(json.dumps(content))
    surroundings = {**os.environ, "VAULT_ADDR": address, "NO_COLOR": "1", "SITUS_LANG": "en"}
    told: dict[str, bytes] = {}

    def situs(*words: str, **more: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "situs.cli", *words], capture_output=True, env=surroundings | more
        )
        told[f"situs {' '.join(words)} ({len(told)})"] = done.stdout + done.stderr
        return done

    for words in (["validate"], ["plan"], ["apply", "latest", "--by", "ann"]):
        assert (done := situs(*words, "-C", str(home))).returncode == 0, done
    log = (tmp_path / "up.log").open("wb")
    up = subprocess.Popen(
        [sys.executable, "-m", "situs.cli", "up", "-C", str(home)],
        env=surroundings | {"SITUS_SECRET_A": a, "VAULT_TOKEN": token},
        stdout=log,
        stderr=log,
    )
    watch = Watch(canaries[:-1], {up.pid})
    try:

        def stands() -> bool:
            """All good ones done and all others failed or waiting with a reason, and seen to be so."""
            assert up.poll() is None, (tmp_path / "up.log").read_text()
            units = json.loads(situs("ps", "--json", "-C", str(home)).stdout)["units"]
            jobs = cluster.command("scontrol", "show", "job")
            told[f"jobs ({len(told)})"] = jobs.encode()
            told[f"engine ({len(told)})"] = inspected(engine)
            wanted = {"good": "done", "gone": "failed"}
            return all(
                (unit["cause"] or "").find("not-there") >= 0
                if unit["workload"].startswith("lost")
                else unit["standing"] == wanted[unit["workload"][:4]]
                for unit in units
            )

        until_slow(stands)
        for name in content["workloads"]:
            situs("status", name, "--json", "-C", str(home))
            situs("history", name, "--json", "-C", str(home))
        for words in (["doctor", "--json"], ["site", "list", "--json"], ["site", "show", "host"], ["ps"]):
            situs(*words, "-C", str(home))
        situs("doctor", "-C", str(home), SITUS_DB=f"postgresql://ann:{password}@127.0.0.1:1/none")
        situs("plan", "-C", str(home), "--json")
        assert situs("db", "backup", str(home / "backup"), "-C", str(home)).returncode == 0
        up.send_signal(signal.SIGTERM)
        until(lambda: up.poll() is not None, "the control plane ends")
    finally:
        watch.stop()
        up.kill()
        server.stop()
        log.close()
    digests = " ".join(sha256(text.encode()).hexdigest() for text in (a, b, c)).encode()
    # The runs had them all, so what follows looks for something that was there.
    assert sum(digests in text for text in files(home, tmp_path / "sshd", shared, tmp_path / "mounted")) >= 4
    assert all(watch.seen[site] for site in SITES), watch.seen
    assert watch.told == []
    for what, text in told.items():
        assert not any(canary in text for canary in canaries), what
    for place in (
        home, tmp_path / "sshd", shared, tmp_path / "mounted", cluster.folder, rest.folder, engine.folder,
        tmp_path / "up.log",
    ):  # fmt: skip
        found = subprocess.run(
            ["grep", "-rlaF", *(word for c in canaries for word in ("-e", c.decode())), str(place)],
            capture_output=True, text=True,
        ).stdout.splitlines()  # fmt: skip
        assert [path for path in found if Path(path).parent != kept] == []


def until_slow(true: Any) -> None:
    deadline = time.monotonic() + 180
    while not true():
        assert time.monotonic() < deadline, "it becomes true"
        time.sleep(0.5)


def files(*folders: Path) -> Iterator[bytes]:
    for folder in folders:
        for path in folder.rglob("output.log"):
            yield path.read_bytes()


def inspected(engine: ContainerEngine) -> bytes:
    """All that the engine tells of its containers and volumes."""
    with engine.client() as client:
        listed = client.get("/containers/json", params={"all": "1"}).json()
        each = [client.get(f"/containers/{container['Id']}/json").text for container in listed]
        return "\n".join([*each, client.get("/volumes").text]).encode()
