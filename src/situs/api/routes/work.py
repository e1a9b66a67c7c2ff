"""Workloads: handing in, looking at, reading along with, stopping and removing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field

from situs.api.identity import Asking, must
from situs.api.permissions import DEFAULT
from situs.api.problems import Problem
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
from situs.api.streams import Message, streamed
from situs.control import moving, submitting, views
from situs.control.asked import Asked, fresh_name, workload_of
from situs.control.attached import At, End, InLine, Output, Reader, Trouble
from situs.control.connect import by_kind
from situs.control.moving import Cancelled, MoveView
from situs.control.projects import known_names, project_of
from situs.control.queues import handing_in
from situs.control.shipping import snapshot
from situs.control.views import WorkloadHistory, WorkloadView
from situs.model.base import Name
from situs.model.error import InputError
from situs.model.secret import SecretReference, is_secret, reference
from situs.model.workload import Workload

router = APIRouter(prefix="/v1", tags=["workloads"])
LARGEST_TEXT = 1 << 20
"""Of a log, in one answer."""
Word = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]


class Handing(Body):
    """A job to be run once, where rules, room and cost put it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    command: list[Word] = Field(min_length=1, max_length=1000)
    """a script of `files` or a program, and its arguments; no shell"""
    name: Name | None = None
    use_case: Name | None = None
    queue: Name | None = None
    """None: there must be room now"""
    priority: int = Field(handing_in.USUAL_PRIORITY, ge=0, le=100)
    accelerators: float = Field(0.0, ge=0, le=4096)
    accelerator: list[str] = Field(default_factory=list, max_length=50)
    cpu: float = Field(1.0, ge=0, le=100_000)
    memory_gib: float = Field(0.0, ge=0, le=1_000_000)
    nodes: int = Field(1, ge=1, le=4096)
    hours: float | None = Field(None, gt=0, le=100_000)
    data: list[str] = Field(default_factory=list, max_length=100)
    env: dict[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)], Word] = Field(
        default_factory=dict, max_length=200
    )
    secrets: dict[
        Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)], SecretReference
    ] = Field(default_factory=dict, max_length=100)
    """variable -> where the control plane finds what it holds; in a vault, below the name of the project"""
    state: list[str] = Field(default_factory=list, max_length=100)
    retries: int = Field(0, ge=0, le=100)
    timeout_s: float | None = Field(None, ge=1, le=31_536_000)
    files: dict[Annotated[str, Field(min_length=1, max_length=500)], str] = Field(
        default_factory=dict, max_length=2000
    )
    """path in its folder -> content, in base64"""


@dataclass(frozen=True)
class Item:
    """One workload of a list."""

    name: str
    project: str


@dataclass(frozen=True)
class Page:
    """Some workloads, by name."""

    items: list[Item]
    next: str | None
    """cursor of the next page; None: that is all"""


@dataclass(frozen=True)
class Text:
    """A part of what a unit has written."""

    text: str
    next: int
    """byte to go on from"""


@router.get("/workloads")
def listed(given: Given, who: Asking, limit: Limit = 100, cursor: Cursor = None) -> Page:
    """Names of all workloads that one may read."""
    start, may = after(cursor), who.projects("read")
    with given.database.read() as connection:
        names = known_names(connection)
    found = [
        Item(name, project or DEFAULT)
        for name, project in sorted(names.items())
        if name > start and (may is None or (project or DEFAULT) in may)
    ]
    return Page(found[:limit], cursor_of(found[limit - 1].name) if len(found) > limit else None)


@router.post("/workloads", status_code=201)
def hand_in(asked: Handing, given: Given, who: Asking, response: Response, key: Key = None) -> dict[str, Any]:
    """Hand work in, to run at once where there is room, or to wait for its turn in a queue."""
    if not who.may("submit", asked.use_case or DEFAULT):
        raise Problem(403, f"{who.name} does not have 'submit' in {asked.use_case or DEFAULT}")
    _must_keep_secrets(asked)
    name = asked.name or _name(asked, key)

    def do() -> Mapping[str, Any]:
        return _handed_in(given, asked, name, who.name, again=key is not None)

    made: dict[str, Any] = once(given, who, key, asked, response, do)
    response.headers["Location"] = f"/v1/workloads/{made['name']}"
    return made


