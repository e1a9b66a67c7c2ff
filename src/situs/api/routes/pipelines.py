"""Pipelines: jobs that follow jobs, handed in together, looked at, tried again and ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from situs.api.handed import must_be_no_secrets, must_be_of_the_project, sent
from situs.api.identity import Asking
from situs.api.permissions import DEFAULT, Permission, Principal
from situs.api.places import LOOKED
from situs.api.problems import Problem
from situs.api.projects import must_submit
from situs.api.routes.estate import Changed, Reason
from situs.api.services import (
    Body,
    Cursor,
    Given,
    IfMatch,
    IfNoneMatch,
    Key,
    Limit,
    Services,
    after,
    cursor_of,
    must_match,
    once,
    with_tag,
)
from situs.control.pipelines import handing_in, looking, standing
from situs.control.pipelines.billing import Billed, billed
from situs.control.pipelines.document import Pipeline, read_text
from situs.control.pipelines.looking import Foreseen, foreseen
from situs.control.projects import projects_of_pipeline
from situs.control.submitting import ground_of
from situs.model.base import Name
from situs.model.error import InputError

router = APIRouter(prefix="/v1", tags=["pipelines"])
LONGEST = 4 << 20


class HandingStages(Body):
    """A pipeline, as `situs pipeline run` has it in a file."""

    name: Name
    pipeline: str = Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$")
    """its workloads and datasets, as YAML or JSON"""
    files: dict[Annotated[str, Field(min_length=1, max_length=500)], str] = Field(
        default_factory=dict, max_length=2000
    )
    """path beside it -> content, in base64: what its runs need"""
    dry_run: bool = False
    """only say where all would be"""


@dataclass(frozen=True)
class PipelinePage:
    """Some pipelines, by name."""

    items: list[Billed]
    next: str | None
    """cursor of the next page; None: that is all"""


@dataclass(frozen=True)
class Again:
    """Stages that are tried again."""

    again: list[str]


@router.get("/pipelines")
def listed(given: Given, who: Asking, limit: Limit = 100, cursor: Cursor = None) -> PipelinePage:
    """All pipelines that one may read and that were not removed."""
    start = after(cursor)
    found = sorted(standing.read_all(given.database), key=lambda each: each.name)
    mine = [each for each in found if each.name > start and _may(given, who, "read", each.name)]
    items = [billed(given.database, each) for each in mine[:limit]]
    return PipelinePage(items, cursor_of(mine[limit - 1].name) if len(mine) > limit else None)


@router.post("/pipelines", status_code=201, responses=LOOKED)
def hand_in(asked: HandingStages, given: Given, who: Asking, response: Response, key: Key = None) -> Foreseen:
    """Hand a pipeline in; 409 when some stage can be nowhere, and `dry_run` tells which and why."""
    pipeline, files = _read(given, asked)
    for stage, workload in pipeline.stages.items():
        must_submit(who, workload.use_case)
        if workload.run is not None:
            run = workload.run
            texts = {f"{stage}/run/env/{name}": value for name, value in run.env.items()}
            must_be_no_secrets(
                texts | {f"{stage}/run/command/{k}": word for k, word in enumerate(run.command)}
            )
            must_be_of_the_project(run.secrets, workload.use_case)
    if asked.dry_run:
        response.status_code = 200
        return foreseen(pipeline, looking.look(given.database, pipeline))

    def do(again: bool) -> Mapping[str, Any]:
        return _handed_in(given, pipeline, files, who.name, again=again)

    response.headers["Location"] = f"/v1/pipelines/{pipeline.name}"
    made: Foreseen = once(given, who, key, asked, response, do)
    return made


@router.get("/pipelines/{name}", response_model=Billed, responses={304: {"description": "It is as it was."}})
def one(name: str, given: Given, who: Asking, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """How each stage stands: where it is, what it made, what it cost."""
    _must_of(given, who, "read", name)
    return with_tag(_view(given, name), response, if_none_match)


@router.post("/pipelines/{name}/stop")
def stop(
    name: str, given: Given, who: Asking, why: Reason | None = None, if_match: IfMatch = None
) -> Changed:
    """Have nothing of it run any more; what it made is kept."""
    _must_of(given, who, "stop", name)
    must_match(lambda: _view(given, name), if_match)
    return Changed(changed=handing_in.stop(given.database, name, who.name, why.reason if why else None))


@router.post("/pipelines/{name}/retry")
def retry(name: str, given: Given, who: Asking, if_match: IfMatch = None) -> Again:
    """Try stages again that failed or were stopped, and go on from there."""
    _must_of(given, who, "submit", name)
    must_match(lambda: _view(given, name), if_match)
    return Again(list(handing_in.retry(given.database, name, who.name)))


@router.delete("/pipelines/{name}")
def remove(name: str, given: Given, who: Asking, if_match: IfMatch = None) -> Changed:
    """Have nothing of it run, and remove all that it made; its history stays."""
    _must_of(given, who, "stop", name)
    must_match(lambda: _view(given, name), if_match)
    return Changed(changed=handing_in.remove(given.database, name, who.name))


def _must_of(given: Services, who: Principal, permission: Permission, name: str) -> None:
    """Raises Problem unless it may in the projects of all stages."""
    if not _may(given, who, "read", name):
        raise Problem(
            404, f"there is no pipeline {name!r}; `situs pipeline ls` lists those there are", hidden=True
        )
    if not _may(given, who, permission, name):
        raise Problem(403, f"{who.name} does not have {permission!r} in all projects of {name}")


def _view(given: Services, name: str) -> Billed:
    return billed(given.database, standing.read(given.database, name))


def _may(given: Services, who: Principal, permission: Permission, name: str) -> bool:
    with given.database.read() as connection:
        projects = projects_of_pipeline(connection, name)
    return bool(projects) and all(who.may(permission, project or DEFAULT) for project in projects)


def _handed_in(
    given: Services, pipeline: Pipeline, files: Mapping[str, bytes], by: str, *, again: bool
) -> Mapping[str, Any]:
    try:
        looked = handing_in.submit(given.database, pipeline, files, by)
    except InputError:
        # What was done for a request of this key that never got its answer.
        with given.database.read() as connection:
            known = projects_of_pipeline(connection, pipeline.name)
        if not (again and known and standing.read(given.database, pipeline.name).by == by):
            raise
        looked = looking.look(given.database, pipeline)
    return vars(foreseen(pipeline, looked))


def _read(given: Services, asked: HandingStages) -> tuple[Pipeline, Mapping[str, bytes]]:
    with given.database.read() as connection:
        estate = ground_of(connection).kept.intent
    with sent(asked.files) as folder:
        return read_text(asked.pipeline, folder, estate, asked.name)
