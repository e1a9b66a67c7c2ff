"""Whose a queue is: work in a queue of a project belongs to that project."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from situs.control.queues.in_force import in_force
from situs.model.error import InputError
from situs.model.queue import Queue
from situs.model.workload import Workload


def projects(connection: Connection) -> dict[str, str | None]:
    """Each queue of the plan in force, with its project; None: it is nobody's, and everybody's."""
    intent = in_force(connection)
    return {name: queue.project for name, queue in intent.queues.items()} if intent is not None else {}


def use_case_in(queue: str, project: str | None, use_case: str | None) -> str | None:
    """The use case of work that is handed in to a queue. Raises InputError for that of another project."""
    if project is None:
        return use_case
    if use_case not in (None, project):
        raise InputError(
            f"queue {queue} is of the project {project}, and this work of {use_case}; take a queue of {use_case}, "
            f"or one that belongs to no project"
        )
    return project


def belonging(queues: Mapping[str, Queue], queue: str | None, workload: Workload) -> Workload:
    """The work as it is in the queue. Raises InputError; a queue that is not there is told of by who hands in."""
    if queue is None or queue not in queues:
        return workload
    use_case = use_case_in(queue, queues[queue].project, workload.use_case)
    return workload.model_copy(update={"use_case": use_case})