@router.get(
    "/workloads/{name}", response_model=WorkloadView, responses={304: {"description": "It is as it was."}}
)
def one(name: str, given: Given, who: Asking, response: Response, if_none_match: IfNoneMatch = None) -> Any:
    """How one stands: its units and runs, what it has used, and why it is not as it should be."""
    return with_tag(_view(given, who, "read", name), response, if_none_match)


@router.get("/workloads/{name}/history")
def history(name: str, given: Given, who: Asking) -> WorkloadHistory:
    """All that ever happened to it, and every step that was done."""
    _project(given, who, "read", name)
    return views.history_of(given.database, name)


@router.get("/workloads/{name}/move")
def move(name: str, given: Given, who: Asking) -> MoveView:
    """Its last move by the plans that were in force, and how far that is."""
    _project(given, who, "read", name)
    return moving.show(given.database, name)


@router.put("/workloads/{name}/move/cancelled")
def cancel_move(name: str, given: Given, who: Asking, why: Reason | None = None) -> Cancelled:
    """Have it be where it was before it moved, whatever step that is at."""
    _project(given, who, "operate", name)
    return moving.cancel(given.database, name, who.name, why.reason if why else None)


@router.delete("/workloads/{name}/move/cancelled")
def allow_move(name: str, given: Given, who: Asking) -> Changed:
    """Let it go where the plan in force has it, after all."""
    _project(given, who, "operate", name)
    return Changed(changed=moving.allow(given.database, name, who.name))


@router.post("/workloads/{name}/stop")
def stop(
    name: str, given: Given, who: Asking, why: Reason | None = None, if_match: IfMatch = None
) -> Changed:
    """Have it end; what it wrote is kept."""
    must_match(_view(given, who, "stop", name), if_match)
    return Changed(changed=submitting.stop(given.database, name, who.name, why.reason if why else None))


@router.delete("/workloads/{name}")
def remove(name: str, given: Given, who: Asking, if_match: IfMatch = None) -> Changed:
    """Have it end, and nothing of it kept but its history."""
    must_match(_view(given, who, "stop", name), if_match)
    return Changed(changed=submitting.remove(given.database, name, who.name))


@router.get("/workloads/{name}/logs")
def logs(
    name: str,
    given: Given,
    who: Asking,
    unit: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    since: Annotated[int, Query(ge=0, le=2**53, description="Byte to begin with.")] = 0,
) -> Text:
    """What a unit has written so far, where it runs or ran last."""
    _project(given, who, "logs", name)
    reader = Reader(given.database, by_kind(given.folder))
    content, following = reader.output(reader.run(name, unit), since)
    return Text(content[:LARGEST_TEXT].decode(errors="replace"), min(following, since + LARGEST_TEXT))


@router.get("/workloads/{name}/logs/stream", response_class=StreamingResponse)
def follow(
    name: str,
    given: Given,
    who: Asking,
    unit: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    last_event_id: Annotated[str | None, Header(max_length=30, pattern="^[0-9]+$")] = None,
) -> StreamingResponse:
    """What it writes, as server-sent events, wherever it moves, until it ends."""
    _project(given, who, "logs", name)
    return streamed(_followed(given, name, unit, int(last_event_id or 0)))


def _followed(given: Services, name: str, unit: int, since: int) -> Iterator[Message | None]:
    """Its number counts what was told, so that after a cut only what is new is told again."""
    reader = Reader(given.database, by_kind(given.folder))
    for number, seen in enumerate(reader.follow(name, unit), 1):
        if number <= since:
            continue
        kind, data = _told(seen)
        yield Message(str(number), kind, data)


def _told(seen: At | Output | Trouble | InLine | End) -> tuple[str, Mapping[str, Any]]:
    match seen:
        case Output(text):
            return "output", {"text": text.decode(errors="replace")}
        case At(run):
            return "at", {"site": run.site, "generation": run.generation}
        case InLine(queue, place, waiting):
            return "in-line", {"queue": queue, "place": place, "waiting": waiting}
        case Trouble(what):
            return "trouble", {"what": what}
        case End(_, code, reason, stopped):
            return "end", {"exit_code": code, "reason": reason, "stopped": stopped}


