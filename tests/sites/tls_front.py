"""HAProxy that speaks TLS with the world and plain HTTP with a server of this machine, as sites have it."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from bench.slurm_cluster import SYSTEM_PATH, free_ports, listens

CONFIG = """\
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend tls
  bind 127.0.0.1:{port} ssl crt {folder}/both.pem
  default_backend plain
backend plain
  server one 127.0.0.1:{to}
"""


class TlsFront:
    """Listens while it is entered, with a certificate that it has signed itself."""

    def __init__(self, to: int, folder: Path) -> None:
        self._to = to
        self._folder = folder
        self.certificate = folder / "certificate.pem"
        (self._port,) = free_ports(1)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        haproxy = shutil.which("haproxy", path=SYSTEM_PATH)
        if haproxy is None:
            pytest.skip("needs Debian packages: haproxy")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", self.certificate],
            cwd=self._folder, check=True, capture_output=True,
        )  # fmt: skip
        both = self._folder / "both.pem"
        both.touch(mode=0o600)
        both.write_text(self.certificate.read_text() + (self._folder / "key.pem").read_text())
        (self._folder / "haproxy.cfg").write_text(
            CONFIG.format(port=self._port, folder=self._folder, to=self._to)
        )
        self._process = subprocess.Popen([haproxy, "-f", str(self._folder / "haproxy.cfg")])
        deadline = time.monotonic() + 60
        while not listens(self._port):
            assert self._process.poll() is None, "haproxy ended"
            assert time.monotonic() < deadline, "haproxy does not listen"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)
