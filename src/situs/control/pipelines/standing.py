"""How a pipeline stands: a function of what people did about it, its submissions and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from situs.control.pipelines.document import Pipeline, in_order, kept
from situs.control.waiting import is_over
from situs.model.error import InputError
from situs.model.workload import Workload
from situs.store import pipelines, runs, submissions
from situs.store.database import Database
from situs.store.pipelines import Artefact, Done
from situs.store.runs import Run
from situs.store.submissions import Submission

State = Literal["waiting", "starting", "running", "ending", "serving", "done", "failed", "stopped"]
"""``waiting``: for other stages, or for room"""
ALIVE = ("starting", "running", "ending", "serving")


@dataclass(frozen=True)
class StageStanding:
    """How one stage stands."""

    name: str
    attempts: tuple[str, ...]
    """what each is called as a workload; the last one counts"""
    needs: tuple[str, ...]
    state: State
    planned: str
    """site where it is to be if there is room"""
    site: str | None
    """where it was put; None: nowhere yet"""
    run: Run | None
    made: Sequence[Artefact]

    @property
    def workload(self) -> str:
        """What the attempt that counts is called."""
        return self.attempts[-1]

    @property
    def is_satisfied(self) -> bool:
        """Whether those that need it may begin."""
        return self.state in ("done", "serving")


@dataclass(frozen=True)
class Standing:
    """How all of it stands."""

    name: str
    by: str
    at: datetime
    """of the last thing that people did about it"""
    state: Literal["running", "done", "serving", "failed", "stopped", "removed"]
    stages: Sequence[StageStanding]
    """each after those that it needs"""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs or will, unless people do something about it."""
        alive = any(stage.state in ALIVE for stage in self.stages)
        return self.state != "running" and not alive


def read(database: Database, name: str) -> Standing:
    """How one stands. Raises InputError."""
    with database.read() as connection:
        last = pipelines.newest(connection, name)
        if last is None:
            raise InputError(f"there is no pipeline {name!r}; `situs pipeline ls` lists those there are")
        return of(connection, kept(name, pipelines.described(connection, last.content)), last)


def read_all(database: Database) -> list[Standing]:
    """How all stand that were not removed."""
    with database.read() as connection:
        return [
            of(connection, kept(last.name, pipelines.described(connection, last.content)), last)
            for last in pipelines.all_newest(connection)
            if last.act != "removed"
        ]


def of(connection: Connection, pipeline: Pipeline, last: Done) -> Standing:
    """How one stands that was read already."""
    made = pipelines.made(connection, pipeline.name)
    stages = []
    for stage in in_order(pipeline):
        attempt = last.attempts.get(stage, 1)
        names = tuple(pipeline.submission(stage, k) for k in range(1, attempt + 1))
        submission = submissions.newest(connection, names[-1])
        known = runs.of_workload(connection, names[-1]) if submission is not None else []
        run = known[-1] if known else None
        workload = pipeline.stages[stage]
        own = [a for a in made if a.dataset in {o.dataset for o in workload.outputs}]
        is_complete = last.act == "removed" or len(own) == len(workload.outputs)
        stages.append(
            StageStanding(
                stage,
                names,
                pipeline.needs[stage],
                _state(submission, run, workload, last, is_complete),
                pipeline.places.get(stage, ""),
                run.site if run is not None else None,
                run,
                own,
            )
        )
    return Standing(pipeline.name, last.by, last.at, _whole(stages, last), stages)


def _state(
    submission: Submission | None, run: Run | None, workload: Workload, last: Done, is_complete: bool
) -> State:
    """``is_complete``: what it made is known."""
    assert workload.run is not None
    job = workload.job is not None
    if run is not None and run.alive:
        if run.phase == "leaving":
            return "ending"
        if not job and (run.started_at is not None if workload.run.health is None else run.is_ready):
            return "serving"
        return "running" if run.started_at is not None else "starting"
    if job and run is not None and run.outcome == "succeeded":
        return "done" if is_complete else "ending"
    if submission is None:
        return "waiting" if last.act in ("submitted", "retried") else "stopped"
    if submission.act != "submitted":
        return "stopped"
    if job and run is not None and is_over(run, workload.run.retries, workload.run.final):
        return "failed"
    return "starting"


def _whole(
    stages: Sequence[StageStanding], last: Done
) -> Literal["running", "done", "serving", "failed", "stopped", "removed"]:
    if last.act == "stopped" or last.act == "removed":
        return last.act
    if all(stage.is_satisfied for stage in stages):
        return "serving" if any(stage.state == "serving" for stage in stages) else "done"
    stuck = {stage.name for stage in stages if stage.state in ("failed", "stopped")}
    for stage in stages:
        # They are in order, so that what hangs on a stage that failed is known before what hangs on that.
        if stage.state == "waiting" and stuck & set(stage.needs):
            stuck.add(stage.name)
    if any(stage.name not in stuck and not stage.is_satisfied for stage in stages):
        return "running"
    return "failed" if any(stage.state == "failed" for stage in stages) else "stopped"