def _handed_in(given: Services, asked: Handing, name: str, by: str, *, again: bool) -> Mapping[str, Any]:
    workload, archive = _workload(asked), _archive(asked.files)
    if again and (before := _as_before(given, name)) is not None:
        return before
    try:
        return _done(given, asked, name, workload, archive, by)
    except InputError:
        # The same request may have come twice at the same time.
        if again and (before := _as_before(given, name)) is not None:
            return before
        raise


def _done(
    given: Services, asked: Handing, name: str, workload: Workload, archive: bytes, by: str
) -> Mapping[str, Any]:
    database, queue = given.database, asked.queue
    if queue is not None:
        handing_in.hand_in_work(database, queue, name, workload, {".": archive}, asked.priority, by)
        return {"name": name, "queue": queue, "site": None, "pool": None}
    placed = submitting.submit(database, name, workload, {".": archive}, by)
    at = placed.decision.assignments[0]
    return {"name": name, "queue": None, "site": at.site, "pool": at.pool}


def _as_before(given: Services, name: str) -> Mapping[str, Any] | None:
    """What was done for a request of this key that never got its answer."""
    waits = handing_in.found(given.database, name)
    if waits is not None:
        return {"name": name, "queue": waits.queue, "site": None, "pool": None}
    submission = submitting.found(given.database, name)
    if submission is None:
        return None
    with given.database.read() as connection:
        at = submitting.placed_at(connection, submission)
    return {"name": name, "queue": None, "site": at.site, "pool": at.pool}


def _workload(asked: Handing) -> Workload:
    return workload_of(
        Asked(
            tuple(asked.command), asked.accelerators, tuple(asked.accelerator), "0GiB", asked.cpu,
            f"{asked.memory_gib:.9f}GiB", asked.nodes, asked.hours, tuple(asked.data), asked.env, tuple(asked.state),
            asked.retries, asked.timeout_s, asked.use_case, secrets=asked.secrets,
        )
    )  # fmt: skip


def _must_keep_secrets(asked: Handing) -> None:
    """Raises Problem for a secret that is written out, and for one of a vault that is not the project's."""
    # What is wrong may be a secret, so it is not shown.
    written = [f"env/{name}" for name, value in asked.env.items() if is_secret(value)]
    written += [f"command/{k}" for k, word in enumerate(asked.command) if is_secret(word)]
    if written:
        raise Problem(
            422,
            f"{', '.join(written)}: this seems to be a secret, and many could see it; give a reference in `secrets`",
        )
    project = asked.use_case or DEFAULT
    for name, text in asked.secrets.items():
        wanted = reference(text)
        if wanted.scheme == "vault" and project not in wanted.where.split("/")[1:]:
            raise Problem(
                422,
                f"secrets/{name}: of a vault, work of {project} has what is below a folder {project!r} of its mount",
            )


def _archive(files: Mapping[str, str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="situs-") as scratch:
        for name, content in files.items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
                raise Problem(422, f"files: {name!r} is not a path in the folder of the run")
            there = Path(scratch, *path.parts)
            try:
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(base64.b64decode(content, validate=True))
            except (OSError, binascii.Error, ValueError) as error:
                raise Problem(422, f"files: {name!r} cannot be a file, or is not base64: {error}") from None
        return snapshot(Path(scratch), include=tuple(files)).archive


def _name(asked: Handing, key: str | None) -> str:
    if key is None:
        return fresh_name(tuple(asked.command))
    # The same for a request that is sent again, also when its first answer was lost in a crash.
    stem = fresh_name(tuple(asked.command)).rpartition("-")[0]
    return f"{stem}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"


def _project(given: Services, who: Asking, permission: Any, name: str) -> None:
    with given.database.read() as connection:
        known, use_case = project_of(connection, name)
    if not known:
        raise Problem(404, f"there is no workload {name!r}")
    must(who, permission, use_case, name)


def _view(given: Services, who: Asking, permission: Any, name: str) -> WorkloadView:
    _project(given, who, permission, name)
    return views.of_workload(given.database, name)
