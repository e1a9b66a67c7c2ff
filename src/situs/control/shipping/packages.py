"""Which lock file says what Python packages a run needs, and what makes one environment another one."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Collection
from pathlib import PurePosixPath

from situs.model.error import InputError

LOCKS = ("uv.lock", "pylock.toml", "requirements.txt")
"""By how exact they are; the first that is there is taken."""
BESIDE = {"uv.lock": ("pyproject.toml",)}
"""What a lock file is read together with."""
OTHER = re.compile(r"^(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
LOCAL = re.compile(r"^(?:-e\b|--editable\b|\.{0,2}/|\.$|file:|\S+\s*@\s*file:)")


def likely_lock(files: Collection[str]) -> str | None:
    """The lock file of a folder; None when it has none."""
    return next((name for name in LOCKS if name in files), None)


def lock_digest(archive: bytes, lock: str) -> str:
    """What tells environments apart, from the archive that has the lock file in it. Raises InputError."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz", errors="surrogateescape") as tar:
        texts = _texts(tar, lock)
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:32]


def _texts(tar: tarfile.TarFile, lock: str) -> dict[str, bytes]:
    """The lock file with all that it refers to."""
    name = PurePosixPath(lock).name
    if name not in LOCKS and not (name.startswith("pylock.") or name.endswith(".txt")):
        raise InputError(f"{lock!r} is no lock file that is known; give one of {', '.join(LOCKS)}")
    found: dict[str, bytes] = {}
    wanted = [*(str(PurePosixPath(lock).with_name(other)) for other in BESIDE.get(name, ())), lock]
    while wanted:
        path = wanted.pop()
        if path in found:
            continue
        try:
            member = tar.extractfile(path)
        except KeyError:
            member = None
        if member is None:
            raise InputError(f"there is no file {path!r} among those that are sent")
        found[path] = member.read()
        if path.endswith(".txt"):
            wanted += _referred(found[path].decode(errors="replace"), path)
    return found


def _referred(text: str, path: str) -> list[str]:
    others = []
    for line in map(str.strip, text.splitlines()):
        if LOCAL.match(line):
            raise InputError(
                f"{path}: {line!r} installs from a folder, which other runs would find changed; leave it out, "
                "as the code is sent anyway, or build a wheel of it and use --find-links"
            )
        if (match := OTHER.match(line)) is not None:
            others.append(str(PurePosixPath(path).parent / match[1]))
    return others
