"""``sky exec`` on a cluster that SkyPilot has up already, on a real Slurm that a real OpenSSH leads to.

That is its quickest way to run a script, and the nearest one to ours that needs neither Kubernetes nor a cloud: its
own pools of SSH hosts are a Kubernetes that it downloads and installs.  The cluster (``sky launch``) is not part of
what is measured; the API server that its client speaks with is up as well.

It writes into the home of the user: a key that lets it in, a line in ``.bashrc``; and it looks for nodes by their
names.  So it has a home and a list of hosts of its own here, bound over the real ones for its processes alone.
A host with a network would fetch what it needs, uv and a Python, by itself; here both are there before, those of
``.venv-skypilot``.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.figure import CannotMeasure
from bench.overhead.terminal import PATIENCE_S, changed, first_line_s
from bench.peers.skypilot import PYTHON, skypilot_version
from bench.slurm_cluster import SlurmCluster, missing_packages
from bench.sshd import NoServer, SshServer

CLUSTER, HASH = "bench", "abcd1234"
SLURM = "here"
PORT = 46580
"""Of its API server on this machine; it is always this one."""
LAUNCHING_S = 900.0
MEMORY_MIB = 8_000
SEEN_THERE = {"UV_SYSTEM_CERTS": "1"}
"""Over there uv installs SkyPilot's own packages; it believes whom this machine believes."""


class SkyPilot:
    """A cluster that is up."""

    def __init__(self, home: OwnHome, folder: Path) -> None:
        self._home, self._folder = home, folder
        self.name = f"SkyPilot {skypilot_version()}: sky exec, Slurm by SSH"

    def first_line_s(self, code: Path) -> float:
        """How long ``sky exec`` takes."""
        words = [
            *self._home.within,
            str(PYTHON.with_name("sky")),
            "exec",
            CLUSTER,
            str(_task(self._folder, code)),
        ]
        return first_line_s(words, cwd=code, env=self._home.env)


@contextmanager
def skypilot(folder: Path) -> Iterator[SkyPilot]:
    """One cluster, until this is left. Raises CannotMeasure with what is missing for it."""
    _must_be_able()
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        home = stack.enter_context(own_home(folder / "home"))
        slurm = SlurmCluster(folder / "slurm", nodes=1, memory_mib=MEMORY_MIB, within=home.within)
        stack.callback(slurm.stop)
        home.knows(*slurm.nodes)
        slurm.start()
        try:
            server = SshServer(
                folder / "sshd", {**slurm.env, **SEEN_THERE, "HOME": home.shown}, within=home.within
            )
        except NoServer as error:
            raise CannotMeasure(str(error)) from None
        stack.callback(server.stop)
        _configure(folder, home, server)
        (folder / "first").mkdir()
        changed(folder / "first", 0)
        stack.callback(home.run, "sky", "api", "stop")
        home.run("sky", "launch", "--yes", "--cluster", CLUSTER, str(_task(folder, folder / "first")))
        yield SkyPilot(home, folder)


class OwnHome:
    """A folder that processes see as the user's home."""

    def __init__(self, folder: Path, process: int) -> None:
        self.folder, self.shown, self.hosts = folder, str(Path.home()), _hosts(folder)
        self.within = ("nsenter", "--mount", "--target", str(process), "--")
        self.env = {
            **os.environ, "HOME": self.shown, "TERM": "xterm", "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
            "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
        }  # fmt: skip

    def knows(self, *hosts: str) -> None:
        """Processes within find these at this machine."""
        with self.hosts.open("a") as file:
            file.writelines(f"127.0.0.1 {host}\n" for host in hosts)

    def run(self, *words: str) -> None:
        """Run a command to its end. Raises CannotMeasure with the last it said."""
        done = subprocess.run(
            [*self.within, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=LAUNCHING_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CannotMeasure(f"{' '.join(words[:2])} failed: {' / '.join(done.stdout.splitlines()[-8:])}")


@contextmanager
def own_home(folder: Path) -> Iterator[OwnHome]:
    """Bound over the real one for processes that are run within it; needs root."""
    folder.mkdir()
    real = Path.home()
    kept = [Path(sys.base_prefix), Path(sys.prefix), PYTHON.parents[1], Path(__file__).parents[2]]
    shutil.copy("/etc/hosts", _hosts(folder))
    binds = [f"mount --bind {_hosts(folder)} /etc/hosts"]
    for path in sorted({path.resolve() for path in kept if path.resolve().is_relative_to(real)}):
        (folder / path.relative_to(real)).mkdir(parents=True, exist_ok=True)
        binds.append(f"mount --bind {path} {folder / path.relative_to(real)}")
    script = " && ".join(
        [
            "mount --make-rprivate /",
            *binds,
            f"mount --rbind {folder} {real}",
            "echo there",
            "exec sleep infinity",
        ]
    )
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != b"there\n":
                raise CannotMeasure("no home of its own can be bound for SkyPilot here")
            yield OwnHome(folder, process.pid)
        finally:
            process.kill()


def _hosts(folder: Path) -> Path:
    return folder.with_name("hosts")


def _must_be_able() -> None:
    skypilot_version()
    if os.getuid() != 0:
        raise CannotMeasure("SkyPilot needs root here: it is given a home of its own")
    if missing := [*missing_packages(), *(["rsync"] if shutil.which("rsync") is None else [])]:
        raise CannotMeasure(f"SkyPilot needs a Slurm and rsync here: apt-get install {' '.join(missing)}")
    with socket.socket() as asking:
        if asking.connect_ex(("127.0.0.1", PORT)) == 0:
            raise CannotMeasure("an API server of SkyPilot runs on this machine already: sky api stop")


def _configure(folder: Path, home: OwnHome, server: SshServer) -> None:
    """How the cluster is reached, and what a host with a network would fetch."""
    (home.folder / ".slurm").mkdir()
    (home.folder / ".slurm" / "config").write_text(
        f"Host {SLURM}\n  HostName 127.0.0.1\n  Port {server.port}\n  User root\n"
        f"  IdentityFile {server.identity}\n  IdentitiesOnly yes\n"
    )
    runtime = folder / "runtime"
    (home.folder / ".sky").mkdir()
    (home.folder / ".sky" / "user_hash").write_text(HASH)
    # YAML has JSON in it.
    (home.folder / ".sky" / "config.yaml").write_text(
        json.dumps({"slurm": {"cluster_configs": {SLURM: {"tmpdir": str(runtime)}}}})
    )
    own = f"{CLUSTER}-{HASH}"
    uv = PYTHON.with_name("uv")
    programs = home.folder / ".sky_clusters" / own / ".local" / "bin"
    programs.mkdir(parents=True)
    shutil.copy(uv, programs)
    environment = runtime / own / "skypilot-runtime"
    environment.parent.mkdir(parents=True)
    subprocess.run(
        [uv, "venv", "--quiet", "--seed", "--python", PYTHON, environment], check=True, timeout=PATIENCE_S
    )


def _task(folder: Path, code: Path) -> Path:
    """What is to be run: the same script, of the same folder."""
    task = {
        "resources": {"infra": f"slurm/{SLURM}", "cpus": 2, "memory": "4+"}, "workdir": str(code),
        "run": "python3 train.py",
    }  # fmt: skip
    path = folder / f"{code.name}.yaml"
    path.write_text(json.dumps(task))
    return path
