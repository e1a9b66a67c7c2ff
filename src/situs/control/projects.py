"""Whose a workload is: its use case, by the plan that has it or by what was handed in."""

from __future__ import annotations

from sqlalchemy import Connection

from situs.control.pipelines.document import kept
from situs.store import arrays, pipelines, plans, queued, runs, submissions


def known_names(connection: Connection) -> dict[str, str | None]:
    """All workloads that are known, each with its use case: those of the plan in force and what was handed in."""
    found: dict[str, str | None] = {}
    target = plans.in_force(connection)
    if target is not None:
        workloads = plans.load(connection, target.plan).intent.workloads
        found |= {name: workload.use_case for name, workload in workloads.items()}
    for each in submissions.kept(connection):
        found[each.name] = plans.placed(connection, each.plan, each.name)[1].use_case
    of_work: dict[str, str | None] = {}
    for row in queued.after(connection, 0):
        if row.work not in of_work:
            of_work[row.work] = queued.work(connection, row.work).workload.use_case
        found[row.name] = of_work[row.work]
        if row.act == "removed":
            del found[row.name]
    return found


def project_of(connection: Connection, name: str) -> tuple[bool, str | None]:
    """Whether there is or was a workload or an array of this name, and its use case."""
    waits = queued.newest(connection, name)
    if waits is not None:
        return True, queued.work(connection, waits.work).workload.use_case
    submission = submissions.newest(connection, name)
    if submission is not None:
        return True, plans.placed(connection, submission.plan, name)[1].use_case
    array = arrays.found(connection, name)
    if array is not None:
        return True, queued.work(connection, array.work).workload.use_case
    target = plans.in_force(connection)
    ran = runs.of_workload(connection, name)
    for plan in (target.plan if target else None, ran[-1].plan if ran else None):
        workload = plans.load(connection, plan).intent.workloads.get(name) if plan is not None else None
        if workload is not None:
            return True, workload.use_case
    return bool(ran), None


def projects_of_pipeline(connection: Connection, name: str) -> frozenset[str | None]:
    """The use cases of its stages; none: there is and was no pipeline of this name."""
    last = pipelines.newest(connection, name)
    if last is None:
        return frozenset()
    stages = kept(name, pipelines.described(connection, last.content)).stages
    return frozenset(stage.use_case for stage in stages.values())
