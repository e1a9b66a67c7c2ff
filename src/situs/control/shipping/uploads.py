"""Code on its way to this control plane: what has arrived of it so far, kept until all has.

An upload goes on where it was cut off, also when this process was killed: what is in its file is the beginning of what
is sent, however much.  Only all of it, checked, comes into the database.  What nobody goes on with is removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from pathlib import Path

from situs.control.shipping.checking import LARGEST_UNPACKED
from situs.model.error import InputError, SitusError

LARGEST_PART = 8 << 20
LARGEST_BYTES = LARGEST_UNPACKED
"""Of an archive: packing makes nothing larger than it is, but for a few bytes."""
AT_ONCE = 4
"""Uploads that one person may have begun."""
ALL_AT_ONCE = 64
KEPT_S = 86_400.0
"""What nobody goes on with for a day is given up."""


class TooMany(SitusError):
    """Others have to be over first."""


class Uploads:
    """Those of one control plane."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "uploads"

    def arrived(self, who: str, digest: str) -> int:
        """How many bytes of it are here."""
        path = self._path(who, digest)
        return path.stat().st_size if path.exists() else 0

    def add(self, who: str, digest: str, size: int, offset: int, part: bytes) -> bytes | None:
        """Take the next part; gives all of it once that is here.

        Raises InputError for what is too large or not what it should be, and SitusError for a part that is not the
        next one.
        """
        if size > LARGEST_BYTES:
            raise InputError(
                f"the code is larger than the {LARGEST_BYTES >> 20} MiB that an archive may have"
            )
        if not part or len(part) > LARGEST_PART or offset + len(part) > size:
            raise InputError(f"a part has 1 to {LARGEST_PART} bytes, and no more than are missing")
        path = self._path(who, digest)
        if not path.exists():
            self._make_room(who)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            # Another who sends the same is at it.
            fcntl.flock(file, fcntl.LOCK_EX)
            there = file.seek(0, os.SEEK_END)
            if there != offset:
                raise SitusError(f"{there} bytes of the code are here, so the next part begins there")
            file.write(part)
            file.flush()
            if there + len(part) < size:
                return None
            file.seek(0)
            content = file.read()
            path.unlink(missing_ok=True)
        if hashlib.sha256(content).hexdigest() != digest:
            raise InputError("what was sent does not have the SHA-256 that was said; send it again")
        return content

    def _path(self, who: str, digest: str) -> Path:
        return self._folder / f"{_of(who)}-{digest}"

    def _make_room(self, who: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if path.stat().st_mtime < time.time() - KEPT_S:
                path.unlink(missing_ok=True)
        begun = list(self._folder.iterdir())
        if (
            len(begun) >= ALL_AT_ONCE
            or sum(path.name.startswith(f"{_of(who)}-") for path in begun) >= AT_ONCE
        ):
            raise TooMany("too many uploads are under way; end one of them, or come again later")


def _of(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()[:32]
