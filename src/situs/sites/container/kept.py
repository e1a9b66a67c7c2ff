"""What is ours at an engine: its containers and volumes, found and made by name and label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from situs.sites.adapter import Key
from situs.sites.container.creation import EMPTY, provide_empty_image, work_mount
from situs.sites.container.engine import Engine, EngineError
from situs.sites.container.names import KEY, Names, Role, Run, runs


class Kept:
    """Everything of one site at one engine."""

    def __init__(self, engine: Engine, names: Names) -> None:
        self._engine = engine
        self._names = names

    def run(self, key: Key) -> Run | None:
        """The container of a run; of several the one that was claimed last."""
        return next(iter(self.runs(key)), None)

    def runs(self, key: Key) -> list[Run]:
        """All containers that were made for a run, the one that counts first."""
        return runs(self._containers(key, "run"))

    def account(self, run: Run) -> Mapping[str, Any]:
        """All that the engine knows of a container."""
        account: Mapping[str, Any] = self._engine.get(f"/containers/{run.id}/json")
        return account

    def has_volume(self, name: str) -> bool:
        """Whether there is a volume of that name."""
        try:
            self._engine.get(f"/volumes/{name}")
        except EngineError as error:
            if error.code == 404:
                return False
            raise
        return True

    def provide_volume(self, name: str, role: Role, key: Key) -> None:
        """Make a volume, unless it is there."""
        labels = self._names.labels(role, key)
        self._engine.call("POST", "/volumes/create", body={"Name": name, "Labels": labels})

    def volumes(self, role: Role, unit: Key | None = None) -> dict[str, Key]:
        """Names of volumes and the runs they belong to."""
        filters = self._names.filters(role=role, unit=unit)
        found = self._engine.get("/volumes", filters=filters)["Volumes"] or ()
        # Of several labels Podman takes a volume that has one of them for found.
        ours = [volume for volume in found if self._names.match(volume["Labels"], filters)]
        return {volume["Name"]: Key.parse(volume["Labels"][KEY]) for volume in ours}

    def remove(self, key: Key) -> None:
        """Remove all of a run."""
        for container in self._containers(key):
            self.remove_container(container["Id"])
        self.remove_volume(self._names.work(key))
        # Last: while this is there, nobody takes the run for one that never was.
        self.remove_volume(self._names.begun(key))

    def remove_container(self, name: str) -> None:
        """Remove a container, unless it is gone."""
        self._remove(f"/containers/{name}", {"force": "1"})

    def remove_volume(self, name: str) -> None:
        """Remove a volume, unless it is gone."""
        self._remove(f"/volumes/{name}", {})

    @contextmanager
    def folder(self, key: Key) -> Iterator[str]:
        """A container through which the run's folder can be reached: the run's own, or one that never starts."""
        run = self.run(key)
        if run is not None:
            yield run.id
            return
        provide_empty_image(self._engine)
        body = {
            "Image": EMPTY,
            "Cmd": ["none"],
            "Labels": self._names.labels("folder", key),
            "HostConfig": {"Mounts": [work_mount(self._names.work(key))], "NetworkMode": "none"},
        }
        name = self._names.folder(key, uuid4().hex[:8])
        made = self._engine.call("POST", "/containers/create", query={"name": name}, body=body).json()["Id"]
        try:
            yield made
        finally:
            self.remove_container(made)

    def _containers(self, key: Key, role: Role | None = None) -> list[dict[str, Any]]:
        filters = self._names.filters(role=role, key=key)
        found: list[dict[str, Any]] = self._engine.get("/containers/json", all="1", filters=filters)
        return found

    def _remove(self, path: str, query: Mapping[str, str]) -> None:
        try:
            self._engine.call("DELETE", path, query=query)
        except EngineError as error:
            if error.code != 404 and "already in progress" not in error.message:
                raise
