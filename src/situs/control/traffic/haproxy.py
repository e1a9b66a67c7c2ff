"""HAProxy, told by its runtime interface who gets requests; no request is lost when that changes.

It runs by itself, so that services go on being reached while no control plane runs; the next one finds it by its
socket.  Its configuration always names the servers of the moment too, so that one that has to be started anew
begins where the last one was.
"""

from __future__ import annotations

import csv
import hashlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from situs.control.traffic.fronts import Front
from situs.model.error import SitusError
from situs.store.files import write_atomically

SLOTS = 64
"""Servers of one workload at most; so many are laid out from the beginning, and given their addresses later."""
MOST_AT_ONCE = 20_000
NOWHERE = "127.0.0.1:1"
"""Address of a slot that is not used."""
ANSWER_S = 5.0
STARTING_S = 10.0
HEAD = """\
global
  stats socket {stats} mode 600 level admin
  maxconn {most}
  hard-stop-after 60s
defaults
  mode http
  timeout connect 3s
  timeout client 75s
  timeout server 300s
  option redispatch 1
  retries 3
  retry-on conn-failure
"""
FRONT = """\
listen {name}
  bind {listen}
  balance leastconn
  option httpchk GET {health}
  timeout check {timeout_ms}ms
  default-server inter 500ms fall {failures}
"""


def left_behind(folder: Path) -> bool:
    """Whether one was started for this folder and not stopped since."""
    return (_home_of(folder) / "haproxy.pid").exists()


class NoProxy(SitusError):
    """Requests cannot be passed on; says why and what to do."""


class Haproxy:
    """The one of one control plane's folder."""

    def __init__(self, folder: Path) -> None:
        self._home = _runtime_folder(folder)
        self._stats, self._master = self._home / "stats.sock", self._home / "master.sock"
        self._config, self._pid = self._home / "haproxy.cfg", self._home / "haproxy.pid"

    def apply(self, fronts: Mapping[str, Front]) -> None:
        """Have requests go where they should. Raises NoProxy."""
        if not fronts:
            self.stop()
            return
        text = _written(self._stats, fronts)
        laid_out = self._config.read_text() if self._config.exists() else ""
        if not self._answers():
            self._write(text)
            self._start()
        elif _layout(laid_out) != _layout(text):
            self._write(text)
            self._reload()
        elif laid_out != text:
            self._write(text)
        for name, front in fronts.items():
            self._send(name, front)

    def connections(self, name: str) -> dict[str, int]:
        """Requests under way, by the address of the server. Raises NoProxy."""
        table = csv.DictReader(self._ask("show stat").removeprefix("# ").splitlines())
        return {
            row["addr"]: int(row["scur"] or 0) + int(row["qcur"] or 0)
            for row in table
            if row["pxname"] == name and row["type"] == "2"
        }

    def stop(self) -> None:
        """End it, if it runs. What it served is not wanted any more, so nothing is waited for."""
        if self._answers():
            os.kill(int(self._pid.read_text().split()[0]), signal.SIGTERM)
            _wait(lambda: not self._answers(), "HAProxy does not end")
        self._pid.unlink(missing_ok=True)

    def _send(self, name: str, front: Front) -> None:
        there = self.slots(name)
        into, out = list(front.into.values()), set(front.out.values())
        taken = {address: slot for slot, (address, admin) in there.items() if admin != "maint"}
        free = [slot for slot, (_, admin) in there.items() if admin == "maint"]
        # First those that come, then those that go: there is always somebody to send to.
        for address in into:
            slot = taken.get(address)
            if slot is None:
                if not free:
                    raise NoProxy(f"{name} has more than {SLOTS} units that serve")
                slot = free.pop(0)
                host, _, port = address.rpartition(":")
                self._ask(f"set server {name}/{slot} addr {host.strip('[]')} port {port}")
            if slot in there and (taken.get(address) is None or there[slot][1] != "ready"):
                self._ask(f"set server {name}/{slot} state ready")
        for address, slot in taken.items():
            if address in into:
                continue
            self._ask(f"set server {name}/{slot} state {'drain' if address in out else 'maint'}")

    def slots(self, name: str) -> dict[str, tuple[str, str]]:
        """Of each server its address, and whether it is ready, draining or out of use."""
        lines = self._ask(f"show servers state {name}").splitlines()
        heads = next(line for line in lines if line.startswith("# ")).removeprefix("# ").split()
        found = {}
        for line in lines:
            row = dict(zip(heads, line.split(), strict=False))
            if row.get("be_name") == name:
                admin = int(row["srv_admin_state"])
                # Bits of its administrative state: 1 is maintenance by order, 8 draining by order.
                state = "maint" if admin & 0x1 else "drain" if admin & 0x8 else "ready"
                host = f"[{row['srv_addr']}]" if ":" in row["srv_addr"] else row["srv_addr"]
                found[row["srv_name"]] = (f"{host}:{row['srv_port']}", state)
        return found

    def _start(self) -> None:
        program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            raise NoProxy("HAProxy is not installed here: apt-get install haproxy")
        self._stats.unlink(missing_ok=True)
        words = ["-W", "-D", "-S", f"{self._master},mode,600", "-f", str(self._config), "-p", str(self._pid)]
        log = self._home / "haproxy.log"
        # It keeps what it was given to write to, so a pipe would never come to its end.
        with log.open("wb") as said:
            done = subprocess.run(  # noqa: S603 - a fixed program, and our own file
                [program, *words], stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, cwd="/",
                start_new_session=True, timeout=STARTING_S,
            )  # fmt: skip
        if done.returncode:
            alerts = [line for line in log.read_text(errors="replace").splitlines() if "ALERT" in line]
            raise NoProxy(f"HAProxy does not start: {alerts[0] if alerts else done.returncode}")
        _wait(self._answers, "HAProxy was started and does not answer")

    def _reload(self) -> None:
        """A new worker takes the sockets over from the old one, which ends when its requests are answered."""
        before = self._worker()
        _wait(self._is_told, "HAProxy does not take the order to read its new fronts")
        _wait(lambda: self._worker() not in ("", before), "HAProxy does not take its new fronts")

    def _is_told(self) -> bool:
        """A master that has just begun, or reads its fronts, starts itself anew and lets nobody in meanwhile."""
        try:
            _asked(self._master, "reload")
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True

    def _worker(self) -> str:
        """Its process id; empty while one takes over from the other."""
        try:
            said = _asked(self._stats, "show info")
        except OSError:
            return ""
        return said.partition("Pid:")[2].split("\n")[0].strip()

    def _write(self, text: str) -> None:
        write_atomically(self._config, text.encode())

    def _answers(self) -> bool:
        return self._worker() != ""

    def _ask(self, command: str) -> str:
        try:
            answer = _asked(self._stats, command)
        except OSError as error:
            raise NoProxy(f"HAProxy does not answer: {error}") from None
        if (
            command.startswith("set ")
            and answer.strip()
            and "changed" not in answer
            and "no need" not in answer
        ):
            raise NoProxy(f"HAProxy refuses {command!r}: {answer.strip()}")
        return answer


