"""The estate's files, read again only when one of them has changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from situs.facts import Facts
from situs.intent import load
from situs.intent.loader import yaml_files
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.policy import check_written
from situs.store.catalogues import Catalogues

Mark = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Written:
    """What the files say."""

    intent: Intent
    facts: Facts


class EstateFiles:
    """One estate's folder. Only files whose time and size are the same are taken to be unchanged."""

    def __init__(self, estate: Path) -> None:
        self.path = estate
        self._mark: Mark | None = None
        self._said: Written | InputError | None = None

    @property
    def folder(self) -> Path:
        """Where files that runs need are looked for."""
        return self.path if self.path.is_dir() else self.path.parent

    def read(self) -> Written:
        """What they say now. Raises InputError with every problem found."""
        mark = self.mark()
        if self._said is None or mark != self._mark:
            self._said, self._mark = self._read(), mark
        if isinstance(self._said, InputError):
            raise self._said
        return self._said

    def mark(self) -> Mark:
        """The same as long as no file has changed. Raises InputError when there are none."""
        own = Catalogues(self.path).own
        files = [*yaml_files(self.path), *(sorted(own.iterdir()) if own.is_dir() else ())]
        # One that goes between listing and asking is read as gone, and is noticed the next time.
        known = [(str(file), file.stat()) for file in files if file.exists()]
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in known)

    def _read(self) -> Written | InputError:
        try:
            loaded = load(self.path)
            facts = Catalogues(self.path).facts()
            check_written(loaded.intent, facts, loaded.position)
        except InputError as error:
            # Kept, too: an estate with a mistake in it is not read again until somebody mends it.
            return error
        return Written(loaded.intent, facts)
