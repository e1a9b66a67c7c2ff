"""A control plane in the background: for those who only want something to run."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from situs.control.leader import acting, process_here
from situs.model.error import SitusError
from situs.store.database import Database

STARTING_S = 60.0
"""It leads within a second or two; a machine that is busy takes longer."""


def end(database: Database) -> bool:
    """End the control plane that acts, and wait for that; False when none does.

    Raises SitusError for one of another machine.
    """
    holder = acting(database)
    if holder is None:
        return False
    process = process_here(holder)
    if process is None:
        raise SitusError(f"the control plane runs on {holder.partition('/')[0]}; end it there")
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + STARTING_S
    while acting(database) == holder:
        if time.monotonic() > deadline:
            raise SitusError(f"the control plane (process {process}) did not end within {STARTING_S:.0f} s")
        time.sleep(0.05)
    return True


def ensure(
    database: Database, address: str, estate: Path, folder: Path, *, replan: bool = True
) -> int | None:
    """Have a control plane act, and start one if none does; gives the process id of one that was started.

    ``replan``: it makes plans of the estate's files by itself. Its output goes to ``up.log`` in ``folder``. Raises
    SitusError with the end of that when it does not come up.
    """
    if acting(database) is not None:
        return None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / "starting", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Several who start at once get one control plane.
        fcntl.flock(handle, fcntl.LOCK_EX)
        if acting(database) is not None:
            return None
        log = folder / "up.log"
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as said:
            # The address may hold a password, which process lists would show.
            process = subprocess.Popen(  # noqa: S603 - our own program, by the same interpreter
                [sys.executable, "-m", "situs.cli", "up", "-C", str(estate), *([] if replan else ["--no-replan"])],
                stdin=subprocess.DEVNULL, stdout=said,
                stderr=said, env={**os.environ, "SITUS_DB": address}, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + STARTING_S
        while acting(database) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise SitusError(
                    f"the control plane did not come up: {' / '.join(tail) or 'it said nothing'}"
                )
            time.sleep(0.05)
        return process.pid
    finally:
        os.close(handle)
