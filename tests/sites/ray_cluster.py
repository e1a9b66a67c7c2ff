"""A real Ray cluster of this machine, with an environment of its own: ``make ray``."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RAY = Path(".venv-ray/bin/ray").absolute()
CPUS, GPUS = 4, 2
PATIENCE_S = 60


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def ray_cluster(**more: str) -> Iterator[str]:
    """The address of the dashboard of a cluster of one node. ``more``: variables that it is started with."""
    # Its sockets lie in there, and names of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    port = free_port()
    env = {"PATH": os.defpath, "HOME": str(folder), "RAY_TMPDIR": str(folder), **more}
    with (folder / "log").open("wb") as log:
        head = subprocess.Popen(
            [
                RAY, "start", "--head", "--block", f"--num-cpus={CPUS}", f"--num-gpus={GPUS}", f"--port={free_port()}",
                "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--dashboard-port={port}",
                f"--dashboard-agent-listen-port={free_port()}", f"--temp-dir={folder}",
                "--resources={\"NPU\": 3}", "--object-store-memory=100000000", "--disable-usage-stats",
            ],
            env=env, stdout=log, stderr=log, cwd=folder, start_new_session=True,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(folder, head)
        shutil.rmtree(folder, ignore_errors=True)


def _end(folder: Path, head: subprocess.Popen[bytes]) -> None:
    """At once: a head that is asked to end drains its nodes for half a minute. Each part names its folder."""
    os.killpg(head.pid, signal.SIGKILL)
    head.wait(PATIENCE_S)
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                if str(folder).encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
