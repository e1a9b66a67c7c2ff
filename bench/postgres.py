"""A real PostgreSQL server for tests and benchmarks: started from Debian's package, reached by a UNIX socket alone."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

STARTING_S = 60.0
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root, so root starts it as this user."""


def programs() -> Path | None:
    """The folder of the newest server that is installed; Debian keeps it out of the path."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    ) or [Path(path) for path in [shutil.which("initdb")] if path]
    return found[-1].parent if found else None


class Server:
    """A server that runs."""

    def __init__(self, folder: Path, user: str) -> None:
        self._folder = folder
        self._user = user

    def url(self, name: str) -> str:
        """Address of a database on it."""
        return f"postgresql://{self._user}@/{name}?host={self._folder}"

    def new(self) -> str:
        """Make an empty database; gives its address."""
        name = f"t{uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def run(self, statement: str) -> None:
        engine = create_engine(self.url("postgres").replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def server(bin_folder: Path, *, durable: bool = True) -> Iterator[Server]:
    """Start one with an empty data folder; it and all its data are gone afterwards.

    One that is not ``durable`` waits for no disk: nobody is going to cut the power.
    """
    # Not among the tests' own folders: those are closed to the user it runs as, and the name of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    as_user: dict[str, object] = {}
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        entry = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        user = UNPRIVILEGED
    data = folder / "data"
    process: subprocess.Popen[bytes] | None = None
    try:
        made = subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", user, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8",
             "--no-sync"],
            capture_output=True, text=True, check=False, cwd=folder, env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            **as_user,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [bin_folder / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=",
                 "-c", f"fsync={'on' if durable else 'off'}"],
                stdout=log, stderr=log, cwd=folder, env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, **as_user,
            )  # fmt: skip
        running = Server(folder, user)
        deadline = time.monotonic() + STARTING_S
        while True:
            try:
                running.run("SELECT 1")
                break
            except OperationalError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
        yield running
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait(STARTING_S)
        shutil.rmtree(folder, ignore_errors=True)
