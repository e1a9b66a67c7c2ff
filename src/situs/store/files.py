"""Writing a file so that a crash leaves either the whole of it or what was there before."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

OWN = ".situs"
"""Folder of an estate for what is the control plane's own; nobody else may look into it."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; what is our own is for the owner's eyes only."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700 if OWN in folder.parts else 0o777)


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the place and move there in one step; folders are made on the way."""
    make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        on_disk(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def on_disk(folder: Path) -> None:
    """Have the names in a folder on disk: else a loss of power may forget them though it keeps what they name."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
