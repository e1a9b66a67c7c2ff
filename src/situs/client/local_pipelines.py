"""Pipelines of the control plane of a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from situs.control.pipelines import handing_in, looking, standing
from situs.control.pipelines.billing import Billed, billed
from situs.control.pipelines.document import Pipeline, read
from situs.control.pipelines.looking import Foreseen, NoWay, foreseen
from situs.control.submitting import ground_of
from situs.store.database import Database


class LocalPipelines:
    """One database, and who asks."""

    def __init__(self, database: Database, by: str) -> None:
        self._database = database
        self._by = by

    def everything(self) -> Sequence[Billed]:
        return [billed(self._database, found) for found in standing.read_all(self._database)]

    def one(self, name: str) -> Billed:
        return billed(self._database, standing.read(self._database, name))

    def look(self, file: Path, name: str) -> Foreseen:
        pipeline, _ = self._read(file, name)
        return foreseen(pipeline, looking.look(self._database, pipeline))

    def submit(self, file: Path, name: str) -> Foreseen:
        pipeline, files = self._read(file, name)
        try:
            looked = handing_in.submit(self._database, pipeline, files, self._by)
        except NoWay as error:
            looked = error.looked
        return foreseen(pipeline, looked)

    def stop(self, name: str, reason: str | None) -> bool:
        return handing_in.stop(self._database, name, self._by, reason)

    def retry(self, name: str) -> Sequence[str]:
        return handing_in.retry(self._database, name, self._by)

    def remove(self, name: str) -> bool:
        return handing_in.remove(self._database, name, self._by)

    def _read(self, file: Path, name: str) -> tuple[Pipeline, Mapping[str, bytes]]:
        with self._database.read() as connection:
            ground = ground_of(connection)
        return read(file, ground.kept.intent, name)
