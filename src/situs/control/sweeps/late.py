"""Drawing late: members get their parameters when they are handed in, from what others have reported by then.

What was drawn is written down with the last report that was known, before the member is handed in; so a control plane
that is killed at any instant hands in no member with other parameters than those that are written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from situs.control.leader import Leadership
from situs.control.sweeps.proposing import proposed
from situs.store import arrays, leases, sweeps
from situs.store.arrays import Member
from situs.store.database import Database
from situs.store.sweeps import Draw


class Late:
    """Draws for members that are about to be handed in."""

    def __init__(self, database: Database, leadership: Leadership) -> None:
        self._database = database
        self._leadership = leadership

    def drawn(self, array: str, due: Sequence[Member]) -> Sequence[Member]:
        """The same members, each with parameters. Members of what is no sweep may have none, and stay as they are."""
        if all(member.parameters for member in due):
            return due
        with self._database.read() as connection:
            if sweeps.found(connection, array) is None:
                return due
        return [member if member.parameters else self._draw(member) for member in due]

    def _draw(self, member: Member) -> Member:
        with self._database.read() as connection:
            sweep, reports = sweeps.found(connection, member.array), sweeps.reports(connection, member.array)
            before = arrays.members(connection, member.array)[: member.number]
        assert sweep is not None
        parameters = proposed(sweep, member.number, before, reports)
        last = reports[-1][0] if reports else 0
        with self._database.write() as connection:
            leases.check(connection, self._leadership.lease)
            sweeps.draw(connection, Draw(member.name, parameters, last))
        return replace(member, parameters=parameters)
