"""The highest generation of each unit that a site of files has seen, remembered for ever.

Nobody holds a lock here: one that was frozen with it would keep all others out.  Each generation that is seen
becomes an empty file, and lower ones are removed only once a higher one is there, so the highest never falls.
"""

from __future__ import annotations

from pathlib import Path

from situs.sites.adapter import Key, StaleGeneration
from situs.sites.writing import written


class Generations:
    """A folder with a folder for each unit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def admit(self, key: Key) -> None:
        """Refuse all that is lower from now on. Raises StaleGeneration when this one is."""
        folder = self._of(key)
        if not (folder / str(key.generation)).exists():
            self.check(key)
            folder.mkdir(parents=True, exist_ok=True)
            written(folder / str(key.generation), "")
        self.check(key)
        for older in self._seen(key):
            if older < key.generation:
                (folder / str(older)).unlink(missing_ok=True)

    def check(self, key: Key) -> None:
        """Raises StaleGeneration when a higher one was seen."""
        newest = max(self._seen(key), default=0)
        if key.generation < newest:
            raise StaleGeneration(
                f"{key.workload}: generation {key.generation} is older than {newest}, which this site has seen"
            )

    def _of(self, key: Key) -> Path:
        return self._folder / f"{key.workload}.{key.unit}"

    def _seen(self, key: Key) -> list[int]:
        folder = self._of(key)
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        return [int(name) for name in names if name.isdecimal()]
