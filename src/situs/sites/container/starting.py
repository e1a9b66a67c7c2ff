"""Starting a run once and only once at an engine that starts what has ended as gladly as what never ran."""

from __future__ import annotations

import io
import random
import shlex
import tarfile
import time
from collections.abc import Mapping
from pathlib import PurePosixPath

from situs.model.error import SitusError
from situs.sites.adapter import Key, StaleGeneration, Task, Unreachable
from situs.sites.container.accelerators import Desk
from situs.sites.container.creation import SECRETS, WORK, ContainerOptions, creation, provide_image
from situs.sites.container.engine import Engine, EngineError
from situs.sites.container.kept import Kept
from situs.sites.container.names import Names

CLAIMS_S = 30.0
"""Those who start the same run at once get out of each other's way within a second."""


class Starting:
    """Admits generations, creates containers and starts them, for one site."""

    def __init__(
        self, engine: Engine, names: Names, kept: Kept, options: ContainerOptions, desk: Desk
    ) -> None:
        self._desk = desk
        self._engine = engine
        self._names = names
        self._kept = kept
        self._options = options

    def admit(self, key: Key) -> None:
        """Remember the highest generation of each unit for ever. Raises StaleGeneration for a lower one."""
        self._kept.provide_volume(self._names.newest(key), "newest", key)
        seen = {key.generation: name for name, key in self._kept.volumes("newest", key).items()}
        newest = max(seen)
        for generation, name in seen.items():
            if generation < newest:
                self._kept.remove_volume(name)
        if newest > key.generation:
            raise StaleGeneration(
                f"{key.workload}: generation {key.generation} is older than {newest}, which this site has seen"
            )

    def create(self, task: Task) -> None:
        """Make the run's container, unless another one does. Raises Full."""
        key = task.key
        image = task.image or self._options.image
        if image is None:
            raise SitusError(f"{key.workload}: it names no image, and neither does its site (option image)")
        provide_image(self._engine, image, self._options.pull)
        self._kept.provide_volume(self._names.work(key), "work", key)
        given = self._desk.take(key, task.accelerators)
        labels = self._names.labels("run", key)
        body = creation(task, self._options, image, self._names.work(key), labels, given)
        query = {"name": self._names.run(key, 0)}
        try:
            made = self._engine.call("POST", "/containers/create", query=query, body=body).json()["Id"]
        except EngineError as error:
            if error.code == 409:
                return
            raise
        if task.accelerators and not self._desk.has(key, given):
            self._kept.remove_container(made)
            raise Unreachable(f"{key.workload}: its accelerators went to another run while it was made")
        if task.secrets and not self._has_shell(made):
            self._kept.remove_container(made)
            raise SitusError(
                f"{key.workload}: the image {image} has no /bin/sh, which secrets are handed over by"
            )
        if any(run.id != made for run in self._kept.runs(key)):
            # Between our look and our creation another one was created, and claimed: the name was free again.
            self._kept.remove_container(made)
        elif self._engine.get(f"/images/{image}/json")["Config"].get("User"):
            self._open_folder(made)

    def start(self, key: Key, secrets: Mapping[str, str]) -> None:
        """Start the run's container, unless it was started.

        Raises Unreachable when no answer came, and SitusError when the engine cannot start it.
        """
        deadline = time.monotonic() + CLAIMS_S
        while (run := self._kept.run(key)) is not None and run.state == "created" and run.why is None:
            if time.monotonic() > deadline:
                raise Unreachable(f"{key.workload}: others have been starting it for {CLAIMS_S:.0f} s")
            mine = self._names.run(key, run.attempt + 1)
            if self._done(f"/containers/{run.name}/rename", {"name": mine}):
                self._kept.provide_volume(self._names.begun(key), "begun", key)
                if secrets and not self._put_secrets(mine, secrets):
                    continue
                try:
                    if self._done(f"/containers/{mine}/start", {}):
                        return
                except EngineError:
                    # It never starts, so nobody in it takes them away.
                    self._put_secrets(mine, {})
                    raise
            time.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - no secret

    def _has_shell(self, container: str) -> bool:
        try:
            self._engine.call("HEAD", f"/containers/{container}/archive", query={"path": "/bin/sh"})
        except EngineError as error:
            if error.code == 404:
                return False
            raise
        return True

    def _put_secrets(self, container: str, secrets: Mapping[str, str]) -> bool:
        """Lay them into a container that does not run; False when its name went to somebody else meanwhile."""
        text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in secrets.items())
        content = text.encode("utf-8", "surrogateescape")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            folder = tarfile.TarInfo(str(PurePosixPath(SECRETS).parent).lstrip("/"))
            # Whoever the image runs as reads and empties it; outside, the engine's folders are root's alone.
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(folder)
            file = tarfile.TarInfo(SECRETS.lstrip("/"))
            file.size, file.mode = len(content), 0o666
            tar.addfile(file, io.BytesIO(content))
        try:
            path = f"/containers/{container}/archive"
            self._engine.call("PUT", path, query={"path": "/"}, content=archive.getvalue())
        except EngineError as error:
            if error.code == 404:
                return False
            raise
        return True

    def _done(self, path: str, query: dict[str, str]) -> bool:
        """Whether the engine did it; False when the container's name went to somebody else meanwhile."""
        try:
            self._engine.call("POST", path, query=query)
        except EngineError as error:
            # One that was renamed while the engine looked it up by its old name has the new one already.
            taken = any(
                words in error.message for words in ("already in use", "the same name as its current")
            )
            if taken or (error.code == 404 and "no such container" in error.message.lower()):
                return False
            raise
        return True

    def _open_folder(self, container: str) -> None:
        """Let whoever the image runs as write into the run's folder, which is the engine's otherwise."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo(WORK.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        path = f"/containers/{container}/archive"
        self._engine.call("PUT", path, query={"path": "/"}, content=archive.getvalue())
