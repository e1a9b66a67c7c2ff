"""What room in the pools is taken already, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from situs.control.back import decisions
from situs.control.waiting import is_over
from situs.model.workload import Workload
from situs.planner.compile.world import PoolName
from situs.planner.single import Taken
from situs.store import pipelines, plans, queued, runs, submissions
from situs.store.plans import Kept
from situs.store.runs import Run


def taken(connection: Connection, ground: Kept) -> dict[PoolName, list[Taken]]:
    """By the plan in force, by what was handed in, and by what runs for queues."""
    found = taken_by_others(connection, ground)
    pieces: dict[str, queued.Piece] = {}
    for run, work in queued.running(connection):
        if work not in pieces:
            pieces[work] = queued.work(connection, work)
        piece = pieces[work]
        shape = next((shape for shape in piece.workload.shapes if shape.name == run.shape), None)
        if shape is not None:
            found.setdefault((run.site, run.pool), []).append(Taken(shape, 1))
    return found


def with_results(connection: Connection, kept: Kept) -> Kept:
    """With the data that its workloads and pipelines have made since, where they are."""
    done = {run.workload for run in runs.present(connection) if run.outcome == "succeeded"}
    datasets = dict(kept.intent.datasets)
    for decision in kept.plan.decisions:
        for assignment in decision.assignments if decision.workload in done else ():
            for name, home in assignment.writes.items():
                there = (*(site for site in datasets[name].replicas if site != home), home)
                datasets[name] = datasets[name].model_copy(update={"replicas": there})
    for made in pipelines.made(connection):
        size = {"replicas": (made.site,), "size_gb": made.size_gb}
        datasets.setdefault(made.dataset, made.described.model_copy(update=size))
    return replace(kept, intent=kept.intent.model_copy(update={"datasets": datasets}))


def taken_by_others(connection: Connection, ground: Kept) -> dict[PoolName, list[Taken]]:
    """Room that the plan in force gives away, and what was placed when it was handed in; not what is over for good."""
    newest: dict[str, list[Run]] = {}
    for run in runs.present(connection):
        newest.setdefault(run.workload, []).append(run)
    back = decisions(connection, ground)
    given = [
        back.get(decision.workload, (decision, ground.intent.workloads[decision.workload]))
        for decision in ground.plan.decisions
    ]
    for each in submissions.kept(connection):
        known = newest.get(each.name, ())
        alive = any(run.alive for run in known)
        if alive or (each.act == "submitted" and not any(run.outcome == "succeeded" for run in known)):
            plan, workload = plans.placed(connection, each.plan, each.name)
            given.append((plan.decision(each.name), workload))
    found: dict[PoolName, list[Taken]] = {}
    for decision, workload in given:
        over = _over(workload, newest.get(decision.workload, ()))
        shapes = {shape.name: shape for shape in workload.shapes}
        for assignment in decision.assignments:
            units = assignment.units - min(over, assignment.units)
            over -= assignment.units - units
            if units:
                place_name = (assignment.site, assignment.pool)
                found.setdefault(place_name, []).append(Taken(shapes[assignment.shape], units))
    return found


def _over(workload: Workload, known: Sequence[Run]) -> int:
    """Units that are over and will not run again."""
    if workload.run is None or workload.job is None or workload.job.per_month is not None:
        return 0
    last = {run.unit: run for run in sorted(known, key=lambda run: run.generation)}
    return sum(is_over(run, workload.run.retries, workload.run.final) for run in last.values())
