"""Which run of this machine has which of its accelerators: written down beside the run, and true while that lives."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from situs.sites import devices
from situs.sites.adapter import Full
from situs.sites.processes import kill, of_run
from situs.sites.writing import written


def given_out(folder: Path, task: dict[str, Any], simulated: int) -> list[int] | None:
    """The accelerators of a run, which are its own until it has ended; None when it asks for none. Raises Full.

    They are given out to one run after another, whoever is killed meanwhile.
    """
    count, part = task.get("accelerators", 0), task.get("accelerator_part", devices.WHOLE)
    if not count:
        return None
    # Asked for before it is anybody's turn: a tool that hangs would keep the turn.
    there = devices.numbers(simulated)
    with (folder.parent / "devices.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        given = devices.chosen(there, _had_by_others(folder), count, part)
        if not there:
            raise Full(
                "nvidia-smi finds no accelerators here; pools that are marked `simulated` stand for some"
            )
        if len(given) < count:
            raise Full(
                f"it asks for {count} accelerators, and {len(given)} of the {len(there)} here have room for it"
            )
        written(folder / "devices.json", json.dumps([[number, part] for number in given]))
    return given


def _had_by_others(folder: Path) -> list[tuple[int, int]]:
    """What runs have that go on now: their supervisors live, or what these have left is ended here."""
    had: list[tuple[int, int]] = []
    for path in folder.parent.glob("*/devices.json"):
        if path.parent == folder or (path.parent / "ended.json").exists():
            continue
        if held(path.parent / "lock"):
            had += [(number, part) for number, part in json.loads(path.read_bytes())]
        else:
            kill(of_run(path.parent))
    return had


def held(lock: Path) -> bool:
    """Whether a supervisor lives that holds this lock."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        # Shared: two who look at once must not take each other for the supervisor.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
