"""What was handed in to queues, as the control plane that leads keeps it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from situs.store import queued
from situs.store.queued import Piece, Queued


@dataclass(slots=True)
class Entry:
    """One piece of work, and how it stands."""

    name: str
    queue: str
    work: str
    priority: int
    seq: int
    at_s: float
    wanted: bool
    """it is to run; else it is to end"""
    over: bool = False
    """it is done, has failed for good or was ended: nothing more happens to it"""
    owed_s: float = 0.0
    """work that it lost when it made room for another one, and does again now"""


@dataclass
class Entries:
    """All that was handed in, by name."""

    by_name: dict[str, Entry] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    """names of those of which something is kept when they have ended"""
    pieces: dict[str, Piece] = field(default_factory=dict)
    version: int = 0

    def read(self, connection: Connection) -> list[Entry]:
        """Take in what was done since the last time; gives what it was done about."""
        changed: dict[str, Entry] = {}
        for row in queued.after(connection, self.version):
            self.version = row.seq
            changed[row.name] = self._taken_in(row)
            if row.work not in self.pieces:
                self.pieces[row.work] = queued.work(connection, row.work)
        return list(changed.values())

    def piece(self, name: str) -> Piece:
        """What one of them is to run."""
        return self.pieces[self.by_name[name].work]

    def open(self) -> Iterator[Entry]:
        """Those to which something may still happen."""
        return (entry for entry in self.by_name.values() if not entry.over)

    def _taken_in(self, row: Queued) -> Entry:
        entry = self.by_name.get(row.name)
        if entry is None:
            entry = self.by_name[row.name] = Entry(
                row.name, row.queue, row.work, row.priority, row.seq, row.at.timestamp(), True
            )
            self.kept.add(row.name)
        if row.act != "handed_in":
            entry.wanted, entry.over = False, False
        if row.act == "removed":
            self.kept.discard(row.name)
        return entry
