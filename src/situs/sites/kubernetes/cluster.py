"""The API of a cluster, as far as a site needs it: plain objects in and out, over one pool of connections.

Only what every conformant cluster serves is used: core/v1 and batch/v1.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable
from situs.sites.kubernetes.access import Access

ANSWER_S = 30.0
APPLY = "application/apply-patch+yaml"
OWNER = "situs"
"""Whose fields they are, where others change the same object (server-side apply)."""
AWAY = {429, 500, 502, 503, 504}
"""Answers that do not say whether it happened, and that another time may be different."""
Object = dict[str, Any]


class ClusterError(SitusError):
    """The cluster said no; ``code`` is its HTTP status, ``reason`` its own word for it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"the cluster refuses it: {message}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class Kind:
    """A kind of object."""

    version: str
    kind: str
    plural: str

    def body(self, content: Mapping[str, Any]) -> Object:
        """An object of the kind."""
        return {"apiVersion": self.version, "kind": self.kind, **content}


JOB = Kind("batch/v1", "Job", "jobs")
POD = Kind("v1", "Pod", "pods")
CONFIG = Kind("v1", "ConfigMap", "configmaps")
CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
SECRET = Kind("v1", "Secret", "secrets")
SERVICE = Kind("v1", "Service", "services")


class Cluster:
    """One namespace of a cluster."""

    def __init__(self, access: Access, namespace: str | None = None) -> None:
        self.access = access
        self.namespace = namespace or access.namespace
        self._client = httpx.Client(base_url=access.server, verify=access.ssl, timeout=ANSWER_S)

    def get(self, kind: Kind, name: str) -> Object | None:
        """The object; None when there is none."""
        try:
            return self._object("GET", self.path(kind, name))
        except ClusterError as error:
            if error.code == 404:
                return None
            raise

    def find(self, kind: Kind, selector: Mapping[str, str]) -> list[Object]:
        """All objects with these labels."""
        return self.listed(kind, selector)[0]

    def listed(self, kind: Kind, selector: Mapping[str, str]) -> tuple[list[Object], str]:
        """The same, and the version to watch from; in pages, so that no answer is too large for the cluster."""
        query = {"labelSelector": _selected(selector), "limit": "500"}
        found: list[Object] = []
        while True:
            page = self._object("GET", self.path(kind), query=query)
            found += page.get("items") or []
            go_on = page["metadata"].get("continue")
            if not go_on:
                return found, page["metadata"]["resourceVersion"]
            query["continue"] = go_on

    @contextmanager
    def watch(
        self, kind: Kind, selector: Mapping[str, str], version: str, window_s: int
    ) -> Generator[Iterator[Any], None, None]:
        """What happened to such objects since, and happens for so long; ends by itself."""
        query = {"labelSelector": _selected(selector), "watch": "true", "resourceVersion": version}
        query |= {"allowWatchBookmarks": "true", "timeoutSeconds": str(window_s)}
        with self._answer("GET", self.path(kind), query=query) as answer:
            yield self._events(answer)

    def _events(self, answer: httpx.Response) -> Iterator[Any]:
        try:
            yield from (json.loads(line) for line in answer.iter_lines() if line)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def create(self, kind: Kind, content: Mapping[str, Any]) -> Object | None:
        """Make it; None when there is one of that name already."""
        try:
            return self._object("POST", self.path(kind), body=kind.body(content))
        except ClusterError as error:
            if error.reason == "AlreadyExists":
                return None
            raise

    def replace(self, kind: Kind, content: Mapping[str, Any]) -> Object | None:
        """Put this in its place; None when it is not the one any more that its resourceVersion names."""
        path = self.path(kind, content["metadata"]["name"])
        try:
            return self._object("PUT", path, body=kind.body(content))
        except ClusterError as error:
            if error.code in (404, 409):
                return None
            raise

    def apply(self, kind: Kind, content: Mapping[str, Any]) -> Object:
        """Have it as it is here, made or changed by the cluster itself (server-side apply)."""
        path = self.path(kind, content["metadata"]["name"])
        query = {"fieldManager": OWNER, "force": "true"}
        return self._object("PATCH", path, query=query, body=kind.body(content), content_type=APPLY)

    def delete(self, kind: Kind, name: str, grace_s: int | None = None, uid: str | None = None) -> None:
        """Remove it with what belongs to it, unless it is gone; the cluster does so in its own time."""
        options: Object = {"propagationPolicy": "Background"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            self._object("DELETE", self.path(kind, name), body=options)
        except ClusterError as error:
            if error.code != 404 and not (uid and error.code == 409):
                raise

    def warnings(self, name: str) -> list[str]:
        """What the cluster has to complain about an object, the newest last."""
        query = {"fieldSelector": f"involvedObject.name={name},type=Warning", "limit": "50"}
        path = f"/api/v1/namespaces/{self.namespace}/events"
        found = self._object("GET", path, query=query).get("items") or []
        found.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime")))
        return [f"{event.get('reason')}: {event.get('message')}" for event in found]

    def nodes(self) -> list[Object]:
        """All nodes of the cluster."""
        found: list[Object] = self._object("GET", "/api/v1/nodes").get("items") or []
        return found

    def review(self, kind: str, spec: Mapping[str, Any]) -> Object:
        """What the cluster says of our own rights."""
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        return self._object("POST", f"/apis/authorization.k8s.io/v1/{kind.lower()}s", body=body)

    def clock_ahead_s(self) -> float:
        """How far the cluster's clock is ahead, to a second."""
        before = time.time()
        with self._answer("GET", "/version") as answer:
            answer.read()
        there = parsedate_to_datetime(answer.headers["Date"]).timestamp() + 0.5
        return there - (before + time.time()) / 2

    @contextmanager
    def log(self, pod: str, container: str) -> Generator[httpx.Response, None, None]:
        """The output of a container, as it comes. Raises ClusterError 400 for one that never began."""
        path = f"{self.path(POD, pod)}/log"
        with self._answer("GET", path, query={"container": container}) as answer:
            try:
                yield answer
            except httpx.TransportError as error:
                raise self._unreachable(error) from error

    def path(self, kind: Kind, name: str | None = None) -> str:
        """Where a kind of object of our namespace is, or one of them."""
        root = "/api/v1" if kind.version == "v1" else f"/apis/{kind.version}"
        rest = f"/{name}" if name is not None else ""
        return f"{root}/namespaces/{self.namespace}/{kind.plural}{rest}"

    def headers(self) -> dict[str, str]:
        """Who asks."""
        token = self.access.token()
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def _object(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None,
        content_type: str = "application/json",
    ) -> Object:  # fmt: skip
        content = None if body is None else json.dumps(body).encode()
        with self._answer(method, path, query=query, content=content, content_type=content_type) as answer:
            try:
                answer.read()
            except httpx.TransportError as error:
                raise self._unreachable(error) from error
        found: Object = answer.json()
        return found

    @contextmanager
    def _answer(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, content: bytes | None = None,
        content_type: str | None = None,
    ) -> Generator[httpx.Response, None, None]:  # fmt: skip
        """A good answer. Raises ClusterError for a no, Unreachable for none."""
        headers = self.headers() | ({"Content-Type": content_type} if content_type else {})
        request = self._client.build_request(method, path, params=query, content=content, headers=headers)
        try:
            answer = self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        try:
            if answer.is_error:
                raise self._refusal(answer)
            yield answer
        finally:
            answer.close()

    def _refusal(self, answer: httpx.Response) -> SitusError:
        try:
            answer.read()
            said = answer.json()
            reason, message = str(said.get("reason") or ""), str(said.get("message") or answer.reason_phrase)
        except httpx.TransportError as error:
            return self._unreachable(error)
        except (ValueError, AttributeError):
            reason, message = "", answer.text.strip()[:500] or answer.reason_phrase
        if answer.status_code in AWAY:
            return Unreachable(f"the cluster at {self.access.server} cannot say now: {message}")
        if answer.status_code == 401:
            message = "it does not believe who asks; renew the credentials of the kubeconfig"
        return ClusterError(answer.status_code, reason, message)

    def _unreachable(self, error: Exception) -> Unreachable:
        said = str(error) or type(error).__name__
        return Unreachable(f"the cluster at {self.access.server} gave no answer: {said}")


def _selected(selector: Mapping[str, str]) -> str:
    return ",".join(f"{label}={value}" for label, value in selector.items())
