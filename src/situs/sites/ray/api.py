"""The HTTP interface of a Ray cluster's dashboard, as far as it is needed here; no package of Ray is.

Jobs and packages are what Ray documents for its Jobs API; nodes and the files of a session's log folder are what its
State API serves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable
from situs.sites.web import ANSWER_S, WebClient, clock_of

NOT_THERE = "file is not found"
BLOCK = 1 << 20


class RayError(SitusError):
    """Ray said no; ``code`` is its HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"Ray refuses it: {message}")
        self.code = code
        self.message = message


class RayApi:
    """One cluster. Any call may raise Unreachable and RayError."""

    def __init__(self, address: str, token: Callable[[], str] | None = None, ca: str | None = None) -> None:
        """``token``: gives that of a cluster that asks for one; ``ca``: file of who signs its certificate."""
        self._token = token
        self._web = WebClient(address, "the Ray cluster", _refusal, self._headers, ca)
        self.address = self._web.address

    def version(self) -> tuple[str, datetime | None]:
        """Ray's version, and the time that the cluster has."""
        answer = self._web.send("GET", "/api/version")
        try:
            return str(answer.json()["ray_version"]), clock_of(answer)
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"{self.address} is no dashboard of Ray") from None

    def nodes(self) -> list[Mapping[str, Any]]:
        """All nodes that are alive, with the resources that each has."""
        told = self._web.send("GET", "/api/v0/nodes", params={"detail": "1", "limit": "10000"}).json()
        return [node for node in told["data"]["result"]["result"] if node["state"] == "ALIVE"]

    def jobs(self) -> list[Mapping[str, Any]]:
        """All jobs that the cluster remembers, whoever submitted them."""
        return list(self._web.send("GET", "/api/jobs/").json())

    def job(self, name: str) -> Mapping[str, Any] | None:
        """What the cluster says about a job; None: it knows none of that name."""
        try:
            job: Mapping[str, Any] = self._web.send("GET", f"/api/jobs/{name}").json()
        except RayError as error:
            if error.code == 404:
                return None
            raise
        return job

    def provide(self, package: bytes) -> str:
        """Have a package at the cluster; gives its URI, which is made of its content."""
        name = f"_ray_pkg_{sha256(package).hexdigest()[:40]}.zip"
        try:
            self._web.send("GET", f"/api/packages/gcs/{name}")
        except RayError as error:
            if error.code != 404:
                raise
            self._web.send("PUT", f"/api/packages/gcs/{name}", content=package)
        return f"gcs://{name}"

    def submit(self, name: str, **body: Any) -> None:
        """Submit a job, unless there is one of that name: Ray takes each name once, however many ask."""
        try:
            self._web.send("POST", "/api/jobs/", json={"submission_id": name, **body})
        except RayError as error:
            if "already exists" not in error.message:
                raise

    def stop(self, name: str) -> bool:
        """Have Ray end a job; gives whether it has taken that in. What is over stays as it is."""
        return bool(self._web.send("POST", f"/api/jobs/{name}/stop").json().get("stopped"))

    def delete(self, name: str) -> None:
        """Have Ray forget a job that is over; one that is gone already is no error."""
        try:
            self._web.send("DELETE", f"/api/jobs/{name}")
        except RayError as error:
            if error.code != 404:
                raise

    def said(self, name: str) -> str:
        """What a job has written."""
        return str(self._web.send("GET", f"/api/jobs/{name}/logs").json().get("logs") or "")

    def file(self, node: str, name: str) -> bytes | None:
        """A file of a node's log folder; None: it is not there."""
        try:
            return self._web.send("GET", "/api/v0/logs/file", params=_file(node, name)).content
        except RayError as error:
            if NOT_THERE in error.message:
                return None
            raise

    def fetch(self, node: str, name: str, target: Path) -> str:
        """Copy a file of a node's log folder, whole or not at all; gives its SHA-256."""
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f".{target.name[:200]}.new")
        digest = sha256()
        try:
            with (
                self._web.stream("GET", "/api/v0/logs/file", params=_file(node, name)) as answer,
                new.open("wb") as file,
            ):
                for block in answer.iter_bytes(BLOCK):
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
        return digest.hexdigest()

    def _headers(self) -> dict[str, str]:
        same = {"Accept-Encoding": "identity"}
        return same if self._token is None else {**same, "Authorization": f"Bearer {self._token()}"}


def _file(node: str, name: str) -> dict[str, str]:
    return {"node_id": node, "filename": name, "lines": "-1", "timeout": str(int(ANSWER_S))}


def _refusal(answer: httpx.Response) -> RayError:
    """What an answer that is an error means."""
    if answer.status_code in (401, 403):
        return RayError(answer.status_code, f"it does not take the token (HTTP {answer.status_code})")
    # A refusal may come as the trace of what went wrong there; its last line says it.
    lines = [line for line in answer.text.splitlines() if line.strip(" .")] or [answer.reason_phrase]
    return RayError(answer.status_code, lines[-1].strip()[:300])
