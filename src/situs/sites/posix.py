"""Runs on one host that has a POSIX shell and nothing else: what SSH sites do once they have a line to a host.

The work is done by ``posix.sh``, which is sent to the host once.  This side names runs, writes tasks down so that
no shell ever reads them as script, and makes answers into values.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.resources import files
from math import floor
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote
from uuid import uuid4

from situs.model.capability import CAPABILITIES
from situs.model.error import SitusError
from situs.sites.adapter import (
    Full,
    Health,
    Inventory,
    Key,
    Reason,
    StaleGeneration,
    State,
    Status,
    Task,
    Unreachable,
    Usage,
    free_gib,
    refuse_unsupported,
)
from situs.sites.devices import NONE_SIMULATED, model_name
from situs.sites.posix_checkpoints import PosixCheckpoints
from situs.sites.posix_task import written
from situs.sites.shell import ANSWER_S, ENTER, Completed, NotThere, Shell, ShellError
from situs.sites.steady import steady
from situs.sites.words import inside, signal_of, still_runs

HELLO = """
umask 077
cd "${HOME:-/}" 2>/dev/null || case $1 in /*) ;; *) echo "the user has no home folder ($HOME)" >&2; exit 1 ;; esac
mkdir -p "$1/bin" && cd -P "$1" && pwd -P && printf '%s\\n' "$PATH"
"""
CALL = '[ -f "$2" ] || exit 97; SITUS_SH=$1; export SITUS_SH; exec "$@"'
NO_SCRIPT, NO_FILE, RUNS, STALE, REBOOTED, FULL = 97, 66, 73, 75, 76, 77
PAUSES_PER_S = 20
LONGEST_AWAIT_S = 5.0
"""One command waits for an end so long; then it is asked again, so that a cut line is seen soon."""
ENDING_S = 10.0
"""A host ends a run within a fraction of a second after its grace."""
READ_AGAIN_S = 30.0
"""Two clocks that go apart by a hundredth are 0.3 s apart after that."""
LONGEST_NAME = 200
"""File names have at most 255 bytes; ours put something before and after."""


class PosixHost:
    """The runs that a folder of one host keeps. Any call may raise Unreachable, and ShellError where the host fails."""

    capabilities = CAPABILITIES["ssh"]

    def __init__(
        self, shell: Shell, folder: str = ".situs", sh: str = "/bin/sh",
        simulated: Mapping[str, int] = NONE_SIMULATED,
    ) -> None:  # fmt: skip
        """``folder`` is seen from the home of the user there; ``sh`` is a POSIX shell's path there.

        ``simulated``: accelerators that are to be taken for there beside those that are, by model.
        """
        self._simulated = simulated
        self._shell = shell
        self._folder = folder
        self._sh = sh
        self._script = (files("situs.sites") / "posix.sh").read_bytes()
        self._root: str | None = None
        self._path = ""
        self._place = ""
        self._clock: tuple[str, float, float] | None = None
        """boot of the host, what its clock has shown, and what ours showed once that was here"""

    def health(self) -> Health:
        """Whether the host answers, has what is needed, and can write."""
        before = time.time()
        try:
            done = self._call("health")
        except Unreachable as error:
            return Health(False, str(error), "see whether it is up, and whether `ssh` reaches it from here")
        except SitusError as error:
            return Health(False, str(error), "log in there and put this right")
        # The host says whole seconds, read somewhere between our two looks at the clock.
        there, free, mode, *_ = [*done.stdout.decode(errors="replace").split(), "-", "-"]
        ahead = int(there) + 0.5 - (before + time.time()) / 2
        return Health(True, None, None, ahead, free_gib(free), mode if len(mode) == 10 else None)

    def inventory(self) -> Inventory:
        """Processors, memory and accelerators of the host."""
        lines = self._call("inventory").stdout.decode(errors="replace").splitlines()
        accelerators = dict(self._simulated)
        for line in filter(None, map(str.strip, lines[3:])):
            model = model_name(line)
            accelerators[model] = accelerators.get(model, 0) + 1
        return Inventory(int(lines[0]), int(lines[1]) / 2**20, accelerators, ("session", "folder"))

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        path = inside(name)
        folder = _line(self._call("place", name_of(key), str(path.parent)))
        return self._shell.send(source, f"{folder}/{path.name}")

    def keep(self, key: Key, source: Path, digest: str) -> str:
        """Have a file there for all runs; gives its path."""
        self._hello()
        place = f"{self._root}/kept/{digest}"
        self._shell.send(source, place, likely=True)
        return place

    def checkpoints(self) -> PosixCheckpoints:
        """The checkpoints that the host holds."""
        self._hello()
        root = str(self._root)
        return PosixCheckpoints(self._shell, root, lambda key: f"{root}/runs/{name_of(key)}/work")

    def start(self, task: Task) -> None:
        """Start the task, unless it runs or ran already. Raises StaleGeneration for an old generation."""
        refuse_unsupported(task, self.capabilities, "ssh")
        self._hello()
        name = name_of(task.key)
        content = written(task, self._path, f"{self._root}/runs/{name}")
        simulated = str(sum(self._simulated.values()))
        words = ("start", name, _unit(task.key), str(task.key.generation), simulated)
        if task.lease_until is None:
            self._call(*words, stdin=content, key=task.key)
        else:
            until = task.lease_until
            self._by_its_clock(lambda boot, ends: self._call(
                *words, boot, ends(until), stdin=content, key=task.key
            ))  # fmt: skip

    def renew(self, leases: Mapping[Key, float]) -> None:
        """Let runs that have a lease go on until then."""

        def asked(boot: str, ends: Callable[[float], str]) -> Completed:
            lines = "".join(f"{name_of(key)} {ends(until)}\n" for key, until in leases.items())
            return self._call("renew", "-", boot, stdin=lines.encode())

        self._read_clock(self._by_its_clock(asked))

    def status(self, key: Key) -> Status:
        """Where the run is; ``lost`` when its supervisor was killed: nothing of it runs on then."""
        return _status(self._call("report", name_of(key)))

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        deadline = time.monotonic() + timeout_s
        while (status := self.status(key)).alive and (left_s := deadline - time.monotonic()) > 0:
            self._call("await", name_of(key), _pauses(min(left_s, LONGEST_AWAIT_S)))
        return status

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        self._hello()
        try:
            text = self._shell.read(f"{self._root}/runs/{name_of(key)}/output.log", since)
        except NotThere:
            return b"", since
        return text, since + len(text)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        signal_of(name)
        self._call("signal", name_of(key), name.removeprefix("SIG"), uuid4().hex)

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._call("fence", "-", _unit(key), str(key.generation), key=key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the process group; SIGKILL after the grace to all that the run started."""
        patience = _pauses(min(grace_s + 1, LONGEST_AWAIT_S))
        status = _status(self._call("stop", name_of(key), _pauses(grace_s), patience))
        return self.wait(key, grace_s + ENDING_S) if status.alive else status

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        path = inside(name)
        done = self._call("find_file", name_of(key), str(path))
        if done.exit_code == NO_FILE:
            raise NotThere(f"{key.workload} wrote no file {name!r}")
        return self._shell.fetch(_line(done), target)

    def enter(self, key: Key, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """The command that runs another one, or a shell, in the run's folder there."""
        self._hello()
        work = f"{self._root}/runs/{name_of(key)}/work"
        return self._shell.terminal(ENTER, work, *command, terminal=terminal)

    def known(self) -> list[Key]:
        """All runs that the folder knows."""
        names = self._call("known", "-").stdout.decode().split()
        return [Key.parse(unquote(name)) for name in names]

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        self._call("forget", name_of(key), uuid4().hex, key=key)

    def claim(self, key: Key, host: str | None) -> str | None:
        """Which host has the run, by what was claimed first; ``host`` claims it. None: nobody has."""
        return _line(self._call("claim", name_of(key), host or "-")) or None

    def unclaim(self, key: Key) -> None:
        """No host has the run any more."""
        self._call("unclaim", name_of(key))

    def busy(self) -> int:
        """Runs that have not ended, also those that only have files yet."""
        return int(self._call("busy").stdout)

    def _by_its_clock(self, ask: Callable[[str, Callable[[float], str]], Completed]) -> Completed:
        """Ask with instants as the host's clock will show them, never later; once more if it was started anew."""
        if self._clock is None or steady() - self._clock[2] > READ_AGAIN_S:
            self._read_clock(self._call("clock"))
        done = self._ask_by_clock(ask)
        if done.exit_code == REBOOTED:
            self._read_clock(done)
            done = self._ask_by_clock(ask)
        if done.exit_code:
            raise ShellError("the host is started anew again and again")
        return done

    def _ask_by_clock(self, ask: Callable[[str, Callable[[float], str]], Completed]) -> Completed:
        assert self._clock is not None
        boot, there, here = self._clock
        return ask(boot, lambda until: str(max(0, floor(there + until - here))))

    def _read_clock(self, done: Completed) -> None:
        boot, there = done.stdout.decode().split()
        # It was read before the answer was here: counted from then on, it is rather behind than ahead.
        self._clock = (boot, float(there), steady())

    def _hello(self) -> None:
        """Learn where our folder and the script are; once for each adapter, as they stay there."""
        if self._root is None:
            done = self._shell.ask(HELLO, self._folder)
            if done.exit_code:
                raise ShellError(f"the folder {self._folder!r} cannot be made: {done.said}")
            root, self._path, *_ = done.stdout.decode().split("\n")
            self._place = f"{root}/bin/{sha256(self._script).hexdigest()[:32]}.sh"
            self._root = root

    def _call(self, verb: str, *args: str, stdin: bytes = b"", key: Key | None = None) -> Completed:
        """Have the host do one thing; all of them are safe to repeat. Raises what its exit code means."""
        self._hello()
        words = (self._sh, self._place, verb, str(self._root), *args)
        done = self._asked(words, stdin)
        if done.exit_code == NO_SCRIPT:
            with TemporaryDirectory() as folder:
                script = Path(folder) / "posix.sh"
                script.write_bytes(self._script)
                self._shell.send(script, self._place)
            done = self._asked(words, stdin)
        who = key.workload if key else verb
        if done.exit_code == STALE and key:
            newest = done.stdout.decode().strip()
            raise StaleGeneration(
                f"{who}: generation {key.generation} is older than {newest}, which this site has seen"
            )
        if done.exit_code == FULL:
            raise Full(f"{who}: {done.said}")
        if done.exit_code == RUNS:
            raise still_runs(who)
        if done.exit_code not in (0, NO_FILE, REBOOTED):
            raise ShellError(f"{who}: {done.said}")
        return done

    def _asked(self, words: tuple[str, ...], stdin: bytes) -> Completed:
        """How a command of the script's shell, path, verb and arguments went."""
        return self._shell.ask(CALL, *words, stdin=stdin, timeout_s=ANSWER_S)


def name_of(key: Key) -> str:
    """The run's folder there: names that are safe everywhere stay as they are."""
    return _file_name(key.workload, f".{key.unit}@{key.generation}")


def _unit(key: Key) -> str:
    return _file_name(key.workload, f".{key.unit}")


def _file_name(workload: str, rest: str) -> str:
    name = quote(workload, safe="", errors="surrogateescape")
    name = re.sub("^[.~]", lambda first: f"%{ord(first[0]):02X}", name) + rest
    if len(name) > LONGEST_NAME:
        raise SitusError(f"{workload[:50]}... is too long for a name of a workload")
    return name


def _status(done: Completed) -> Status:
    lines = done.stdout.decode().splitlines()
    state: State = lines[0]  # type: ignore[assignment]
    if state != "ended":
        return Status(state)
    reason: Reason
    reason, code, began, end = lines[1].split()  # type: ignore[assignment]
    if code == "-":
        return Status("ended", None, reason)
    # The second line is of the processes that were waited for, minutes and seconds: 0m1.50s 0m0.25s
    used = [float(m) * 60 + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", lines[3])]
    exit_code = int(code) if int(code) <= 128 else 128 - int(code)
    return Status("ended", exit_code, reason, Usage(float(end) - float(began), sum(used), None))


def _pauses(seconds: float) -> str:
    return str(max(0, round(seconds * PAUSES_PER_S)))


def _line(done: Completed) -> str:
    return os.fsdecode(done.stdout).removesuffix("\n")
