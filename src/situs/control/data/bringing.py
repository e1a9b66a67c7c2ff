"""Bringing data to sites, taking them out and removing them, each with an event that says who did it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from situs.control.data.replicas import Replica, Replicas, cleared
from situs.control.data.source import Content, Copied, Source, copy, source
from situs.model.error import SitusError
from situs.store import events
from situs.store.database import Database, clock
from situs.store.events import Event


@dataclass(frozen=True)
class Brought:
    """A version that is at a site now."""

    replica: Replica
    before: str | None
    """SHA-256 of the version that it took the place of; None: there was none, or an unknown one"""

    @property
    def changed(self) -> bool:
        """Whether it is another one than before."""
        return self.replica.sha256 != self.before


def bring(
    database: Database, folder: Path, dataset: str, found: Source, sites: Sequence[str], by: str, copied: Copied
) -> list[Brought]:  # fmt: skip
    """Have the same version at all these sites, which the rules must allow. Raises SitusError."""
    replicas, done = Replicas(folder), list[Brought]()
    for site in sites:
        before = replicas.find(site, dataset)
        if not done:
            made = replicas.replace(site, dataset, partial(copy, found, copied=copied))
        else:
            # From the first of them: what people bring may change meanwhile.
            with replicas.reading(done[0].replica.site, dataset) as path:
                made = replicas.replace(site, dataset, partial(copy, source(path), copied=copied))
        done.append(Brought(made, before.sha256 if before is not None else None))
        text = f"{dataset} is brought to {site}: {made.files:,} files, {made.size_bytes:,} bytes, sha256:{made.sha256}"
        _tell(database, by, text, site)
    return done


def take(
    database: Database, folder: Path, dataset: str, site: str | None, target: Path, by: str, copied: Copied
) -> tuple[str, Content]:  # fmt: skip
    """Copy what is read at a site, or at the first that has any, to a path where nothing is. Raises SitusError."""
    replicas = Replicas(folder)
    there = [at for at, name in replicas.at_sites() if name == dataset and site in (None, at)]
    if not there:
        raise SitusError(
            f"{dataset} has no data at {site or 'any site'}; `situs data ls` tells what is where"
        )
    new = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with replicas.reading(there[0], dataset) as path:
            content = copy(source(path), new, copied)
        new.rename(target)
    finally:
        cleared(new)
    _tell(database, by, f"{dataset} of {there[0]} is copied out, sha256:{content.sha256}", there[0])
    return there[0], content


def remove(database: Database, folder: Path, dataset: str, site: str, by: str) -> bool:
    """Have nothing of it at a site; False when that was so already. Raises SitusError."""
    changed = Replicas(folder).remove(site, dataset)
    if changed:
        _tell(database, by, f"{dataset} is removed from {site}", site)
    return changed


def _tell(database: Database, by: str, text: str, site: str) -> None:
    with database.write() as connection:
        events.write(connection, [Event(clock(connection), "data", by, text, site=site)])
