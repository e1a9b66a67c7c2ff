"""The pods of a site as the cluster tells of them by itself, so that a thousand runs are not asked for one by one.

The cluster ends each watch after a short while, and the next one goes on where it ended.  So a line that was cut
without a word is noticed soon: what was seen counts only for as long as the cluster was heard of since.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from situs.model.error import SitusError
from situs.sites.kubernetes.cluster import Cluster, ClusterError, Kind, Object

WINDOW_S = 15
"""How long one watch is; one that is cut is noticed after this, and resuming costs the cluster next to nothing."""
FRESH_S = WINDOW_S + 10.0
REST_S = 120.0
"""Nobody has asked for so long: then nobody needs it."""
AGAIN_S = 1.0
EXPIRED = 410


class Watch:
    """Objects of one kind and label, kept up to date by a thread for as long as somebody asks."""

    def __init__(self, cluster: Cluster, kind: Kind, selector: Mapping[str, str], by: str) -> None:
        self._cluster = cluster
        self._kind = kind
        self._selector = selector
        self._by = by
        self._lock = threading.Lock()
        self._found: dict[str, Object] = {}
        self._version: str | None = None
        self._heard_at = self._asked_at = float("-inf")
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Watch from now on."""
        with self._lock:
            self._asked_at = time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()

    def labelled(self, value: str) -> list[Object] | None:
        """Those whose label has this value; None while what was seen may be out of date."""
        with self._lock:
            now = self._asked_at = time.monotonic()
            if now - self._heard_at > FRESH_S:
                return None
            return [one for one in self._found.values() if one["metadata"]["labels"].get(self._by) == value]

    def _run(self) -> None:
        while self._wanted():
            try:
                if self._version is None:
                    self._begin_anew()
                self._go_on()
            except ClusterError as error:
                self._version = None
                if error.code != EXPIRED:
                    time.sleep(AGAIN_S)
            except SitusError:
                # Where it was heard last still holds once it is back.
                time.sleep(AGAIN_S)
        self._version, self._heard_at = None, float("-inf")

    def _wanted(self) -> bool:
        return time.monotonic() - self._asked_at < REST_S

    def _begin_anew(self) -> None:
        listed, version = self._cluster.listed(self._kind, self._selector)
        with self._lock:
            self._found = {one["metadata"]["name"]: one for one in listed}
            self._version, self._heard_at = version, time.monotonic()

    def _go_on(self) -> None:
        assert self._version is not None
        with self._cluster.watch(self._kind, self._selector, self._version, WINDOW_S) as events:
            self._heard()
            for event in events:
                self._take(event)
        self._heard()

    def _heard(self) -> None:
        with self._lock:
            self._heard_at = time.monotonic()

    def _take(self, event: Mapping[str, Any]) -> None:
        kind, about = event["type"], event["object"]
        if kind == "ERROR":
            raise ClusterError(
                int(about.get("code", EXPIRED)), str(about.get("reason")), str(about.get("message"))
            )
        with self._lock:
            self._heard_at, self._version = time.monotonic(), about["metadata"]["resourceVersion"]
            if kind == "DELETED":
                self._found.pop(about["metadata"]["name"], None)
            elif kind in ("ADDED", "MODIFIED"):
                self._found[about["metadata"]["name"]] = about
