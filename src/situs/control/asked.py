"""From what a person types to a workload: which program, on what, with what, and by which name."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.model.workload import Workload

DEFAULT_HOURS = 1.0
"""How long a run is taken to be where nobody says: prices by the hour then read as they are."""
LATEST = "latest"
PROGRAMS = {".py": "python", ".sh": "sh"}
"""What runs a file that is no program by itself."""


@dataclass(frozen=True)
class Asked:
    """What is to be run, in the words of the one who asks."""

    command: tuple[str, ...]
    """a script or program, and its arguments"""
    accelerators: float = 0.0
    accelerator: tuple[str, ...] = ()
    """acceptable models; none: any"""
    accelerator_memory: str = "0GiB"
    cpu: float = 1.0
    memory: str = "0GiB"
    """0: no limit, and none is set aside"""
    nodes: int = 1
    hours: float | None = None
    """how long it is likely to take"""
    data: tuple[str, ...] = ()
    """datasets it reads, each ``name`` or ``name@latest``"""
    env: Mapping[str, str] = field(default_factory=dict)
    state: tuple[str, ...] = ()
    """files it goes on from when it is started again"""
    retries: int = 0
    timeout_s: float | None = None
    use_case: str | None = None
    packages: str | None = None
    python: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    """variable -> where the control plane finds what it holds"""
    image: str | None = None
    """container image that it runs in; None: the site's"""
    final: tuple[int, ...] = ()
    """exit codes after which it is not started again"""
    min_runtime: str = "0h"
    """in a queue: it is not ended for another one before it has run so long"""
    checkpoint_every: str | None = None
    """how often it saves its state; None: never, so that all its work is lost when it is ended"""
    checkpoint_size: str = "0GB"


def workload_of(asked: Asked, files: tuple[str, ...] = ()) -> Workload:
    """The workload that is meant. ``files``: what it is sent besides its code.

    Raises InputError that says which word is wrong.
    """
    # Loaded where it is needed: who only hands words on to a control plane is spared that.
    from pydantic import ValidationError

    from situs.model.workload import Workload

    run: dict[str, Any] = {
        "command": command_of(asked.command), "code": ".", "packages": asked.packages, "python": asked.python,
        # Output is to be seen when it is written, not when a buffer is full.
        "env": {"PYTHONUNBUFFERED": "1", **asked.env}, "state": asked.state, "retries": asked.retries,
        "timeout": asked.timeout_s, "files": files, "secrets": asked.secrets, "image": asked.image,
        "final": asked.final,
    }  # fmt: skip
    shape: dict[str, Any] = {
        "cpu": asked.cpu, "memory": asked.memory, "accelerators": asked.accelerators, "nodes": asked.nodes,
        "accelerator_memory": asked.accelerator_memory, "accelerator": frozenset(asked.accelerator) or None,
    }  # fmt: skip
    content = {
        "stage": "train" if asked.accelerators else "develop", "use_case": asked.use_case, "shapes": [shape],
        "job": {"work": asked.hours or DEFAULT_HOURS}, "inputs": [{"dataset": named(each)} for each in asked.data],
        "label": {"level": 0}, "run": run, "min_runtime": asked.min_runtime, "checkpoint": _checkpoint(asked),
    }  # fmt: skip
    try:
        return Workload.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), "")
        said = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{where}: {said}" if where else said) from None


def must_be_in_a_queue(queue: str | None, min_runtime: str) -> None:
    """Raises InputError for what only queues go by."""
    if queue is None and min_runtime != Asked.min_runtime:
        raise InputError(
            "a least run time is for work in a queue, where it may have to make room for other work; say which queue"
        )


def _checkpoint(asked: Asked) -> dict[str, Any] | None:
    if asked.checkpoint_every is None:
        if asked.checkpoint_size != Asked.checkpoint_size:
            raise InputError(
                "a checkpoint has a size only where it is said how often it is saved; say that too"
            )
        return None
    if not asked.state:
        raise InputError(
            "it is said how often state is saved, and not which files that is; name them as its state"
        )
    return {"interval": asked.checkpoint_every, "size_gb": asked.checkpoint_size}


def command_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """The program with its arguments; a script gets the program that runs it. Raises InputError."""
    if not words:
        raise InputError("say what is to be run, as in `situs run train.py -- --epochs 3`")
    program = PROGRAMS.get(PurePath(words[0]).suffix)
    return (program, *words) if program else words


def named(data: str) -> str:
    """The dataset of a name with a version. Raises InputError for a version that is not kept."""
    name, _, version = data.partition("@")
    if version not in ("", LATEST):
        raise InputError(
            f"{data!r}: only the newest version of data is kept; write {name} or {name}@{LATEST}"
        )
    return name


def fresh_name(words: tuple[str, ...]) -> str:
    """A name that nobody has used, from what is run."""
    stem = re.sub(r"[^a-z0-9]+", "-", PurePath(words[0]).stem.lower()).strip("-")[:40] if words else ""
    return f"{stem or 'run'}-{secrets.token_hex(3)}"
