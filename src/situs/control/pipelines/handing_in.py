"""Handing a pipeline in, trying again what failed of it, stopping and removing it: one transaction each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from situs.control.new_names import must_be_new
from situs.control.pipelines import standing
from situs.control.pipelines.document import Pipeline, kept
from situs.control.pipelines.looking import Looked, NoWay, look
from situs.model.error import InputError
from situs.store import events, pipelines, plans
from situs.store.database import Database
from situs.store.events import Event
from situs.store.pipelines import Act, Done


def submit(database: Database, pipeline: Pipeline, files: Mapping[str, bytes], by: str) -> Looked:
    """Hand it in; it is in the database when this returns, and not at all when it raises.

    Raises NoWay when some stage can be nowhere, InputError for a name that was used before.
    """
    looked = look(database, pipeline)
    if looked.refused:
        raise NoWay(pipeline, looked)
    places = {stage: at.site for stage in pipeline.stages if (at := looked.place(stage))}
    with database.write() as connection:
        pipelines.one_at_a_time(connection)
        _must_be_new(connection, pipeline)
        digests = pipelines.keep_files(connection, files)
        placed = replace(pipeline, files=digests, places=places)
        digest = pipelines.keep(connection, placed.as_values())
        done = pipelines.add(connection, "submitted", pipeline.name, digest, {}, by)
        told = [Event(done.at, "pipeline", by, f"a pipeline of {len(places)} stages", pipeline.name)]
        told += [
            Event(done.at, "pipeline", by, f"handed in as a stage of {pipeline.name}, for {site}", workload)
            for stage, site in places.items()
            if (workload := pipeline.submission(stage, 1))
        ]
        events.write(connection, told)
    return looked


def retry(database: Database, name: str, by: str) -> tuple[str, ...]:
    """Have stages that failed for good, or were stopped, tried again; gives their names.

    Raises InputError when there are none.
    """
    with database.write() as connection:
        pipelines.one_at_a_time(connection)
        last = _known(connection, name)
        if last.act == "removed":
            raise InputError(f"{name} is removed, with all that it made; hand it in anew")
        pipeline = kept(name, pipelines.described(connection, last.content))
        stages = standing.of(connection, pipeline, last).stages
        again = tuple(stage.name for stage in stages if stage.state in ("failed", "stopped"))
        if not again:
            raise InputError(f"no stage of {name} has failed or was stopped; `situs pipeline show {name}`")
        attempts = {**last.attempts, **{stage: last.attempts.get(stage, 1) + 1 for stage in again}}
        done = pipelines.add(connection, "retried", name, last.content, attempts, by)
        events.write(connection, [Event(done.at, "retried", by, f"tried again: {', '.join(again)}", name)])
        return again


def stop(database: Database, name: str, by: str, reason: str | None = None) -> bool:
    """Have nothing of it run any more; what it made is kept. False when that was so already. Raises InputError."""
    return _act(database, "stopped", name, by, reason)


def remove(database: Database, name: str, by: str) -> bool:
    """Have nothing of it run, and nothing that it made be kept. False when that was so already. Raises InputError."""
    return _act(database, "removed", name, by, None)


def _act(database: Database, act: Act, name: str, by: str, reason: str | None) -> bool:
    with database.write() as connection:
        pipelines.one_at_a_time(connection)
        last = _known(connection, name)
        if last.act in (act, "removed"):
            return False
        done = pipelines.add(connection, act, name, last.content, last.attempts, by, reason)
        events.write(connection, [Event(done.at, act, by, act + (f": {reason}" if reason else ""), name)])
        return True


def _known(connection: Connection, name: str) -> Done:
    last = pipelines.newest(connection, name)
    if last is None:
        there = ", ".join(done.name for done in pipelines.all_newest(connection)[-8:]) or "none yet"
        raise InputError(f"there is no pipeline {name!r}; there are {there}")
    return last


def _must_be_new(connection: Connection, pipeline: Pipeline) -> None:
    if pipelines.newest(connection, pipeline.name) is not None:
        raise InputError(
            f"there is or was a pipeline {pipeline.name!r} already; give another name with --name"
        )
    target = plans.in_force(connection)
    assert target is not None
    intent = plans.load(connection, target.plan).intent
    must_be_new(connection, intent, [pipeline.submission(stage, 1) for stage in pipeline.stages])
