"""Checkpoints in a folder of this machine."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from situs.model.checkpoint import StateFile
from situs.sites.adapter import Key
from situs.sites.checkpoints import Damaged, Unsettled
from situs.sites.words import found_below
from situs.sites.writing import copied

TRIES = 20
"""Programs that write their state many times a second leave a moment within these."""


class LocalCheckpoints:
    """The copies below a folder that has those of runs too."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._copies = root / "checkpoints"

    def mark(self, key: Key, names: Sequence[str]) -> str | None:
        """Tells one state of a run from another one; None: there is none that is whole."""
        try:
            paths = [path for _, path in self._there(key, names)]
            if self._path(key, names[-1]) not in paths or not _is_whole(paths):
                return None
            said = [f"{path} {_look(path)}" for path in paths]
        except FileNotFoundError:
            return None
        return hashlib.sha256("\n".join(said).encode(errors="surrogateescape")).hexdigest()

    def snapshot(self, key: Key, names: Sequence[str], copy: str) -> tuple[StateFile, ...]:
        """Hold the state of a run as it is now: a further name for each file, which writing beside it leaves alone."""
        folder = self._opened(copy)
        for _ in range(TRIES):
            linked = self._linked(key, names, folder)
            if _is_settled(linked, names[-1]):
                break
        else:
            raise Unsettled(f"{key.workload} was writing its state")
        found = []
        for name, _, new in linked:
            before, digest, after = _look(new), _sha256(new), _look(new)
            if before != after:
                raise Unsettled(f"{key.workload} was writing {name!r}")
            found.append(StateFile(name, new.stat().st_size, digest))
            new.replace(folder / digest)
        return tuple(found)

    def _linked(self, key: Key, names: Sequence[str], folder: Path) -> list[tuple[str, Path, Path]]:
        """Name, file and its further name, of all that are there."""
        linked = []
        for name, path in self._there(key, names):
            new = folder / uuid4().hex
            with suppress(FileNotFoundError):
                new.hardlink_to(path)
                linked.append((name, path, new))
        return linked

    def adopt(self, copy: str, file: StateFile, other: str) -> bool:
        """Have a file that another copy has; False when it is not there, or damaged."""
        target = self._opened(copy) / file.sha256
        with suppress(FileExistsError, FileNotFoundError):
            target.hardlink_to(self._copies / other / file.sha256)
        if not target.exists():
            return False
        if _sha256(target) != file.sha256:
            target.unlink()
            return False
        return True

    def deposit(self, copy: str, file: StateFile, source: Path) -> None:
        """Have a file that this machine has."""
        target = self._opened(copy) / file.sha256
        if not target.exists() and copied(source, target) != file.sha256:
            target.unlink()
            raise Damaged(f"{file.name} did not arrive as it was taken down")

    def withdraw(self, copy: str, file: StateFile, target: Path) -> None:
        """Copy a file to another folder."""
        try:
            same = copied(self._copies / copy / file.sha256, target) == file.sha256
        except FileNotFoundError:
            raise Damaged(f"{file.name} is not there any more") from None
        if not same:
            target.unlink()
            raise Damaged(f"{file.name} is not as it was taken down")

    def discard(self, copy: str) -> None:
        """Remove a copy, out of sight in one step."""
        gone = self._root / "forgotten" / uuid4().hex
        with suppress(FileNotFoundError):
            (self._copies / copy).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _opened(self, copy: str) -> Path:
        for folder in (self._copies, self._copies / copy):
            folder.mkdir(exist_ok=True, mode=0o700)
        return self._copies / copy

    def _there(self, key: Key, names: Sequence[str]) -> Iterator[tuple[str, Path]]:
        for name in names:
            path = self._path(key, name)
            if path.is_file():
                yield name, path

    def _path(self, key: Key, name: str) -> Path:
        return found_below(self._root / str(key) / "work", name)


def _is_settled(linked: Sequence[tuple[str, Path, Path]], last: str) -> bool:
    """Whether nothing was renamed meanwhile, so that all are of one state."""
    with suppress(FileNotFoundError):
        same = all(path.samefile(new) for _, path, new in linked)
        return same and bool(linked) and linked[-1][0] == last and _is_whole([new for _, _, new in linked])
    return False


def _is_whole(paths: Sequence[Path]) -> bool:
    """Whether none is newer than the last one."""
    times = [path.stat().st_mtime_ns for path in paths]
    return not times or max(times) == times[-1]


def _look(path: Path) -> tuple[int, int, int]:
    """Node, time and size: what tells one state of a file from another one."""
    seen = path.stat()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
