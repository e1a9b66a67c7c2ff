"""Private OpenSSH servers for tests and benchmarks: keys, homes and ports of their own; root or not."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from situs.sites.sshshell import SshAccess

PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
STARTING_S = 20.0
OLD = (
    "HostKeyAlgorithms ssh-rsa",
    "KexAlgorithms diffie-hellman-group14-sha1",
    "Ciphers aes128-cbc",
    "MACs hmac-sha1",
    "PubkeyAcceptedAlgorithms ssh-rsa",
)
"""What a server of fifteen years ago offered."""


class NoServer(Exception):
    """There is no sshd here; the message says where to get it."""


class SshServer:
    """One sshd on a port of this machine, whose users are at home in ``home``."""

    def __init__(
        self, folder: Path, env: Mapping[str, str] | None = None, lines: tuple[str, ...] = (),
        at: str = "127.0.0.1", within: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """``at``: the address it listens at; ``within``: a command that runs it in a network of its own."""
        if PROGRAM is None:
            raise NoServer("needs the Debian package openssh-server")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        kind = "rsa" if lines == OLD else "ed25519"
        self.host_key = _key(folder / "host", kind)
        self.identity = _key(folder / "client", kind)
        shutil.copy(f"{self.identity}.pub", folder / "authorized_keys")
        self.port = _free_port()
        self._at, self._within = at, within
        shown = " ".join(
            f'"{name}={value}"' for name, value in {"HOME": str(self.home), **(env or {})}.items()
        )
        (folder / "sshd_config").write_text(
            "\n".join(
                [
                    f"Port {self.port}", f"ListenAddress {at}", f"HostKey {self.host_key}",
                    f"PidFile {folder / 'sshd.pid'}", f"AuthorizedKeysFile {folder / 'authorized_keys'}",
                    "StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
                    "PermitRootLogin prohibit-password", "UseDNS no", "PrintMotd no", "MaxStartups 100:30:200",
                    "AllowTcpForwarding yes", f"SetEnv {shown}", *lines, "",
                ]
            )
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Also after :meth:`stop`; what runs there goes on meanwhile."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._within, str(PROGRAM), "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + STARTING_S
        while True:
            try:
                socket.create_connection((self._at, self.port), 1).close()
                return
            except OSError:
                said = (self.folder / "log").read_text()[-500:]
                assert self._process.poll() is None and time.monotonic() < deadline, said
                time.sleep(0.01)

    def stop(self) -> None:
        """No new connections; those that are there go on, each has a process of its own."""
        self._process.kill()
        self._process.wait()

    @property
    def address(self) -> str:
        """As the adapter takes it."""
        return f"{getpass.getuser()}@{self._at}:{self.port}"

    def known_as(self, port: int) -> str:
        """A line of known_hosts for the server, at its own port or at one that leads to it."""
        kind, key, *_ = Path(f"{self.host_key}.pub").read_text().split()
        return f"[{self._at}]:{port} {kind} {key}\n"


def access(folder: Path, *servers: SshServer, ports: tuple[int, ...] = (), **more: object) -> SshAccess:
    """To servers that share the first one's client key; ``ports`` lead to the first one too."""
    known = folder / "known_hosts"
    lines = [server.known_as(server.port) for server in servers]
    known.write_text("".join([*lines, *(servers[0].known_as(port) for port in ports)]))
    config = folder / "ssh_config"
    config.touch()
    key = Path(f"{servers[0].identity}.pub").read_text()
    for server in servers:
        let_in = server.folder / "authorized_keys"
        if key not in let_in.read_text():
            with let_in.open("a") as file:
                file.write(key)
    return SshAccess(config=config, known_hosts=known, identity=servers[0].identity, **more)  # type: ignore[arg-type]


def _key(path: Path, kind: str) -> Path:
    if not path.exists():
        size = ["-b", "2048"] if kind == "rsa" else []
        subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-f", str(path)], check=True)
    return path


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
