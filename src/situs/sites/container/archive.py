"""Single files as the tar streams that an engine takes and gives, without ever holding one in memory."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from situs.model.error import SitusError

BLOCK = 1 << 20


class Packed:
    """A file as a tar stream; ``sha256`` is known once the stream was read to its end."""

    def __init__(self, source: Path, name: PurePosixPath) -> None:
        self._source = source
        self._name = name
        self.sha256 = ""

    def __iter__(self) -> Iterator[bytes]:
        for folder in reversed(self._name.parents[:-1]):
            entry = tarfile.TarInfo(str(folder))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            yield entry.tobuf(tarfile.PAX_FORMAT)
        digest = hashlib.sha256()
        with self._source.open("rb") as file:
            entry = tarfile.TarInfo(str(self._name))
            entry.size = os.fstat(file.fileno()).st_size
            # The image may run as any user, so all may read it, and run it if anybody may.
            entry.mode = 0o755 if os.fstat(file.fileno()).st_mode & 0o111 else 0o644
            yield entry.tobuf(tarfile.PAX_FORMAT)
            left = entry.size
            while left and (block := file.read(min(BLOCK, left))):
                left -= len(block)
                digest.update(block)
                yield block
        if left:
            raise SitusError(f"{self._source} became shorter while it was sent")
        yield bytes(-entry.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
        self.sha256 = digest.hexdigest()


class _Pipe(io.RawIOBase):
    """Blocks that come one after another, read like a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._ahead = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the next block goes."""
        if not self._ahead:
            self._ahead = next(self._blocks, b"")
        taken = self._ahead[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ahead = self._ahead[len(taken) :]
        return len(taken)


def unpacked(blocks: Iterator[bytes], target: Path, name: str) -> str:
    """Write the file of a tar stream to ``target``, whole or not at all; gives its SHA-256.

    Raises SitusError for anything but a plain file: links could lead anywhere.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name[:200]}.new")
    digest = hashlib.sha256()
    try:
        with tarfile.open(fileobj=io.BufferedReader(_Pipe(blocks), BLOCK), mode="r|") as tar:
            entry = tar.next()
            content = tar.extractfile(entry) if entry is not None and entry.isreg() else None
            if content is None:
                raise SitusError(f"{name!r} is no plain file")
            with new.open("wb") as file:
                while block := content.read(BLOCK):
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        new.replace(target)
    except tarfile.TarError as error:
        raise SitusError(f"{name!r} arrived broken: {error}") from error
    finally:
        new.unlink(missing_ok=True)
    return digest.hexdigest()
