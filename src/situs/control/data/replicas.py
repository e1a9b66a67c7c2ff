"""The replicas of all sites: one version of each dataset at each of them, replaced as a whole or not at all.

::

    sites/SITE/data/NAME                           what is read: a link to the version
    sites/SITE/data/.versions/NAME/SHA256          that version, a file or a folder
    sites/SITE/data/.versions/NAME/SHA256.json     what is known of it

A version is written beside the others and made the one that is read by renaming a link.  Whoever is killed meanwhile
leaves the old version; what was left half is cleared away by the next who writes.  Who reads holds a lock, so that the
version that is read stays until it was read.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from situs.control.data.source import Content, source
from situs.model.error import InputError, SitusError
from situs.sites.writing import written
from situs.store.files import on_disk

VERSIONS = ".versions"
NEW = ".new-"
STAMP = "data.changed"
"""In the folder of the control plane: is touched when a replica has changed, so that who waits for one looks again."""


class Busy(SitusError):
    """Somebody else is writing or reading it."""


@dataclass(frozen=True)
class Replica:
    """The data of a name at a site."""

    dataset: str
    site: str
    at: datetime
    """since when they are there"""
    files: int
    size_bytes: int
    sha256: str | None
    """None: they were not brought by situs, so nobody knows without reading them"""
    source: str | None = None
    """the site whose replica it was copied from; None: they came from outside, or from a run"""


class Replicas:
    """Those that a control plane keeps."""

    def __init__(self, folder: Path) -> None:
        """``folder``: that of the control plane."""
        self._folder = folder

    def path(self, site: str, dataset: str) -> Path:
        """Where the data of a name are read at a site."""
        return self._folder / "sites" / site / "data" / dataset

    def is_there(self, site: str, dataset: str) -> bool:
        """Whether there are any."""
        return self.path(site, dataset).exists()

    def find(self, site: str, dataset: str) -> Replica | None:
        """What is there; None: nothing."""
        path = self.path(site, dataset)
        try:
            at = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
            version = path.resolve(strict=True)
        except OSError:
            return None
        if version.parent == self._versions(site, dataset).resolve():
            with suppress(OSError, ValueError):
                note = json.loads(version.with_name(f"{version.name}.json").read_text(encoding="utf-8"))
                return Replica(
                    dataset, site, at, note["files"], note["size_bytes"], version.name, note["source"]
                )
        try:
            found = source(version)
        except InputError:
            # An empty folder is nothing that a run could read.
            return None
        return Replica(dataset, site, at, found.files, found.size_bytes, None)

    def at_sites(self) -> Iterator[tuple[str, str]]:
        """(site, dataset) of all that are there."""
        for path in sorted(self._folder.glob("sites/*/data/*")):
            if not path.name.startswith(".") and path.exists():
                yield path.parent.parent.name, path.name

    def replace(
        self, site: str, dataset: str, write: Callable[[Path], Content], origin: str | None = None
    ) -> Replica:
        """Make what ``write`` lays at the path that it is given the one that is read; all of it, or nothing is changed.

        ``origin``: the site it is copied from. Raises Busy while somebody else does the same, and what ``write``
        raises.
        """
        versions = self._versions(site, dataset)
        versions.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(
            versions / ".writing", f"{dataset} is being written at {site}; try again once that is over"
        ):
            for left in versions.glob(f"{NEW}*"):
                cleared(left)
            new = versions / f"{NEW}{uuid4().hex}"
            try:
                content = write(new)
                version = versions / content.sha256
                if not version.exists():
                    _folderson_disk(new)
                    new.rename(version)
            finally:
                cleared(new)
            note = {"files": content.files, "size_bytes": content.size_bytes, "source": origin}
            written(versions / f"{content.sha256}.json", json.dumps(note))
            self._lead_to(version, self.path(site, dataset))
            # What is still read stays, and is cleared away by the next who writes.
            with suppress(Busy), _locked(versions / ".reading", ""):
                _clear(versions, (content.sha256, f"{content.sha256}.json"))
        self._changed()
        found = self.find(site, dataset)
        assert found is not None
        return found

    @contextmanager
    def reading(self, site: str, dataset: str) -> Iterator[Path]:
        """The version that is there, a file or a folder, which stays until it was read. Raises SitusError."""
        path = self.path(site, dataset)
        versions = self._versions(site, dataset)
        if not versions.exists():
            yield _resolved(path, site, dataset)
            return
        with (versions / ".reading").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield _resolved(path, site, dataset)

    def remove(self, site: str, dataset: str) -> bool:
        """Have nothing of it at a site; False when that was so already. Raises Busy while it is read or written."""
        path, versions = self.path(site, dataset), self._versions(site, dataset)
        there = path.exists() or path.is_symlink()
        if versions.exists():
            read = f"{dataset} is being read at {site}; try again once that is over"
            with _locked(versions / ".writing", read), _locked(versions / ".reading", read):
                cleared(path)
                _clear(versions, ())
        else:
            cleared(path)
        if there:
            self._changed()
        return there

    def changed(self) -> int:
        """A number that is another one once a replica has changed."""
        try:
            return (self._folder / STAMP).stat().st_mtime_ns
        except OSError:
            return 0

    def _versions(self, site: str, dataset: str) -> Path:
        return self._folder / "sites" / site / "data" / VERSIONS / dataset

    def _lead_to(self, version: Path, path: Path) -> None:
        link = version.with_name(f"{NEW}{uuid4().hex}")
        link.symlink_to(Path(VERSIONS, path.name, version.name))
        if path.is_dir() and not path.is_symlink():
            # It was laid there by hand: a link cannot take the place of a folder at once.
            path.rename(version.with_name(f"{NEW}{uuid4().hex}"))
        link.replace(path)
        for folder in (version.parent, path.parent):
            on_disk(folder)

    def _changed(self) -> None:
        stamp = self._folder / STAMP
        stamp.touch(mode=0o600)
        os.utime(stamp)


@contextmanager
def _locked(path: Path, busy: str) -> Iterator[None]:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(busy) from None
        yield


def _resolved(path: Path, site: str, dataset: str) -> Path:
    try:
        return path.resolve(strict=True)
    except OSError:
        raise SitusError(f"{dataset} has no data at {site}") from None


def _clear(versions: Path, kept: tuple[str, ...]) -> None:
    """Remove all versions but what is kept; the locks stay, as somebody may be about to take one."""
    for left in versions.iterdir():
        if left.name not in (*kept, ".reading", ".writing"):
            cleared(left)


def cleared(path: Path) -> None:
    """Have nothing there, whatever was."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _folderson_disk(content: Path) -> None:
    for place, _, _ in os.walk(content):
        on_disk(Path(place))
