"""A way to have a host's POSIX shell do things: what all adapters share that drive a site by commands.

A script is fixed text of ours; whatever else it needs comes as positional parameters or over its standard
input, and is never put into its text.  Parameters can be seen in the host's process list, so secrets go over
standard input alone.

A call that gets no answer says so (:class:`Unreachable`) and not more: the script may have run, may still run,
or may never begin.  So scripts are written to be safe to repeat, and :meth:`Shell.ask` repeats them.
"""

from __future__ import annotations

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable
from situs.sites.again import asked_again
from situs.sites.pieces import BLOCK, DAMAGED, LOOK, NOT_THERE, PUT, READ

ANSWER_S = 30.0
"""A short script is done in a fraction of a second; lines of half a minute are taken for cut."""
PIECE_S = 300.0
"""A piece of a file comes through even at 0.25 Mbit/s; what came of it by then is kept."""
PIECE = 8 * BLOCK
"""Bytes sent or read by one command: enough that the way there and back does not count on a fast line."""
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR")
"""What a script of this machine sees of the caller's environment."""


ENTER = """
cd "$1" || exit
shift
[ $# -gt 0 ] || set -- "${SHELL:-/bin/sh}"
exec "$@"
"""
"""Runs a command in a folder, or a shell for a person."""


class NotThere(SitusError):
    """The host has no such file."""


class ShellError(SitusError):
    """A script of ours failed on the host; says what the host said."""


@dataclass(frozen=True)
class Completed:
    """How a script ended."""

    exit_code: int
    """negative: the signal that ended it"""
    stdout: bytes
    stderr: bytes

    @property
    def said(self) -> str:
        """The last line of what it complained of; else of what it said."""
        lines = (self.stderr.strip() or self.stdout.strip()).decode(errors="replace").splitlines()
        return lines[-1].strip() if lines else f"exit code {self.exit_code}"


