"""A folder as an archive, at one instant: the same files give the same bytes, whoever owns them and since when."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from situs.control.shipping.listing import OURS, listed
from situs.model.error import InputError

LARGEST_BYTES = 64 << 20
"""Code is kept in the database for as long as runs of it are remembered; data and models have their own ways."""
SHOWN = 5
"""So many of the largest files are named when there is too much."""
SAME_TIME = 315_532_800
"""1980: the earliest that every tool takes for a time."""


@dataclass(frozen=True)
class Snapshot:
    """The files of a folder as they were at one instant."""

    archive: bytes
    """a tar file, compressed by gzip"""
    sha256: str
    """of the archive"""
    files: tuple[str, ...]
    withheld: tuple[str, ...]
    """what looks like a secret and was not sent"""
    astray: tuple[str, ...]
    """links that lead out of the folder, which were not sent"""
    size_bytes: int
    """of all files together"""


def snapshot(
    folder: Path,
    include: Collection[str] = (),
    leave_out: Collection[str] = (),
    extra: Mapping[str, bytes] | None = None,
) -> Snapshot:
    """Read a folder. ``extra``: files that are sent beside what is in it.

    Raises InputError when it is too large, with the names of what makes it so.
    """
    listing = listed(folder, include, leave_out)
    _check_size(folder, listing.files)
    packed, total = io.BytesIO(), 0
    # Its own time and name would make each archive another one.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar,
    ):
        for name in listing.files:
            total += _add(tar, folder / name, name)
        for name, content in sorted((extra or {}).items()):
            _write(tar, name, content, 0o644)
    archive = packed.getvalue()
    return Snapshot(
        archive, hashlib.sha256(archive).hexdigest(), listing.files, listing.withheld, listing.astray, total
    )


def _add(tar: tarfile.TarFile, path: Path, name: str) -> int:
    entry = tarfile.TarInfo(name)
    entry.mtime = SAME_TIME
    if path.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(entry)
        return 0
    try:
        # Read whole first: a file that grows meanwhile would break the archive.
        content, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; list it in {OURS}") from None
    _write(tar, name, content, 0o755 if mode & 0o100 else 0o644)
    return len(content)


def _write(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime, entry.size, entry.mode = SAME_TIME, len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _check_size(folder: Path, files: Collection[str]) -> None:
    sizes = {name: (folder / name).lstat().st_size for name in files}
    total = sum(sizes.values())
    if total <= LARGEST_BYTES:
        return
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:SHOWN]
    named = ", ".join(f"{name} ({_mib(sizes[name])})" for name in largest)
    raise InputError(
        f"{folder} has {_mib(total)} to send, more than the {_mib(LARGEST_BYTES)} that code may have; the largest: "
        f"{named}; list what the run does not need in {OURS}, and make datasets of what it reads"
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
