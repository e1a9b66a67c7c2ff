"""Coming to a session: the commands of this machine that show its terminal, and what their ends mean."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from situs.control.attached import copy_out, entered
from situs.control.sessions.beginning import SCRIPT
from situs.model.error import SitusError

if TYPE_CHECKING:
    from situs.control.attached import Reader
    from situs.store.runs import Run

RESIZED_S = 15.0
JUPYTER_S = 200.0
"""It takes a while to load on a busy host; whoever starts it there gives it a little less."""
BEGINS = b"situs: the session begins"
"""What a session writes when its packages are there and its terminal is about to be."""


class Came(IntEnum):
    """Exit codes of ``attach`` that say more than that the line was cut."""

    NOT_YET = 75
    OVER = 76


def attach(reader: Reader, run: Run, rows: int, columns: int) -> tuple[str, ...]:
    """Shows the terminal on its standard output and types its standard input into it. Raises SitusError."""
    return entered(reader, run, ("sh", SCRIPT, "attach", str(rows), str(columns)), terminal=False)


def relay(reader: Reader, run: Run, port: int) -> tuple[str, ...]:
    """Connects its standard input and output to what listens at a port where the session is. Raises SitusError."""
    return entered(reader, run, ("sh", SCRIPT, "relay", str(port)), terminal=False)


@dataclass(frozen=True)
class Notebooks:
    """Where Jupyter listens in a session."""

    port: int
    path: str
    """of its first page"""
    token: str = field(repr=False)


def jupyter(reader: Reader, run: Run) -> Notebooks:
    """Have Jupyter run in a session. Raises SitusError, also where there is none to be run."""
    words = entered(reader, run, ("sh", SCRIPT, "jupyter"), terminal=False)
    try:
        # The words come from the site's own adapter, as arguments; no shell of this machine reads them.
        done = subprocess.run(  # noqa: S603
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=JUPYTER_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise SitusError(f"Jupyter did not begin within {JUPYTER_S:.0f} s at {run.site}; try again") from None
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise SitusError(f"Jupyter does not run at {run.site}: {said}")
    port, path, token = done.stdout.split()
    return Notebooks(int(port), path, token)


def resize(reader: Reader, run: Run, rows: int, columns: int) -> None:
    """Tell the terminal that the window has another size now; a session that cannot be told goes on as it was."""
    words = entered(reader, run, ("sh", SCRIPT, "size", str(rows), str(columns)), terminal=False)
    # The words come from the site's own adapter, as arguments; no shell of this machine reads them.
    subprocess.run(  # noqa: S603
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=RESIZED_S, check=False,
    )  # fmt: skip


def was_idle(reader: Reader, run: Run) -> bool:
    """Whether a session that has ended did so because nothing happened in it, as far as its site can tell now."""
    with tempfile.TemporaryDirectory(prefix="situs-") as folder:
        try:
            copy_out(reader, run, ".situs-session/idle", Path(folder) / "idle")
        except SitusError:
            return False
    return True
