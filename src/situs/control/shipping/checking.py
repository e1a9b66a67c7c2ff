"""An archive that came from elsewhere: it must be one as situs packs it, or nothing is done with it.

What is sent is unpacked at sites, so it may reach nothing outside of its folder there, and be no larger than code may
be.  What situs does not pack (devices, hard links, rights of others) is refused rather than understood.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from pathlib import PurePosixPath

from situs.control.shipping.listing import MOST_FILES
from situs.control.shipping.snapshot import LARGEST_BYTES
from situs.model.error import InputError

BLOCK = 512
OF_EACH = 8 * BLOCK
"""What a file takes in an archive besides its content, with a long name."""
LARGEST_UNPACKED = LARGEST_BYTES + MOST_FILES * OF_EACH
LONGEST_NAME = 1000
RIGHTS = (0o644, 0o755)


class _Bounded(io.RawIOBase):
    """What is unpacked, up to the size that it may have: a few bytes can be made to unpack to any."""

    def __init__(self, packed: bytes) -> None:
        self._unpacked = gzip.GzipFile(fileobj=io.BytesIO(packed), mode="rb")
        self._left = LARGEST_UNPACKED

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._unpacked.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(content)
        if self._left < 0:
            raise InputError(
                f"the code unpacks to more than the {LARGEST_BYTES >> 20} MiB that code may have"
            )
        return content


def check(archive: bytes) -> tuple[str, ...]:
    """Names of the files in it. Raises InputError for what situs would not have packed."""
    files, links, total = set[str](), dict[str, str](), 0
    try:
        unpacked = _Bounded(archive)
        with tarfile.open(fileobj=unpacked, mode="r|", errors="surrogateescape") as tar:
            for entry in tar:
                _must_be_ours(entry)
                if entry.name in files or entry.name in links:
                    raise InputError(f"the code has two files {entry.name!r}")
                if entry.issym():
                    links[entry.name] = entry.linkname
                else:
                    files.add(entry.name)
                total += entry.size
                if total > LARGEST_BYTES or len(files) + len(links) > MOST_FILES:
                    raise InputError(
                        f"the code has more than the {LARGEST_BYTES >> 20} MiB or {MOST_FILES:,} files it may have"
                    )
        # Who unpacks it at a site may read on behind the end.
        if unpacked.read().strip(b"\0"):
            raise InputError("the code has more behind its end")
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise InputError(f"the code is no archive as situs packs it: {error}") from None
    for name in (*files, *links):
        above = {str(parent) for parent in PurePosixPath(name).parents}
        if above & files or above & links.keys():
            raise InputError(f"the code has {name!r} below what is no folder")
    for name, target in links.items():
        _must_stay_inside(name, target)
    return tuple(sorted((*files, *links)))


def _must_be_ours(entry: tarfile.TarInfo) -> None:
    name = entry.name
    if entry.type not in (tarfile.REGTYPE, tarfile.SYMTYPE) or entry.issparse():
        raise InputError(f"the code has {name!r}, which is neither a file nor a symbolic link")
    if (entry.uid, entry.gid) != (0, 0) or entry.mode not in RIGHTS:
        raise InputError(f"the code has {name!r} with an owner or rights that situs does not give")
    path = PurePosixPath(name)
    # Written otherwise than it is read, two names could be one.
    if (
        str(path) != name
        or path.is_absolute()
        or ".." in path.parts
        or not path.parts
        or len(name) > LONGEST_NAME
    ):
        raise InputError(f"the code has {name[:100]!r}, which is not a path in its folder")


def _must_stay_inside(name: str, target: str) -> None:
    """Only upwards first, and then only down: no way through another link leads out then."""
    parts = PurePosixPath(target).parts
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    if not parts or target.startswith("/") or ".." in parts[up:] or up > len(PurePosixPath(name).parts) - 1:
        raise InputError(f"the code has a link {name!r} to {target[:100]!r}, which leads out of its folder")
