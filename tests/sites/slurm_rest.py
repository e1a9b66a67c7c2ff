"""Slurm's own REST daemon before a real cluster, as Debian ships both."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.slurm_cluster import SYSTEM_PATH, SlurmCluster, free_ports, listens, missing_packages

READY_S = 60.0


def missing() -> list[str]:
    """Debian packages that are needed and that this machine has not."""
    wanted = {"slurmrestd": shutil.which("slurmrestd", path=SYSTEM_PATH)}
    plugins = any(Path("/usr/lib").glob("*/slurm*/auth_jwt.so"))
    return [
        *missing_packages(),
        *(name for name, found in wanted.items() if not found),
        *([] if plugins else ["slurm-wlm-jwt-plugin"]),
    ]


class SlurmRest:
    """One daemon; it has no more rights than anybody, and acts as whoever has the token."""

    def __init__(self, cluster: SlurmCluster, plugins: str = "openapi/v0.0.38") -> None:
        """``plugins``: the versions of its interface, as ``slurmrestd -s`` takes them."""
        self._cluster = cluster
        self.plugins = plugins
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        # The folders of tests are their owner's alone.
        self.folder = Path(tempfile.mkdtemp(prefix="slurmrestd-"))
        self.folder.chmod(0o755)
        shutil.copy(cluster.folder / "slurm.conf", self.folder)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def token(self, lifespan_s: int = 3600, user: str = "root") -> str:
        """One that the cluster's administrator hands out."""
        said = self._cluster.command("scontrol", "token", f"username={user}", f"lifespan={lifespan_s}")
        return said.strip().removeprefix("SLURM_JWT=")

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "slurmrestd", "-a", "rest_auth/jwt",
            "-s", self.plugins, f"127.0.0.1:{self._port}",
        ]  # fmt: skip
        # It wants a token of its own to begin with, whatever it is: each request brings the one that counts.
        env = {"PATH": SYSTEM_PATH, "SLURM_CONF": str(self.folder / "slurm.conf"), "SLURM_JWT": "daemon"}
        with (self.folder / "out").open("ab") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=env, start_new_session=True
            )
        deadline = time.monotonic() + READY_S
        while not listens(self._port):
            assert self._process.poll() is None, (self.folder / "out").read_text()
            assert time.monotonic() < deadline, "slurmrestd does not listen"
            time.sleep(0.02)

    def end(self) -> None:
        """End it in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(READY_S)
            self._process = None

    def said(self) -> str:
        """What it wrote into its log."""
        return (self.folder / "out").read_text()
