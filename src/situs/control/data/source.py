"""Files that people bring: what is among them, how large they are, and one digest for all of it.

The digest of one file is its SHA-256.  That of a folder is the SHA-256 of what ``sha256sum`` prints of its files in the
order of their names, so that anybody can work it out without situs.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from situs.model.error import InputError, SitusError
from situs.sites import writing

Copied = Callable[[int], None]
"""Is told of each file that is copied, with its bytes"""


@dataclass(frozen=True)
class Content:
    """What a version of data is."""

    sha256: str
    files: int
    size_bytes: int


@dataclass(frozen=True)
class Source:
    """A file, or a folder with files, as it was when it was looked at."""

    path: Path
    names: tuple[str, ...] | None
    """of the files in a folder, in order; None: it is one file"""
    size_bytes: int

    @property
    def files(self) -> int:
        """How many there are."""
        return 1 if self.names is None else len(self.names)


def source(path: Path) -> Source:
    """What is there. Raises InputError for what is nothing that can be copied."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}; give a file, or a folder of files"
        ) from None
    if stat.S_ISREG(mode):
        return Source(path, None, path.stat().st_size)
    if not stat.S_ISDIR(mode):
        raise InputError(f"{path} is neither a file nor a folder")
    names = tuple(sorted(_names(path)))
    if not names:
        raise InputError(f"{path} has no files; data are a file, or a folder with files")
    return Source(path, names, sum((path / name).stat().st_size for name in names))


def copy(of: Source, target: Path, copied: Copied = lambda _: None) -> Content:
    """Copy to a place where nothing is; gives what was copied, which is what was read. Raises SitusError."""
    if of.names is None:
        return Content(_copied(of.path, target, copied), 1, target.stat().st_size)
    digests, size_bytes = {}, 0
    for name in of.names:
        there = target / name
        there.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        digests[name] = _copied(of.path / name, there, copied)
        size_bytes += there.stat().st_size
    return Content(of_files(digests.items()), len(digests), size_bytes)


def of_files(digests: Iterable[tuple[str, str]]) -> str:
    """One digest for a folder. ``digests``: name of a file, and its SHA-256."""
    whole = hashlib.sha256()
    for name, digest in sorted(digests):
        whole.update(f"{digest}  ".encode() + os.fsencode(name) + b"\n")
    return whole.hexdigest()


def _names(folder: Path) -> Iterable[str]:
    def unreadable(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}")

    for place, folders, files in os.walk(folder, onerror=unreadable):
        for name in folders:
            if (Path(place) / name).is_symlink():
                raise InputError(f"{Path(place) / name} is a link to a folder; put its files there instead")
        for name in files:
            path = Path(place) / name
            if not path.is_file():
                raise InputError(f"{path} is no file that can be copied; leave it out")
            yield str(path.relative_to(folder))


def _copied(path: Path, target: Path, told: Copied) -> str:
    try:
        digest = writing.copied(path, target)
    except OSError as error:
        raise SitusError(f"{path} was not copied to {target.parent}: {error.strerror}") from None
    told(target.stat().st_size)
    return digest
