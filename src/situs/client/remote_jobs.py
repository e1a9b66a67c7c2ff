"""Jobs for a control plane elsewhere: their code is sent first, unless it is there."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from situs.client.asking import Asking, Refused
from situs.client.told import understood
from situs.control.foreseen import ForeseenRun
from situs.model.error import SitusError
from situs.model.plan import Fit

PART_BYTES = 4 << 20
"""Of what is sent at once: what a cut makes one send again, at most."""
LOOK_AGAIN_S = 2.0
"""Somebody who waits for room elsewhere sees it so much later at most."""


class NoPlaceThere(SitusError):
    """It can be nowhere, or nowhere now; nothing was handed in."""

    def __init__(self, place: ForeseenRun) -> None:
        super().__init__(f"there is no place for {place.name}")
        self.place = place


class RemoteJobs:
    """Those of one server."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def send(self, archive: bytes, said: Callable[[int, int], None]) -> Mapping[str, str]:
        """Have code be there; gives what it is called. It goes on where it was cut off, also days before.

        ``said`` is told, before each part, how many bytes are there and of how many. Raises SitusError.
        """
        code = {
            "sha256": hashlib.sha256(archive).hexdigest(), "sha512": hashlib.sha512(archive).hexdigest(),
        }  # fmt: skip
        there = self._asking.send("POST", "/v1/code", code)
        while not there["whole"]:
            offset = int(there["bytes"])
            said(offset, len(archive))
            part = archive[offset : offset + PART_BYTES]
            path = f"/v1/code/{code['sha256']}"
            try:
                there = self._asking.put_bytes(path, part, size=len(archive), offset=offset)
            except Refused:
                # The part may have arrived though its answer did not, or somebody else sends the same.
                there = self._asking.send("POST", "/v1/code", code)
                if not there["whole"] and int(there["bytes"]) == offset:
                    raise
        return code

    def look(self, job: Mapping[str, Any]) -> ForeseenRun:
        """Where it would go now."""
        return understood(ForeseenRun, self._asking.send("POST", _path(job), {**job, "dry_run": True}))

    def hand_in(self, job: Mapping[str, Any], *, wait: bool = False) -> ForeseenRun | None:
        """Hand it in; gives where it goes, as far as that is known now. ``wait``: while it only lacks room.

        Raises NoPlaceThere.
        """
        while True:
            try:
                made = self._asking.send("POST", _path(job), job, key=secrets.token_hex(16))
            except Refused as refused:
                if refused.told.get("place") is None:
                    raise
                place = understood(ForeseenRun, refused.told["place"])
                if not (wait and place.fit is Fit.AT):
                    raise NoPlaceThere(place) from None
                time.sleep(LOOK_AGAIN_S)
                continue
            return understood(ForeseenRun, made["place"]) if made.get("place") is not None else None


def _path(job: Mapping[str, Any]) -> str:
    return "/v1/arrays" if "parameters" in job else "/v1/workloads"