def _written(stats: Path, fronts: Mapping[str, Front]) -> str:
    return HEAD.format(stats=stats, most=_most_at_once()) + "".join(
        FRONT.format(
            name=name,
            listen=front.listen,
            health=front.health,
            timeout_ms=round(1000 * front.check.timeout),
            failures=front.check.failures,
        )
        + "".join(_servers(list(front.into.values())))
        for name, front in sorted(fronts.items())
    )


def _most_at_once() -> int:
    """Connections that this system lets one process have; a request takes one on each side."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return MOST_AT_ONCE if files == resource.RLIM_INFINITY else min(MOST_AT_ONCE, max(50, (files - 500) // 2))


def _servers(addresses: Collection[str]) -> Iterator[str]:
    for number in range(SLOTS):
        known = number < len(addresses)
        address = list(addresses)[number] if known else NOWHERE
        yield f"  server s{number} {address} check{'' if known else ' disabled'}\n"


def _layout(text: str) -> list[str]:
    """What of a configuration cannot be changed while it runs."""
    return [line for line in text.splitlines() if not line.startswith("  server ")]


def _runtime_folder(folder: Path) -> Path:
    """Names of sockets must be short, and nobody else may put one there."""
    home = _home_of(folder)
    for path in (home.parent, home):
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if not path.is_dir() or path.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise NoProxy(f"{path} is not ours alone; remove it")
    return home


def _home_of(folder: Path) -> Path:
    parent = Path(tempfile.gettempdir()) / f"situs-{os.getuid()}"
    return parent / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def _asked(path: Path, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(ANSWER_S)
        line.connect(str(path))
        line.sendall(command.encode() + b"\n")
        answer = bytearray()
        while block := line.recv(65536):
            answer += block
    return answer.decode(errors="replace")


def _wait(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + STARTING_S
    while not true():
        if time.monotonic() > deadline:
            raise NoProxy(otherwise)
        time.sleep(0.02)
