"""A task as an engine takes it, and the images it needs."""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from situs.model.error import SitusError
from situs.sites.adapter import Task
from situs.sites.container.engine import Engine, EngineError
from situs.sites.container.given import NONE, Accelerators
from situs.sites.container.names import LIMIT

WORK = "/situs"
"""Where a run finds its folder."""
SECRETS = "/situs-secrets/env"
"""Where they lie in a container from just before its start until its first shell has read them. What the engine is
told to set in an environment it tells everyone who asks it."""
READ_SECRETS = f"""
[ -r {SECRETS} ] || {{ echo "its secrets did not arrive" >&2; exit 126; }}
. {SECRETS}
# Emptied, as an image may have no rm.
: >{SECRETS} || exit 126
exec "$@"
"""
EMPTY = "situs-empty:1"
"""An image of nothing: what is made of it is never started and only opens a volume."""
Pull = Literal["missing", "always", "never"]


@dataclass(frozen=True)
class ContainerOptions:
    """How a site's engine is reached and its work is run."""

    name: str = "default"
    """tells sites apart that share an engine; must stay the same, as it marks all that is ours there"""
    socket: str = "/var/run/docker.sock"
    image: str | None = None
    """for tasks that name none"""
    pull: Pull = "missing"
    network: str | None = None
    """name of a network of the engine, ``host`` or ``none``; None: the engine's default"""
    mounts: tuple[str, ...] = ()
    """folders of the engine's host that every run sees, as ``/host:/inside`` or ``/host:/inside:ro``"""
    accelerators: Mapping[str, int] = field(default_factory=dict)
    """those of the engine's host by model, where the engine itself does not tell"""
    simulated: Mapping[str, int] = field(default_factory=dict)
    """those that are to be taken for there beside them, by model"""

    def __post_init__(self) -> None:
        if self.pull not in get_args(Pull):
            raise SitusError(f"container: pull {self.pull!r} is none of {', '.join(get_args(Pull))}")
        for mount in self.mounts:
            parts = mount.split(":")
            if (
                len(parts) < 2
                or not all(p.startswith("/") for p in parts[:2])
                or parts[2:] not in ([], ["ro"])
            ):
                raise SitusError(
                    f"container: mount {mount!r} is not written as /host:/inside or /host:/inside:ro"
                )


def creation(
    task: Task, options: ContainerOptions, image: str, volume: str, labels: dict[str, str],
    given: Accelerators = NONE,
) -> Any:  # fmt: skip
    """What the engine is told to create. The environment goes in the body, so no process list ever has it."""
    env = {
        "HOME": WORK,
        "LANG": "C.UTF-8",
        **given.hidden,
        **task.env,
        **given.env,
        "SITUS_WORKLOAD": task.key.workload,
        "SITUS_UNIT": str(task.key.unit),
        "SITUS_GENERATION": str(task.key.generation),
    }
    for name, value in env.items():
        if not name or "=" in name or "\0" in name + value:
            raise SitusError(f"{task.key.workload}: {name!r} cannot be set in an environment")
    for name, value in task.secrets.items():
        if not name.isidentifier() or not name.isascii() or "\0" in value:
            raise SitusError(f"{task.key.workload}: {name!r} cannot be set by a shell")
    command = list(task.command)
    if task.secrets:
        command = ["/bin/sh", "-c", READ_SECRETS, "sh", *command]
    host: dict[str, Any] = {
        "Mounts": [work_mount(volume)],
        "Binds": list(options.mounts),
        # The first process of a container gets no signal it has not asked for and buries nobody; this one does both.
        "Init": True,
        "RestartPolicy": {"Name": "no"},
        "SecurityOpt": ["no-new-privileges"],
    }
    if given.requests:
        host["DeviceRequests"] = given.requests
    if options.network is not None:
        host["NetworkMode"] = options.network
    if task.memory_gib is not None:
        host["Memory"] = host["MemorySwap"] = math.ceil(task.memory_gib * 2**30)
    if task.cpus is not None:
        host["NanoCpus"] = task.cpus * 10**9
    limit = {} if task.timeout_s is None else {LIMIT: str(task.timeout_s)}
    return {
        "Image": image,
        "Entrypoint": command,
        "Cmd": [],
        "Env": [f"{name}={value}" for name, value in env.items()],
        "WorkingDir": WORK,
        "Labels": {**labels, **limit},
        "StopSignal": "SIGTERM",
        "HostConfig": host,
    }


def work_mount(volume: str) -> dict[str, Any]:
    """The run's folder as a mount; nothing of the image is copied into it."""
    return {"Type": "volume", "Source": volume, "Target": WORK, "VolumeOptions": {"NoCopy": True}}


def provide_image(engine: Engine, image: str, pull: Pull) -> None:
    """Have an image at the engine. Raises SitusError when it cannot be had."""
    if pull != "always" and _has(engine, image):
        return
    if pull == "never":
        raise SitusError(f"image {image} is not at the engine, and pull: never forbids to fetch it")
    said = b"".join(engine.stream("/images/create", query={"fromImage": _tagged(image)}, method="POST"))
    for line in said.splitlines():
        error = json.loads(line).get("error")
        if error:
            raise SitusError(f"image {image} cannot be pulled: {error}")


def provide_empty_image(engine: Engine) -> None:
    """Have the image of nothing at the engine; it is made there, no registry is asked."""
    if _has(engine, EMPTY):
        return
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(WORK.lstrip("/"))
        entry.type, entry.mode = tarfile.DIRTYPE, 0o777
        tar.addfile(entry)
    # The tag with the name: Podman does not read it where it stands alone.
    query = {"fromSrc": "-", "repo": EMPTY}
    engine.call("POST", "/images/create", query=query, content=archive.getvalue())


def _has(engine: Engine, image: str) -> bool:
    try:
        engine.get(f"/images/{image}/json")
    except EngineError as error:
        if error.code == 404:
            return False
        raise
    return True


def _tagged(image: str) -> str:
    """With a tag: without one an engine would fetch all there are."""
    last = image.rpartition("/")[2]
    return image if ":" in last or "@" in last else f"{image}:latest"