class Shell(ABC):
    """One host's POSIX shell. Paths on the host are absolute, or relative to where its scripts begin."""

    @abstractmethod
    def run(self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = ANSWER_S) -> Completed:
        """Run a script once with ``args`` as ``$1``, ``$2``, ...; gives how it ended, also when it failed.

        Raises Unreachable when no answer came in time: it may or may not have run.
        """

    def terminal(self, script: str, *args: str, terminal: bool) -> tuple[str, ...]:
        """The command of this machine that runs a script there for a person, with this process's input and output."""
        raise SitusError("this host can be reached by scripts alone")

    def ask(self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = ANSWER_S) -> Completed:
        """Run a script that is safe to repeat, and repeat it while no answer comes. Raises Unreachable."""
        return asked_again(lambda: self.run(script, *args, stdin=stdin, timeout_s=timeout_s))

    def send(self, source: Path, name: str, *, likely: bool = False) -> str:
        """Copy a file of this machine to ``name`` on the host, on from where it stopped; gives its SHA-256.

        ``likely``: it may well be there already, so the host is asked first. The file appears there whole or
        not at all. Raises Unreachable, and ShellError when the host cannot keep it.
        """
        with source.open("rb") as file:
            digest, total = _sha256(file), file.tell()
        place = PurePosixPath(name)
        part = place.with_name(f".{place.name[:100]}.{digest[:16]}.part")
        ask = likely or total > PIECE
        there = self._put(place, part, digest, total, None, b"") if ask else 0
        if there >= total > 0:
            return digest
        with source.open("rb") as file:
            while True:
                block = there // BLOCK
                file.seek(block * BLOCK)
                piece = file.read(PIECE)
                before, there = there, self._put(place, part, digest, total, block, piece)
                if there >= total:
                    return digest
                if there <= before and not piece:
                    raise ShellError(f"{source} became shorter while it was sent")

    def fetch(self, name: str, target: Path) -> str:
        """Copy a file of the host to ``target``, on from where it stopped; gives its SHA-256.

        ``target`` appears whole or not at all. Raises NotThere, Unreachable, and ShellError when the file is
        being written to.
        """
        answer = self.ask(LOOK, _plain(PurePosixPath(name)), timeout_s=PIECE_S)
        if answer.exit_code == NOT_THERE:
            raise NotThere(f"there is no file {name!r}")
        if answer.exit_code:
            raise ShellError(f"{name!r} cannot be read: {answer.said}")
        length, digest = answer.stdout.decode().split()[:2]
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name[:100]}.{digest[:16]}.part")
        part.touch(mode=0o600)
        # Not appended to: two who fetch the same write the same bytes to the same places.
        with part.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            while (there := file.tell()) < int(length):
                piece = self.read(name, there)
                if not piece:
                    break
                file.write(piece[: int(length) - there])
                file.flush()
            os.fsync(file.fileno())
            same = _sha256(file) == digest
        with suppress(FileNotFoundError):
            if not same:
                part.unlink()
                raise ShellError(f"{name!r} changed while it was read")
            part.replace(target)
        return digest

    def read(self, name: str, offset: int, most: int = PIECE) -> bytes:
        """At most so many bytes of a file of the host, from byte ``offset`` on; none at its end.

        Raises NotThere and Unreachable.
        """
        block, ahead = divmod(offset, BLOCK)
        count = -(-(ahead + most) // BLOCK)
        answer = self.ask(
            READ, _plain(PurePosixPath(name)), str(block), str(count), str(ahead + 1), timeout_s=PIECE_S
        )
        if answer.exit_code == NOT_THERE:
            raise NotThere(f"there is no file {name!r}")
        if answer.exit_code:
            raise ShellError(f"{name!r} cannot be read: {answer.said}")
        return answer.stdout[:most]

    def _put(
        self,
        place: PurePosixPath,
        part: PurePosixPath,
        digest: str,
        total: int,
        block: int | None,
        piece: bytes,
    ) -> int:
        """Write a piece at its place; gives how many bytes of the file are there by then."""
        where = "ask" if block is None else str(block)
        args = (_plain(place), _plain(part), digest, str(total), where, _plain(place.parent))
        answer = self.ask(PUT, *args, stdin=piece, timeout_s=PIECE_S)
        if answer.exit_code == DAMAGED:
            raise ShellError(f"{str(place)!r} did not arrive as it was sent; it may have changed meanwhile")
        if answer.exit_code:
            raise ShellError(f"{str(place)!r} cannot be written: {answer.said}")
        return int(answer.stdout)


class ThisMachine(Shell):
    """This machine's own shell. Scripts begin in ``folder``, else at home."""

    def __init__(
        self,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
        shell: tuple[str, ...] = ("/bin/sh",),
    ) -> None:
        """``env`` comes on top of the little that a script sees of the caller's surroundings."""
        home = Path.home()
        self._folder = folder or (home if home.is_dir() else Path("/"))
        own = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._env = {"PATH": os.defpath, **own, **(env or {})}
        self._own = tuple(f"{name}={value}" for name, value in (env or {}).items())
        self._shell = shell

    def terminal(self, script: str, *args: str, terminal: bool) -> tuple[str, ...]:
        """The shell itself."""
        return (*(("env", *self._own) if self._own else ()), *self._shell, "-c", script, "sh", *args)

    def run(self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = ANSWER_S) -> Completed:
        """Run a script once; when its time is up it is ended with all that it started in its group."""
        with subprocess.Popen(  # noqa: S603 - the script is ours, and arguments are not read as script
            [*self._shell, "-c", script, "sh", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=self._folder, env=self._env, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                stdout, stderr = process.communicate(stdin, timeout_s)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise Unreachable(f"this machine gave no answer within {timeout_s:g} s") from None
        return Completed(process.returncode, stdout, stderr)


def _plain(path: PurePosixPath) -> str:
    """A path that no command takes for an option."""
    return str(path) if path.is_absolute() else f"./{path}"


def _sha256(file: BinaryIO) -> str:
    """Of the whole file, which is at its end afterwards."""
    digest = sha256()
    file.seek(0)
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()
