"""A control plane that is killed again and again in the middle of its work, and what must hold whenever it is."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import sys
from pathlib import Path

from situs.sites.adapter import Key, Task
from situs.sites.conformance.waiting import Opener, ended, python


class Workday:
    """A control plane's list of things to do, done by a process that may be killed at any instant.

    What it was told is done it writes down at once.  Begun anew, it does the whole list again from the top,
    as an executor does that compares what should be with what is.
    """

    JOBS = 8

    def __init__(self, open_site: Opener, folder: Path) -> None:
        self._open_site = open_site
        self._acknowledged = folder / "acknowledged"
        self._acknowledged.touch()
        self._count = folder / "count"
        self._count.touch()
        self._source = folder / "source"
        self._source.write_bytes(os.urandom(200_000))
        self._digest = hashlib.sha256(self._source.read_bytes()).hexdigest()

    def begin(self, die_at: int | None = None) -> multiprocessing.process.BaseProcess:
        """The list in a process of its own; with ``die_at``, killed before so many things it asks of the system."""
        process = multiprocessing.get_context("fork").Process(target=self._do, args=(die_at,))
        process.start()
        return process

    def _do(self, die_at: int | None) -> None:
        if die_at is not None:
            self._arm(die_at)
        site = self._open_site()
        for number in range(self.JOBS):
            key = Key(f"job-{number}", 1)
            forever = number % 4 == 3
            if site.status(key).state == "absent":
                site.put(key, self._source, "input")
                self._tell("put", number)
            # Counted before the input is looked at, so that a second run is seen however it would go.
            secrets = {"PASS": f"it's {number}"} if "secrets" in site.capabilities else {}
            text = (
                f"open({str(self._count)!r}, 'a').write('{number}\\n')\n"
                "import hashlib, os, shutil, time\n"
                f"assert os.environ.get('PASS') == {secrets.get('PASS')!r}\nshutil.copy('input', 'output')\n"
                f"print(hashlib.sha256(open('input', 'rb').read()).hexdigest()); time.sleep({600 if forever else 0})"
            )
            site.start(Task(key, python(text), secrets=secrets))
            self._tell("start", number)
            if forever:
                site.stop(key, grace_s=0.0)
                self._tell("stop", number)

    @staticmethod
    def _arm(die_at: int) -> None:
        seen = 0

        def at(event: str, _: object) -> None:
            nonlocal seen
            if event in ("open", "os.mkdir", "os.rename", "os.remove", "fcntl.flock", "subprocess.Popen"):
                seen += 1
                if seen > die_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(at)

    def _tell(self, what: str, number: int) -> None:
        # One write of a short line to a file opened for appending: wholly there or not at all.
        handle = os.open(self._acknowledged, os.O_WRONLY | os.O_APPEND)
        os.write(handle, f"{what} {number}\n".encode())
        os.close(handle)

    def acknowledged(self) -> set[tuple[str, int]]:
        """What was said to be done."""
        lines = self._acknowledged.read_text().splitlines()
        return {(what, int(number)) for what, number in (line.split() for line in lines)}

    def finished(self) -> bool:
        """Whether the list was done to its end."""
        return ("start", self.JOBS - 1) in self.acknowledged() and (
            "stop",
            self.JOBS - 1,
        ) in self.acknowledged()

    def check(self) -> None:
        """Nothing that was acknowledged is lost, and nothing ran twice."""
        site = self._open_site()
        for what, number in self.acknowledged():
            status = site.status(Key(f"job-{number}", 1))
            if what == "put":
                assert Key(f"job-{number}", 1) in site.known()
            if what == "start":
                assert status.state != "absent"
                assert status.reason != "lost"
            if what == "stop":
                assert (status.state, status.reason) == ("ended", "stopped")
        counted = self._count.read_text().split()
        assert len(counted) == len(set(counted)), f"ran twice: {counted}"

    def check_all_done(self) -> None:
        """Every job ran, once, on the right input."""
        site = self._open_site()
        for number in range(self.JOBS):
            key = Key(f"job-{number}", 1)
            status = ended(site, key)
            if number % 4 != 3:
                assert status.succeeded
                assert site.logs(key)[0].decode().strip() == self._digest
                out = self._source.with_name(f"output-{number}")
                assert site.get(key, "output", out) == self._digest
        counted = self._count.read_text().split()
        assert len(counted) == len(set(counted))
        assert {str(number) for number in range(self.JOBS) if number % 4 != 3} <= set(counted)
