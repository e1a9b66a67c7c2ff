"""Writing a file whole or not at all, and never over another one unasked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from situs.model.error import InputError


def write_whole(target: Path, text: str, *, force: bool) -> None:
    """Write a text to a file. Raises InputError when the file is there and ``force`` is not given."""
    if target.is_dir():
        raise InputError(f"{target} is a folder; name a file")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent} to write {target.name} to")
    if target.exists() and not force:
        raise InputError(f"{target} is there already; give --force to write over it")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        new = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            new.chmod(0o644)
            if force:
                new.replace(target)
            else:
                # A link fails where a name exists, also one that appeared since the look above.
                os.link(new, target)
        finally:
            new.unlink(missing_ok=True)
    except FileExistsError:
        raise InputError(f"{target} is there already; give --force to write over it") from None
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}") from None
