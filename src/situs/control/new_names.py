"""Whether names may be given to work that is handed in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.store import arrays
from situs.store import names as store


def must_be_new(connection: Connection, intent: Intent, names: Sequence[str], *, owned: bool = False) -> None:
    """Raises InputError for a name that the estate or anything that was handed in has, or that is there twice.

    ``owned``: the names are those of an array's members, which the array hands in.
    """
    seen: set[str] = set()
    used = store.used(connection, names) | (set() if owned else arrays.claimed(connection, names))
    for name in names:
        if name in seen or name in intent.workloads or name in used:
            raise InputError(f"there is or was a workload {name!r} already; give another name with --name")
        seen.add(name)
