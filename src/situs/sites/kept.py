"""What a site remembers on this machine: files that wait for their run's machine, what was begun, how it ended.

Machines are given back, and what they knew goes with them.  Secrets are never here.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote, unquote
from uuid import uuid4

from situs.model.money import Money
from situs.sites.adapter import Key, Status, Usage
from situs.sites.words import inside
from situs.sites.writing import copied, written


class Kept:
    """A folder with a folder for each run."""

    def __init__(self, folder: Path) -> None:
        self._runs = folder / "runs"
        self._forgotten = folder / "forgotten"

    def stage(self, key: Key, source: Path, name: str) -> str:
        """Keep a file for the run's folder; gives its SHA-256. Raises SitusError for what would lead out of it."""
        target = self._of(key) / "staged" / inside(name)
        self._open(target.parent)
        return copied(source, target)

    def staged(self, key: Key) -> Iterator[tuple[str, Path]]:
        """Names of all that waits, and where it lies."""
        folder = self._of(key) / "staged"
        for parent, _, names in os.walk(folder):
            for name in sorted(names):
                path = Path(parent) / name
                yield path.relative_to(folder).as_posix(), path

    def open(self, key: Key) -> None:
        """Know the run from now on."""
        self._open(self._of(key))

    def begin(self, key: Key) -> None:
        """Remember that it was begun; what waited for it is where it should be."""
        self._open(self._of(key))
        (self._of(key) / "begun").touch()
        shutil.rmtree(self._of(key) / "staged", ignore_errors=True)

    def begun(self, key: Key) -> bool:
        """Whether it was begun, as far as this machine knows."""
        return (self._of(key) / "begun").exists()

    def end(self, key: Key, status: Status) -> None:
        """Remember how it ended."""
        self._open(self._of(key))
        # Money is written as text.
        written(self._of(key) / "ended", json.dumps(asdict(status), default=str))

    def ended(self, key: Key) -> Status | None:
        """How it ended; None when that is not known here."""
        try:
            told = json.loads((self._of(key) / "ended").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        usage = told.pop("usage")
        if usage is not None:
            billed = usage.pop("billed")
            usage = Usage(**usage, billed=None if billed is None else Money.model_validate(billed))
        return Status(**told, usage=usage)

    def read_log(self, key: Key, since: int) -> bytes:
        """What is here of its output, from byte ``since`` on."""
        try:
            with self._log(key).open("rb") as file:
                file.seek(since)
                return file.read()
        except FileNotFoundError:
            return b""

    def logged(self, key: Key) -> int:
        """How many bytes of its output are here."""
        try:
            return self._log(key).stat().st_size
        except FileNotFoundError:
            return 0

    def add(self, key: Key, text: bytes) -> None:
        """Keep more of its output."""
        self._open(self._of(key))
        with self._log(key).open("ab") as file:
            file.write(text)

    def known(self) -> list[Key]:
        """All runs that anything is kept of."""
        if not self._runs.exists():
            return []
        return [Key.parse(unquote(path.name)) for path in sorted(self._runs.iterdir())]

    def forget(self, key: Key) -> None:
        """Remove all that is kept of a run, out of sight in one step."""
        self._open(self._forgotten)
        try:
            self._of(key).rename(self._forgotten / uuid4().hex)
        except FileNotFoundError:
            return
        shutil.rmtree(self._forgotten, ignore_errors=True)

    def _log(self, key: Key) -> Path:
        return self._of(key) / "output.log"

    def _of(self, key: Key) -> Path:
        return self._runs / quote(str(key), safe="@")

    def _open(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # What waits for a machine may be anybody's data.
        self._runs.parent.chmod(0o700)
