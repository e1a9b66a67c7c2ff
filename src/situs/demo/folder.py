"""The folder of one run: gone when the run ends and, where it was killed, when the next one begins.

A run holds a lock on its folder for as long as it lives, which no way of dying can keep it from letting go of.  A
folder whose lock is free belongs to nobody: what was killed cannot clean up, and patient data must not lie about.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "situs-demo-"
LOCK = "lock"


@contextlib.contextmanager
def own_folder(*, keep: bool) -> Iterator[Path]:
    """A new folder; what killed runs of this user left behind is removed first. ``keep``: it stays, for good."""
    remove_abandoned()
    folder, lock = _new()
    try:
        yield folder
    finally:
        if keep:
            # Without a lock it is no run's, and so no run removes it.
            (folder / LOCK).unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_abandoned() -> None:
    """Remove the folders of runs that no longer live."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        try:
            if path.parent.is_symlink() or path.parent.stat().st_uid != os.getuid():
                continue
            lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            if _taken(lock):
                shutil.rmtree(path.parent, ignore_errors=True)
        finally:
            os.close(lock)


def _new() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if _taken(lock) and (folder / LOCK).exists():
            return folder, lock
        # Another run that began just now took it for abandoned, and removes it.
        os.close(lock)


def _taken(lock: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
