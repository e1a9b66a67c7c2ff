"""A real Docker engine of its own: socket, data and containers are in a folder, no systemd, no registry.

The image it gets is made here: Debian's busybox with its libraries, and nothing else.  What tests run beyond
that (this very Python) is mounted from the machine at the same paths.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

PACKAGES = {
    "dockerd": "docker.io",
    "docker-init": "tini",
    "busybox": "busybox",
    "docker-registry": "docker-registry",
}
"""Debian's packages by the commands they give."""
IMAGE = "situs-test:1"
READY_S = 60.0
TOOLS = (
    "sh", "cat", "sleep", "id", "ls", "env", "cut", "find", "grep", "head", "mkdir", "mkfifo", "mv", "setsid", "stty",
    "tail", "tee", "tty", "wc",
)  # fmt: skip


def missing_packages() -> list[str]:
    """Debian packages that an engine needs and this machine has not."""
    return sorted({package for command, package in PACKAGES.items() if not shutil.which(command)})


def python_mounts() -> tuple[str, ...]:
    """Mounts by which the machine's Python runs in a container."""
    folders = {"/usr/lib", "/lib", "/lib64", sys.base_prefix, sys.prefix}
    return tuple(f"{folder}:{folder}:ro" for folder in sorted(folders) if Path(folder).exists())


class ContainerEngine:
    """One engine; runs from :meth:`start` to :meth:`stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = str(folder / "socket")
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def python_mounts(self) -> tuple[str, ...]:
        """Mounts by which the machine's Python runs in a container."""
        return python_mounts()

    def start(self) -> None:
        """Start the engine, with what it had before, and wait until it answers."""
        (self.folder / "config.json").write_text("{}")
        with (self.folder / "log").open("ab") as said:
            self._daemon = subprocess.Popen(
                [
                    "dockerd", f"--host=unix://{self.socket}", f"--data-root={self.folder}/data",
                    f"--exec-root={self.folder}/exec", f"--pidfile={self.folder}/pid",
                    f"--config-file={self.folder}/config.json",
                    "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
                ],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + READY_S
        while not self._answers():
            log = (self.folder / "log").read_text(errors="replace")[-2000:]
            assert self._daemon.poll() is None, f"dockerd ended: {log}"
            assert time.monotonic() < deadline, f"dockerd does not answer: {log}"
            time.sleep(0.02)

    def load_image(self) -> None:
        """Give the engine its image."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            busybox = os.path.realpath(shutil.which("busybox") or "")
            tar.add(busybox, "bin/busybox")
            needed = subprocess.run(["ldd", busybox], capture_output=True, text=True).stdout
            for library in re.findall(r"(/\S+) \(0x", needed):
                tar.add(os.path.realpath(library), library.lstrip("/"))
            for tool in TOOLS:
                link = tarfile.TarInfo(f"bin/{tool}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
            folder = tarfile.TarInfo("tmp")
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(folder)
        repo, _, tag = IMAGE.partition(":")
        query = {"fromSrc": "-", "repo": repo, "tag": tag}
        self.client().post("/images/create", params=query, content=archive.getvalue()).raise_for_status()

    def client(self) -> httpx.Client:
        """A way to do things behind the adapter's back."""
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=self.socket), base_url="http://engine", timeout=READY_S
        )

    def clear(self) -> None:
        """Remove all containers and volumes."""
        with self.client() as client:
            for container in client.get("/containers/json", params={"all": "1"}).json():
                client.delete(f"/containers/{container['Id']}", params={"force": "1"})
            for volume in client.get("/volumes").json()["Volumes"] or ():
                client.delete(f"/volumes/{volume['Name']}")

    def kill(self) -> None:
        """The engine dies, with the part of it that minds containers; what runs goes on."""
        self._end(signal.SIGKILL)
        pid = self.folder / "exec" / "containerd" / "containerd.pid"
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGKILL)
            # It may stay in the process table, where the next engine would take it for alive.
            pid.unlink()

    def stop(self) -> None:
        """End the engine with all that runs."""
        if self._daemon is not None and self._daemon.poll() is None:
            self.clear()
            self._end(signal.SIGTERM)
        # What an engine that was killed had mounted would be in the way of removing the folder.
        for line in Path("/proc/mounts").read_text().splitlines()[::-1]:
            place = line.split()[1]
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", place])

    def _end(self, how: signal.Signals) -> None:
        assert self._daemon is not None
        self._daemon.send_signal(how)
        self._daemon.wait(READY_S)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/_ping").is_success
        except httpx.TransportError:
            return False


@contextlib.contextmanager
def serve_images(folder: Path) -> Iterator[str]:
    """A real registry that keeps its images in a folder; gives its address."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/images}}}}\nhttp: {{addr: '{address}'}}\n"
    (folder / "config.yml").write_text(config)
    with (folder / "log").open("wb") as said:
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + READY_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://{address}/v2/").is_success:
                    break
            assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        yield address
    finally:
        server.terminate()
        server.wait(READY_S)
