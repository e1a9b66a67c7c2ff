"""What the suite's tests wait for, and what they have sites run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from situs.sites.adapter import Adapter, Key, Status

Opener = Callable[[], Adapter]
PYTHON = sys.executable
PATIENCE_S = 30.0
"""For what takes a fraction of a second: only a fault is slower, however busy the machine is."""


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something that must come true. Fails when it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s in vain: {what}"
        time.sleep(0.01)


def ended(site: Adapter, key: Key) -> Status:
    """How a run ended, once it has."""
    until(lambda: site.status(key).state == "ended", f"{key.workload} ends")
    return site.status(key)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def python(text: str) -> tuple[str, ...]:
    """A command that runs a few lines of Python, without what the site's packages would add."""
    return (PYTHON, "-S", "-c", text)
