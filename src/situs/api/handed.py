"""A job as it comes over the API: what may be said of it, and what is made of that."""

from __future__ import annotations

import base64
import binascii
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field

from situs.api.code import Code, archive_of
from situs.api.permissions import DEFAULT
from situs.api.problems import Problem
from situs.api.services import Body
from situs.control.asked import Asked, fresh_name, must_be_in_a_queue, workload_of
from situs.control.queues.handing_in import USUAL_PRIORITY
from situs.control.queues.projects import projects, use_case_in
from situs.control.shipping import lock_digest, snapshot
from situs.model.base import Name
from situs.model.image import ImageName
from situs.model.secret import SecretReference, is_secret, reference
from situs.model.workload import Workload
from situs.store.database import Database

Word = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
Handed = TypeVar("Handed", bound="Handing")


class Handing(Body):
    """A job to be run once, where rules, room and cost put it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    command: list[Word] = Field(min_length=1, max_length=1000)
    """a script of `files` or a program, and its arguments; no shell"""
    name: Name | None = None
    use_case: Name | None = None
    queue: Name | None = None
    """None: there must be room now"""
    priority: int = Field(USUAL_PRIORITY, ge=0, le=100)
    accelerators: float = Field(0.0, ge=0, le=4096)
    accelerator: list[str] = Field(default_factory=list, max_length=50)
    cpu: float = Field(1.0, ge=0, le=100_000)
    memory_gib: float = Field(0.0, ge=0, le=1_000_000)
    accelerator_memory_gib: float = Field(0.0, ge=0, le=1_000_000)
    nodes: int = Field(1, ge=1, le=4096)
    hours: float | None = Field(None, gt=0, le=100_000)
    sites: list[Name] = Field(default_factory=list, max_length=100)
    """at these alone; a queue says where its runs may be"""
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
    final: list[Annotated[int, Field(ge=1, le=255)]] = Field(default_factory=list, max_length=255)
    """exit codes after which it is not started again"""
    timeout_s: float | None = Field(None, ge=1, le=31_536_000)
    min_runtime_s: float = Field(0.0, ge=0, le=31_536_000)
    """in a queue: it is not ended for another one before it has run so long"""
    checkpoint_every_s: float | None = Field(None, gt=0, le=31_536_000)
    """how often it saves the files of `state`; None: never"""
    checkpoint_size_gb: float = Field(0.0, ge=0, le=1_000_000)
    files: dict[Annotated[str, Field(min_length=1, max_length=500)], str] = Field(
        default_factory=dict, max_length=2000
    )
    """path in its folder -> content, in base64"""
    code: Code | None = None
    """its folder, sent before (`/v1/code`), instead of `files`"""
    packages: Word | None = None
    """lock file among what is sent, whose packages are installed"""
    python: Word | None = None
    image: ImageName | None = None
    """container image that it runs in; None: the site's"""
    dry_run: bool = False
    """only say where it would go"""

    @property
    def only(self) -> frozenset[str] | None:
        """Sites that it may be at; None: all."""
        return frozenset(self.sites) or None


def workload(asked: Handing) -> Workload:
    """What is to be run. Raises InputError."""
    min_runtime = f"{asked.min_runtime_s!r}s" if asked.min_runtime_s else Asked.min_runtime
    every = None if asked.checkpoint_every_s is None else f"{asked.checkpoint_every_s!r}s"
    size = f"{asked.checkpoint_size_gb!r}GB" if asked.checkpoint_size_gb else Asked.checkpoint_size
    must_be_in_a_queue(asked.queue, min_runtime)
    return workload_of(
        Asked(
            tuple(asked.command), asked.accelerators, tuple(asked.accelerator),
            f"{asked.accelerator_memory_gib:.9f}GiB", asked.cpu, f"{asked.memory_gib:.9f}GiB", asked.nodes,
            asked.hours, tuple(asked.data), asked.env, tuple(asked.state),
            asked.retries, asked.timeout_s, asked.use_case, asked.packages, asked.python, asked.secrets,
            asked.image, tuple(asked.final), min_runtime, every, size,
        )
    )  # fmt: skip


def in_the_queue(database: Database, asked: Handed) -> Handed:
    """What is asked for, as it is in its queue: work in a queue of a project belongs to that. Raises InputError."""
    if asked.queue is None:
        return asked
    with database.read() as connection:
        project = projects(connection).get(asked.queue)
    return asked.model_copy(update={"use_case": use_case_in(asked.queue, project, asked.use_case)})


def must_have_no_sites_in_a_queue(asked: Handing) -> None:
    """Raises Problem where both are named."""
    if asked.queue is not None and asked.sites:
        raise Problem(422, "sites: a queue says where its runs may be; leave them out, or take another queue")


def must_keep_secrets(asked: Handing) -> None:
    """Raises Problem for a secret that is written out, and for one of a vault that is not the project's."""
    words = {f"command/{k}": word for k, word in enumerate(asked.command)}
    must_be_no_secrets({f"env/{name}": value for name, value in asked.env.items()} | words)
    must_be_of_the_project(asked.secrets, asked.use_case)


def must_be_of_the_project(secrets: Mapping[str, str], use_case: str | None) -> None:
    """Raises Problem for a secret of a vault that is not the project's."""
    project = use_case or DEFAULT
    for name, text in secrets.items():
        wanted = reference(text)
        if wanted.scheme == "vault" and project not in wanted.where.split("/")[1:]:
            raise Problem(
                422,
                f"secrets/{name}: of a vault, work of {project} has what is below a folder {project!r} of its mount",
            )


def must_be_no_secrets(texts: Mapping[str, str]) -> None:
    """Raises Problem when one of these is a secret that is written out. ``texts``: where it stands -> what it is."""
    # What is wrong may be a secret, so it is not shown.
    written = [where for where, text in texts.items() if is_secret(text)]
    if written:
        raise Problem(
            422,
            f"{', '.join(written)}: this seems to be a secret, and many could see it; give a reference in `secrets`",
        )


def archive(database: Database, asked: Handing) -> bytes:
    """The folder of a run, from what was sent with it or before. Raises Problem, and InputError."""
    if asked.code is not None and asked.files:
        raise Problem(422, "code, files: one of them holds the folder of a run, not both")
    if asked.code is not None:
        content = archive_of(database, asked.code)
    else:
        with sent(asked.files) as folder:
            content = snapshot(folder, include=tuple(asked.files)).archive
    if asked.packages is not None:
        lock_digest(content, asked.packages)
    return content


@contextmanager
def sent(files: Mapping[str, str]) -> Iterator[Path]:
    """A folder with these files, for a while. ``files``: path in it -> content, in base64. Raises Problem."""
    with tempfile.TemporaryDirectory(prefix="situs-") as scratch:
        for name, content in files.items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
                raise Problem(422, f"files: {name!r} is not a path in the folder that is sent")
            there = Path(scratch, *path.parts)
            try:
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(base64.b64decode(content, validate=True))
            except (OSError, binascii.Error, ValueError) as error:
                raise Problem(422, f"files: {name!r} cannot be a file, or is not base64: {error}") from None
        yield Path(scratch)


def name_of(asked: Handing, key: str | None) -> str:
    """What it is called where nobody says it."""
    if key is None:
        return fresh_name(tuple(asked.command))
    # The same for a request that is sent again, also when its first answer was lost in a crash.
    stem = fresh_name(tuple(asked.command)).rpartition("-")[0]
    return f"{stem}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"
