"""The shell of a host that SSH reaches: one connection, made when it is wanted and made again when it is lost.

Asyncssh speaks the protocol on a loop of its own thread, which all hosts share; callers wait for their answer.
The key of a host is always checked, and that of every jump host; a config that would switch this off is refused.

The login shell over there may be any, also csh or fish.  So it is given one word that says nothing to it: what a
POSIX shell is to do, with each byte that some shell minds written in octal.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable
from situs.sites.hostkeys import NotTrusted, ShownKey
from situs.sites.shell import ANSWER_S, Completed, Shell
from situs.sites.sshclient import client_words, parts

T = TypeVar("T")
CONNECT_S = 15.0
"""Over jump hosts and a bad line; a host that is up answers in one."""
ALIVE_S, ALIVE_TIMES = 5, 3
"""A line that carried nothing for so many times this long is cut, whatever TCP believes."""
AT_ONCE = 8
"""Commands on one connection; OpenSSH takes ten sessions (MaxSessions)."""
MOST_JUMPS = 8
LEGACY = {
    "kex_algs": "+diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1",
    "encryption_algs": "+aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc",
    # An RSA key signs in the one way they know, whatever else there is.
    "signature_algs": "-rsa-sha2-256,rsa-sha2-512",
}
"""What servers of before 2015 speak; broken or nearly so, and only used where the estate allows it."""
MODERN = {
    "kex_algs": "-diffie-hellman-group14-sha1,gss-group14-sha1",
    "signature_algs": "-ssh-rsa",
}
PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./:=@,+-")


@dataclass(frozen=True)
class SshAccess:
    """How hosts are reached, for all hosts of a site alike. What is None is taken from the SSH config."""

    config: Path | None = None
    """None: ``~/.ssh/config``"""
    known_hosts: Path | None = None
    identity: Path | None = None
    """private key file; None: those of the config, of the agent, and of ``~/.ssh``"""
    jump: str | None = None
    """hosts to go through, with commas between them"""
    legacy: bool = False
    """allow algorithms that are not safe any more"""
    sh: str = "/bin/sh"
    """a POSIX shell over there"""
    passphrase: Callable[[], str] | None = None
    """gives that of the private key, each time that it is needed"""
    host_keys: Mapping[str, str] = field(default_factory=dict)
    """host as it is named here -> the key it is believed by, whatever ``known_hosts`` says; several on lines of their
    own"""
    private_key: str | None = field(default=None, repr=False)
    """the key itself, where it lies in no file of this machine"""
    line: Callable[[], Awaitable[socket.socket]] | None = None
    """gives a socket that leads to the host, where TCP alone does not"""


class SshShell(Shell):
    """One host. Its commands begin in the home of the user there."""

    def __init__(self, host: str, access: SshAccess | None = None) -> None:
        """``host``: ``[user@]name[:port]``, where the name may be one of the SSH config."""
        self.host = self._host = host
        self._access = access or SshAccess()
        self._pid = -1

    def run(self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = ANSWER_S) -> Completed:
        """Run a script once on the host. Raises NotTrusted and SitusError for what asking again will not mend."""
        self._own()
        return self._answer(self._run(self._command(script, args), stdin, timeout_s), timeout_s)

    def forward(self, here: str, there: str) -> None:
        """Have a UNIX socket of this machine lead to one over there, as long as the line holds. Raises as run does."""
        self._own()
        self._answer(self._forward(here, there), ANSWER_S)

    def _own(self) -> None:
        if self._pid != os.getpid():
            # A child of fork has neither our thread nor a right to use the line of its parent.
            self._pid = os.getpid()
            self._connection: asyncssh.SSHClientConnection | None = None
            self._opening = asyncio.Lock()
            self._room = asyncio.Semaphore(AT_ONCE)
            self._forwarding = asyncio.Lock()
            self._forwarded: dict[str, asyncssh.SSHClientConnection] = {}

    def _answer(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        try:
            return _LOOP.result(work, timeout_s + CONNECT_S)
        except NotTrusted as error:
            raise NotTrusted(
                f"{self._host}: {error}; compare its key with what its administrator says, "
                "then add it to known_hosts or to the site's option host_keys",
                error.shown,
            ) from None
        except asyncssh.PermissionDenied as error:
            raise SitusError(f"{self._host} does not let us in: {error}") from None
        except asyncssh.KeyExchangeFailed as error:
            raise SitusError(
                f"{self._host}: {error}; an old host may need the site's option legacy: yes"
            ) from None
        except (TimeoutError, NotInTime):
            raise Unreachable(f"{self._host} gave no answer within {timeout_s:g} s") from None
        except (OSError, asyncssh.Error) as error:
            raise Unreachable(f"{self._host}: {error or type(error).__name__}") from None

    def terminal(self, script: str, *args: str, terminal: bool) -> tuple[str, ...]:
        """OpenSSH's own client, which knows terminals; it believes the host by the same keys and no others.

        Raises SitusError where it is not installed.
        """
        program = shutil.which("ssh")
        if program is None:
            raise SitusError("a terminal needs the program ssh (Debian: openssh-client)")
        words = client_words(self._host, self._access, terminal=terminal)
        return (program, *words, self._command(script, args))

    def _command(self, script: str, args: tuple[str, ...]) -> str:
        if any("\0" in arg for arg in args):
            raise SitusError("a NUL cannot be given to a program")
        words = os.fsencode(f"set -- {shlex.join(args)}\n{script}")
        written = "".join(chr(byte) if byte in PLAIN else f"\\0{byte:03o}" for byte in words)
        return f"exec {self._access.sh} -c 'eval \"$(printf %b \"$1\")\"' sh '{written}'"

    async def _run(self, command: str, stdin: bytes, timeout_s: float) -> Completed:
        async with self._room:
            connection = await self._connected()
            async with asyncio.timeout(timeout_s):
                process = await connection.create_process(command, encoding=None)
                try:
                    # A script may end before it has read all; then its exit code says more than the broken pipe.
                    with suppress(BrokenPipeError):
                        process.stdin.write(stdin)
                        process.stdin.write_eof()
                    done = await process.wait()
                finally:
                    # One that is given up must not keep one of the few sessions.
                    process.close()
        if done.exit_signal is not None:
            name = f"SIG{done.exit_signal[0]}"
            number = getattr(signal, name, signal.SIGKILL)
            return Completed(-number, _bytes(done.stdout), _bytes(done.stderr))
        if done.exit_status is None:
            raise Unreachable(f"{self._host}: the line was cut before the answer came")
        return Completed(done.exit_status, _bytes(done.stdout), _bytes(done.stderr))

    async def _forward(self, here: str, there: str) -> None:
        async with self._forwarding:
            connection = await self._connected()
            if self._forwarded.get(here) is not connection:
                # What a line that was lost has left is in the way.
                Path(here).unlink(missing_ok=True)
                await connection.forward_local_path(here, there)
                self._forwarded[here] = connection

    async def _connected(self) -> asyncssh.SSHClientConnection:
        async with self._opening:
            if self._connection is None or self._connection.is_closed():
                async with asyncio.timeout(CONNECT_S):
                    self._connection = await self._open(self._host, self._access.jump, None, 0)
            return self._connection

    async def _open(
        self, spec: str, jump: str | None, through: asyncssh.SSHClientConnection | None, depth: int
    ) -> asyncssh.SSHClientConnection:
        """A connection to one host, by way of those that the site or the config names."""
        if depth > MOST_JUMPS:
            raise SitusError(f"{self._host}: its jump hosts need each other")
        user, host, port = parts(spec)
        wanted: dict[str, Any] = {"keepalive_interval": ALIVE_S, "keepalive_count_max": ALIVE_TIMES}
        wanted |= {"connect_timeout": CONNECT_S, "login_timeout": CONNECT_S, "agent_forwarding": False}
        wanted |= LEGACY if self._access.legacy else MODERN
        if user:
            wanted["username"] = user
        if port:
            wanted["port"] = port
        if self._access.config is not None:
            wanted["config"] = [str(self._access.config)]
        if self._access.known_hosts is not None:
            wanted["known_hosts"] = str(self._access.known_hosts)
        if spec in self._access.host_keys:
            lines = self._access.host_keys[spec].splitlines()
            wanted["known_hosts"] = ([_public_key(line) for line in lines], [], [])
        if self._access.identity is not None:
            wanted["client_keys"] = [str(self._access.identity)]
        if self._access.private_key is not None:
            wanted["client_keys"] = [asyncssh.import_private_key(self._access.private_key)]
        if self._access.passphrase is not None:
            wanted["passphrase"] = self._access.passphrase()
        try:
            options = await asyncssh.SSHClientConnectionOptions.construct(host=host, **wanted)
        except (ValueError, asyncssh.ConfigParseError) as error:
            raise SitusError(f"{self._host}: {error}") from None
        if options.known_hosts is None:
            raise NotTrusted("the SSH config says to take any host's key (UserKnownHostsFile none)")
        jumps = jump or (options.tunnel if isinstance(options.tunnel, str) else None)
        if through is None and jumps:
            for hop in jumps.split(","):
                through = await self._open(hop.strip(), None, through, depth + 1)
        witness = _Witness(options.known_hosts)
        if self._access.line is not None:
            wanted["sock"] = await self._access.line()
        try:
            connection = await asyncssh.connect(
                host, tunnel=through, client_factory=lambda: witness, **wanted
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise NotTrusted(str(error), witness.shown(spec)) from None
        except asyncssh.ConnectionLost as error:
            # A host that finds nothing in common hangs up, and its reason is often lost with the line.
            raise Unreachable(
                f"{self._host} hung up before both had agreed on how to talk ({error}); "
                "an old host may need the site's option legacy: yes"
            ) from None
        if through is not None:
            connection.set_tunnel(through)
        return connection


class _Witness(asyncssh.SSHClient):
    """Remembers the key of a host that is not believed, so that a person can be shown it; believes nobody."""

    def __init__(self, known_hosts: Any) -> None:
        self._known_hosts = known_hosts or str(Path.home() / ".ssh" / "known_hosts")
        self._seen: tuple[str, str, int, asyncssh.SSHKey] | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self._seen = (host, addr, port, key)
        return False

    def shown(self, spec: str) -> ShownKey | None:
        """What it showed, beside what it is known by."""
        if self._seen is None:
            return None
        host, addr, port, key = self._seen
        try:
            known = asyncssh.match_known_hosts(self._known_hosts, host, addr, port)[0]
        except (OSError, ValueError):
            known = []
        line = b" ".join(key.export_public_key().split()[:2]).decode()
        return ShownKey(spec, line, key.get_fingerprint(), tuple(other.get_fingerprint() for other in known))


class _Loop:
    """The event loop of this process, on a thread that starts when it is first needed."""

    def __init__(self) -> None:
        self._pid = -1
        self._starting = threading.Lock()

    def result(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """What the work gives; it is given up when the time is over."""
        with self._starting:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="situs-ssh", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except NotInTime:
            future.cancel()
            raise


_LOOP = _Loop()


def _public_key(line: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(line)
    except asyncssh.KeyImportError as error:
        raise SitusError(f"the key {line[:40]!r} of the site's option host_keys: {error}") from None


def _bytes(output: bytes | str | None) -> bytes:
    return output if isinstance(output, bytes) else (output or "").encode()
