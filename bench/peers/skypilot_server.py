"""SkyPilot's API server with a real Slurm as its cloud, which a real OpenSSH leads to.

It is the one cloud of SkyPilot that is there without credentials and without Kubernetes: its own pools of SSH hosts
are a Kubernetes that it downloads and installs.

It writes into the home of the user: a key that lets it in, a line in ``.bashrc``; and it looks for nodes by their
names.  So it has a home and a list of hosts of its own here, bound over the real ones for its processes alone.
A host with a network would fetch what it needs, uv, a Python and SkyPilot's packages, by itself; here all of it is
there before, as ``.venv-skypilot`` has it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figure import CannotMeasure
from bench.peers.skypilot import PYTHON, skypilot_version
from bench.slurm_cluster import SlurmCluster, listens, missing_packages
from bench.sshd import NoServer, SshServer

HASH = "abcd1234"
"""Who its own client is to it."""
SLURM = "here"
PORT = 46580
"""Of its API server on this machine; it is always this one."""
STARTING_S = 900.0
QUEUE_PORT = 50011
"""Of its queue of requests, which may outlive it."""
MEMORY_MIB = 8_000
CPU_USD = 3.6
"""What an hour of a processor of it is said to cost."""
SEEN_THERE = {"UV_SYSTEM_CERTS": "1"}
"""Over there uv installs SkyPilot's own packages; it believes whom this machine believes."""
WHEEL = "from sky.backends import wheel_utils; print(wheel_utils.build_sky_wheel()[1])"


@dataclass(frozen=True)
class Served:
    """An API server that is up."""

    home: OwnHome
    slurm: SlurmCluster
    folder: Path
    wheel: str
    """hash of the packages that the server has its machines install"""

    def provide(self, machine: str) -> None:
        """Have on a machine, by its name with the user's hash, what it would fetch."""
        there = self.home.folder / ".sky_clusters" / machine
        (there / ".local" / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(PYTHON.with_name("uv"), there / ".local" / "bin")
        (there / ".sky" / "wheels").mkdir(parents=True, exist_ok=True)
        (there / ".sky" / "wheels" / "current_sky_wheel_hash").write_text(self.wheel)
        own = self.folder / "runtime" / machine
        own.mkdir(parents=True, exist_ok=True)
        if not (own / "skypilot-runtime").exists():
            (own / "skypilot-runtime").symlink_to(self.folder / "packages")


@contextmanager
def served(
    folder: Path, nodes: int = 1, env: Mapping[str, str] | None = None,
    prepare: Callable[[Path], None] = lambda _: None,
) -> Iterator[Served]:  # fmt: skip
    """One API server, until this is left. Raises CannotMeasure with what is missing for it.

    ``env``: more of its environment, such as credentials; ``prepare``: is given its home before it begins.
    """
    _must_be_able()
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        home = stack.enter_context(own_home(folder / "home"))
        home.env |= env or {}
        slurm = SlurmCluster(folder / "slurm", nodes=nodes, memory_mib=MEMORY_MIB, within=home.within)
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
        prepare(home.folder)
        # Links, so that what a machine does to them leaves those of .venv-skypilot as they are.
        subprocess.run(["cp", "-al", PYTHON.parents[1], folder / "packages"], check=True)
        stack.callback(home.run, "sky", "api", "stop")
        home.run("sky", "api", "start")
        wheel = home.run(str(PYTHON), "-c", WHEEL).split()[-1]
        yield Served(home, slurm, folder, wheel)


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

    def run(self, *words: str) -> str:
        """Run a command to its end; gives what it said. Raises CannotMeasure with the last of that."""
        done = subprocess.run(
            [*self.within, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=STARTING_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CannotMeasure(f"{' '.join(words[:2])} failed: {' / '.join(done.stdout.splitlines()[-8:])}")
        return done.stdout


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
    if any(map(listens, (PORT, QUEUE_PORT))):
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
        json.dumps(
            {"slurm": {"cluster_configs": {SLURM: {"tmpdir": str(runtime)}}, "pricing": {"cpu": CPU_USD}}}
        )
    )
