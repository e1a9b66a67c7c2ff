"""Whose work of a name is, and whether who asks may do with it what it asks for."""

from __future__ import annotations

from collections.abc import Iterable

from situs.api.identity import must
from situs.api.permissions import DEFAULT, Permission, Principal
from situs.api.problems import Problem
from situs.api.services import Services
from situs.control.projects import known_names, project_of
from situs.control.queues.projects import projects
from situs.control.queues.standing import QueueView


def must_of(given: Services, who: Principal, permission: Permission, name: str) -> None:
    """Raises Problem unless it may in the project of this workload or array."""
    with given.database.read() as connection:
        known, use_case = project_of(connection, name)
    if not known:
        raise Problem(404, f"there is no workload {name!r}; `situs ps` lists those there are")
    must(who, permission, use_case, name)


def must_submit(who: Principal, use_case: str | None) -> None:
    """Raises Problem unless it may hand work of this use case in."""
    if not who.may("submit", use_case or DEFAULT):
        raise Problem(403, f"{who.name} does not have 'submit' in {use_case or DEFAULT}")


def must_read_queue(given: Services, who: Principal, queue: str) -> None:
    """Raises Problem unless it may read in the project of this queue; of none, in all projects."""
    if who.may("read", None):
        return
    with given.database.read() as connection:
        project = projects(connection).get(queue)
    if project is None or not who.may("read", project):
        # What one may not read is not told to be there, nor of whom.
        raise Problem(403, f"{who.name} does not have 'read' for the queue {queue!r}")


def readable_queues(given: Services, who: Principal, views: Iterable[QueueView]) -> list[QueueView]:
    """Those that it may read, as :func:`must_read_queue` has it."""
    if who.may("read", None):
        return list(views)
    with given.database.read() as connection:
        project_of_queue = projects(connection)
    return [
        view
        for view in views
        if (project := project_of_queue.get(view.name)) is not None and who.may("read", project)
    ]


class Readable:
    """Of which names one may read."""

    def __init__(self, given: Services, who: Principal) -> None:
        self._given = given
        self._may = who.projects("read")
        self._known: dict[str, str | None] | None = None

    @property
    def all(self) -> bool:
        """Whether of every project, also of those to come."""
        return self._may is None

    def __contains__(self, name: str) -> bool:
        if self._may is None:
            return True
        with self._given.database.read() as connection:
            if self._known is None:
                self._known = known_names(connection)
            if name not in self._known:
                self._known[name] = project_of(connection, name)[1]
        return (self._known[name] or DEFAULT) in self._may
