"""Checkpoints that are kept elsewhere than where they were written: which is safe where, and what became of it.

A copy has a name that is given out once, and is written down before any site hears of it.  What becomes of it is only
ever added: something of it may be at a site, it was taken down at its source, it is safe at a site, nobody is to rely
on it there any more, it is gone from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, insert, select

from situs.model.checkpoint import StateFile
from situs.store.database import clock
from situs.store.insert import insert_missing
from situs.store.tables import checkpoint_restores, checkpoint_states, checkpoints

What = Literal["begun", "taken", "safe", "dropped", "gone"]


@dataclass(frozen=True)
class Copy:
    """A checkpoint of one unit, and where it is."""

    name: str
    at: datetime
    """when it was begun: what was written later is not in it"""
    workload: str
    unit: int
    generation: int
    """of the run that wrote it"""
    source: str
    """where that ran"""
    mark: str
    """tells the state that it is of from others"""
    step: int | None
    """the last that the run had reported before; None: it reports none"""
    files: tuple[StateFile, ...] | None = None
    """None: it was not taken down yet"""
    states: Mapping[str, frozenset[What]] = field(default_factory=dict)
    """what has become of it, by site"""

    def was(self, what: What, site: str) -> bool:
        """Whether that has become of it at a site."""
        return what in self.states.get(site, frozenset())

    @property
    def safe_at(self) -> tuple[str, ...]:
        """Sites that it is whole at, and stays."""
        return tuple(s for s in sorted(self.states) if self.was("safe", s) and not self.was("dropped", s))

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(file.size_bytes for file in self.files or ())


@dataclass(frozen=True)
class Restore:
    """A run that went on from a copy."""

    unit: int
    generation: int
    name: str
    """of the copy"""
    site: str
    """where it was brought from"""
    at: datetime
    lost_s: float
    """work of so long at most is done again"""


def begin(
    connection: Connection, workload: str, unit: int, generation: int, source: str, mark: str, step: int | None
) -> Copy:  # fmt: skip
    """Write down a copy that is about to be taken down."""
    # It begins alike for all of a unit.
    name = f"{sha256(f'{workload}.{unit}'.encode()).hexdigest()[:12]}-{uuid4().hex}"
    copy = Copy(name, clock(connection), workload, unit, generation, source, mark, step)
    told = {key: value for key, value in vars(copy).items() if key not in ("files", "states")}
    connection.execute(insert(checkpoints), [told])
    become(connection, copy, "begun", [source])
    return replace(copy, states={source: frozenset({"begun"})})


def become(
    connection: Connection, copy: Copy, what: What, sites: Iterable[str], files: Sequence[StateFile] | None = None
) -> bool:  # fmt: skip
    """Write down what has become of a copy; what was so already stays as it is. Gives whether it is news."""
    known = found(connection, copy.name)
    content = None if files is None else [vars(file) for file in files]
    rows = [
        {"copy": copy.name, "site": site, "state": what, "at": clock(connection), "files": content}
        for site in sites
        if known is None or not known.was(what, site)
    ]
    insert_missing(connection, checkpoint_states, rows)
    return bool(rows)


def restore(
    connection: Connection, copy: Copy, generation: int, site: str, lost_s: float
) -> bool:  # fmt: skip
    """Write down that a run of the same unit goes on from a copy; False when that is known."""
    known = restores(connection, copy.workload)
    if any((r.unit, r.generation, r.name, r.site) == (copy.unit, generation, copy.name, site) for r in known):
        return False
    row = {"workload": copy.workload, "unit": copy.unit, "generation": generation, "copy": copy.name}
    row |= {"site": site, "at": clock(connection), "lost_s": lost_s}
    connection.execute(insert(checkpoint_restores), [row])
    return True


def restores(connection: Connection, workload: str) -> list[Restore]:
    """Which runs of a workload went on from a copy, the newest last."""
    t = checkpoint_restores.c
    wanted = select(t.unit, t.generation, t.copy, t.site, t.at, t.lost_s).where(t.workload == workload)
    return [Restore(*row) for row in connection.execute(wanted.order_by(t.seq))]


def found(connection: Connection, name: str) -> Copy | None:
    """One copy."""
    return next(iter(_copies(connection, checkpoints.c.name == name)), None)


def present(connection: Connection) -> list[Copy]:
    """Copies of which something may be left somewhere, the oldest first."""
    there, gone = checkpoint_states.alias("there"), checkpoint_states.alias("gone")
    same = and_(gone.c.copy == there.c.copy, gone.c.site == there.c.site, gone.c.state == "gone")
    left = (
        select(there.c.copy)
        .outerjoin(gone, same)
        .where(there.c.state == "begun", gone.c.copy.is_(None))
        .distinct()
    )
    return _copies(connection, checkpoints.c.name.in_(left))


def of_workload(connection: Connection, workload: str) -> list[Copy]:
    """All copies there ever were of a workload, the oldest first."""
    return _copies(connection, checkpoints.c.workload == workload)


def _copies(connection: Connection, which: ColumnElement[bool]) -> list[Copy]:
    c, s = checkpoints.c, checkpoint_states.c
    columns = (c.name, c.at, c.workload, c.unit, c.generation, c.source, c.mark, c.step)
    made = connection.execute(select(*columns).where(which).order_by(c.seq)).all()
    states: dict[str, dict[str, set[What]]] = {}
    files: dict[str, tuple[StateFile, ...]] = {}
    told = select(s.copy, s.site, s.state, s.files).join(checkpoints, c.name == s.copy).where(which)
    for name, site, what, content in connection.execute(told):
        states.setdefault(name, {}).setdefault(site, set()).add(what)
        if content is not None:
            files[name] = tuple(StateFile(**file) for file in content)
    return [
        Copy(*row, files.get(row.name), {s: frozenset(w) for s, w in states.get(row.name, {}).items()})
        for row in made
    ]
