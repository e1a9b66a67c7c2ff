"""Writing a site's files so that nobody ever sees half of one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def written(path: Path, text: str) -> None:
    """In one step, on disk, for the owner's eyes only."""
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(new).replace(path)


def copied(source: Path, target: Path) -> str:
    """Copy in one step, so that no half file is ever seen; gives the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    new = target.with_name(f".{target.name}.new")
    with source.open("rb") as reader, new.open("wb") as writer:
        while block := reader.read(1 << 20):
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    new.replace(target)
    return digest.hexdigest()
